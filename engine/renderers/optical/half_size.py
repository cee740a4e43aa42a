"""Rendering at half the size, for the draft quality: what is blurred loses nothing there, what is sharp is put back.

The picture is halved together with one more channel, the share of it that is in focus. That channel goes through the
lens like a colour, so that afterwards it tells where sharp things are still seen; there the plate's own detail, which
halving took, is added again.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.spot import HALVING, Spot

__all__ = ["half_radius", "halve", "restore"]

@nb.njit(cache=True, inline="always")
def _in_focus(radius: np.float32, least: np.float32) -> np.float32:
    """Share of the plate's own detail that makes a small blur, by its second moment, out of that of halving."""
    return max(np.float32(1.0) - least * radius * radius / np.float32(HALVING), np.float32(0.0))


def half_radius(radius: Float32Array, spot: Spot) -> Float32Array:
    """Half-size radii of full-size ones, less what halving and doubling blur by themselves (see ``Spot.halved``)."""
    return _half_radius(radius, min(spot.moment), max(spot.moment))


@nb.njit(cache=True)
def _half_radius(radius: Float32Array, least: float, most: float) -> Float32Array:
    square = radius * radius
    halving = np.minimum(np.float32(least) * square, np.float32(HALVING))
    left = np.maximum(square - halving / np.float32(most), np.float32(0.0))
    halved: Float32Array = np.copysign(np.float32(0.5) * np.sqrt(left), radius)
    return halved


def halve(image: Float32Array, radius: Float32Array, spot: Spot) -> tuple[Float32Array, Float32Array]:
    """Halve a picture and its circles of confusion.

    Args:
        image: (H, W, C) float32.
        radius: (H, W) float32, in full-size pixels.
        spot: how wide the lens draws a point.

    Returns:
        (h, w, C + 1) colours, the mean of two by two pixels, and the share in focus; (h, w) radius in half-size pixels,
        of the surface that most of the four pixels show, the near one of two equal ones. h and w are rounded up.
    """
    small, small_radius = _halve(image, radius, np.float32(min(spot.moment)))
    return small, half_radius(small_radius, spot)


@nb.njit(cache=True, parallel=True, nogil=True)
def _halve(image: Float32Array, radius: Float32Array, least: np.float32) -> tuple[Float32Array, Float32Array]:
    """The same; the radius is still in full-size pixels."""
    height, width, channels = image.shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    small = np.empty((half_height, half_width, channels + 1), np.float32)
    small_radius = np.empty((half_height, half_width), np.float32)
    for j in nb.prange(half_height):
        y0 = 2 * j
        y1 = min(2 * j + 1, height - 1)
        for i in range(half_width):
            x0 = 2 * i
            x1 = min(2 * i + 1, width - 1)
            for c in range(channels):
                small[j, i, c] = np.float32(0.25) * (
                    image[y0, x0, c] + image[y0, x1, c] + image[y1, x0, c] + image[y1, x1, c]
                )
            a, b, c_, d = radius[y0, x0], radius[y0, x1], radius[y1, x0], radius[y1, x1]
            # The second nearest of the four: near where two of them are.
            low, high = min(a, b), max(a, b)
            low_too, high_too = min(c_, d), max(c_, d)
            nearest, farthest = min(low, low_too), max(high, high_too)
            second = min(max(low, low_too), min(high, high_too))
            if farthest - nearest <= STEP:
                second = np.float32(0.25) * (a + b + c_ + d)
            small_radius[j, i] = second
            small[j, i, channels] = _in_focus(second, least)
    return small, small_radius


def restore(
    image: Float32Array,
    radius: Float32Array,
    spot: Spot,
    small: Float32Array,
    rendered: Float32Array,
    out: Float32Array,
    invented: Float32Array,
) -> None:
    """Full-size picture from a half-size one, and the plate's detail where it is in focus and seen.

    Args:
        image, radius: the plate and its circles of confusion, full size.
        spot: how wide the lens draws a point.
        small: (h, w, C + 1) what ``halve`` gave.
        rendered: (h, w, C + 2) the same after the lens: colours, share in focus, invented share.
        out: (H, W, C), written.
        invented: (H, W), written.
    """
    _restore(image, radius, np.float32(min(spot.moment)), small, rendered, out, invented)


@nb.njit(cache=True, parallel=True, nogil=True)
def _restore(
    image: Float32Array,
    radius: Float32Array,
    least: np.float32,
    small: Float32Array,
    rendered: Float32Array,
    out: Float32Array,
    invented: Float32Array,
) -> None:
    height, width, channels = image.shape
    half_height, half_width = rendered.shape[:2]
    for y in nb.prange(height):
        # Between the two nearest rows first, then along the row: pixel middles lie a quarter of a half-size pixel
        # beside the middle that they belong to.
        j = int(y) // 2
        k = min(max(j + 2 * (int(y) % 2) - 1, 0), half_height - 1)
        after = np.float32(0.75) * rendered[j] + np.float32(0.25) * rendered[k]
        before = np.float32(0.75) * small[j] + np.float32(0.25) * small[k]
        for x in range(width):
            i = x // 2
            m = min(max(i + 2 * (x % 2) - 1, 0), half_width - 1)
            seen = _in_focus(radius[y, x], least)
            if seen > 0.0:
                # The lesser of the pixel's own share and of what the lens shows of it: not both, which would be too
                # little where blur is small and nothing hides it.
                seen = min(seen, max(_between(after, i, m, channels), np.float32(0.0)))
            for c in range(channels):
                value = _between(after, i, m, c)
                if seen > 0.0:
                    floor = min(min(value, image[y, x, c]), np.float32(0.0))
                    value = max(value + seen * (image[y, x, c] - _between(before, i, m, c)), floor)
                out[y, x, c] = value
            invented[y, x] = _between(after, i, m, channels + 1)


@nb.njit(cache=True, inline="always")
def _between(row: Float32Array, i: int, m: int, c: int) -> np.float32:
    """Three quarters of pixel i and a quarter of pixel m."""
    value: np.float32 = np.float32(0.75) * row[i, c] + np.float32(0.25) * row[m, c]
    return value
