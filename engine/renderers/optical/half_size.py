"""Rendering at half the size, for the draft quality: what is blurred loses nothing there, what is sharp is put back.

The picture is halved together with one more channel, the share of it that is in focus. That channel goes through the
lens like a colour, so that afterwards it tells where sharp things are still seen; there the plate's own detail, which
halving took, is added again.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from engine.frames import Float32Array
from engine.renderers.optical.quiet import quieten
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.spot import HALVING, Spot

__all__ = ["half_radius", "halve", "restore"]

INNER, OUTER = np.float32(0.375), np.float32(0.125)
"""Weights of the two pixels of a half-size one, and of the two beside them: with the doubling of ``restore`` the image
of a point keeps its place, whichever of the two it is in. The mean of two would move it by half a pixel."""


@nb.njit(cache=True, inline="always")
def _in_focus(radius: np.float32, least: np.float32) -> np.float32:
    """Share of the plate's own detail that makes a small blur, by its second moment, out of that of halving."""
    return max(np.float32(1.0) - least * radius * radius / np.float32(HALVING), np.float32(0.0))


def half_radius(radius: Float32Array, spot: Spot) -> Float32Array:
    """Half-size radii of full-size ones, less what halving and doubling blur by themselves (see ``Spot.halved``)."""
    return _half_radius(radius, min(spot.moment), max(spot.moment))


@nb.njit(cache=True)
def _half_radius(radius: Float32Array, least: float, most: float) -> Float32Array:
    halved = np.empty(radius.size, np.float32)
    flat = radius.ravel()
    inverse = np.float32(1.0 / most)
    for k in range(np.uint64(radius.size)):
        square = flat[k] * flat[k]
        left = square - min(np.float32(least) * square, np.float32(HALVING)) * inverse
        half = np.float32(0.5) * np.sqrt(max(left, np.float32(0.0)))
        halved[k] = half if flat[k] >= np.float32(0.0) else -half
    return halved.reshape(radius.shape)


def halve(image: Float32Array, radius: Float32Array, spot: Spot) -> tuple[Float32Array, Float32Array]:
    """Halve a picture and its circles of confusion.

    Args:
        image: (H, W, C) float32.
        radius: (H, W) float32, in full-size pixels.
        spot: how wide the lens draws a point.

    Returns:
        (h, w, C + 1) colours and the share in focus; (h, w) radius in half-size pixels, of the surface that most of the
        two by two pixels show, the near one of two equal ones. h and w are rounded up. Colours are weighted means of
        four by four pixels, which leave a point where it is; at silhouettes of two by two.
    """
    small, small_radius = _halve(image, radius, np.float32(min(spot.moment)))
    return small, half_radius(quieten(small_radius), spot)


@nb.njit(cache=True, parallel=True, nogil=True)
def _halve(image: Float32Array, radius: Float32Array, least: np.float32) -> tuple[Float32Array, Float32Array]:
    """The same; the radius is still in full-size pixels."""
    height, width, channels = image.shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    small = np.empty((half_height, half_width, channels + 1), np.float32)
    small_radius = np.empty((half_height, half_width), np.float32)
    for j in nb.prange(half_height):
        y0, y1 = 2 * j, min(2 * j + 1, height - 1)
        above, below = max(y0 - 1, 0), min(y0 + 2, height - 1)
        # Whole rows first, along loops that become vectors; then every second pixel is picked.
        softened = _soften(image[above], image[y0], image[y1], image[below])
        reach = _range_of_four(radius[above], radius[y0], radius[y1], radius[below])
        upper, lower = radius[y0], radius[y1]
        for i in range(half_width):
            x0, x1 = 2 * i, min(2 * i + 1, width - 1)
            second = _of_most(upper[x0], upper[x1], lower[x0], lower[x1])
            small_radius[j, i] = second
            small[j, i, channels] = _in_focus(second, least)
            if reach[x0] <= STEP:
                for c in range(channels):
                    small[j, i, c] = softened[x0 * channels + c]
            else:
                for c in range(channels):
                    small[j, i, c] = np.float32(0.25) * (
                        image[y0, x0, c] + image[y0, x1, c] + image[y1, x0, c] + image[y1, x1, c]
                    )
    return small, small_radius


@nb.njit(cache=True, nogil=True)
def _soften(above: Float32Array, upper: Float32Array, lower: Float32Array, below: Float32Array) -> Float32Array:
    """Four rows (W, C) weighted down the columns, then each pixel with the one before and the two after it; (W C,)."""
    width, channels = upper.shape
    size = width * channels
    one, two, three, four = above.reshape(size), upper.reshape(size), lower.reshape(size), below.reshape(size)
    # A column more before, and two after it: at the border the last pixel stands for those beyond.
    row = np.empty((width + 3) * channels, np.float32)
    middle = row[channels : (width + 1) * channels]
    for k in range(np.uint64(size)):
        middle[k] = INNER * (two[k] + three[k]) + OUTER * (one[k] + four[k])
    row[:channels] = middle[:channels]
    row[(width + 1) * channels : (width + 2) * channels] = middle[size - channels :]
    row[(width + 2) * channels :] = middle[size - channels :]
    after, second = row[2 * channels : (width + 2) * channels], row[3 * channels :]
    softened = np.empty(size, np.float32)
    for k in range(np.uint64(size)):
        softened[k] = INNER * (middle[k] + after[k]) + OUTER * (row[k] + second[k])
    return softened


