"""Whether a picture seems to move as its truth does, by optical flow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from engine.frames import Float32Array
from training.metrics.pictures import paired

__all__ = ["Flow", "FlowDifference", "flow_difference"]


class Flow(Protocol):
    """A way to find motion between two pictures; :mod:`training.metrics.networks` has two.

    Attributes:
        name: for tables. Numbers of two ways to find flow say nothing of each other and never share a column.
    """

    name: str

    def __call__(self, first: Float32Array, second: Float32Array) -> Float32Array:
        """(H, W, 2): how far, in pixels to the right and down, what ``first`` shows has gone in ``second``; both
        (H, W, 3) in display values."""
        ...


class FlowDifference:
    """A running :func:`flow_difference`, one frame at a time in the shot's order."""

    def __init__(self, flow: Flow) -> None:
        self.total = 0.0
        self.pairs = 0
        self._flow = flow
        self._last: tuple[Float32Array, Float32Array] | None = None

    def add(self, result: Float32Array, reference: Float32Array) -> float:
        """Add a frame in display values; the difference from the frame before to this one (NaN for the first)."""
        last, self._last = self._last, (result, reference)
        if last is None:
            return math.nan
        apart = self._flow(last[0], result) - self._flow(last[1], reference)
        size = float(np.mean(np.abs(apart), dtype=np.float64))
        self.total += size
        self.pairs += 1
        return size

    @property
    def mean(self) -> float:
        """Mean over the pairs so far; NaN before there is one."""
        return self.total / self.pairs if self.pairs else math.nan


def flow_difference(results: Iterable[Float32Array], references: Iterable[Float32Array], flow: Flow) -> float:
    """How much the motion that is seen in a shot differs from its truth's.

    ``mean |F(p[t-1], p[t]) - F(g[t-1], g[t])|`` over pixels, both components and all pairs of neighbouring frames (the
    measure that Any-to-Bokeh calls FD, with RAFT large as F).

    Args:
        results, references: frames (H, W, 3) scene-linear in the shot's order.
        flow: F.

    Returns:
        Pixels, 0 or more, lower is better; NaN for fewer than two frames.

    Raises:
        FormatError: two frames differ in size.
    """
    difference = FlowDifference(flow)
    for result, reference in zip(results, references, strict=True):
        difference.add(*paired(result, reference))
    return difference.mean
