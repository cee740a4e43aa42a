"""Nearest and farthest disparity around every pixel, on a grid of two by two pixels: a quarter of the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["LEAST_STEP", "Levels", "find_levels"]

LEAST_STEP: Final = np.float32(0.03)
"""Disparity between two surfaces from which their edge is conditioned: at K = 32 a pixel of radius."""

STILL: Final = 0.06
"""A cell whose surroundings vary by less than this part of the step lies on a surface, and not in a ramp."""

ROUGH: Final = 0.008
"""Two levels of an 8-bit depth: no surface is smoother for certain."""

CUT: Final = 3.0
"""At the frame's border a step must be larger by this, for half the window is missing there."""

ABRUPT: Final = np.float32(0.7)
"""An edge spends this part of its step within half the window; a slope spends a half."""


@dataclass(frozen=True, eq=False)
class Levels:
    """What lies around each cell of two by two pixels.

    Attributes:
        far, near: (h, w) float32, least and greatest disparity within the window; h and w are half, rounded up.
        edge: (h, w) bool, whether the two are surfaces that an edge parts, and not the ends of a slope.
        still: (h, w) bool, whether a cell lies on a surface: it hardly varies, with the cells next to it.
    """

    far: Float32Array
    near: Float32Array
    edge: NDArray[np.bool_]
    still: NDArray[np.bool_]


def find_levels(disparity: Float32Array, ramp: int, reach: int) -> Levels:
    """The two surfaces that meet around each cell.

    Args:
        disparity: (H, W) float32.
        ramp: half the width of the softest edge, in pixels.
        reach: how far from the depth's edge the plate's own edge may lie, in pixels.
    """
    height, width = disparity.shape
    shape = ((height + 1) // 2, (width + 1) // 2)
    low, high = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _extremes_of_cells(disparity, low, high)
    small = max((ramp + 3) // 4, 1)
    half = 2 * small
    low, high = _widened(low, high, 1)
    varies = high - low
    low, high = _widened(low, high, small - 1)
    _, abrupt = _widened(high - low, high - low, half - small)
    low, high = _widened(low, high, half - small)
    step = high - low
    least = np.full(shape, LEAST_STEP)
    # Where the frame cuts the window, a slope looks abrupt.
    least[:half], least[-half:], least[:, :half], least[:, -half:] = [np.float32(CUT) * LEAST_STEP] * 4
    edge = (step > least) & (abrupt >= ABRUPT * step)
    beyond = max((ramp + reach + 1) // 2 - half, (reach + 1) // 2)
    far, near = _widened(low, high, beyond)
    still = varies <= np.maximum(np.float32(STILL) * (near - far), np.float32(ROUGH))
    # Grown towards the plate's own edge, but not to where the window shows one surface alone.
    return Levels(far, near, _grown(edge, (reach + 1) // 2) & (near - far > LEAST_STEP), still)


def _widened(low: Float32Array, high: Float32Array, radius: int) -> tuple[Float32Array, Float32Array]:
    """Least and greatest values within a square of ``2 radius + 1`` cells."""
    for _ in range(radius):
        less, more = np.empty_like(low), np.empty_like(high)
        _widen(low, high, less, more)
        low, high = less, more
    return low, high


def _grown(cells: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    values = cells.astype(np.float32)
    return _widened(values, values, radius)[1] > 0


@nb.njit(cache=True, parallel=True, nogil=True)
def _extremes_of_cells(disparity: Float32Array, low: Float32Array, high: Float32Array) -> None:
    height, width = disparity.shape
    for j in nb.prange(low.shape[0]):
        above, below = disparity[2 * j], disparity[min(2 * j + 1, height - 1)]
        for i in range(low.shape[1]):
            left, right = 2 * i, min(2 * i + 1, width - 1)
            low[j, i] = min(min(above[left], above[right]), min(below[left], below[right]))
            high[j, i] = max(max(above[left], above[right]), max(below[left], below[right]))


@nb.njit(cache=True, parallel=True, nogil=True)
def _widen(low: Float32Array, high: Float32Array, less: Float32Array, more: Float32Array) -> None:
    """By one cell in every direction."""
    height, width = low.shape
    for y in nb.prange(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        # Down the columns first, then along the row: loops that the compiler can turn into vectors.
        lowest, highest = np.empty(width + 2, np.float32), np.empty(width + 2, np.float32)
        for x in range(width):
            lowest[x + 1] = min(min(low[above, x], low[below, x]), low[y, x])
            highest[x + 1] = max(max(high[above, x], high[below, x]), high[y, x])
        lowest[0], highest[0] = lowest[1], highest[1]
        lowest[width + 1], highest[width + 1] = lowest[width], highest[width]
        for x in range(width):
            less[y, x] = min(min(lowest[x], lowest[x + 1]), lowest[x + 2])
            more[y, x] = max(max(highest[x], highest[x + 1]), highest[x + 2])
