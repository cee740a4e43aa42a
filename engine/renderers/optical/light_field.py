"""The picture as each point of the lens sees it, averaged over the lens.

For every lens point the slices are painted from far to near, each shifted by its radius times the lens point, and the
views are summed. Visibility is right by construction: a thing hides another from exactly those lens points from which
it does. Rows are independent and each is summed in a fixed order, so that the result has the same bits whatever the
number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from engine.renderers.optical.spread import STEP

__all__ = ["CATS_EYE_SHIFT", "paint_views"]

CATS_EYE_SHIFT = 0.9
"""How far the rim of the barrel moves across the opening in the frame's corner at ``cats_eye`` 1, in radii."""

CATS_EYE_SOFTNESS = 0.08
"""Width over which the rim of the barrel fades, in radii."""


@nb.njit(cache=True, parallel=True, nogil=True)
def paint_views(  # type: ignore[no-untyped-def]
    front, coverage, back, radii, start, runs, rows, lens, lamps, aspect, cats_eye, pad, first, last, out
):
    """Average the views of all lens points for rows ``first`` to ``last`` (not included).

    A view starts as what the lens point before it saw, so that a rare pixel that nothing covers shows what a neighbour
    on the lens sees there.

    Args:
        front, back: (H, W + 2 pad, P) float32 payload: colour channels, the invented share, and the radius.
        coverage: (H, W + 2 pad) float32.
        radii, start, runs, rows: the slices (see :class:`~engine.renderers.optical.slices.Slices`).
        lens: (N, 3) float32 lens points x, y and weight; the weights sum to one.
        lamps: place, radius and light of the lamps, and their stamps (see ``lamps``), as a tuple of arrays.
        aspect: pixel aspect: shifts in x are divided by it.
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
        due, landings, shares = _lamps_on_row(y, width, lens.shape[0], lamps)
        for i in range(lens.shape[0]):
            lens_x = lens[i, 0] / aspect
            lens_y = lens[i, 1]
            weight = lens[i, 2]
            for s in active:
                radius = radii[s]
                source_y = y - int(np.floor(radius * lens_y + np.float32(0.5)))
                # The frame's border is a mirror.
                if source_y < 0:
                    source_y = -1 - source_y
                if source_y >= height:
                    source_y = 2 * height - 1 - source_y
                source_y = min(max(source_y, 0), height - 1)
                shift = int(np.floor(radius * lens_x + np.float32(0.5))) - pad
                for run in range(start[source_y, s], start[source_y, s + 1]):
                    x0 = max(runs[run, 0] + shift, 0)
                    x1 = min(runs[run, 1] + shift, width)
                    if x0 >= x1:
                        continue
                    source = runs[run, 2]
                    # Unsigned, so that Numba need not ask at every pixel whether an index counts from the end:
                    # 5 times faster.
                    begin = np.uint64(x0 * planes)
                    end = np.uint64(x1 * planes)
                    offset = np.uint64((x0 - shift) * planes) - begin
                    if source == 1:
                        for x in range(x0, x1):
                            cover = coverage[source_y, x - shift]
                            for j in range(np.uint64(x * planes), np.uint64((x + 1) * planes - 1)):
                                view[j] += cover * (front_row[source_y, j + offset] - view[j])
                            if cover > 0.5:
                                view[(x + 1) * planes - 1] = radius
                    elif source == 0:
                        for j in range(begin, end):
                            view[j] = front_row[source_y, j + offset]
                    else:
                        for j in range(begin, end):
                            view[j] = back_row[source_y, j + offset]
            if cats_eye > 0.0:
                _add_vignetted(view, total, light, planes, y, height, aspect, lens[i], cats_eye)
            else:
                for j in range(np.uint64(width * planes)):
                    total[j] += weight * view[j]
            for k in range(due[i], due[i + 1]):
                _add_lamp(landings[k], shares[k], view, total, planes, y, height, aspect, lens[i], cats_eye, lamps)
        for x in range(width):
            scale = np.float32(1.0) / light[x] if cats_eye > 0.0 else np.float32(1.0)
            for c in range(planes - 1):
                out[y, x, c] = total[x * planes + c] * scale


@nb.njit(cache=True, nogil=True)
def _active_slices(y, height, radii, rows):  # type: ignore[no-untyped-def]
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
def _add_vignetted(view, total, light, planes, y, height, aspect, point, cats_eye):  # type: ignore[no-untyped-def]
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
def _through_barrel(x, y, width, height, aspect, point, cats_eye):  # type: ignore[no-untyped-def]
    """Share of a lens point's light that the barrel lets through to a pixel."""
    half_diagonal = np.float32(0.5) * np.sqrt(np.float32((width * aspect) ** 2 + height**2))
    strength = cats_eye * np.float32(CATS_EYE_SHIFT) / half_diagonal
    from_x = point[0] + strength * aspect * (np.float32(x) + np.float32(0.5) - np.float32(0.5) * width)
    from_y = point[1] + strength * (np.float32(y) + np.float32(0.5) - np.float32(0.5) * height)
    rim = np.float32(1.0) - np.sqrt(from_x * from_x + from_y * from_y)
    return min(max(rim / np.float32(CATS_EYE_SOFTNESS) + np.float32(0.5), np.float32(0.0)), np.float32(1.0))


@nb.njit(cache=True, nogil=True)
def _lamps_on_row(y, width, points, lamps):  # type: ignore[no-untyped-def]
    """Where lamps land on a row, sorted by the lens point through which they come.

    Returns:
        due: (points + 1,) where the landings of each lens point begin.
        landings: (M, 2) column and lamp.
        shares: (M,) the part of the lamp's light that lands there.
    """
    place, _, _, of_lamp, half, begin, weights, nearest = lamps
    due = np.zeros(points + 1, np.int64)
    for passing in range(2):
        if passing == 1:
            for i in range(points):
                due[i + 1] += due[i]
            landings = np.empty((due[points], 2), np.int32)
            shares = np.empty(due[points], np.float32)
            fill = due[:-1].copy()
        for n in range(place.shape[0]):
            m = of_lamp[n]
            j = y - place[n, 0]
            if abs(j) > half[m, 0]:
                continue
            row = begin[m] + (j + half[m, 0]) * (2 * half[m, 1] + 1) + half[m, 1]
            left = max(-half[m, 1], -place[n, 1])
            right = min(half[m, 1], width - 1 - place[n, 1])
            for i in range(left, right + 1):
                if weights[row + i] <= 0.0:
                    continue
                point = nearest[row + i]
                if passing == 0:
                    due[point + 1] += 1
                else:
                    landings[fill[point], 0] = place[n, 1] + i
                    landings[fill[point], 1] = n
                    shares[fill[point]] = weights[row + i]
                    fill[point] += 1
    return due, landings, shares


@nb.njit(cache=True, nogil=True)
def _add_lamp(landing, share, view, total, planes, y, height, aspect, point, cats_eye, lamps):  # type: ignore[no-untyped-def]
    """Add a lamp's light to a pixel unless this view shows something nearer there."""
    x, n = landing[0], landing[1]
    _, radius, light, _, _, _, _, _ = lamps
    if view[x * planes + planes - 1] < radius[n] - np.float32(STEP):
        return
    if cats_eye > 0.0:
        share = share * _through_barrel(x, y, view.size // planes, height, aspect, point, cats_eye)
    for c in range(light.shape[1]):
        total[x * planes + c] += share * light[n, c]
