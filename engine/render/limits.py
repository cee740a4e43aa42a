"""Depth limits: one pass over the whole shot, then fixed."""

from __future__ import annotations

from math import isfinite

from engine.cancelling import NEVER, Cancel
from engine.depth import DepthLimits, find_limits
from engine.errors import CancelledError
from engine.render.inputs import Inputs
from engine.render.report import LimitsFound, Report, Searching
from engine.shot import Shot

__all__ = ["fixed_limits", "shot_limits", "with_limits"]


def shot_limits(shot: Shot, inputs: Inputs, report: Report, cancel: Cancel = NEVER) -> DepthLimits:
    """The limits that the shot gives, or those found in one pass over the depth of *all* its frames.

    All of them, never only the frames asked for: a farm task that renders ten frames of a shot must find what the
    task that renders the other ten finds.

    Raises:
        DepthRangeError: the depth is all equal, or the limits leave no range.
        CancelledError: ``cancel`` was set.
    """
    limits = DepthLimits.given(shot.depth)
    if limits is not None:
        return limits

    def watch(done: int) -> None:
        if cancel.is_set():
            raise CancelledError("stopped while the depth limits were being found; nothing was written")
        report(Searching(done, len(inputs.frames)))

    limits = find_limits(inputs.depths(watch), shot.depth)
    report(LimitsFound(_written(limits.near), _written(limits.far)))
    return limits


def with_limits(shot: Shot, found: LimitsFound) -> Shot:
    """The shot with its limits stored in it, as the document writes them (an infinite one stays unsaid)."""
    depth = shot.depth.model_copy(update={"near": found.near, "far": found.far})
    return shot.model_copy(update={"depth": depth})


def fixed_limits(shot: Shot, report: Report, cancel: Cancel = NEVER) -> Shot:
    """The shot with limits that are given; reads its depth once where they are not.

    Raises:
        As ``shot_limits``; MediaError where a frame cannot be read.
    """
    if DepthLimits.given(shot.depth) is not None:
        return shot
    with Inputs(shot, cancel) as inputs:
        limits = shot_limits(shot, inputs, report, cancel)
        return with_limits(shot, LimitsFound(_written(limits.near), _written(limits.far)))


def _written(value: float) -> float | None:
    return value if isfinite(value) else None
