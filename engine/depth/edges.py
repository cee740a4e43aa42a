"""Cleaning of antialiased depth, whose edge pixels float between two surfaces."""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from engine.frames import Float32Array

__all__ = ["clean_edges"]

SMALLEST_STEP: Final = 0.012
"""Steps under this disparity are left alone: three levels of an 8-bit depth, whose slopes are stairs."""
STEEPNESS: Final = 4.0
"""A step is an edge if it is this many times larger than the slopes beside it."""
ALIKE: Final = 0.02
"""Share of the step within which a neighbour counts as the same surface, or the same mixture."""
TIE: Final = 0.999
"""Share of the largest step from which on a direction counts as crossing it too."""
LIMB: Final = 3.25
"""A curved surface steepens towards its outline: its last pixel drops up to 1 + sqrt(2) times as far as the next, and
up to 3.1 times along the diagonal of a ball of 8 pixels."""
RING: Final = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""The eight neighbours (dy, dx) in turn; the opposite of each is four further."""


def clean_edges(disparity: Float32Array) -> Float32Array:
    """Snap each pixel whose disparity is a mixture of two surfaces to the surface that it is closer to.

    A box-filtered straight edge of any direction leaves at most one mixed pixel along the diagonal that crosses it (a
    pixel is as wide across the edge as a diagonal step is long). So a pixel is mixed if, along a row, a column or a
    diagonal, both neighbours lie on surfaces (each seen again one pixel further), the pixel lies between the two and
    is a continuation of neither. A third surface between the two is told by its extent: along a straight edge only
    pixels on one line can be mixed alike. Slopes, creases, curved surfaces up to their outline, and structures too thin
    to show a surface on both sides of a pixel stay as they are; so do the picture's outermost pixels at slanted edges.

    Args:
        disparity: (H, W) float32, finite.

    Returns:
        (H, W) float32, a new array; a pixel that is not mixed keeps its bits.
    """
    source = np.ascontiguousarray(disparity, dtype=np.float32)
    cleaned = source.copy()
    _snap(source, cleaned)
    return cleaned


@numba.njit(cache=True, parallel=True, nogil=True)
def _snap(d: Float32Array, out: Float32Array) -> None:
    height, width = d.shape
    for y in numba.prange(height):
        for x in range(width):
            largest = _largest_step(d, y, x)
            if largest > SMALLEST_STEP:
                out[y, x] = _surface(d, y, x, largest * TIE)


@numba.njit(cache=True, inline="always")
def _direction(index: int) -> tuple[int, int]:
    """Row, column and the two diagonals as steps (dy, dx)."""
    return (0 if index == 0 else (-1 if index == 3 else 1)), (0 if index == 1 else 1)


@numba.njit(cache=True)
def _largest_step(d: Float32Array, y: int, x: int) -> float:
    """Difference of the opposite neighbours that differ most, among those that the pixel lies between."""
    height, width = d.shape
    p = d[y, x]
    largest = np.float32(0)
    for index in range(4):
        dy, dx = _direction(index)
        if x < dx or x + dx >= width or y < abs(dy) or y + abs(dy) >= height:
            continue
        a, b = d[y - dy, x - dx], d[y + dy, x + dx]
        if min(a, b) < p < max(a, b):
            largest = max(largest, abs(a - b))
    return float(largest)


@numba.njit(cache=True)
def _has_extent(d: Float32Array, y: int, x: int, tolerance: float) -> bool:
    """Whether two neighbours that do not lie opposite each other are like the pixel."""
    height, width = d.shape
    first = -1
    for index in range(8):
        dy, dx = RING[index]
        if 0 <= y + dy < height and 0 <= x + dx < width and abs(d[y + dy, x + dx] - d[y, x]) <= tolerance:
            if first >= 0 and index != first + 4:
                return True
            if first < 0:
                first = index
    return False


@numba.njit(cache=True)
def _surface(d: Float32Array, y: int, x: int, across: float) -> float:
    """The surface that a mixed pixel is closer to; the pixel's own value if it is not mixed.

    Only the directions that cross the full step count: along an outline a pixel may lie between two others by chance.
    """
    height, width = d.shape
    p = d[y, x]
    best = np.float32(SMALLEST_STEP)
    found = p
    for index in range(4):
        dy, dx = _direction(index)
        if x < dx or x + dx >= width or y < abs(dy) or y + abs(dy) >= height:
            continue
        a, b = d[y - dy, x - dx], d[y + dy, x + dx]
        if abs(a - b) < across or not (min(a, b) < p < max(a, b)):
            continue
        a2 = d[min(max(y - 2 * dy, 0), height - 1), max(x - 2 * dx, 0)]
        b2 = d[min(max(y + 2 * dy, 0), height - 1), min(x + 2 * dx, width - 1)]
        slope_a, slope_b = abs(a - a2), abs(b - b2)
        if abs(p - a) <= LIMB * slope_a or abs(p - b) <= LIMB * slope_b:
            return float(p)
        near_a, near_b = a + (a - a2), b + (b - b2)
        step = abs(near_a - near_b)
        if step > best and step > STEEPNESS * (slope_a + slope_b):
            best = step
            found = near_a if abs(p - near_a) <= abs(p - near_b) else near_b
    # Less than the way to the surfaces, so that a pixel almost on one does not take its pixels for its like.
    if found != p and _has_extent(d, y, x, min(ALIKE * best, abs(found - p) / 4)):
        return float(p)
    return float(min(max(found, np.float32(0)), np.float32(1)))
