"""Filling of pixels that hold no usable value from the nearest ones that do."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["fill_from_nearest"]

NOWHERE = -1


def fill_from_nearest(values: Float32Array, invalid: NDArray[np.bool_]) -> Float32Array:
    """Values with each invalid pixel replaced by its nearest valid pixel's value (Euclidean distance, exact).

    Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012: first the nearest valid row of
    each column, then the lower envelope of parabolas along each row. The cost does not depend on the size of the holes.

    Args:
        values: (H, W) float32.
        invalid: (H, W) bool; at least one pixel is valid.

    Returns:
        (H, W) float32, a new array.
    """
    rows = np.empty(values.shape, np.int32)
    _nearest_rows(invalid, rows)
    filled = values.copy()
    _fill_rows(values, invalid, rows, filled)
    return filled


@numba.njit(cache=True, parallel=True, nogil=True)
def _nearest_rows(invalid: NDArray[np.bool_], rows: NDArray[np.int32]) -> None:
    """Row of the nearest valid pixel in the same column, or NOWHERE."""
    height, width = invalid.shape
    for x in numba.prange(width):
        seen = NOWHERE
        for y in range(height):
            if not invalid[y, x]:
                seen = y
            rows[y, x] = seen
        seen = NOWHERE
        for y in range(height - 1, -1, -1):
            if not invalid[y, x]:
                seen = y
            above = rows[y, x]
            if seen != NOWHERE and (above == NOWHERE or seen - y < y - above):
                rows[y, x] = seen


@numba.njit(cache=True, parallel=True, nogil=True)
def _fill_rows(values: Float32Array, invalid: NDArray[np.bool_], rows: NDArray[np.int32], filled: Float32Array) -> None:
    height, width = values.shape
    for y in numba.prange(height):
        any_invalid = False
        for x in range(width):
            any_invalid |= invalid[y, x]
        if any_invalid:
            _fill_row(y, values, invalid, rows, filled)


@numba.njit(cache=True)
def _fill_row(
    y: int, values: Float32Array, invalid: NDArray[np.bool_], rows: NDArray[np.int32], filled: Float32Array
) -> None:
    """Lower envelope of the parabolas ``(x - q)^2 + (y - rows[q])^2`` along one row."""
    width = values.shape[1]
    apexes = np.empty(width, np.int64)
    starts = np.empty(width, np.float64)
    count = 0
    for q in range(width):
        if rows[y, q] == NOWHERE:
            continue
        height_q = float(y - rows[y, q]) ** 2
        start = -np.inf
        while count > 0:
            p = apexes[count - 1]
            height_p = float(y - rows[y, p]) ** 2
            start = (height_q - height_p + float(q * q - p * p)) / (2.0 * (q - p))
            if start > starts[count - 1]:
                break
            count -= 1
            start = -np.inf
        apexes[count] = q
        starts[count] = start
        count += 1
    at = 0
    for x in range(width):
        while at + 1 < count and starts[at + 1] < x:
            at += 1
        if invalid[y, x]:
            q = apexes[at]
            filled[y, x] = values[rows[y, q], q]
