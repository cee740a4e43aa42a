"""The picture as each point of the lens sees it, averaged over the lens.

For every lens point the slices are painted from far to near, each shifted as that point sees it (see ``stack``), and
the views are summed. Visibility is right by construction: a thing hides another from exactly those lens points from
which it does. Rows are independent and each is summed in a fixed order, so that the result has the same bits whatever
the number of threads.
"""

from __future__ import annotations

from typing import Any, Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.slices import OPAQUE, SOFT

__all__ = ["CATS_EYE_SHIFT", "paint_views"]

CATS_EYE_SHIFT: Final = np.float32(0.9)
"""How far the rim of the barrel moves across the opening in the frame's corner at ``cats_eye`` 1, in radii."""

DARK: Final = np.float32(1e-6)
"""Least share of the opening that the barrel leaves open; below it the corner is black rather than infinite."""

SHADES, VEIL = 100, 4096
"""A view keeps the radius of what it shows in each pixel. Where that covers the pixel by a part only, the share that it
lets through, in hundredths, is added times this, which is more than any two radii differ by."""

CATS_EYE_SOFTNESS: Final = np.float32(0.08)
"""Width over which the rim of the barrel fades, in radii."""


@nb.njit(cache=True, parallel=True, nogil=True)
def paint_views(
    front: Float32Array,
    coverage: Float32Array,
    back: Float32Array,
    radii: Float32Array,
    shift_x: NDArray[np.int32],
    shift_y: NDArray[np.int32],
    start: NDArray[np.int64],
    runs: NDArray[np.int32],
    rows: NDArray[np.int32],
    lens: Float32Array,
    nearest: NDArray[np.int32],
    lamps: tuple[NDArray[Any], ...],
    aspect: float,
    cats_eye: float,
    pad: int,
    first: int,
    last: int,
    out: Float32Array,
) -> None:
    """Average the views of all lens points for rows ``first`` to ``last`` (not included).

    A view starts as what the lens point before it saw, so that a rare pixel that nothing covers shows what a neighbour
    on the lens sees there.

    Args:
        front, back: (H, W + 2 pad, P) float32 payload: colour channels, the invented share, and the radius.
        coverage: (H, W + 2 pad) float32.
        radii, shift_x, shift_y: the slices and their shifts (see :class:`~engine.renderers.optical.stack.Stack`).
        start, runs, rows: what each slice shows (see :class:`~engine.renderers.optical.slices.Slices`).
        lens: (N, 3) float32 lens points x, y and weight; the weights sum to one.
        nearest: (cells, K) lens points nearest to each cell of the opening.
        lamps: place, radius and light of the lamps, and their stamps (see ``lamps``), as a tuple of arrays.
        aspect: pixel aspect.
        cats_eye: 0 to 1.
        pad: columns added on both sides.
        first, last: rows to paint.
        out: (H, W, P - 1) float32, written.
    """
    height, padded, planes = front.shape
    front_row = front.reshape(height, padded * planes)
    back_row = back.reshape(height, padded * planes)
    width = out.shape[1]
    for y in nb.prange(first, last):
        view = front_row[y, pad * planes : (pad + width) * planes].copy()
        total = np.zeros(width * planes, np.float32)
        light = np.zeros(width, np.float32)
        active = _active_slices(y, height, radii, rows)
        # What each view shows is kept only where a lamp asks for it.
        asked = _any_lamp_on_row(y, lamps)
        seen = np.empty((lens.shape[0] if asked else 0, width), np.float32)
        for i in range(lens.shape[0]):
            _paint_view(view, y, shift_x[i], shift_y[i], active, front_row, coverage, back_row, radii, start, runs, pad)
            if cats_eye > 0.0:
                _add_vignetted(view, total, light, planes, y, height, aspect, lens[i], cats_eye)
            else:
                weight = lens[i, 2]
                for j in range(np.uint64(width * planes)):
                    total[j] += weight * view[j]
            if asked:
                for x in range(width):
                    seen[i, x] = view[x * planes + planes - 1]
        if asked:
            _add_lamps(y, height, aspect, cats_eye, lens, nearest, lamps, seen, total, planes)
        for x in range(width):
            scale = np.float32(1.0) / max(light[x], DARK) if cats_eye > 0.0 else np.float32(1.0)
            for c in range(planes - 1):
                out[y, x, c] = total[x * planes + c] * scale


