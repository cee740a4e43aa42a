"""From decisions to depth: every pixel beside an edge takes its own side's surface."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.windows import Levels
from engine.frames import Float32Array

__all__ = ["place_surfaces"]

OWN_SIDE: Final = 0.35
"""Part of the step within which a neighbour's disparity counts as a side's own surface."""

LEAST_SHARE: Final = 0.3
"""A thin thing of which the depth kept less than this is not raised further: that would raise noise."""

THIN: Final = 0.7
"""Where the depth kept less than this share, the greatest disparity around is the thing's own as often as not."""

NOT_YET, NEXT, DONE = 0, 1, 2


def place_surfaces(
    disparity: Float32Array, levels: Levels, side: Float32Array, odds: Float32Array, softness: float
) -> Float32Array:
    """Disparity whose edges are edges.

    Surfaces are continued from beyond the ramp into it, wave by wave. A thin thing shows its own surface nowhere in a
    soft depth: it takes the nearest disparity around it, raised by what the softness took.

    Args:
        disparity: (H, W) float32.
        levels: see ``find_levels``.
        side: see ``measure_sides``.
        odds: (H, W) decisions: positive is near.
        softness: standard deviation of the depth's own blur, in pixels.

    Returns:
        (H, W) float32, a new array; equal bits away from edges.
    """
    out = disparity.copy()
    state = np.empty(disparity.shape, np.uint8)
    _find_trusted(levels.still, side, odds, state)
    queue = np.empty((int(np.count_nonzero(state != DONE)), 2), np.int32)
    if len(queue):
        _continue_surfaces(levels.far, levels.near, odds, state, queue, out)
        shares = np.zeros_like(out)
        _find_shares(odds, state, _gaussian(softness), shares)
        _place_thin(disparity, levels.far, levels.near, odds, state, shares, out)
    return out


def _gaussian(sigma: float) -> Float32Array:
    """Weights of a Gaussian; one for no blur."""
    half = int(np.ceil(2.0 * sigma))
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / max(sigma, 1e-3)) ** 2)
    return np.asarray(weights / weights.sum(), np.float32)


@nb.njit(cache=True, parallel=True, nogil=True)
def _find_trusted(still: NDArray[np.bool_], side: Float32Array, odds: Float32Array, state: NDArray[np.uint8]) -> None:
    """DONE where a pixel keeps its disparity: away from edges, or still and on the side that was decided."""
    height, width = side.shape
    for y in nb.prange(height):
        for x in range(width):
            own = side[y, x]
            keeps = own == 0 or (still[y // 2, x // 2] and (own > 0) == (odds[y, x] > 0))
            state[y, x] = DONE if keeps else NOT_YET


@nb.njit(cache=True, inline="always")
def _belongs(value: np.float32, own: np.float32, far: np.float32, near: np.float32, is_near: bool) -> bool:
    """Whether a disparity is that of a side's surface; ``own`` is the pixel's, of which softness took but a part."""
    margin = np.float32(OWN_SIDE) * (near - far)
    if not is_near:
        return bool(value < far + margin)
    highest = max(near + margin, far + (own - far) * np.float32(1.0 / LEAST_SHARE))
    return bool(near - margin < value < highest)


@nb.njit(cache=True, nogil=True)
def _continue_surfaces(
    far: Float32Array,
    near: Float32Array,
    odds: Float32Array,
    state: NDArray[np.uint8],
    queue: NDArray[np.int32],
    out: Float32Array,
) -> None:
    """Pixel by pixel from what is known, each the mean of its known neighbours on its own side."""
    height, width = out.shape
    count = 0
    for y in range(height):
        for x in range(width):
            if state[y, x] == NOT_YET and _known_mean(far, near, odds, state, out, y, x) >= 0:
                state[y, x] = NEXT
                queue[count, 0], queue[count, 1] = y, x
                count += 1
    head = 0
    while head < count:
        tail = count
        for k in range(head, tail):
            y, x = queue[k, 0], queue[k, 1]
            out[y, x] = _known_mean(far, near, odds, state, out, y, x)
        for k in range(head, tail):
            state[queue[k, 0], queue[k, 1]] = DONE
        for k in range(head, tail):
            y, x = queue[k, 0], queue[k, 1]
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(x - 1, 0), min(x + 2, width)):
                    if state[yy, xx] == NOT_YET and _belongs(
                        out[y, x], out[yy, xx], far[yy // 2, xx // 2], near[yy // 2, xx // 2], odds[yy, xx] > 0
                    ):
                        state[yy, xx] = NEXT
                        queue[count, 0], queue[count, 1] = yy, xx
                        count += 1
        head = tail


@nb.njit(cache=True, nogil=True)
def _known_mean(
    far: Float32Array,
    near: Float32Array,
    odds: Float32Array,
    state: NDArray[np.uint8],
    out: Float32Array,
    y: int,
    x: int,
) -> np.float32:
    """Mean disparity of the known neighbours on a pixel's own side; -1 where there is none."""
    height, width = out.shape
    total, number = np.float32(0.0), np.float32(0.0)
    low, high, is_near = far[y // 2, x // 2], near[y // 2, x // 2], odds[y, x] > 0
    for yy in range(max(y - 1, 0), min(y + 2, height)):
        for xx in range(max(x - 1, 0), min(x + 2, width)):
            if state[yy, xx] == DONE and _belongs(out[yy, xx], out[y, x], low, high, is_near):
                total += out[yy, xx]
                number += np.float32(1.0)
    return total / number if number > 0 else np.float32(-1.0)


@nb.njit(cache=True, parallel=True, nogil=True)
def _find_shares(odds: Float32Array, state: NDArray[np.uint8], weights: Float32Array, shares: Float32Array) -> None:
    """Share of near pixels under the depth's blur, at the near pixels that no surface reached."""
    height, width = odds.shape
    half = weights.shape[0] // 2
    for y in nb.prange(height):
        for x in range(width):
            if state[y, x] == DONE or odds[y, x] <= 0:
                continue
            share = np.float32(0.0)
            for yy in range(max(y - half, 0), min(y + half + 1, height)):
                for xx in range(max(x - half, 0), min(x + half + 1, width)):
                    if odds[yy, xx] > 0:
                        share += weights[yy - y + half] * weights[xx - x + half]
            shares[y, x] = share


@nb.njit(cache=True, parallel=True, nogil=True)
def _place_thin(
    disparity: Float32Array,
    far: Float32Array,
    near: Float32Array,
    odds: Float32Array,
    state: NDArray[np.uint8],
    shares: Float32Array,
    out: Float32Array,
) -> None:
    """What no surface reached: a far pixel takes the far extreme around it, a near one its thin thing's disparity.

    A soft depth shows a thin thing as ``far + share (thing - far)``. The thing's own disparity is the least-squares
    answer of a few pixels; of a thing so thin that the depth lost most of it, no less than the greatest seen around it.
    """
    height, width = out.shape
    for y in nb.prange(height):
        for x in range(width):
            if state[y, x] == DONE:
                continue
            low, high = far[y // 2, x // 2], near[y // 2, x // 2]
            if odds[y, x] <= 0:
                out[y, x] = low
                continue
            product = square = number = total = np.float32(0.0)
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(x - 1, 0), min(x + 2, width)):
                    share = shares[yy, xx]
                    product += share * (disparity[yy, xx] - low)
                    square += share * share
                    total += share
                    number += np.float32(share > 0)
            raised = low + product / max(square, np.float32(LEAST_SHARE**2))
            if total < np.float32(THIN) * number:
                raised = max(raised, high)
            out[y, x] = min(max(raised, low), np.float32(1.0))
