"""Textured planes as arrays, and what a ray finds on them.

The geometry is linear. A ray that leaves pixel position p through lens point u (in the unit disc) passes a plane of
constant disparity d at ``q = p + K (d - d_f) u``. A tilted plane has ``d = g . q + e`` in the picture, so
``d = (d(p) - K d_f g . u) / (1 - K g . u)``: an exact intersection, with no search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["BLOCK", "NEAREST_DISPARITY", "Planes", "candidates", "hit", "nearest", "sample"]

IntArray = NDArray[np.int64]

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

    def only(self, element: int) -> Planes:
        """One element without the others."""
        one = slice(element, element + 1)
        rest = {name: getattr(self, name)[one] for name in self._fields if name not in ("texels", "bounds")}
        return self._replace(**rest)


@njit(cache=True, inline="always")
def _level(planes: Planes, e: int, x: float, y: float, strength: float, focus: float) -> int:
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
def _corner(planes: Planes, e: int, level: int, row: int, column: int) -> int:
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
def _lookup(planes: Planes, e: int, level: int, column: float, row: float) -> tuple[float, float, float, float]:
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
def hit(planes: Planes, e: int, x: float, y: float, u: float, v: float, focus: float) -> float:
    """Disparity where a ray meets the plane; 0 or less where it does not. (u, v) is the lens point times K."""
    maps = planes.maps
    lean = maps[e, 2, 0] * u + maps[e, 2, 1] * v
    below = 1.0 - lean
    if below < 1e-6:
        return 0.0
    return float((maps[e, 2, 0] * x + maps[e, 2, 1] * y + maps[e, 2, 2] - focus * lean) / below)


@njit(cache=True, inline="always")
def sample(planes: Planes, e: int, level: int, x: float, y: float, d: float) -> tuple[float, float, float, float]:
    """RGBA of element e at pixel position (x, y), where its disparity is d."""
    maps = planes.maps
    inverse = 1.0 / d
    column = (maps[e, 0, 0] * x + maps[e, 0, 1] * y + maps[e, 0, 2]) * inverse
    row = (maps[e, 1, 0] * x + maps[e, 1, 1] * y + maps[e, 1, 2]) * inverse
    return _lookup(planes, e, level, column, row)


@njit(cache=True, inline="always")
def _reach(planes: Planes, e: int, x: float, y: float, strength: float, focus: float) -> float:
    """How far from (x, y), the middle of a block, its rays may meet the plane; infinite if it is too steep."""
    m = planes.maps[e]
    d = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    slope = float(np.hypot(m[2, 0], m[2, 1]))
    if strength * slope > 0.9:
        return np.inf
    # d changes by slope per pixel on the way, and the reach with it.
    from_middle = 1.0 + 0.5 * BLOCK
    return float((strength * (abs(d - focus) + slope * from_middle) + from_middle) / (1.0 - strength * slope))


@njit(cache=True, inline="always")
def _alpha_bounds(planes: Planes, e: int, level: int, x: float, y: float, reach: float) -> tuple[float, float]:
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


@njit(cache=True, inline="always")
def nearest(planes: Planes, e: int, x: float, y: float, strength: float, focus: float) -> float:
    """The most disparity that rays of the block of pixels around (x, y) can find on an element."""
    m = planes.maps[e]
    slope = np.hypot(m[2, 0], m[2, 1])
    if slope == 0.0:
        return float(m[2, 2])
    return float(m[2, 0] * x + m[2, 1] * y + m[2, 2] + slope * (_reach(planes, e, x, y, strength, focus) + 1.0))


@njit(cache=True)
def candidates(
    planes: Planes, x: float, y: float, strength: float, focus: float, near: IntArray, levels: IntArray
) -> int:
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
        if nearest(planes, e, x, y, strength, focus) < hidden:
            continue
        near[kept] = e
        kept += 1
    return kept
