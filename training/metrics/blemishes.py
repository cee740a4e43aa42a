"""What an eye sees first where depth is wrong: specks beside outlines, and outlines that flicker.

Both look at the pixels beside depth edges that a person would expect to be quiet, and count those that are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import repeat
from typing import Final

import numpy as np
from numba import njit

from engine.frames import Float32Array
from training.metrics.edges import edge_band
from training.metrics.pictures import Mask, display, paired

__all__ = [
    "BLEMISH_RADIUS",
    "FLICKERS",
    "SPECK",
    "Flicker",
    "Speckle",
    "calm_pixels",
    "flicker",
    "speckle",
    "still_pixels",
]

BLEMISH_RADIUS: Final = 6.0
"""Pixels from a depth edge within which blemishes are counted."""

CALM: Final = 0.06
"""Where the plate's display values differ by less than this within 5x5 pixels, it is calm."""

SPECK: Final = 0.06
"""A pixel that stands off its 5x5 median by more than this (display values) is a speck."""

STILL: Final = 0.01
"""Display values that differ by less than this from frame to frame do not change."""

FLICKERS: Final = (0.08, 0.02)
"""Changes of a display value that are a flicker: plain to see, and visible to somebody who looks for it."""


def calm_pixels(plate: Float32Array) -> Mask:
    """Where a plate (H, W, C) in display values spans less than ``CALM`` within 5x5 pixels in every channel."""
    return np.asarray(_span(plate) < CALM, dtype=np.bool_)


def still_pixels(first: Float32Array, second: Float32Array) -> Mask:
    """Where two pictures (H, W, C) in display values differ by less than ``STILL`` all over 5x5 pixels."""
    change = np.abs(second - first).max(axis=-1)
    return np.asarray(_largest(change) < STILL, dtype=np.bool_)


class Speckle:
    """A running :func:`speckle`, one frame at a time."""

    def __init__(self) -> None:
        self.specks = 0
        self.pixels = 0

    def add(
        self,
        result: Float32Array,
        plate: Float32Array,
        disparity: Float32Array,
        reference: Float32Array | None = None,
    ) -> None:
        """Add a frame: pictures (H, W, C) in display values, the truth if there is one, and the exact disparity."""
        looked_at = calm_pixels(plate) & edge_band(disparity, BLEMISH_RADIUS)
        if reference is not None:
            looked_at &= _largest(_off_median(reference)) <= SPECK
        self.specks += int(np.count_nonzero(_off_median(result)[looked_at] > SPECK))
        self.pixels += int(np.count_nonzero(looked_at))

    @property
    def share(self) -> float:
        """Of the pixels looked at; NaN where there were none."""
        return self.specks / self.pixels if self.pixels else math.nan


