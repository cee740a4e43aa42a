"""On which side of the depth's edge a pixel lies, and how far from it."""

from __future__ import annotations

from math import sqrt
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.windows import LEAST_STEP, Levels
from engine.frames import Float32Array

__all__ = ["find_ridges", "measure_sides"]

RIDGE: Final = 0.35
"""A ridge stands above both its sides by this part of its height over the far surface."""


def find_ridges(disparity: Float32Array, levels: Levels, ramp: int) -> NDArray[np.bool_]:
    """Pixels of a soft depth that stand above both sides of them: a thin thing, of which softness left a low ridge.

    Args:
        disparity: (H, W) float32.
        levels: see ``find_levels``.
        ramp: half the width of the softest edge, in pixels; a hard depth has no low ridges.

    Returns:
        (H, W) bool.
    """
    ridge = np.zeros(disparity.shape, np.bool_)
    if ramp > 1:
        _find_ridges(disparity, levels.far, levels.near, levels.edge, ramp, ridge)
    return ridge


@nb.njit(cache=True, parallel=True, nogil=True)
def _find_ridges(
    disparity: Float32Array,
    far: Float32Array,
    near: Float32Array,
    edge: NDArray[np.bool_],
    ramp: int,
    ridge: NDArray[np.bool_],
) -> None:
    height, width = disparity.shape
    for y in nb.prange(ramp, height - ramp):
        for x in range(ramp, width - ramp):
            if not edge[y // 2, x // 2]:
                continue
            here, low, high = disparity[y, x], far[y // 2, x // 2], near[y // 2, x // 2]
            # What is above the middle is near without being a ridge.
            if here - low < np.float32(0.5) * LEAST_STEP or here > np.float32(0.5) * (low + high):
                continue
            rise = max(np.float32(0.5) * LEAST_STEP, np.float32(RIDGE) * (here - low))
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                one, other = disparity[y - ramp * dy, x - ramp * dx], disparity[y + ramp * dy, x + ramp * dx]
                if here - max(one, other) > rise and _is_crest(disparity, y, x, dy, dx):
                    ridge[y, x] = True
                    break


@nb.njit(cache=True, inline="always")
def _is_crest(disparity: Float32Array, y: int, x: int, dy: int, dx: int) -> bool:
    """Whether no neighbour across is higher, and those along it hardly differ: the flank of a hill is no crest."""
    here = disparity[y, x]
    if disparity[y - dy, x - dx] > here or disparity[y + dy, x + dx] > here:
        return False
    # A quarter turn of the direction.
    before, after = disparity[y - dx, x + dy], disparity[y + dx, x - dy]
    fall = here - min(disparity[y - dy, x - dx], disparity[y + dy, x + dx])
    return bool(max(before, after) - here < np.float32(0.3) * fall)


def measure_sides(disparity: Float32Array, levels: Levels, ridge: NDArray[np.bool_], reach: int) -> Float32Array:
    """Signed distance to the depth's edge.

    Returns:
        (H, W) float32 in pixels: positive on the near side, negative on the far one; ``reach + 1`` in size where no
        edge is within ``reach``, and 0 where there is none at all.
    """
    ring = [
        (dy * dy + dx * dx, dy, dx)
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
        if 0 < dy * dy + dx * dx <= reach * reach
    ]
    ring.sort()
    places = np.array([(dy, dx) for _, dy, dx in ring], np.int64).reshape(-1, 2)
    lengths = np.array([sqrt(square) - 0.5 for square, _, _ in ring], np.float32)
    side = np.empty_like(disparity)
    _measure_sides(disparity, levels.far, levels.near, levels.edge, ridge, places, lengths, np.float32(reach + 1), side)
    return side


@nb.njit(cache=True, parallel=True, nogil=True)
def _measure_sides(
    disparity: Float32Array,
    far: Float32Array,
    near: Float32Array,
    edge: NDArray[np.bool_],
    ridge: NDArray[np.bool_],
    places: NDArray[np.int64],
    lengths: Float32Array,
    none: np.float32,
    side: Float32Array,
) -> None:
    height, width = disparity.shape
    for y in nb.prange(height):
        for x in range(width):
            j, i = y // 2, x // 2
            if not edge[j, i]:
                side[y, x] = np.float32(0.0)
                continue
            # Every pixel asks by its own two surfaces: where a third one comes into reach, no false edge arises.
            middle = np.float32(0.5) * (far[j, i] + near[j, i])
            is_near = disparity[y, x] > middle or ridge[y, x]
            distance = none
            for k in range(places.shape[0]):
                yy, xx = y + places[k, 0], x + places[k, 1]
                if not (0 <= yy < height and 0 <= xx < width):
                    continue
                if (disparity[yy, xx] > middle or ridge[yy, xx]) != is_near:
                    distance = lengths[k]
                    break
            side[y, x] = distance if is_near else -distance
