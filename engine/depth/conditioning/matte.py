"""A matte decides where the subject ends: depth of the subject inside it, depth of what lies beyond outside it."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.windows import LEAST_STEP
from engine.depth.repair import fill_from_nearest
from engine.frames import Float32Array

__all__ = ["cut_by_matte"]

HALF: Final = np.float32(0.5)
"""Coverage from which a pixel is the subject's."""

LEAST_REACH: Final = 8
"""Pixels beside the matte's edge in which depth may be wrong, at the least."""

ROWS: Final = 72
"""Rows of the picture for each pixel of the reach: depth is often estimated at one small size."""

STILL: Final = np.float32(0.06)
"""A pixel whose surroundings vary by less than this part of the step lies on a surface, and not in a ramp."""

AROUND: Final = 2
"""Pixels to each side that are its surroundings: more than a stair of depth of a quarter of the size is wide."""

OTHER: Final = np.float32(0.35)
"""Part of the step within which a disparity counts as the other side's."""

ABRUPT: Final = 0.4
"""Within AROUND pixels an edge spends this part of its step more than the surfaces beside it; a slope does not."""

Mask = NDArray[np.bool_]


def cut_by_matte(disparity: Float32Array, coverage: Float32Array, subject: float | None = None) -> Float32Array:
    """Disparity whose edge of the subject is the matte's.

    Pixels of which the subject covers half or more belong to it, the others do not. Well inside and well outside the
    matte the depth stands. Near its edge, and in things too thin to have an inside, a pixel keeps its disparity where
    that lies on a surface of its own side; else its side's nearest surface is continued into it. Depth without a step
    at the matte's edge, as of feet on the ground, stands.

    Args:
        disparity: (H, W) float32.
        coverage: (H, W) float32 in 0..1.
        subject: the subject's disparity where a person gave one: what is not near it, takes it.

    Returns:
        (H, W) float32; ``disparity`` itself where the matte has no edge.
    """
    inside = coverage >= HALF
    if inside.all() or not inside.any():
        return disparity
    reach = max(LEAST_REACH, -(-disparity.shape[0] // ROWS))
    core, beyond = _deep(inside, reach), _deep(~inside, reach)
    own = fill_from_nearest(disparity, ~core) if subject is None else np.full_like(disparity, subject)
    other = fill_from_nearest(disparity, ~beyond)
    kept = beyond if subject is not None else core | beyond
    ranges = np.empty_like(disparity)
    _measure_ranges(disparity, ranges)
    trusted, extended = np.empty_like(inside), np.empty_like(inside)
    _find_trusted(disparity, inside, kept, own, other, ranges, reach, subject is not None, trusted)
    _extend(disparity, inside, own, other, trusted, extended)
    trusted = extended
    if subject is None:
        own = fill_from_nearest(disparity, ~(trusted & inside))
    other = fill_from_nearest(disparity, ~trusted | inside)
    return np.where(trusted, disparity, np.where(inside, own, other))


def _deep(side: Mask, reach: int) -> Mask:
    """The pixels farther than ``reach`` from the other side; less far where none are. The frame's border is no edge."""
    for distance in (reach, reach // 2, reach // 4, 1):
        deep = np.empty_like(side)
        _shrink(side, distance, deep)
        if deep.any():
            return deep
    return side


@nb.njit(cache=True, parallel=True, nogil=True)
def _shrink(side: Mask, reach: int, deep: Mask) -> None:
    """Take ``reach`` pixels off, along rows first and then along columns."""
    height, width = side.shape
    for y in nb.prange(height):
        _shrink_line(side[y], reach, deep[y])
    for x in nb.prange(width):
        _shrink_line(deep[:, x].copy(), reach, deep[:, x])


@nb.njit(cache=True, nogil=True)
def _shrink_line(side: Mask, reach: int, deep: Mask) -> None:
    count = side.shape[0]
    far = reach + 1
    for k in range(count):
        far = far + 1 if side[k] else 0
        deep[k] = far > reach
    far = reach + 1
    for k in range(count - 1, -1, -1):
        far = far + 1 if side[k] else 0
        deep[k] = deep[k] and far > reach


@nb.njit(cache=True, parallel=True, nogil=True)
def _measure_ranges(disparity: Float32Array, ranges: Float32Array) -> None:
    """How much the disparity varies within AROUND of each pixel."""
    height, width = disparity.shape
    for y in nb.prange(height):
        first, last = max(y - AROUND, 0), min(y + AROUND + 1, height)
        low, high = disparity[first].copy(), disparity[first].copy()
        for yy in range(first + 1, last):
            for x in range(width):
                low[x] = min(low[x], disparity[yy, x])
                high[x] = max(high[x], disparity[yy, x])
        for x in range(width):
            left, right = max(x - AROUND, 0), min(x + AROUND + 1, width)
            ranges[y, x] = high[left:right].max() - low[left:right].min()


@nb.njit(cache=True, parallel=True, nogil=True)
def _find_trusted(
    disparity: Float32Array,
    inside: Mask,
    kept: Mask,
    own: Float32Array,
    other: Float32Array,
    ranges: Float32Array,
    reach: int,
    given: bool,
    trusted: Mask,
) -> None:
    """Pixels that keep their disparity: all of ``kept``, and what lies on a surface of its own side."""
    height, width = disparity.shape
    for y in nb.prange(height):
        for x in range(width):
            step = own[y, x] - other[y, x]
            trusted[y, x] = kept[y, x]
            if kept[y, x]:
                continue
            here = disparity[y, x]
            if given and inside[y, x]:
                near = max((np.float32(1.0) - OTHER) * abs(step), LEAST_STEP)
                trusted[y, x] = abs(here - own[y, x]) <= near and _is_still(disparity, inside, y, x, step)
            elif abs(step) < LEAST_STEP:
                trusted[y, x] = True
            else:
                share = (here - other[y, x]) / step
                shown = share > OTHER if inside[y, x] else abs(share - np.float32(1.0)) > OTHER
                still = shown and _is_still(disparity, inside, y, x, step)
                trusted[y, x] = still or not _has_edge(ranges, reach, y, x, np.float32(ABRUPT) * abs(step))


@nb.njit(cache=True, inline="always")
def _is_still(disparity: Float32Array, inside: Mask, y: int, x: int, step: np.float32) -> bool:
    """Whether the pixels of the same side around a pixel have its disparity, about."""
    height, width = disparity.shape
    low = high = disparity[y, x]
    for yy in range(max(y - AROUND, 0), min(y + AROUND + 1, height)):
        for xx in range(max(x - AROUND, 0), min(x + AROUND + 1, width)):
            if inside[yy, xx] == inside[y, x]:
                low = min(low, disparity[yy, xx])
                high = max(high, disparity[yy, xx])
    return bool(high - low <= STILL * abs(step) + np.float32(1e-4))


@nb.njit(cache=True, inline="always")
def _has_edge(ranges: Float32Array, reach: int, y: int, x: int, least: np.float32) -> bool:
    """Whether the disparity changes abruptly somewhere within the reach; a slope does not."""
    height, width = ranges.shape
    low = high = ranges[y, x]
    for yy in range(max(y - reach, 0), min(y + reach + 1, height)):
        for xx in range(max(x - reach, 0), min(x + reach + 1, width)):
            low = min(low, ranges[yy, xx])
            high = max(high, ranges[yy, xx])
            if high - low >= least:
                return True
    return False


@nb.njit(cache=True, parallel=True, nogil=True)
def _extend(
    disparity: Float32Array, inside: Mask, own: Float32Array, other: Float32Array, trusted: Mask, extended: Mask
) -> None:
    """Trust a pixel that has the disparity of a trusted one beside it: a surface reaches up to another's edge."""
    height, width = disparity.shape
    beside = AROUND + 1
    for y in nb.prange(height):
        for x in range(width):
            extended[y, x] = trusted[y, x]
            if trusted[y, x]:
                continue
            allowed = np.float32(0.1) * STILL * abs(own[y, x] - other[y, x])
            for yy in range(max(y - beside, 0), min(y + beside + 1, height)):
                for xx in range(max(x - beside, 0), min(x + beside + 1, width)):
                    if trusted[yy, xx] and inside[yy, xx] == inside[y, x]:
                        extended[y, x] |= abs(disparity[yy, xx] - disparity[y, x]) <= allowed