class Flicker:
    """A running :func:`flicker`, one frame at a time in the shot's order."""

    def __init__(self) -> None:
        self.flickers = [0] * len(FLICKERS)
        self.pixels = 0
        self._last: tuple[Float32Array, Float32Array, Float32Array, Mask] | None = None

    def add(self, result: Float32Array, reference: Float32Array, plate: Float32Array, disparity: Float32Array) -> None:
        """Add a frame: three pictures (H, W, C) in display values, and the exact disparity (H, W)."""
        band = edge_band(disparity, BLEMISH_RADIUS)
        last, self._last = self._last, (result, reference, plate, band)
        if last is None:
            return
        looked_at = band & last[3] & still_pixels(last[2], plate)
        looked_at &= np.abs(reference - last[1]).max(axis=-1) < STILL
        change = np.abs(result - last[0]).max(axis=-1)[looked_at]
        self.flickers = [
            count + int(np.count_nonzero(change > limit)) for count, limit in zip(self.flickers, FLICKERS, strict=True)
        ]
        self.pixels += change.size

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the pixels looked at, for each of ``FLICKERS``; NaN where there were none."""
        return tuple(count / self.pixels if self.pixels else math.nan for count in self.flickers)


def speckle(
    results: Iterable[Float32Array],
    plates: Iterable[Float32Array],
    disparities: Iterable[Float32Array],
    references: Iterable[Float32Array | None] | None = None,
) -> float:
    """Beads and sparkles beside depth edges: single pixels that differ from those around them where the plate is calm.

    The share of the pixels that lie within 6 pixels of a depth edge and are calm in the plate whose display value, in
    any channel, stands off the median of the result's 5x5 pixels by more than 0.06. A gradient has none, however
    steep. A sharp little disc of light has some by right: where the truth is given, pixels with such a one within 5x5
    pixels of it are not looked at (by rights a street of bulbs has 1 %, more than any renderer's own specks).

    Args:
        results, plates: frames (H, W, C), scene-linear, in the same order.
        disparities: (H, W) of each frame, exact: what was spoiled for the renderer is not what is judged by.
        references: the truth of each frame, where there is one.

    Returns:
        0 to 1, lower is better, pooled over all frames; NaN where there is no such pixel.

    Raises:
        FormatError: a result and its plate differ in size.
    """
    found = Speckle()
    goals = repeat(None) if references is None else references
    frames = zip(results, plates, disparities, strict=True)
    for (result, plate, disparity), goal in zip(frames, goals, strict=references is not None):
        found.add(*paired(result, plate), disparity, None if goal is None else display(goal))
    return found.share


def flicker(
    results: Iterable[Float32Array],
    references: Iterable[Float32Array],
    plates: Iterable[Float32Array],
    disparities: Iterable[Float32Array],
) -> tuple[float, ...]:
    """Still edges that do not keep still.

    Of the pixels within 6 pixels of a depth edge that change by less than 0.01 from a frame to the next, in the truth
    and in the plate (there all over 5x5 pixels): the share whose display value changes in the result, in any channel,
    by more than each of ``FLICKERS``.

    Args:
        results, references, plates: frames (H, W, C), scene-linear, in the shot's order.
        disparities: (H, W) of each frame, exact.

    Returns:
        For each of ``FLICKERS`` 0 to 1, lower is better, pooled over all pairs of frames; NaN where no edge is still.

    Raises:
        FormatError: pictures of a frame differ in size.
    """
    found = Flicker()
    for result, reference, plate, disparity in zip(results, references, plates, disparities, strict=True):
        shown, goal = paired(result, reference)
        found.add(shown, goal, paired(plate, reference)[0], disparity)
    return found.shares


@njit(cache=True, nogil=True)
def _span(image: Float32Array) -> Float32Array:
    """The largest over channels of the range within 5x5 pixels; (H, W)."""
    height, width, channels = image.shape
    out = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                low = high = image[y, x, c]
                for row in range(max(y - 2, 0), min(y + 3, height)):
                    for column in range(max(x - 2, 0), min(x + 3, width)):
                        low = min(low, image[row, column, c])
                        high = max(high, image[row, column, c])
                out[y, x] = max(out[y, x], high - low)
    return out


@njit(cache=True, nogil=True)
def _largest(plane: Float32Array) -> Float32Array:
    """The largest of 5x5 pixels; (H, W)."""
    height, width = plane.shape
    out = np.empty_like(plane)
    for y in range(height):
        for x in range(width):
            out[y, x] = plane[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].max()
    return out


@njit(cache=True, nogil=True)
def _off_median(image: Float32Array) -> Float32Array:
    """The largest over channels of a pixel's distance from the median of its 5x5 pixels (fewer at the border)."""
    height, width, channels = image.shape
    out = np.zeros((height, width), np.float32)
    around = np.empty(25, np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                count = 0
                for row in range(max(y - 2, 0), min(y + 3, height)):
                    for column in range(max(x - 2, 0), min(x + 3, width)):
                        around[count] = image[row, column, c]
                        count += 1
                middle = np.median(around[:count])
                out[y, x] = max(out[y, x], abs(image[y, x, c] - middle))
    return out
