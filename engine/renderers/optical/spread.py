"""The small filter before the lens: what the lens points do not draw of a point's image.

Neighbouring lens points show a far out-of-focus pixel several pixels apart: spread over that distance beforehand, its
light becomes an even disc instead of a pattern of dots. And lens points move a pixel by whole pixels only: the second
moment (see ``spot``) that is missing is drawn here, so that blur grows smoothly from nothing. Light stays on its own
surface: what would leave it stays in its pixel. An even surface stays even whatever its slope; where the radius is the
same all around, no light is lost.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.stack import Stack

__all__ = ["spread_light"]

THREE_PIXELS: Final = np.float32(2.0 / 3.0)
"""Second moment of three even pixels. What lens points miss is drawn up to here; more is missed only where the pixels
of a thick slice differ, and would show as softness."""

BLOCK: Final = 32
"""Columns that are filtered together, so that memory is read along rows."""


def spread_light(
    radius: Float32Array,
    stack: Stack,
    step: np.float32,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    """Filter every pixel on its own surface, in x and in y, by as much as the views of its slice miss.

    A pixel's own surface is the one that the plate's depth says: the front, or the back of a far pixel that a near
    thing was mixed into.

    Args:
        radius: (H, W) float32, signed circle of confusion of the plate.
        stack: its slices.
        step: difference in radius from which neighbours are two surfaces.
        front, back: (H, W, C), changed in place.
        back_radius, back_kind: see :class:`~engine.renderers.optical.surfaces.Surfaces`.
    """
    of_pixel, drawn, moment, less, gap = stack.of_pixel, stack.drawn, stack.moment, stack.less, stack.gap
    largest = float(np.abs(radius).max())
    widest = max(_box(largest, gap[0]), _box(largest, gap[1]))
    if widest <= THREE_PIXELS:
        rows = np.empty_like(front)
        _blend_rows(radius, of_pixel, drawn, moment, less, gap, step, front, back, back_radius, back_kind, rows)
        _blend_columns(radius, of_pixel, drawn, moment, less, gap, step, rows, front, back, back_radius, back_kind)
        return
    rows = np.empty_like(front)
    _spread_rows(radius, of_pixel, drawn, moment, less, gap, step, front, back, back_radius, back_kind, rows)
    _spread_columns(radius, of_pixel, drawn, moment, less, gap, step, rows, front, back, back_radius, back_kind)


@nb.njit(cache=True, inline="always")
def _box(radius: float | np.float32, gap: np.float32) -> np.float32:
    """Second moment of the box that fills the gaps between lens points."""
    return max(gap * np.float32(radius) * np.float32(radius) - np.float32(1.0), np.float32(0.0)) * np.float32(
        1.0 / 12.0
    )


@nb.njit(cache=True, inline="always")
def _missing(
    radius: np.float32, drawn: np.float32, moment: np.float32, less: np.float32, gap: np.float32
) -> np.float32:
    """Second moment along one axis that is to be drawn before the lens."""
    square = radius * radius
    box = max(gap * square - np.float32(1.0), np.float32(0.0)) * np.float32(1.0 / 12.0)
    missed = max(moment * square - less, np.float32(0.0)) - drawn
    return max(min(missed, THREE_PIXELS), box)


@nb.njit(cache=True, inline="always")
def _taps(moment: np.float32) -> tuple[int, np.float32]:
    """h and f of a filter of this second moment: 2 h + 1 whole pixels, and f of one more at either end.

    The second moment of the whole pixels' sum is h (h + 1) (2 h + 1) / 3.
    """
    h = int(np.float32(0.5) * (np.sqrt(np.float32(12.0) * moment + np.float32(1.0)) - np.float32(1.0)))
    count = np.float32(2 * h + 1)
    whole = np.float32(h * (h + 1)) * count / np.float32(3.0)
    part = (moment * count - whole) / (np.float32(2.0) * (np.float32((h + 1) * (h + 1)) - moment))
    return h, max(part, np.float32(0.0))


@nb.njit(cache=True, parallel=True, nogil=True)
def _blend_rows(
    radius: Float32Array,
    of_pixel: NDArray[np.int16],
    drawn: Float32Array,
    moment: Float32Array,
    less: Float32Array,
    gap: Float32Array,
    step: np.float32,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    out: Float32Array,
) -> None:
    """Filters of three pixels, along rows. No sums are needed: half the time of ``_spread_rows``."""
    height, width, channels = front.shape
    for y in nb.prange(height):
        here, slices = radius[y], of_pixel[y]
        # A pixel more on either side, which nothing is joined with.
        row = np.zeros((width + 2) * channels, np.float32)
        own = row[channels : (width + 1) * channels]
        own[:] = front[y].reshape(width * channels)
        left, right = np.empty(width * channels, np.float32), np.empty(width * channels, np.float32)
        before = np.float32(np.inf)
        for x in range(width):
            if back_kind[y, x] == 1 and here[x] >= back_radius[y, x]:
                for c in range(channels):
                    own[x * channels + c] = back[y, x, c]
            share = np.float32(0.5) * _missing(here[x], drawn[0, slices[x]], moment[0], less[0], gap[0])
            after = here[x + 1] if x + 1 < width else np.float32(np.inf)
            share_left = share if abs(here[x] - before) <= step else np.float32(0.0)
            share_right = share if abs(here[x] - after) <= step else np.float32(0.0)
            before = here[x]
            for c in range(channels):
                left[x * channels + c] = share_left
                right[x * channels + c] = share_right
        _blend(own, row, row[2 * channels :], left, right, out[y].reshape(width * channels))


@nb.njit(cache=True, parallel=True, nogil=True)
def _blend_columns(
    radius: Float32Array,
    of_pixel: NDArray[np.int16],
    drawn: Float32Array,
    moment: Float32Array,
    less: Float32Array,
    gap: Float32Array,
    step: np.float32,
    rows: Float32Array,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    height, width, channels = rows.shape
    size = width * channels
    for y in nb.prange(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        here, slices, upper, lower = radius[y], of_pixel[y], radius[above], radius[below]
        up, down = np.empty(size, np.float32), np.empty(size, np.float32)
        backs = 0
        for x in range(width):
            share = np.float32(0.5) * _missing(here[x], drawn[1, slices[x]], moment[1], less[1], gap[1])
            share_up = share if abs(here[x] - upper[x]) <= step else np.float32(0.0)
            share_down = share if abs(here[x] - lower[x]) <= step else np.float32(0.0)
            backs += back_kind[y, x] == 1
            for c in range(channels):
                up[x * channels + c] = share_up
                down[x * channels + c] = share_down
        above_row, below_row = rows[above].reshape(size), rows[below].reshape(size)
        if backs == 0:
            _blend(rows[y].reshape(size), above_row, below_row, up, down, front[y].reshape(size))
            continue
        result = np.empty(size, np.float32)
        _blend(rows[y].reshape(size), above_row, below_row, up, down, result)
        for x in range(width):
            is_back = back_kind[y, x] == 1 and here[x] >= back_radius[y, x]
            for c in range(channels):
                if is_back:
                    back[y, x, c] = result[x * channels + c]
                else:
                    front[y, x, c] = result[x * channels + c]


@nb.njit(cache=True, nogil=True)
def _blend(
    own: Float32Array,
    one: Float32Array,
    other: Float32Array,
    to_one: Float32Array,
    to_other: Float32Array,
    out: Float32Array,
) -> None:
    """Each value drawn to two others by two shares; a loop that becomes vectors."""
    for k in range(np.uint64(out.size)):
        value = own[k]
        out[k] = value + to_one[k] * (one[k] - value) + to_other[k] * (other[k] - value)


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_rows(
    radius: Float32Array,
    of_pixel: NDArray[np.int16],
    drawn: Float32Array,
    moment: Float32Array,
    less: Float32Array,
    gap: Float32Array,
    step: np.float32,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    out: Float32Array,
) -> None:
    height, width, channels = front.shape
    for y in nb.prange(height):
        # Double precision: a bright pixel must not leave its rounding in the dark pixels after it.
        prefix = np.zeros((width + 1, channels))
        end = np.empty(width + 1, np.int64)
        for x in range(width):
            if back_kind[y, x] == 1 and radius[y, x] >= back_radius[y, x]:
                for c in range(channels):
                    prefix[x + 1, c] = prefix[x, c] + back[y, x, c]
            else:
                for c in range(channels):
                    prefix[x + 1, c] = prefix[x, c] + front[y, x, c]
        end[width] = width
        for x in range(width - 1, -1, -1):
            is_last = x == width - 1 or abs(radius[y, x] - radius[y, x + 1]) > step
            end[x] = x + 1 if is_last else end[x + 1]
        begin = 0
        for x in range(width):
            if x > 0 and abs(radius[y, x] - radius[y, x - 1]) > step:
                begin = x
            missing = _missing(radius[y, x], drawn[0, of_pixel[y, x]], moment[0], less[0], gap[0])
            if missing <= THREE_PIXELS:
                # No need of a square root: two shares of three pixels.
                left = 0.5 * missing if x > begin else 0.0
                right = 0.5 * missing if x + 1 < end[x] else 0.0
                before, after = max(x - 1, 0), min(x + 2, width)
                for c in range(channels):
                    own = prefix[x + 1, c] - prefix[x, c]
                    out[y, x, c] = (
                        own
                        + left * (prefix[x, c] - prefix[before, c] - own)
                        + right * (prefix[after, c] - prefix[x + 1, c] - own)
                    )
                continue
            h, part = _taps(missing)
            a, b = max(x - h, begin), min(x + h + 1, end[x])
            c_, d = max(x - h - 1, begin), min(x + h + 2, end[x])
            share = 1.0 / (2 * h + 1 + 2.0 * part)
            kept = (2 * h + 1 - (b - a) + part * (2 - (a - c_) - (d - b))) * share
            for c in range(channels):
                own = prefix[x + 1, c] - prefix[x, c]
                inner = prefix[b, c] - prefix[a, c]
                outer = prefix[d, c] - prefix[c_, c] - inner
                out[y, x, c] = share * (inner + part * outer) + kept * own


@nb.njit(cache=True, parallel=True, nogil=True)
def _spread_columns(
    radius: Float32Array,
    of_pixel: NDArray[np.int16],
    drawn: Float32Array,
    moment: Float32Array,
    less: Float32Array,
    gap: Float32Array,
    step: np.float32,
    rows: Float32Array,
    front: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    height, width, channels = rows.shape
    for strip in nb.prange((width + BLOCK - 1) // BLOCK):
        x0 = strip * BLOCK
        n = min(BLOCK, width - x0)
        prefix = np.zeros((height + 1, n, channels))
        end = np.empty((height, n), np.int32)
        begin = np.zeros(n, np.int64)
        for y in range(height):
            for i in range(n):
                for c in range(channels):
                    prefix[y + 1, i, c] = prefix[y, i, c] + rows[y, x0 + i, c]
        for y in range(height - 1, -1, -1):
            for i in range(n):
                is_last = y == height - 1 or abs(radius[y, x0 + i] - radius[y + 1, x0 + i]) > step
                end[y, i] = y + 1 if is_last else end[y + 1, i]
        for y in range(height):
            for i in range(n):
                x = x0 + i
                if y > 0 and abs(radius[y, x] - radius[y - 1, x]) > step:
                    begin[i] = y
                is_back = back_kind[y, x] == 1 and radius[y, x] >= back_radius[y, x]
                missing = _missing(radius[y, x], drawn[1, of_pixel[y, x]], moment[1], less[1], gap[1])
                if missing <= THREE_PIXELS:
                    share = np.float32(0.5) * missing
                    up = share if y > begin[i] else np.float32(0.0)
                    down = share if y + 1 < end[y, i] else np.float32(0.0)
                    above, below = max(y - 1, 0), min(y + 1, height - 1)
                    for c in range(channels):
                        here = rows[y, x, c]
                        value = here + up * (rows[above, x, c] - here) + down * (rows[below, x, c] - here)
                        if is_back:
                            back[y, x, c] = value
                        else:
                            front[y, x, c] = value
                    continue
                h, part = _taps(missing)
                a, b = max(y - h, begin[i]), min(y + h + 1, end[y, i])
                c_, d = max(y - h - 1, begin[i]), min(y + h + 2, end[y, i])
                whole = 1.0 / (2 * h + 1 + 2.0 * part)
                kept = (2 * h + 1 - (b - a) + part * (2 - (a - c_) - (d - b))) * whole
                for c in range(channels):
                    inner = prefix[b, i, c] - prefix[a, i, c]
                    outer = prefix[d, i, c] - prefix[c_, i, c] - inner
                    value = np.float32(whole * (inner + part * outer) + kept * rows[y, x, c])
                    if is_back:
                        back[y, x, c] = value
                    else:
                        front[y, x, c] = value
