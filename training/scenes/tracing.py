"""Kernels that trace rays through a disc lens onto planes, in linear light; `planes` has the geometry.

Every pixel is computed from its own samples alone, in a fixed order, so the result does not depend on the number of
threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from engine.frames import Float32Array
from training.scenes.planes import BLOCK, NEAREST_DISPARITY, Planes, candidates, hit, nearest, sample

__all__ = ["Points", "add_lights", "filtered_disparity", "hard_disparity", "trace"]

IntArray = NDArray[np.int64]

OPAQUE = 0.998
"""Transmittance is taken as spent when less than 0.2 % of the light is left (below half an 8-bit step)."""


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
def _sort(near: IntArray, depths: NDArray[np.float64], count: int) -> None:
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
def trace(planes: Planes, sets: Float32Array, strength: float, focus: float, out: Float32Array) -> None:
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
                found = candidates(planes, column + 0.5 * BLOCK, row + 0.5, strength, focus, near, levels)
            points = sets[_set_of_pixel(column, row, sets.shape[0])]
            red = green = blue = alpha = 0.0
            for i in range(count):
                x = column + points[i, 0]
                y = row + points[i, 1]
                u = strength * points[i, 2]
                v = strength * points[i, 3]
                for k in range(found):
                    depths[near[k]] = hit(planes, near[k], x, y, u, v, focus)
                _sort(near, depths, found)
                left = 1.0
                for k in range(found):
                    e = near[k]
                    d = depths[e]
                    if d < NEAREST_DISPARITY:
                        break
                    r, g, b, a = sample(planes, e, levels[e], x + (d - focus) * u, y + (d - focus) * v, d)
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
def _in_front(
    planes: Planes,
    owner: int,
    disparity: float,
    x: float,
    y: float,
    strength: float,
    focus: float,
    near: IntArray,
    found: int,
) -> int:
    """Keep of the elements in ``near`` those that may hide an emitter from the block around (x, y)."""
    kept = 0
    for k in range(found):
        e = near[k]
        if e != owner and nearest(planes, e, x, y, strength, focus) > disparity:
            near[kept] = e
            kept += 1
    return kept


@njit(cache=True, inline="always")
def _transmittance(
    planes: Planes,
    disparity: float,
    x: float,
    y: float,
    u: float,
    v: float,
    focus: float,
    near: IntArray,
    levels: IntArray,
    found: int,
) -> float:
    """Share of an emitter's light that passes everything in front of it along one ray."""
    left = 1.0
    for k in range(found):
        e = near[k]
        if left > 0.0:
            d = hit(planes, e, x, y, u, v, focus)
            if d > disparity:
                alpha = sample(planes, e, levels[e], x + (d - focus) * u, y + (d - focus) * v, d)[3]
                left *= 1.0 - alpha
    return left


@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def add_lights(
    planes: Planes, lights: Points, sets: Float32Array, strength: float, focus: float, out: Float32Array
) -> None:
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
                    found = candidates(planes, middle, row + 0.5, strength, focus, near, levels)
                    found = _in_front(
                        planes, lights.owners[n], disparity, middle, row + 0.5, strength, focus, near, found
                    )
                away = np.hypot(column + 0.5 - lx, row + 0.5 - ly)
                if found == 0 and over_area and away + radius + 0.75 < blur:
                    # All of the pixel sees all of the light: every sample would find the same.
                    for c in range(3):
                        out[row, column, c] += lights.colours[n, c] * radius * radius / (3.0 * blur * blur)
                    continue
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
def hard_disparity(planes: Planes, out: Float32Array) -> None:
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
                found = candidates(planes, column + 0.5 * BLOCK, y, 0.0, 0.0, near, levels)
            best = 0.0
            for k in range(found):
                e = near[k]
                d = hit(planes, e, x, y, 0.0, 0.0, 0.0)
                if d > best and d >= NEAREST_DISPARITY and sample(planes, e, levels[e], x, y, d)[3] > 0.5:
                    best = d
            out[row, column] = best


@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def filtered_disparity(planes: Planes, sets: Float32Array, out: Float32Array) -> None:
    """Fill ``out`` (H, W) with disparity composited like colour and box-filtered like the plate; see `trace`."""
    height, width = out.shape
    count = sets.shape[1]
    for row in prange(height):
        near = np.zeros(planes.levels.size, np.int64)
        levels = np.zeros(planes.levels.size, np.int64)
        depths = np.zeros(planes.levels.size, np.float64)
        found = 0
        for column in range(width):
            if column % BLOCK == 0:
                found = candidates(planes, column + 0.5 * BLOCK, row + 0.5, 0.0, 0.0, near, levels)
            total = 0.0
            for i in range(count):
                x = column + sets[0, i, 0]
                y = row + sets[0, i, 1]
                for k in range(found):
                    depths[near[k]] = hit(planes, near[k], x, y, 0.0, 0.0, 0.0)
                _sort(near, depths, found)
                left = 1.0
                for k in range(found):
                    d = depths[near[k]]
                    if d < NEAREST_DISPARITY or left <= 0.0:
                        break
                    alpha = sample(planes, near[k], levels[near[k]], x, y, d)[3]
                    total += left * alpha * d
                    left *= 1.0 - alpha
            out[row, column] = total / count
