"""Kernels that trace rays through a disc lens onto planes, in linear light.

The geometry is linear. A ray that leaves pixel position p through lens point u (in the unit disc) passes a plane of
constant disparity d at ``q = p + K (d - d_f) u``. A tilted plane has ``d = g . q + e`` in the picture, so
``d = (d(p) - K d_f g . u) / (1 - K g . u)``: an exact intersection, with no search.

Every pixel is computed from its own samples alone, in a fixed order, so the result does not depend on the number of
threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["Planes", "Points", "add_lights", "hard_disparity", "trace"]

OPAQUE = 0.998
"""Transmittance is taken as spent when less than 0.2 % of the light is left (below half an 8-bit step)."""

LENS_SHARE = 0.05
"""Side of a texel over the blur radius: half of the distance between lens samples at about 300 of them."""

BLOCK = 8
"""Pixels of a row that share their list of elements: finding it costs as much as about 40 rays."""

NEAREST_DISPARITY = 1e-4
"""Planes are cut off beyond this disparity, just in front of the horizon."""


class Planes(NamedTuple):
    """The elements of one frame, flattened for the kernels. E elements, L mip levels at most.

    Attributes:
        texels: (T, 4) float32, all mip levels of all elements, premultiplied RGBA.
        bounds: (T, 2) float32, least and most alpha of level 0 under every texel.
        offsets, heights, widths: (E, L) int64, where each level starts and its size.
        levels: (E,) int64, number of levels of each.
        maps: (E, 3, 3) float64; ``maps @ (x, y, 1)`` is (column * d, row * d, d) for pixel position (x, y), with
            column and row in level 0 texels.
        scales: (E,) float64, square root of ``abs(det(maps))``: texels per pixel are ``scale / d**1.5``.
        boxes: (E, 4) float64, left, top, right, bottom in pixels, with the reach of the blur added.
        endless: (E,) bool, whether the surface is mirrored beyond its border.
    """

    texels: Float32Array
    bounds: Float32Array
    offsets: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    levels: NDArray[np.int64]
    maps: NDArray[np.float64]
    scales: NDArray[np.float64]
    boxes: NDArray[np.float64]
    endless: NDArray[np.bool_]


class Points(NamedTuple):
    """Emitters of one frame, N of them.

    Attributes:
        places: (N, 4) float64: x, y in pixels, disparity, radius in pixels.
        colours: (N, 3) float32, radiance at the emitter's middle.
        owners: (N,) int64, the element that carries it, which does not hide it.
    """

    places: NDArray[np.float64]
    colours: Float32Array
    owners: NDArray[np.int64]


@njit(cache=True, inline="always")
def _set_of_pixel(x: int, y: int, sets: int) -> int:
    """Which sample set a pixel uses: a hash, so that neighbours have independent errors."""
    h = (np.uint32(x) * np.uint32(0x8DA6B343)) ^ (np.uint32(y) * np.uint32(0xD8163841))
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0x5BD1E995)
    h = h ^ (h >> np.uint32(15))
    return int(h % np.uint32(sets))


@njit(cache=True, inline="always")
def _level(planes: Any, e: int, x: float, y: float, strength: float, focus: float) -> int:
    """The mip level whose texel is at most half a pixel, or a small share of the blur radius."""
    m = planes.maps[e]
    d = max(m[2, 0] * x + m[2, 1] * y + m[2, 2], 0.01)
    footprint = max(0.5, LENS_SHARE * strength * abs(d - focus))
    texels = footprint * planes.scales[e] / (d * np.sqrt(d))
    level = 0
    while texels >= 2.0 and level + 1 < planes.levels[e]:
        texels *= 0.5
        level += 1
    return level


@njit(cache=True)
def _mirror(i: int, n: int) -> int:
    i = i % (2 * n)
    return i if i < n else 2 * n - 1 - i


@njit(cache=True)
def _corner(planes: Any, e: int, level: int, row: int, column: int) -> int:
    """Index of a texel, or -1 outside the surface."""
    h = planes.heights[e, level]
    w = planes.widths[e, level]
    if planes.endless[e]:
        row = _mirror(row, h)
        column = _mirror(column, w)
    elif row < 0 or column < 0 or row >= h or column >= w:
        return -1
    return int(planes.offsets[e, level] + row * w + column)


@njit(cache=True, inline="always")
def _lookup(planes: Any, e: int, level: int, column: float, row: float) -> tuple[float, float, float, float]:
    """Bilinear RGBA at a position in level 0 texels."""
    size = 1.0 / (1 << level)
    c = column * size - 0.5
    r = row * size - 0.5
    c0 = int(np.floor(c))
    r0 = int(np.floor(r))
    h = planes.heights[e, level]
    w = planes.widths[e, level]
    if not planes.endless[e] and (c0 < -1 or r0 < -1 or c0 >= w or r0 >= h):
        return 0.0, 0.0, 0.0, 0.0
    fc = np.float32(c - c0)
    fr = np.float32(r - r0)
    t = planes.texels
    if c0 >= 0 and r0 >= 0 and c0 + 1 < w and r0 + 1 < h:
        i = planes.offsets[e, level] + r0 * w + c0
        j = i + w
        one = np.float32(1.0)
        wa = (one - fr) * (one - fc)
        wb = (one - fr) * fc
        wc = fr * (one - fc)
        wd = fr * fc
        return (
            wa * t[i, 0] + wb * t[i + 1, 0] + wc * t[j, 0] + wd * t[j + 1, 0],
            wa * t[i, 1] + wb * t[i + 1, 1] + wc * t[j, 1] + wd * t[j + 1, 1],
            wa * t[i, 2] + wb * t[i + 1, 2] + wc * t[j, 2] + wd * t[j + 1, 2],
            wa * t[i, 3] + wb * t[i + 1, 3] + wc * t[j, 3] + wd * t[j + 1, 3],
        )
    red = green = blue = alpha = 0.0
    for k in range(4):
        i = _corner(planes, e, level, r0 + (k >> 1), c0 + (k & 1))
        if i >= 0:
            weight = (fr if k >> 1 else 1.0 - fr) * (fc if k & 1 else 1.0 - fc)
            red += weight * t[i, 0]
            green += weight * t[i, 1]
            blue += weight * t[i, 2]
            alpha += weight * t[i, 3]
    return red, green, blue, alpha


@njit(cache=True, inline="always")
def _hit(planes: Any, e: int, x: float, y: float, u: float, v: float, focus: float) -> float:
    """Disparity where a ray meets the plane; 0 or less where it does not. (u, v) is the lens point times K."""
    maps = planes.maps
    lean = maps[e, 2, 0] * u + maps[e, 2, 1] * v
    below = 1.0 - lean
    if below < 1e-6:
        return 0.0
    return (maps[e, 2, 0] * x + maps[e, 2, 1] * y + maps[e, 2, 2] - focus * lean) / below


@njit(cache=True, inline="always")
def _sample(planes: Any, e: int, level: int, x: float, y: float, d: float) -> tuple[float, float, float, float]:
    """RGBA of element e at pixel position (x, y), where its disparity is d."""
    maps = planes.maps
    inverse = 1.0 / d
    column = (maps[e, 0, 0] * x + maps[e, 0, 1] * y + maps[e, 0, 2]) * inverse
    row = (maps[e, 1, 0] * x + maps[e, 1, 1] * y + maps[e, 1, 2]) * inverse
    return _lookup(planes, e, level, column, row)


@njit(cache=True, inline="always")
def _reach(planes: Any, e: int, x: float, y: float, strength: float, focus: float) -> float:
    """How far from (x, y), the middle of a block, its rays may meet the plane; infinite where the plane is too steep."""
    m = planes.maps[e]
    d = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    slope = np.hypot(m[2, 0], m[2, 1])
    if strength * slope > 0.9:
        return np.inf
    # d changes by slope per pixel on the way, and the reach with it.
    from_middle = 1.0 + 0.5 * BLOCK
    return (strength * (abs(d - focus) + slope * from_middle) + from_middle) / (1.0 - strength * slope)


@njit(cache=True, inline="always")
def _alpha_bounds(planes: Any, e: int, level: int, x: float, y: float, reach: float) -> tuple[float, float]:
    """Least and most alpha that rays can find within ``reach`` pixels of (x, y); (0, 1) where that is not known."""
    m = planes.maps[e]
    left = top = np.inf
    right = bottom = -np.inf
    for k in range(4):
        qx = x + (reach if k & 1 else -reach)
        qy = y + (reach if k & 2 else -reach)
        d = m[2, 0] * qx + m[2, 1] * qy + m[2, 2]
        if not d > NEAREST_DISPARITY:
            return 0.0, 1.0
        column = (m[0, 0] * qx + m[0, 1] * qy + m[0, 2]) / d
        row = (m[1, 0] * qx + m[1, 1] * qy + m[1, 2]) / d
        left = min(left, column)
        right = max(right, column)
        top = min(top, row)
        bottom = max(bottom, row)
    margin = 1 << level
    level = 0
    size = max(right - left, bottom - top) + 2.0 * margin
    while size > 2.0 and level + 1 < planes.levels[e]:
        size *= 0.5
        level += 1
    block = 1.0 / (1 << level)
    c0 = int(np.floor((left - margin) * block))
    c1 = int(np.floor((right + margin) * block))
    r0 = int(np.floor((top - margin) * block))
    r1 = int(np.floor((bottom + margin) * block))
    if (c1 - c0) * (r1 - r0) > 100:
        return 0.0, 1.0
    least = 1.0
    most = 0.0
    for row in range(r0, r1 + 1):
        for column in range(c0, c1 + 1):
            i = _corner(planes, e, level, row, column)
            if i < 0:
                least = 0.0
            else:
                least = min(least, planes.bounds[i, 0])
                most = max(most, planes.bounds[i, 1])
    return least, most


@njit(cache=True)
def _candidates(planes: Any, x: float, y: float, strength: float, focus: float, near: Any, levels: Any) -> int:
    """Elements that rays of the block of pixels around (x, y) may meet, and the mip level for each.

    Those that are empty all around the block, or lie wholly behind one that is opaque all around it, are left out.
    """
    count = 0
    hidden = 0.0
    for e in range(planes.levels.size):
        b = planes.boxes[e]
        if x < b[0] - BLOCK or x > b[2] + BLOCK or y < b[1] or y > b[3]:
            continue
        level = _level(planes, e, x, y, strength, focus)
        reach = _reach(planes, e, x, y, strength, focus)
        least, most = 0.0, 1.0
        if reach < 1e6:
            least, most = _alpha_bounds(planes, e, level, x, y, reach)
        if most <= 0.0:
            continue
        levels[e] = level
        near[count] = e
        count += 1
        if least >= 1.0:
            m = planes.maps[e]
            farthest = m[2, 0] * x + m[2, 1] * y + m[2, 2] - np.hypot(m[2, 0], m[2, 1]) * (reach + 1.0)
            hidden = max(hidden, farthest)
    if hidden <= 0.0:
        return count
    kept = 0
    for k in range(count):
        e = near[k]
        m = planes.maps[e]
        slope = np.hypot(m[2, 0], m[2, 1])
        nearest = m[2, 0] * x + m[2, 1] * y + m[2, 2] + slope * (_reach(planes, e, x, y, strength, focus) + 1.0)
        if nearest < hidden:
            continue
        near[kept] = e
        kept += 1
    return kept


@njit(cache=True, inline="always")
def _sort(near: Any, depths: Any, count: int) -> None:
    """Nearest first; insertion, because the order seldom changes from ray to ray."""
    for i in range(1, count):
        e = near[i]
        d = depths[e]
        j = i
        while j > 0 and depths[near[j - 1]] < d:
            near[j] = near[j - 1]
            j -= 1
        near[j] = e


@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def trace(planes: Any, sets: Float32Array, strength: float, focus: float, out: Float32Array) -> None:
    """Fill ``out`` (H, W, 4) with the mean over every pixel's rays, front to back with soft alpha.

    Args:
        planes: a `Planes`.
        sets: (S, N, 6) float32: place in the pixel (2, in 0..1), lens point (2, unit disc), and two for emitters.
        strength: K. focus: d_f.
        out: (H, W, 4) float32.
    """
    height, width = out.shape[:2]
    count = sets.shape[1]
    for row in prange(height):
        near = np.zeros(planes.levels.size, np.int64)
        levels = np.zeros(planes.levels.size, np.int64)
        depths = np.zeros(planes.levels.size, np.float64)
        found = 0
        for column in range(width):
            if column % BLOCK == 0:
                found = _candidates(planes, column + 0.5 * BLOCK, row + 0.5, strength, focus, near, levels)
            points = sets[_set_of_pixel(column, row, sets.shape[0])]
            red = green = blue = alpha = 0.0
            for i in range(count):
                x = column + points[i, 0]
                y = row + points[i, 1]
                u = strength * points[i, 2]
                v = strength * points[i, 3]
                for k in range(found):
                    depths[near[k]] = _hit(planes, near[k], x, y, u, v, focus)
                _sort(near, depths, found)
                left = 1.0
                for k in range(found):
                    e = near[k]
                    d = depths[e]
                    if d < NEAREST_DISPARITY:
                        break
                    r, g, b, a = _sample(planes, e, levels[e], x + (d - focus) * u, y + (d - focus) * v, d)
                    red += left * r
                    green += left * g
                    blue += left * b
                    left *= 1.0 - a
                    if left < 1.0 - OPAQUE:
                        left = 0.0
                        break
                alpha += 1.0 - left
            out[row, column, 0] = red / count
            out[row, column, 1] = green / count
            out[row, column, 2] = blue / count
            out[row, column, 3] = alpha / count


@njit(cache=True, inline="always")
def _transmittance(
    planes: Any,
    owner: int,
    disparity: float,
    x: float,
    y: float,
    u: float,
    v: float,
    focus: float,
    near: Any,
    levels: Any,
    found: int,
) -> float:
    """Share of an emitter's light that passes everything in front of it along one ray."""
    left = 1.0
    for k in range(found):
        e = near[k]
        if e != owner and left > 0.0:
            d = _hit(planes, e, x, y, u, v, focus)
            if d > disparity:
                alpha = _sample(planes, e, levels[e], x + (d - focus) * u, y + (d - focus) * v, d)[3]
                left *= 1.0 - alpha
    return left


