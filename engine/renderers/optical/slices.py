"""What each slice shows, from far to near, as runs of pixels.

Within a slice every pixel moves alike when the eye moves across the lens, so that a slice seen from a lens point is
the slice shifted by whole pixels (see ``stack``): runs of pixels that can be copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.stack import slice_of
from engine.renderers.optical.surfaces import Surfaces

__all__ = ["BACK", "OPAQUE", "SOFT", "Slices", "cut_slices"]

OPAQUE, SOFT, BACK = 0, 1, 2
"""What a run shows: a front that covers its pixels, a front that covers by a part, or a back."""


@dataclass(frozen=True, eq=False)
class Slices:
    """Runs of pixels, sorted by row and, within a row, from far to near.

    Attributes:
        start: (H, S + 1) index of the first run of a row and slice in ``runs``.
        runs: (N, 3) int32: first column, end column, source (OPAQUE, SOFT or BACK).
        rows: (S, 2) int32: first and last row in which a slice has a run; last before first where it has none.
    """

    start: NDArray[np.int64]
    runs: NDArray[np.int32]
    rows: NDArray[np.int32]


def cut_slices(surfaces: Surfaces, borders: Float32Array) -> Slices:
    """Sort both surfaces of a picture into the slices that ``borders`` part."""
    number = len(borders) + 1
    front_slice = slice_of(surfaces.front_radius, borders)
    back_slice = slice_of(surfaces.back_radius, borders)
    under = _slice_underneath(front_slice, surfaces.front_radius, surfaces.coverage)
    count = _count_runs(front_slice, under, surfaces.coverage, back_slice, surfaces.back_kind, number)
    height = count.shape[0]
    start = np.zeros((height, number + 1), np.int64)
    ends = np.cumsum(count.ravel()).reshape(count.shape)
    start[:, 1:] = ends
    start[:, 0] = ends[:, 0] - count[:, 0]
    runs = np.empty((int(ends[-1, -1]), 3), np.int32)
    _fill_runs(front_slice, under, surfaces.coverage, back_slice, surfaces.back_kind, start, runs)
    return Slices(start=start, runs=runs, rows=_rows_of(count > 0))


def _rows_of(used: NDArray[np.bool_]) -> NDArray[np.int32]:
    """First and last row in which each slice is used."""
    height = used.shape[0]
    first = np.where(used.any(0), used.argmax(0), height)
    last = np.where(used.any(0), height - 1 - used[::-1].argmax(0), -1)
    return np.stack([first, last], axis=1).astype(np.int32)


@nb.njit(cache=True, parallel=True, nogil=True)
def _slice_underneath(slices: NDArray[np.int16], radius: Float32Array, coverage: Float32Array) -> NDArray[np.int16]:
    """The farthest slice that touches a pixel on the same surface: the pixel is painted there too, so that slices of
    one surface overlap instead of parting when they shift against each other."""
    height, width = slices.shape
    under = slices.copy()
    for y in nb.prange(height):
        # The farthest slice around, first without asking for the surface: a loop that becomes vectors, and for most
        # pixels the answer is their own slice already.
        column = np.empty(width + 2, np.int16)
        above, here, below = slices[max(y - 1, 0)], slices[y], slices[min(y + 1, height - 1)]
        for x in range(width):
            column[x + 1] = min(min(above[x], below[x]), here[x])
        column[0], column[width + 1] = column[1], column[width]
        for x in range(width):
            lowest = min(min(column[x], column[x + 1]), column[x + 2])
            # A pixel that covers by a part is painted once: twice would cover by more.
            if lowest < here[x] and coverage[y, x] >= np.float32(1.0):
                under[y, x] = _farthest_of_surface(slices, radius, y, x)
    return under


@nb.njit(cache=True, nogil=True)
def _farthest_of_surface(slices: NDArray[np.int16], radius: Float32Array, y: int, x: int) -> int:
    height, width = slices.shape
    lowest: int = slices[y, x]
    for yy in range(max(y - 1, 0), min(y + 2, height)):
        for xx in range(max(x - 1, 0), min(x + 2, width)):
            if slices[yy, xx] < lowest and radius[yy, xx] - radius[y, x] <= STEP:
                lowest = slices[yy, xx]
    return lowest


@nb.njit(cache=True, parallel=True, nogil=True)
def _count_runs(
    front: NDArray[np.int16],
    under: NDArray[np.int16],
    coverage: Float32Array,
    back: NDArray[np.int16],
    back_kind: NDArray[np.uint8],
    number: int,
) -> NDArray[np.int32]:
    """How many runs each row has in each slice; (H, S)."""
    height, width = front.shape
    count = np.zeros((height, number), np.int32)
    for y in nb.prange(height):
        last_x = np.full((3, number), -2, np.int32)
        for x in range(width):
            source = SOFT if coverage[y, x] < np.float32(1.0) else OPAQUE
            for s in range(under[y, x], front[y, x] + 1):
                if last_x[source, s] != x - 1:
                    count[y, s] += 1
                last_x[source, s] = x
            if back_kind[y, x] != 0:
                s = back[y, x]
                if last_x[BACK, s] != x - 1:
                    count[y, s] += 1
                last_x[BACK, s] = x
    return count


@nb.njit(cache=True, parallel=True, nogil=True)
def _fill_runs(
    front: NDArray[np.int16],
    under: NDArray[np.int16],
    coverage: Float32Array,
    back: NDArray[np.int16],
    back_kind: NDArray[np.uint8],
    start: NDArray[np.int64],
    runs: NDArray[np.int32],
) -> None:
    """Write the runs that ``_count_runs`` counted."""
    height, width = front.shape
    number = start.shape[1] - 1
    for y in nb.prange(height):
        last_x = np.full((3, number), -2, np.int32)
        open_run = np.zeros((3, number), np.int64)
        fill = start[y, :-1].copy()
        for x in range(width):
            source = SOFT if coverage[y, x] < np.float32(1.0) else OPAQUE
            for s in range(under[y, x], front[y, x] + 1):
                _extend_run(source, s, x, last_x, open_run, fill, runs)
            if back_kind[y, x] != 0:
                _extend_run(BACK, back[y, x], x, last_x, open_run, fill, runs)


@nb.njit(cache=True, inline="always")
def _extend_run(
    source: int,
    s: int,
    x: int,
    last_x: NDArray[np.int32],
    open_run: NDArray[np.int64],
    fill: NDArray[np.int64],
    runs: NDArray[np.int32],
) -> None:
    if last_x[source, s] != x - 1:
        open_run[source, s] = fill[s]
        runs[fill[s], 0] = x
        runs[fill[s], 2] = source
        fill[s] += 1
    runs[open_run[source, s], 1] = x + 1
    last_x[source, s] = x