@nb.njit(cache=True, nogil=True)
def _range_of_four(a: Float32Array, b: Float32Array, c: Float32Array, d: Float32Array) -> Float32Array:
    """Largest less least radius among four rows, of each pixel, the one before it and the two after it; (W,)."""
    width = a.size
    low, high = np.empty(width + 3, np.float32), np.empty(width + 3, np.float32)
    low_here, high_here = low[1 : width + 1], high[1 : width + 1]
    for x in range(width):
        low_here[x] = min(min(a[x], b[x]), min(c[x], d[x]))
        high_here[x] = max(max(a[x], b[x]), max(c[x], d[x]))
    low[0], high[0] = low_here[0], high_here[0]
    low[width + 1 :], high[width + 1 :] = low_here[width - 1], high_here[width - 1]
    low_after, high_after, low_second, high_second = low[2:], high[2:], low[3:], high[3:]
    reach = np.empty(width, np.float32)
    for x in range(width):
        nearest = min(min(low[x], low_here[x]), min(low_after[x], low_second[x]))
        farthest = max(max(high[x], high_here[x]), max(high_after[x], high_second[x]))
        reach[x] = farthest - nearest
    return reach


@nb.njit(cache=True, inline="always")
def _of_most(a: np.float32, b: np.float32, c: np.float32, d: np.float32) -> np.float32:
    """Radius of the surface that most of four pixels show: the second nearest, or their mean where they are one."""
    low, high = min(a, b), max(a, b)
    low_too, high_too = min(c, d), max(c, d)
    if max(high, high_too) - min(low, low_too) <= STEP:
        return np.float32(0.25) * (a + b + c + d)
    return min(max(low, low_too), min(high, high_too))


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
    each = (0,) * image.shape[2]
    _restore(image, radius, np.float32(min(spot.moment)), small, rendered, each, out, invented)


@nb.njit(cache=True, parallel=True, nogil=True)
def _restore(
    image: Float32Array,
    radius: Float32Array,
    least: np.float32,
    small: Float32Array,
    rendered: Float32Array,
    each: tuple[int, ...],
    out: Float32Array,
    invented: Float32Array,
) -> None:
    """The same. ``each`` is as long as there are channels, so that the compiler knows the length: a quarter faster."""
    height, width, _ = image.shape
    number = len(each)
    planes = number + 2
    for y in nb.prange(height):
        after = _doubled(rendered, int(y))
        before = _doubled(small, int(y))
        own, result = image[y].reshape(width * number), out[y].reshape(width * number)
        for x in range(np.uint64(width)):
            here, halved, to = x * np.uint64(planes), x * np.uint64(planes - 1), x * np.uint64(number)
            invented[y, x] = after[here + np.uint64(number + 1)]
            # The lesser of the pixel's own share and of what the lens shows of it: not both, which would be too little
            # where blur is small and nothing hides it.
            seen = max(min(_in_focus(radius[y, x], least), after[here + np.uint64(number)]), np.float32(0.0))
            for c in range(np.uint64(number)):
                value = after[here + c]
                if seen > np.float32(0.0):
                    floor = min(min(value, own[to + c]), np.float32(0.0))
                    value = max(value + seen * (own[to + c] - before[halved + c]), floor)
                result[to + c] = value


@nb.njit(cache=True, nogil=True)
def _doubled(half: Float32Array, y: int) -> Float32Array:
    """Row y of the full size from a half-size picture (h, w, P): (2 w P,).

    Between the two nearest rows first, then along the row: pixel middles lie a quarter of a half-size pixel beside the
    middle that they belong to.
    """
    height, width, planes = half.shape
    near = y // 2
    beside = min(max(near + 2 * (y % 2) - 1, 0), height - 1)
    own, other = half[near].reshape(width * planes), half[beside].reshape(width * planes)
    row = np.empty((width + 2) * planes, np.float32)
    middle = row[planes : (width + 1) * planes]
    for k in range(np.uint64(width * planes)):
        middle[k] = np.float32(0.75) * own[k] + np.float32(0.25) * other[k]
    row[:planes] = middle[:planes]
    row[(width + 1) * planes :] = middle[(width - 1) * planes :]
    before, after = row[: width * planes], row[2 * planes :]
    doubled = np.empty((width, 2, planes), np.float32)
    left, right = doubled[:, 0], doubled[:, 1]
    for i in range(np.uint64(width)):
        for c in range(np.uint64(planes)):
            place = i * np.uint64(planes) + c
            left[i, c] = np.float32(0.75) * middle[place] + np.float32(0.25) * before[place]
            right[i, c] = np.float32(0.75) * middle[place] + np.float32(0.25) * after[place]
    return doubled.reshape(2 * width * planes)
