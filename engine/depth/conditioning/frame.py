"""One frame's edges: what the frame says of them, and its disparity once they are decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.evidence import judge, smooth_evidence
from engine.depth.conditioning.guide import Guide, guide_of
from engine.depth.conditioning.half_size import halve, restore
from engine.depth.conditioning.plan import EdgePlan
from engine.depth.conditioning.sides import find_ridges, measure_sides
from engine.depth.conditioning.surfaces import place_surfaces
from engine.depth.conditioning.windows import Levels, find_levels
from engine.frames import Float32Array

__all__ = ["REACH", "Evidence", "OpenEdges", "condition", "open_edges"]

REACH: Final = 2
"""Frames before and after that have a say."""

SAY: Final = (1.0, 0.7, 0.5)
"""Weight of a frame's evidence by its distance in frames."""

ALIKE: Final = 9.0
"""Difference of the guide, in levels, at which another frame's pixel hardly shows the same thing: grain is less."""

ODDS_STEPS: Final = np.float32(4.0)
"""Kept log odds are whole numbers of quarters."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a frame tells its neighbours; a few bytes a pixel.

    Attributes:
        odds: (H, W) int8, log odds of near against far in quarters; 0 away from edges.
        guide: (H, W, 3) uint8, the plate as the eye sees it.
    """

    odds: NDArray[np.int8]
    guide: Guide


@dataclass(frozen=True, eq=False)
class OpenEdges:
    """A frame whose edges wait for its neighbours.

    Attributes:
        disparity: (H, W) as it came; the full size.
        small: (h, w) the size at which edges are decided: full or half.
        levels, side, odds: see ``windows``, ``sides`` and ``evidence``.
        evidence: what the neighbours are told.
        plan: of the shot, at the size of ``small``.
    """

    disparity: Float32Array
    small: Float32Array
    levels: Levels
    side: Float32Array
    odds: Float32Array
    evidence: Evidence
    plan: EdgePlan

    def decided(self, before: Sequence[Evidence] = (), after: Sequence[Evidence] = ()) -> Float32Array:
        """Disparity whose edges are edges, at the plate's own.

        Args:
            before: the frames before, the nearest first.
            after: the frames after, the nearest first.

        Returns:
            (H, W) float32; the same bits as it came away from edges.
        """
        odds = self.odds
        if before or after:
            total, weight = odds.copy(), np.ones_like(odds)
            for frames in (before, after):
                for distance, other in enumerate(frames, 1):
                    if other.odds.shape == odds.shape:
                        _hear(
                            self.evidence.guide, other.guide, other.odds, self.side, self.plan.reach,
                            np.float32(SAY[distance]), total, weight,
                        )  # fmt: skip
            odds = total / weight
        small = place_surfaces(self.small, self.levels, self.side, odds, self.plan.softness)
        return small if small.shape == self.disparity.shape else restore(self.disparity, self.small, small)


def open_edges(image: Float32Array, colours: int, disparity: Float32Array, plan: EdgePlan) -> OpenEdges:
    """Gather a frame's evidence.

    Args:
        image: (H, W, C) scene-linear plate.
        colours: how many of its first channels are colours.
        disparity: (H, W) float32.
        plan: of the shot.
    """
    small = disparity
    if plan.half:
        plan = plan.halved()
        image, small = halve(image, colours, disparity)
    guide = np.empty((*small.shape, 3), np.uint8)
    guide_of(image, colours, guide)
    levels = find_levels(small, plan.ramp, plan.reach)
    ridge = find_ridges(small, levels, plan.ramp)
    side = measure_sides(small, levels, ridge, plan.reach)
    odds = np.empty_like(small)
    judge(guide, small, levels.far, levels.near, ridge, side, plan.reach, plan.doubt, odds)
    smooth_evidence(guide, odds, side, plan.reach)
    evidence = Evidence((odds * ODDS_STEPS).astype(np.int8), guide)
    return OpenEdges(disparity, small, levels, side, odds, evidence, plan)


def condition(image: Float32Array, colours: int, disparity: Float32Array, plan: EdgePlan) -> Float32Array:
    """A frame's disparity, decided by itself alone; see :func:`open_edges` and :meth:`OpenEdges.decided`."""
    return open_edges(image, colours, disparity, plan).decided()


@nb.njit(cache=True, parallel=True, nogil=True)
def _hear(
    guide: Guide,
    other: Guide,
    odds: NDArray[np.int8],
    side: Float32Array,
    reach: int,
    say: np.float32,
    total: Float32Array,
    weight: Float32Array,
) -> None:
    """Add another frame's evidence where it shows the same thing in the same place."""
    height, width = side.shape
    for y in nb.prange(height):
        for x in range(width):
            if side[y, x] == 0 or abs(side[y, x]) > reach or odds[y, x] == 0:
                continue
            square = np.float32(0.0)
            for c in range(3):
                difference = np.float32(guide[y, x, c]) - np.float32(other[y, x, c])
                square = max(square, difference * difference)
            share = say * np.exp(-square * np.float32(1.0 / (ALIKE * ALIKE)))
            total[y, x] += share * np.float32(odds[y, x]) / ODDS_STEPS
            weight[y, x] += share