@nb.njit(cache=True, nogil=True)
def _paint_view(
    view: Float32Array,
    y: int,
    shift_x: NDArray[np.int32],
    shift_y: NDArray[np.int32],
    active: NDArray[np.int64],
    front_row: Float32Array,
    coverage: Float32Array,
    back_row: Float32Array,
    radii: Float32Array,
    start: NDArray[np.int64],
    runs: NDArray[np.int32],
    pad: int,
) -> None:
    """Paint the row that one lens point sees: the active slices from far to near, each shifted as a whole."""
    height = coverage.shape[0]
    planes = front_row.shape[1] // coverage.shape[1]
    width = view.size // planes
    for s in active:
        radius = radii[s]
        source_y = _mirrored(y - shift_y[s], height)
        shift = shift_x[s] - pad
        for run in range(start[source_y, s], start[source_y, s + 1]):
            x0 = max(runs[run, 0] + shift, 0)
            x1 = min(runs[run, 1] + shift, width)
            if x0 >= x1:
                continue
            # Unsigned, so that Numba need not ask at every pixel whether an index counts from the end: 5 times faster.
            begin = np.uint64(x0 * planes)
            end = np.uint64(x1 * planes)
            offset = np.uint64((x0 - shift) * planes) - begin
            source = runs[run, 2]
            if source == SOFT:
                for x in range(x0, x1):
                    cover = coverage[source_y, x - shift]
                    kept = np.uint64((x + 1) * planes - 1)
                    for j in range(np.uint64(x * planes), kept):
                        view[j] += cover * (front_row[source_y, j + offset] - view[j])
                    view[kept] = _veiled(view[kept], radius, cover)
            elif source == OPAQUE:
                for j in range(begin, end):
                    view[j] = front_row[source_y, j + offset]
            else:
                for j in range(begin, end):
                    view[j] = back_row[source_y, j + offset]


@nb.njit(cache=True, inline="always")
def _mirrored(row: int, height: int) -> int:
    """The row itself, or its mirror image where it lies beyond the frame's border."""
    if row < 0:
        row = -1 - row
    if row >= height:
        row = 2 * height - 1 - row
    return min(max(row, 0), height - 1)


