"""Whether a picture changes from frame to frame as its truth does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from engine.frames import Float32Array
from training.metrics.pictures import paired

__all__ = ["RELEASED_PAIRS", "TemporalError", "temporal_error", "temporal_root"]

RELEASED_PAIRS: Final = 2
"""Pairs of each shot that the program released with Any-to-Bokeh looks at: it takes the number of colour channels for
the number of frames. Only to compare with numbers that were made with it."""


class TemporalError:
    """A running :func:`temporal_error` and :func:`temporal_root`, one frame at a time in the shot's order.

    Args:
        pairs: how many of the first pairs count; all if None.
    """

    def __init__(self, pairs: int | None = None) -> None:
        self.total = 0.0
        self.total_root = 0.0
        self.pairs = 0
        self._most = pairs
        self._last: Float32Array | None = None

    def add(self, result: Float32Array, reference: Float32Array) -> float:
        """Add a frame in display values; the error from the frame before it to this one (NaN for the first)."""
        error = result - reference
        last, self._last = self._last, error
        if last is None or self.pairs == self._most:
            return math.nan
        change = error - last
        size = float(np.mean(np.abs(change), dtype=np.float64))
        self.total += size
        self.total_root += math.sqrt(float(np.mean(np.square(change), dtype=np.float64)))
        self.pairs += 1
        return size

    @property
    def mean(self) -> float:
        """Mean over the pairs so far; NaN before there is one."""
        return self.total / self.pairs if self.pairs else math.nan

    @property
    def root(self) -> float:
        """Mean of the pairs' root mean squares; NaN before there is one."""
        return self.total_root / self.pairs if self.pairs else math.nan


def temporal_error(
    results: Iterable[Float32Array], references: Iterable[Float32Array], pairs: int | None = None
) -> float:
    """How much more, less or otherwise a shot moves than its truth.

    ``mean |(p[t+1] - p[t]) - (g[t+1] - g[t])|`` over pixels, channels and all pairs of neighbouring frames, in display
    values (the measure that Any-to-Bokeh calls RM, over every pair of the shot). Flicker counts, a constant
    error does not.

    Args:
        results, references: frames (H, W, C) scene-linear in the shot's order.
        pairs: how many of the first pairs count, such as ``RELEASED_PAIRS``; all if None.

    Returns:
        0 or more, lower is better; NaN for fewer than two frames.

    Raises:
        FormatError: two frames differ in size.
    """
    return _compared(results, references, pairs).mean


def temporal_root(results: Iterable[Float32Array], references: Iterable[Float32Array]) -> float:
    """:func:`temporal_error` with a root mean square in place of the mean, so that flicker in few pixels weighs more.

    ``mean over t of sqrt(mean ((p[t+1] - p[t]) - (g[t+1] - g[t]))^2)``, the inner mean over pixels and channels, in
    display values. BokehCrafter's temporal consistency (its equation 8) is described as a root mean square of
    differences of neighbouring frames; we had no copy of the equation, and where its root stands, and on what scale
    its values lie, is our reading. Do not put these numbers beside the paper's.

    Args:
        results, references: frames (H, W, C) scene-linear in the shot's order.

    Returns:
        0 or more, lower is better, never less than :func:`temporal_error`; NaN for fewer than two frames.

    Raises:
        FormatError: two frames differ in size.
    """
    return _compared(results, references, None).root


def _compared(results: Iterable[Float32Array], references: Iterable[Float32Array], pairs: int | None) -> TemporalError:
    error = TemporalError(pairs)
    for result, reference in zip(results, references, strict=True):
        error.add(*paired(result, reference))
    return error