@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def add_lights(planes: Any, lights: Any, sets: Float32Array, strength: float, focus: float, out: Float32Array) -> None:
    """Add emitters to ``out``: small soft discs of radiance ``colour * (1 - s^2)^2``, s the distance over the radius.

    An emitter that is blurred wider than itself is sampled over its own area, one that is not over the lens. Both
    are the same integral; each is used where it has next to no noise. See `trace` for the arguments.
    """
    height, width = out.shape[:2]
    count = sets.shape[1]
    for row in prange(height):
        near = np.zeros(planes.levels.size, np.int64)
        levels = np.zeros(planes.levels.size, np.int64)
        for n in range(lights.owners.size):
            lx, ly, disparity, radius = lights.places[n]
            spread = strength * (disparity - focus)
            blur = abs(spread)
            reach = blur + radius + 1.0
            if abs(row + 0.5 - ly) > reach or disparity < NEAREST_DISPARITY:
                continue
            first = max(0, int(np.floor(lx - reach)))
            last = min(width, int(np.ceil(lx + reach)) + 1)
            over_area = blur > radius
            found = 0
            for column in range(first, last):
                points = sets[_set_of_pixel(column, row, sets.shape[0])]
                if column == first or column % BLOCK == 0:
                    middle = column - column % BLOCK + 0.5 * BLOCK
                    found = _candidates(planes, middle, row + 0.5, strength, focus, near, levels)
                total = 0.0
                for i in range(count):
                    x = column + points[i, 0]
                    y = row + points[i, 1]
                    if over_area:
                        u = (lx + radius * points[i, 4] - x) / spread
                        v = (ly + radius * points[i, 5] - y) / spread
                        if u * u + v * v > 1.0:
                            continue
                        # A third of the disc's area is the volume of the profile.
                        weight = radius * radius / (3.0 * blur * blur)
                    else:
                        u = points[i, 2]
                        v = points[i, 3]
                        ox = (x + spread * u - lx) / radius
                        oy = (y + spread * v - ly) / radius
                        fall = 1.0 - ox * ox - oy * oy
                        if fall <= 0.0:
                            continue
                        weight = fall * fall
                    total += weight * _transmittance(
                        planes,
                        lights.owners[n],
                        disparity,
                        x,
                        y,
                        strength * u,
                        strength * v,
                        focus,
                        near,
                        levels,
                        found,
                    )
                for c in range(3):
                    out[row, column, c] += lights.colours[n, c] * total / count


@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def hard_disparity(planes: Any, out: Float32Array) -> None:
    """Fill ``out`` (H, W) with the disparity of the frontmost surface at every pixel's centre whose alpha is > 0.5."""
    height, width = out.shape
    for row in prange(height):
        near = np.zeros(planes.levels.size, np.int64)
        levels = np.zeros(planes.levels.size, np.int64)
        found = 0
        for column in range(width):
            x = column + 0.5
            y = row + 0.5
            if column % BLOCK == 0:
                found = _candidates(planes, column + 0.5 * BLOCK, y, 0.0, 0.0, near, levels)
            best = 0.0
            for k in range(found):
                e = near[k]
                d = _hit(planes, e, x, y, 0.0, 0.0, 0.0)
                if d > best and d >= NEAREST_DISPARITY and _sample(planes, e, levels[e], x, y, d)[3] > 0.5:
                    best = d
            out[row, column] = best
