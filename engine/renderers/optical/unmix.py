"""Mixed pixels along a silhouette, split into front colour, coverage and back colour.

A plate is antialiased: a pixel that a near thing covers by a part holds ``C = a F + (1 - a) B``. Blurred as if it were
all near or all far it leaves a sharp ghost of the silhouette.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["unmix"]

MIXED_LEAST: Final = 0.03
"""Shares below this are left alone: they are noise as often as coverage."""

NEAR_LEAST, FAR_MOST = 0.3, 0.7
"""Bounds of the coverage where the depth says near, and where it says far: it switches at one half, give or take the
filter of the program that made the picture."""

MIXED_WEIGHT: Final = 0.01
"""Weight of pixels on a silhouette as examples of a pure colour: they count only where nothing purer is near."""


@nb.njit(cache=True, parallel=True, nogil=True)
def unmix(
    image: Float32Array,
    radius: Float32Array,
    side: NDArray[np.uint8],
    reach: int,
    judged: int,
    step: np.float32,
    front: Float32Array,
    coverage: Float32Array,
    front_radius: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    """Split the pixels on or next to a silhouette; the split pixels compose to the plate's own colour.

    F and B are means of the near and the far surface's purer pixels in the window, and a the least-squares answer,
    drawn to 1 (where the depth says near) or 0 (far) by as much as F and B vary.

    Args:
        image: (H, W, C) the plate.
        radius: (H, W) its signed radius.
        side: silhouettes of ``radius``.
        reach: half the window.
        judged: channels from which the coverage is judged, from the first.
        step: difference in radius from which neighbours are two surfaces.
        front, coverage, front_radius, back, back_radius, back_kind: the surfaces, changed in place.
    """
    height, width, channels = image.shape
    # Weight of an example by the square of its distance.
    closeness = 1.0 / (1.0 + 0.25 * np.arange(2 * reach * reach + 1, dtype=np.float64))
    for y in nb.prange(height):
        near = np.zeros(channels)
        far = np.zeros(channels)
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            close = 0
            for xx in range(max(x - 1, 0), min(x + 2, width)):
                close |= side[above, xx] | side[y, xx] | side[below, xx]
            if close == 0:
                continue
            nearest, farthest = _range_around(radius, y, x)
            if farthest - nearest <= step:
                continue
            middle = np.float32(0.5) * (nearest + farthest)
            near_radius, far_radius, variance = _pure_colours(
                image, radius, side, reach, judged, closeness, y, x, middle, near, far
            )
            if not variance >= 0.0:
                continue
            is_near = radius[y, x] < middle
            a = _coverage_of(image, y, x, near[:judged], far[:judged], variance, is_near)
            if not MIXED_LEAST <= a <= 1.0 - MIXED_LEAST:  # nor where squares of light are beyond all numbers
                continue
            coverage[y, x] = a
            back_kind[y, x] = 1
            if is_near:
                back_radius[y, x] = far_radius
            else:
                front_radius[y, x] = near_radius
            _split(image, y, x, a, near, far, is_near, front, back)


@nb.njit(cache=True, nogil=True)
def _range_around(radius: Float32Array, y: int, x: int) -> tuple[np.float32, np.float32]:
    """Nearest and farthest radius within two pixels."""
    height, width = radius.shape
    nearest = farthest = radius[y, x]
    for yy in range(max(y - 2, 0), min(y + 3, height)):
        for xx in range(max(x - 2, 0), min(x + 3, width)):
            nearest = min(nearest, radius[yy, xx])
            farthest = max(farthest, radius[yy, xx])
    return nearest, farthest


@nb.njit(cache=True, nogil=True)
def _pure_colours(
    image: Float32Array,
    radius: Float32Array,
    side: NDArray[np.uint8],
    reach: int,
    judged: int,
    closeness: NDArray[np.float64],
    y: int,
    x: int,
    middle: np.float32,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Mean colour and radius of both surfaces around a pixel, and how much the colours vary; -1 where one is absent."""
    height, width, channels = image.shape
    near[:] = 0.0
    far[:] = 0.0
    near_weight = far_weight = near_radius = far_radius = near_square = far_square = 0.0
    for yy in range(max(y - reach, 0), min(y + reach + 1, height)):
        for xx in range(max(x - reach, 0), min(x + reach + 1, width)):
            value = radius[yy, xx]
            weight = closeness[(yy - y) ** 2 + (xx - x) ** 2]
            if side[yy, xx] != 0:
                weight *= MIXED_WEIGHT
            if value < middle:
                near_weight += weight
                near_radius += weight * value
                for c in range(channels):
                    near[c] += weight * image[yy, xx, c]
                for c in range(judged):
                    near_square += weight * image[yy, xx, c] ** 2
            else:
                far_weight += weight
                far_radius += weight * value
                for c in range(channels):
                    far[c] += weight * image[yy, xx, c]
                for c in range(judged):
                    far_square += weight * image[yy, xx, c] ** 2
    if near_weight == 0.0 or far_weight == 0.0:
        return 0.0, 0.0, -1.0
    variance = near_square / near_weight + far_square / far_weight
    for c in range(channels):
        near[c] /= near_weight
        far[c] /= far_weight
    for c in range(judged):
        variance -= near[c] ** 2 + far[c] ** 2
    return near_radius / near_weight, far_radius / far_weight, max(variance, 0.0)


@nb.njit(cache=True, nogil=True)
def _coverage_of(
    image: Float32Array,
    y: int,
    x: int,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    variance: float,
    is_near: bool,
) -> float:
    """Share of the pixel that the near surface covers."""
    product = square = 0.0
    for c in range(near.size):
        difference = near[c] - far[c]
        product += (image[y, x, c] - far[c]) * difference
        square += difference * difference
    trust = 2.0 * variance + 1e-4
    if is_near:
        return min(max((product + trust) / (square + trust), NEAR_LEAST), 1.0)
    return min(max(product / (square + trust), 0.0), FAR_MOST)


@nb.njit(cache=True, nogil=True)
def _split(
    image: Float32Array,
    y: int,
    x: int,
    a: float,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    is_near: bool,
    front: Float32Array,
    back: Float32Array,
) -> None:
    """Guess the colour of the surface that the depth does not say; the other then gives the pixel back exactly.

    Neither may turn negative unless the pixel itself is.
    """
    for c in range(near.size):
        value = image[y, x, c]
        floor = min(value, np.float32(0.0))
        if is_near:
            front[y, x, c] = max((value - (1.0 - a) * far[c]) / a, floor)
            back[y, x, c] = (value - a * front[y, x, c]) / (1.0 - a)
        else:
            back[y, x, c] = max((value - a * near[c]) / (1.0 - a), floor)
            front[y, x, c] = (value - (1.0 - a) * back[y, x, c]) / a
