"""What a near thing hides: the far surface, grown underneath it from its surroundings.

Invented, and marked as such. A lens point sees at most ``far radius - near radius`` pixels behind a silhouette, so that
is how far the surface grows.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["INVENTED", "NONE", "REAL", "extend_background", "smooth_background"]

NONE, REAL, INVENTED = 0, 1, 2

SAME_SURFACE: Final = 2.0
"""Difference in radius up to which two pieces of background are one surface."""

CLEAR: Final = 3
"""How far from a silhouette the colour behind it is taken, in pixels."""

BESIDE: Final = np.float32(0.1)
"""Weight of pixels that touch a silhouette."""

FOLD: Final = np.float32(0.4)
"""What is hidden by less than this part of the way to a farther surface is the near surface's own fold."""

DIAGONAL: Final = np.float32(0.7)


@nb.njit(cache=True, nogil=True)
def extend_background(
    radius: Float32Array,
    side: NDArray[np.uint8],
    step: np.float32,
    front: Float32Array,
    coverage: Float32Array,
    front_radius: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> NDArray[np.int32]:
    """Grow the far surface wave by wave, each pixel the mean of what is known of the farthest surface around it.

    Args:
        radius: (H, W) signed radius of the plate.
        side: silhouettes of ``radius``.
        step: difference in radius that makes a silhouette.
        front, coverage, front_radius, back, back_radius, back_kind: the surfaces, changed in place.

    Returns:
        (N, 2) int32 row and column of the pixels that were invented, those with an even sum first.
    """
    height, width, channels = front.shape
    queue = np.empty((2 * height * width, 2), np.int32)
    wave = np.zeros((height, width), np.int16)
    mean = np.zeros(channels, np.float32)
    count = 0
    for y in range(height):
        for x in range(width):
            split_near = back_kind[y, x] == REAL and radius[y, x] < back_radius[y, x] - step
            if split_near or (side[y, x] & 1 and back_kind[y, x] == NONE):
                wave[y, x] = 1
                queue[count, 0], queue[count, 1] = y, x
                count += 1
    head = 0
    while head < count:
        y, x = queue[head, 0], queue[head, 1]
        head += 1
        number = wave[y, x]
        if back_kind[y, x] == NONE:
            if number == 1:
                found = _invent_first(y, x, radius, side, step, front, back, back_radius, back_kind, mean)
            else:
                found = _invent_next(y, x, number, wave, radius, step, back, back_radius, back_kind, mean)
            if not found:
                continue
        # A hundredth of a pixel is the rounding of the means.
        if number >= back_radius[y, x] - radius[y, x] + step - np.float32(0.01):
            continue
        for k in range(4):
            yy = y + (k == 0) - (k == 1)
            xx = x + (k == 2) - (k == 3)
            if not (0 <= yy < height and 0 <= xx < width):
                continue
            if radius[yy, xx] >= back_radius[y, x] - step:
                continue
            fresh = wave[yy, xx] == 0 and back_kind[yy, xx] == NONE
            # A fold of the near surface hides a little of itself, and must not stop what lies far behind both.
            behind = back_radius[y, x] - radius[yy, xx]
            shallow = back_kind[yy, xx] != NONE and back_radius[yy, xx] - front_radius[yy, xx] < FOLD * behind
            if (fresh or shallow) and count < queue.shape[0]:
                if back_kind[yy, xx] == REAL:
                    _put_together(yy, xx, radius, front, coverage, front_radius, back)
                wave[yy, xx] = number + 1
                back_kind[yy, xx] = NONE
                back_radius[yy, xx] = back_radius[y, x]
                queue[count, 0], queue[count, 1] = yy, xx
                count += 1
    return _by_parity(queue[:count], back_kind)


@nb.njit(cache=True, nogil=True)
def _put_together(
    y: int,
    x: int,
    radius: Float32Array,
    front: Float32Array,
    coverage: Float32Array,
    front_radius: Float32Array,
    back: Float32Array,
) -> None:
    """Make one surface again of a pixel that was split."""
    share = coverage[y, x]
    for c in range(front.shape[2]):
        front[y, x, c] = share * front[y, x, c] + (np.float32(1.0) - share) * back[y, x, c]
    coverage[y, x] = np.float32(1.0)
    front_radius[y, x] = radius[y, x]


@nb.njit(cache=True, nogil=True)
def _invent_first(
    y: int,
    x: int,
    radius: Float32Array,
    side: NDArray[np.uint8],
    step: np.float32,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    mean: Float32Array,
) -> bool:
    """A near pixel next to a far one: the mean of the farthest surface around it; False where nothing is farther."""
    height, width, channels = front.shape
    farthest = radius[y, x]
    for yy in range(max(y - 1, 0), min(y + 2, height)):
        for xx in range(max(x - 1, 0), min(x + 2, width)):
            # A far pixel that a near one was mixed into has its own colour in its back.
            farthest = max(farthest, radius[yy, xx])
    if farthest <= radius[y, x] + step:
        return False
    total = np.float32(0.0)
    depth = np.float32(0.0)
    mean[:] = 0.0
    for yy in range(max(y - CLEAR, 0), min(y + CLEAR + 1, height)):
        for xx in range(max(x - CLEAR, 0), min(x + CLEAR + 1, width)):
            if abs(radius[yy, xx] - farthest) > SAME_SURFACE or radius[yy, xx] <= radius[y, x] + step:
                continue
            # What touches the near surface is mixed with it, or lies in its halo: purer pixels are believed first.
            weight = np.float32(1.0) / np.float32((yy - y) ** 2 + (xx - x) ** 2)
            if side[yy, xx] != 0:
                weight *= BESIDE
            total += weight
            depth += weight * radius[yy, xx]
            if back_kind[yy, xx] == REAL and radius[yy, xx] >= back_radius[yy, xx]:
                for c in range(channels):
                    mean[c] += weight * back[yy, xx, c]
            else:
                for c in range(channels):
                    mean[c] += weight * front[yy, xx, c]
    _set_back(y, x, depth / total, total, mean, back, back_radius, back_kind)
    return True


@nb.njit(cache=True, nogil=True)
def _invent_next(
    y: int,
    x: int,
    number: int,
    wave: NDArray[np.int16],
    radius: Float32Array,
    step: np.float32,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    mean: Float32Array,
) -> bool:
    """A pixel of a later wave: the mean of the waves before it, of the surface that reached it first."""
    height, width = wave.shape
    reached = back_radius[y, x]
    total = np.float32(0.0)
    depth = np.float32(0.0)
    mean[:] = 0.0
    for yy in range(max(y - 1, 0), min(y + 2, height)):
        for xx in range(max(x - 1, 0), min(x + 2, width)):
            if back_kind[yy, xx] == NONE or wave[yy, xx] >= number:
                continue
            if abs(back_radius[yy, xx] - reached) >= SAME_SURFACE:
                continue
            weight = np.float32(1.0) if yy == y or xx == x else DIAGONAL
            total += weight
            depth += weight * back_radius[yy, xx]
            for c in range(mean.size):
                mean[c] += weight * back[yy, xx, c]
    if total == 0.0:
        return False
    # The mean of slightly different radii must stay behind what hides it.
    behind = max(depth / total, radius[y, x] + step)
    _set_back(y, x, behind, total, mean, back, back_radius, back_kind)
    return True


@nb.njit(cache=True, nogil=True)
def _set_back(
    y: int,
    x: int,
    depth: np.float32,
    total: np.float32,
    mean: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    back_kind[y, x] = INVENTED
    back_radius[y, x] = depth
    for c in range(mean.size):
        back[y, x, c] = mean[c] / total


@nb.njit(cache=True, nogil=True)
def _by_parity(queue: NDArray[np.int32], back_kind: NDArray[np.uint8]) -> NDArray[np.int32]:
    places = np.empty_like(queue)
    listed = np.zeros(back_kind.shape, np.bool_)
    kept = 0
    for parity in range(2):
        for i in range(queue.shape[0]):
            y, x = queue[i, 0], queue[i, 1]
            if (y + x) % 2 == parity and back_kind[y, x] == INVENTED and not listed[y, x]:
                listed[y, x] = True
                places[kept] = queue[i]
                kept += 1
    return places[:kept]


@nb.njit(cache=True, parallel=True, nogil=True)
def smooth_background(
    sweeps: int,
    places: NDArray[np.int32],
    radius: Float32Array,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    """Draw invented colours towards the mean of their neighbours, so that what came from both sides of a thin near
    thing meets without a seam: Laplace's equation by successive over-relaxation, in red-black order so that the
    result does not depend on the number of threads.

    Args:
        sweeps: how often.
        places: invented pixels, those with an even sum of row and column first.
        radius, front, back, back_radius, back_kind: the surfaces; ``back`` is changed in place.
    """
    height, width, channels = front.shape
    split = 0
    while split < places.shape[0] and (places[split, 0] + places[split, 1]) % 2 == 0:
        split += 1
    over = np.float32(1.6)
    for sweep in range(2 * sweeps):
        first = 0 if sweep % 2 == 0 else split
        last = split if sweep % 2 == 0 else places.shape[0]
        for i in nb.prange(first, last):
            y, x = places[i, 0], places[i, 1]
            depth = back_radius[y, x]
            mean = np.zeros(channels, np.float32)
            least = np.empty(channels, np.float32)
            most = np.empty(channels, np.float32)
            total = np.float32(0.0)
            for k in range(4):
                yy = y + (k == 0) - (k == 1)
                xx = x + (k == 2) - (k == 3)
                if not (0 <= yy < height and 0 <= xx < width):
                    continue
                is_back = back_kind[yy, xx] != NONE
                value = back_radius[yy, xx] if is_back else radius[yy, xx]
                if abs(value - depth) < SAME_SURFACE:
                    total += np.float32(1.0)
                    for c in range(channels):
                        colour = back[yy, xx, c] if is_back else front[yy, xx, c]
                        mean[c] += colour
                        least[c] = min(least[c], colour) if total > np.float32(1.0) else colour
                        most[c] = max(most[c], colour) if total > np.float32(1.0) else colour
            if total > 0.0:
                for c in range(channels):
                    # No solution leaves the range of its neighbours, and light may not turn negative on the way to it.
                    wanted = back[y, x, c] + over * (mean[c] / total - back[y, x, c])
                    back[y, x, c] = min(max(wanted, least[c]), most[c])
