"""Whether a picture changes from frame to frame as its truth does."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from engine.frames import Float32Array
from training.metrics.pictures import paired

__all__ = ["TemporalError", "temporal_error"]


class TemporalError:
    """A running :func:`temporal_error`, one frame at a time in the shot's order."""

    def __init__(self) -> None:
        self.total = 0.0
        self.pairs = 0
        self._last: Float32Array | None = None

    def add(self, result: Float32Array, reference: Float32Array) -> float:
        """Add a frame in display values; the error from the frame before it to this one (NaN for the first)."""
        error = result - reference
        last, self._last = self._last, error
        if last is None:
            return math.nan
        change = float(np.mean(np.abs(error - last), dtype=np.float64))
        self.total += change
        self.pairs += 1
        return change

    @property
    def mean(self) -> float:
        """Mean over the pairs so far; NaN before there is one."""
        return self.total / self.pairs if self.pairs else math.nan


def temporal_error(results: Iterable[Float32Array], references: Iterable[Float32Array]) -> float:
    """How much more, less or otherwise a shot moves than its truth.

    ``mean |(p[t+1] - p[t]) - (g[t+1] - g[t])|`` over pixels, channels and all pairs of neighbouring frames, in display
    values (the measure that Any-to-Bokeh calls RM, over every pair of the shot). Flicker counts, a constant
    error does not.

    Args:
        results, references: frames (H, W, C) scene-linear in the shot's order.

    Returns:
        0 or more, lower is better; NaN for fewer than two frames.

    Raises:
        FormatError: two frames differ in size.
    """
    error = TemporalError()
    for result, reference in zip(results, references, strict=True):
        error.add(*paired(result, reference))
    return error.mean
