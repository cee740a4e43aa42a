"""What is done to the edges of a shot's depth: settled once, from what was measured and what a person asked for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from engine.depth.conditioning.quality import HARD, EdgeQuality

if TYPE_CHECKING:
    from engine.shot import Depth

__all__ = ["MOST_REACH", "EdgePlan"]

MOST_REACH: Final = 16
"""Pixels beyond which no edge is moved."""

MOST_RAMP: Final = 14


@dataclass(frozen=True)
class EdgePlan:
    """How edges are conditioned, in pixels of the plate.

    Attributes:
        ramp: half the width of the depth's softest edges.
        reach: how far an edge may be moved.
        softness: standard deviation of the depth's blur.
        half: decide at half the size, for the draft quality.
    """

    ramp: int
    reach: int
    softness: float
    half: bool = False

    @classmethod
    def of(cls, quality: EdgeQuality, settings: Depth, *, half: bool = False) -> EdgePlan | None:
        """The plan for a shot; None where its depth is to be left as it is.

        Args:
            quality: measured over the shot.
            settings: ``edges`` and ``edge_strength`` of the document.
            half: see the attribute.
        """
        if settings.edges == "exact" or settings.edge_strength == 0 or quality.crossings == 0:
            return None
        if settings.edges == "auto" and quality.exact:
            return None
        scatter = quality.scatter if quality.seen else 1
        # An edge is off by twice its usual distance here and there.
        reach = max(2, scatter + 1 + scatter // 2)
        hard = quality.softness < HARD
        return cls(
            ramp=1 if hard else min(ceil(2.7 * min(quality.softest, 1.5 * quality.softness) + 0.5), MOST_RAMP),
            reach=min(max(ceil(reach * settings.edge_strength), 1), MOST_REACH),
            softness=0.0 if hard else quality.softness,
            half=half,
        )

    def halved(self) -> EdgePlan:
        """The same in a picture of half the size."""
        return EdgePlan(max((self.ramp + 1) // 2, 1), max((self.reach + 1) // 2, 1), 0.5 * self.softness)

    @property
    def doubt(self) -> float:
        """Distance in pixels from the depth's edge that is worth one unit of log odds."""
        return max(0.6, self.reach / 4.0)
