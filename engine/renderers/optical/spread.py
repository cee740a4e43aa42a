"""Spread of a surface's light over the distance between lens points.

Neighbouring lens points show a far out-of-focus pixel several pixels apart. Spread over that distance beforehand, the
light of a lamp becomes an even disc instead of a pattern of dots. Light stays on its own surface, and none is lost: what
would leave the surface stays in its pixel.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from engine.frames import Float32Array

__all__ = ["STEP", "spread_light"]

STEP = 1.0
"""Difference in radius (pixels) between neighbours from which they count as two surfaces. Below it the shift between
two lens positions is under a pixel, which the overlap of slices covers."""


def spread_light(image: Float32Array, radius: Float32Array, distance: float, aspect: float) -> Float32Array:
    """Box-filter ``image`` on its own surface by ``distance * abs(radius)`` pixels in x and in y.

    Args:
        image: (H, W, C) float32.
        radius: (H, W) float32, signed circle of confusion.
        distance: between lens points, in radii.
        aspect: pixel aspect: the width in x is divided by it.
    """
    rows = np.empty_like(image)
    _spread_rows(image, radius, np.float32(distance / aspect), np.float32(STEP), rows)
    out = np.empty_like(image)
    _spread_columns(rows, radius, np.float32(distance), np.float32(STEP), out)
    return out


@nb.njit(cache=True, inline="always")
def _half_width(radius: float, distance: float) -> int:
    """Half the box: its full width 2 h + 1 is the distance between lens points at this radius, or less."""
    return int(0.55 * distance * abs(radius))


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_rows(image, radius, distance, step, out):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    for y in nb.prange(height):
        # Double precision: a lamp of value 1000 must not leave its rounding in the dark pixels after it.
        prefix = np.zeros((width + 1, channels))
        end = np.empty(width, np.int64)
        for x in range(width):
            for c in range(channels):
                prefix[x + 1, c] = prefix[x, c] + image[y, x, c]
        end[width - 1] = width
        for x in range(width - 2, -1, -1):
            end[x] = end[x + 1] if abs(radius[y, x] - radius[y, x + 1]) <= step else x + 1
        begin = 0
        for x in range(width):
            if x > 0 and abs(radius[y, x] - radius[y, x - 1]) > step:
                begin = x
            h = _half_width(radius[y, x], distance)
            if h == 0:
                for c in range(channels):
                    out[y, x, c] = image[y, x, c]
                continue
            a = max(x - h, begin)
            b = min(x + h + 1, end[x])
            share = 1.0 / (2 * h + 1)
            kept = (2 * h + 1 - (b - a)) * share
            for c in range(channels):
                out[y, x, c] = share * (prefix[b, c] - prefix[a, c]) + kept * image[y, x, c]


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_columns(image, radius, distance, step, out):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    block = 32
    for strip in nb.prange((width + block - 1) // block):
        x0 = strip * block
        n = min(block, width - x0)
        prefix = np.zeros((height + 1, n, channels))
        end = np.empty((height, n), np.int64)
        begin = np.zeros(n, np.int64)
        for y in range(height):
            for i in range(n):
                for c in range(channels):
                    prefix[y + 1, i, c] = prefix[y, i, c] + image[y, x0 + i, c]
        for i in range(n):
            end[height - 1, i] = height
        for y in range(height - 2, -1, -1):
            for i in range(n):
                same = abs(radius[y, x0 + i] - radius[y + 1, x0 + i]) <= step
                end[y, i] = end[y + 1, i] if same else y + 1
        for y in range(height):
            for i in range(n):
                x = x0 + i
                if y > 0 and abs(radius[y, x] - radius[y - 1, x]) > step:
                    begin[i] = y
                h = _half_width(radius[y, x], distance)
                if h == 0:
                    for c in range(channels):
                        out[y, x, c] = image[y, x, c]
                    continue
                a = max(y - h, begin[i])
                b = min(y + h + 1, end[y, i])
                share = 1.0 / (2 * h + 1)
                kept = (2 * h + 1 - (b - a)) * share
                for c in range(channels):
                    out[y, x, c] = share * (prefix[b, i, c] - prefix[a, i, c]) + kept * image[y, x, c]