@nb.njit(cache=True, nogil=True)
def _active_slices(y: int, height: int, radii: Float32Array, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Slices that have a pixel in reach of row ``y``, from far to near."""
    active = np.empty(radii.size, np.int64)
    count = 0
    for s in range(radii.size):
        reach = int(abs(radii[s])) + 1
        if rows[s, 0] <= min(y + reach, height - 1) and rows[s, 1] >= max(y - reach, 0):
            active[count] = s
            count += 1
    return active[:count]


@nb.njit(cache=True, nogil=True)
def _add_vignetted(
    view: Float32Array,
    total: Float32Array,
    light: Float32Array,
    planes: int,
    y: int,
    height: int,
    aspect: float,
    point: Float32Array,
    cats_eye: float,
) -> None:
    """Add a view where the barrel lets it through.

    Seen from off the axis, the barrel's rim is a second opening that moves across the first, towards the middle of the
    frame. The light is divided by what passes, so that corners keep their brightness.
    """
    width = light.size
    for x in range(width):
        share = point[2] * _through_barrel(x, y, width, height, aspect, point, cats_eye)
        light[x] += share
        for c in range(planes):
            total[x * planes + c] += share * view[x * planes + c]


@nb.njit(cache=True, nogil=True)
def _through_barrel(
    x: int, y: int, width: int, height: int, aspect: float, point: Float32Array, cats_eye: float
) -> np.float32:
    """Share of a lens point's light that the barrel lets through to a pixel."""
    half_diagonal = np.float32(0.5) * np.sqrt(np.float32((width * aspect) ** 2 + height**2))
    strength = cats_eye * CATS_EYE_SHIFT / half_diagonal
    from_x = point[0] + strength * aspect * (np.float32(x) + np.float32(0.5) - np.float32(0.5) * width)
    from_y = point[1] + strength * (np.float32(y) + np.float32(0.5) - np.float32(0.5) * height)
    rim = np.float32(1.0) - np.sqrt(from_x * from_x + from_y * from_y)
    return min(max(rim / CATS_EYE_SOFTNESS + np.float32(0.5), np.float32(0.0)), np.float32(1.0))


@nb.njit(cache=True, nogil=True)
def _any_lamp_on_row(y: int, lamps: tuple[NDArray[Any], ...]) -> bool:
    place, of_lamp, half = lamps[0], lamps[3], lamps[4]
    for n in range(place.shape[0]):  # noqa: SIM110 (Numba knows no generators)
        if abs(y - place[n, 0]) <= half[of_lamp[n]]:
            return True
    return False


@nb.njit(cache=True, nogil=True)
def _add_lamps(
    y: int,
    height: int,
    aspect: float,
    cats_eye: float,
    lens: Float32Array,
    nearest: NDArray[np.int32],
    lamps: tuple[NDArray[Any], ...],
    seen: Float32Array,
    total: Float32Array,
    planes: int,
) -> None:
    """Add the light of all lamps that land on a row, as far as the views show nothing nearer there.

    Args:
        seen: (N, W) radius of what each lens point sees.
        total: (W P,) sum of the views, added to.
    """
    place, radius, light, of_lamp, half, row, begin, column, point, share = lamps
    width = seen.shape[1]
    for n in range(place.shape[0]):
        m = of_lamp[n]
        j = y - place[n, 0]
        if abs(j) > half[m]:
            continue
        first = row[m] + j + half[m]
        limit = radius[n] - STEP
        for k in range(begin[first], begin[first + 1]):
            x = place[n, 1] + column[k]
            if x < 0 or x >= width:
                continue
            through = point[k]
            if through >= 0:
                visible = _visible(seen[through, x], limit)
            else:
                cell = -1 - through
                through = nearest[cell, 0]
                visible = np.float32(0.0)
                for i in range(nearest.shape[1]):
                    visible += _visible(seen[nearest[cell, i], x], limit)
                visible /= np.float32(nearest.shape[1])
            if visible == 0.0:
                continue
            amount = visible * share[k]
            if cats_eye > 0.0:
                amount *= _through_barrel(x, y, width, height, aspect, lens[through], cats_eye)
            for c in range(light.shape[1]):
                total[x * planes + c] += amount * light[n, c]


@nb.njit(cache=True, inline="always")
def _veiled(kept: np.float32, radius: np.float32, cover: np.float32) -> np.float32:
    """What a view keeps where a thing of ``radius`` covers by a part what it showed before.

    Over its own surface, as a strand of hair over hair, a thing lets through no more than both do.
    """
    through = np.float32(1.0) - cover
    under = np.floor((kept + np.float32(VEIL / 2)) * np.float32(1.0 / VEIL))
    if kept - under * np.float32(VEIL) - radius < np.float32(2.0):
        through *= under * np.float32(1.0 / SHADES)
    veiled: np.float32 = radius + np.float32(VEIL) * np.floor(np.float32(SHADES) * through + np.float32(0.5))
    return veiled


@nb.njit(cache=True, inline="always")
def _visible(kept: np.float32, limit: np.float32) -> np.float32:
    """Share of a lamp's light that passes what a view shows; ``limit`` is the least radius that is not in front."""
    through = np.floor((kept + np.float32(VEIL / 2)) * np.float32(1.0 / VEIL))
    if kept - through * np.float32(VEIL) >= limit:
        return np.float32(1.0)
    share: np.float32 = through * np.float32(1.0 / SHADES)
    return share
