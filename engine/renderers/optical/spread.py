"""Spread of a surface's light over the distance between lens points.

Neighbouring lens points show a far out-of-focus pixel several pixels apart. Spread over that distance beforehand, its
light becomes an even disc instead of a pattern of dots. Light stays on its own surface: what would leave it stays in
its pixel. An even surface stays even whatever its slope; where the radius is the same all around, no light is lost.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP

__all__ = ["spread_light"]

WIDTH: Final = np.float32(1.1)
"""Width of the box in distances between lens points: a little more than one, for the lattice is not square."""

BLOCK: Final = 32
"""Columns that are filtered together, so that memory is read along rows."""


def spread_light(
    radius: Float32Array,
    distance: float,
    aspect: float,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    """Box-filter every pixel on its own surface over ``distance * abs(radius)`` pixels, in x and in y.

    A pixel's own surface is the one that the plate's depth says: the front, or the back of a far pixel that a near
    thing was mixed into.

    Args:
        radius: (H, W) float32, signed circle of confusion of the plate.
        distance: between lens points, in radii.
        aspect: pixel aspect: the width in x is divided by it.
        front, back: (H, W, C), changed in place.
        back_radius, back_kind: see :class:`~engine.renderers.optical.surfaces.Surfaces`.
    """
    widest = float(np.abs(radius).max()) * distance * max(1.0, 1.0 / aspect)
    if _half_width(widest, 1.0) == 0:
        return
    rows = np.empty_like(front)
    _spread_rows(radius, distance / aspect, front, back, back_radius, back_kind, rows)
    _spread_columns(radius, distance, distance / aspect, rows, front, back, back_radius, back_kind)


@nb.njit(cache=True)
def _half_width(radius: float | np.float32, distance: float | np.float32) -> int:
    """h of a box that is 2 h + 1 pixels wide."""
    return int(np.float32(0.5) * WIDTH * np.float32(distance) * abs(np.float32(radius)))


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_rows(
    radius: Float32Array,
    distance: float,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    out: Float32Array,
) -> None:
    height, width, channels = front.shape
    for y in nb.prange(height):
        # Double precision: a bright pixel must not leave its rounding in the dark pixels after it.
        prefix = np.zeros((width + 1, channels))
        end = np.empty(width + 1, np.int64)
        for x in range(width):
            if back_kind[y, x] == 1 and radius[y, x] >= back_radius[y, x]:
                for c in range(channels):
                    prefix[x + 1, c] = prefix[x, c] + back[y, x, c]
            else:
                for c in range(channels):
                    prefix[x + 1, c] = prefix[x, c] + front[y, x, c]
        end[width] = width
        for x in range(width - 1, -1, -1):
            is_last = x == width - 1 or abs(radius[y, x] - radius[y, x + 1]) > STEP
            end[x] = x + 1 if is_last else end[x + 1]
        begin = 0
        for x in range(width):
            if x > 0 and abs(radius[y, x] - radius[y, x - 1]) > STEP:
                begin = x
            h = _half_width(radius[y, x], distance)
            a = max(x - h, begin)
            b = min(x + h + 1, end[x])
            share = 1.0 / (2 * h + 1)
            kept = (2 * h + 1 - (b - a)) * share
            for c in range(channels):
                own = prefix[x + 1, c] - prefix[x, c]
                out[y, x, c] = share * (prefix[b, c] - prefix[a, c]) + kept * own


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_columns(
    radius: Float32Array,
    distance: float,
    distance_x: float,
    rows: Float32Array,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    height, width, channels = rows.shape
    for strip in nb.prange((width + BLOCK - 1) // BLOCK):
        x0 = strip * BLOCK
        n = min(BLOCK, width - x0)
        prefix = np.zeros((height + 1, n, channels))
        end = np.empty((height, n), np.int32)
        begin = np.zeros(n, np.int64)
        for y in range(height):
            for i in range(n):
                for c in range(channels):
                    prefix[y + 1, i, c] = prefix[y, i, c] + rows[y, x0 + i, c]
        for y in range(height - 1, -1, -1):
            for i in range(n):
                is_last = y == height - 1 or abs(radius[y, x0 + i] - radius[y + 1, x0 + i]) > STEP
                end[y, i] = y + 1 if is_last else end[y + 1, i]
        for y in range(height):
            for i in range(n):
                x = x0 + i
                if y > 0 and abs(radius[y, x] - radius[y - 1, x]) > STEP:
                    begin[i] = y
                h = _half_width(radius[y, x], distance)
                if h == 0 and _half_width(radius[y, x], distance_x) == 0:
                    # In focus the plate's own bits are kept.
                    continue
                a = max(y - h, begin[i])
                b = min(y + h + 1, end[y, i])
                share = 1.0 / (2 * h + 1)
                kept = (2 * h + 1 - (b - a)) * share
                is_back = back_kind[y, x] == 1 and radius[y, x] >= back_radius[y, x]
                for c in range(channels):
                    value = share * (prefix[b, i, c] - prefix[a, i, c]) + kept * rows[y, x, c]
                    if is_back:
                        back[y, x, c] = value
                    else:
                        front[y, x, c] = value
