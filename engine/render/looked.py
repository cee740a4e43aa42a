"""The few frames that are read before a render, for all that is measured in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.depth import DepthLimits, EdgeSurvey
from engine.errors import DepthError, MediaError
from engine.frames import Float32Array, FrameRange, count_colours
from engine.render.looking import Look, hidden_places, look_at

if TYPE_CHECKING:
    from engine.render.inputs import RawFrame

__all__ = ["Looked", "look_over", "spread"]

LOOKS: Final = 5
"""Frames, spread over the shot, in which the depth's edges are measured and what was said is compared with what is."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen.

    Attributes:
        limits: of the depth, under which it was measured.
        survey: of the depth's edges.
        looks: what is kept of each frame.
        has_edges: whether the edges were measured.
    """

    limits: DepthLimits
    survey: EdgeSurvey
    looks: tuple[Look, ...]
    has_edges: bool


def spread(frames: FrameRange) -> list[int]:
    """A few frames, spread evenly over the shot, each once."""
    numbers = list(frames)
    count = min(LOOKS, len(numbers))
    return [numbers[(2 * look + 1) * len(numbers) // (2 * count)] for look in range(count)]


def look_over(
    read: Callable[[int], RawFrame],
    measure: Callable[[RawFrame, DepthLimits], tuple[Float32Array, int]],
    frames: Iterable[int],
    limits: DepthLimits,
    *,
    edges: bool,
) -> Looked:
    """Read frames, and look at them.

    One that cannot be read is passed over here; a render that needs it says so.

    Args:
        read: gives a frame.
        measure: gives its disparity.
        frames: which; they are to depend on the shot alone, so that every part of a split render finds the same.
        limits: of the depth.
        edges: whether the depth's edges are measured too.
    """
    looks = []
    survey = EdgeSurvey()
    for frame in frames:
        try:
            raw = read(frame)
            disparity, _ = measure(raw, limits)
        except (MediaError, DepthError):
            continue
        image = raw.plate.image
        hidden = hidden_places(raw.alpha, raw.empty)
        looks.append(look_at(frame, image, raw.depth, disparity, hidden, raw.zeros))
        if edges:
            survey.add(image, count_colours(raw.plate.channels), disparity)
    return Looked(limits, survey, tuple(looks), edges)
