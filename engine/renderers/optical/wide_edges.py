"""Edges that are mixed over many pixels: of a thing that moves fast, or that the lens of the shoot left soft.

Over such an edge the plate runs from the near colour to the far one within ten or twenty pixels, and both sides of the
depth's silhouette hold light of both. The plate's colours at each distance from it, averaged along the edge, show the
run; where it is long, each pixel in it gets a coverage from its own colour and from its place in the run.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["BEYOND", "MIXED_MOST", "TILE", "WIDEST", "find_wide_edges", "split_wide_edges"]

TILE: Final = 16
"""Side of the squares whose edges are looked at together, in pixels."""

WIDEST: Final = 16
"""Pixels to each side of a silhouette within which the run must end."""

MARGIN: Final = 4
"""Pixels around a square in which its edge is looked for."""

BEYOND: Final = WIDEST + MARGIN
"""Pixels around a square in which colours are gathered."""

PURE: Final = 4
"""The outermost pixels of these hold the pure colours."""

LEAST_STEP: Final = np.float32(2.0)
"""Difference in radius (pixels) from which a mixed edge matters."""

FEWEST: Final = 8
"""Silhouette pixels from which a square's edge is looked at."""

SHORT: Final = 5
"""Runs up to this many pixels are left to the search next to the silhouette (see ``unmix``)."""

FOOT: Final = 0.1
"""Coverage at which a run begins, and from one at which it ends."""

SUDDEN: Final = 0.3
"""Part of the way from one side's colour to the other's that a sharp edge goes within two pixels."""

LEAST_CONTRAST: Final = 0.3
"""Difference of the two sides, as a part of the brighter one, from which a mixture can be told."""

MOST_TEXTURE: Final = 0.08
"""Variance of the colours at one distance, as a part of the squared difference of the two sides, up to which the mean
shows the run of an edge and not that of a pattern."""

MIXED_MOST: Final = np.float32(0.97)
"""Coverage from which a pixel is its own surface's alone."""

BRIGHT: Final = np.float32(4.0)
"""Light above this says nothing of coverage: a lamp outshines any mixture."""


def find_wide_edges(
    image: Float32Array, radius: Float32Array, side: NDArray[np.uint8], judged: int
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Coverage along wide edges, and the colours that are mixed there.

    Args:
        image: (H, W, C) the plate, scene-linear.
        radius: (H, W) its signed radius.
        side: silhouettes of ``radius``.
        judged: channels from which the coverage is judged, from the first.

    Returns:
        coverage: (H, W) share of the near surface, -1 where no wide edge is.
        models: (tiles down, tiles across, 2 C + 2) near and far colour, near and far radius.
        The last is (tiles down, tiles across) length of the run in pixels, 0 where there is none.
    """
    height, width, channels = image.shape
    tiles = ((height + TILE - 1) // TILE, (width + TILE - 1) // TILE)
    models = np.zeros((*tiles, 2 * channels + 2), np.float32)
    lengths = np.zeros(tiles, np.float32)
    coverage = np.full(radius.shape, np.float32(-1.0))
    _find(image, radius, side, min(judged, 3), models, lengths, coverage)
    return coverage, models, lengths


@nb.njit(cache=True, parallel=True, nogil=True)
def _find(
    image: Float32Array,
    radius: Float32Array,
    side: NDArray[np.uint8],
    judged: int,
    models: Float32Array,
    lengths: Float32Array,
    coverage: Float32Array,
) -> None:
    height, width, channels = image.shape
    bins = 2 * WIDEST + 1
    for j in nb.prange(models.shape[0]):
        around = TILE + 2 * BEYOND
        distance = np.empty((around, around), np.int16)
        sums = np.empty((bins, channels + 3))
        run = np.empty(bins)
        colours = np.empty((4, 4))
        for i in range(models.shape[1]):
            y0, x0 = j * TILE, i * TILE
            y1, x1 = min(y0 + TILE, height), min(x0 + TILE, width)
            # A little beyond the square, for an edge that runs along its border.
            above, below = max(y0 - MARGIN, 0), min(y1 + MARGIN, height)
            before, behind = max(x0 - MARGIN, 0), min(x1 + MARGIN, width)
            nearest, farthest, count = _silhouette_of(radius, side, above, below, before, behind)
            if count < FEWEST or farthest - nearest < LEAST_STEP:
                continue
            middle = np.float32(0.5) * (nearest + farthest)
            if _is_sharp(image, radius, side, middle, judged, above, below, before, behind, colours):
                continue
            top, left = max(y0 - BEYOND, 0), max(x0 - BEYOND, 0)
            bottom, right = min(y1 + BEYOND, height), min(x1 + BEYOND, width)
            _measure(radius, middle, top, bottom, left, right, distance)
            _gather(image, radius, distance, top, bottom, left, right, judged, sums)
            length = _run_of(sums, judged, run, models[j, i])
            if length <= SHORT:
                continue
            lengths[j, i] = length
            for y in range(y0, y1):
                for x in range(x0, x1):
                    k = distance[y - top, x - left]
                    if abs(k) <= WIDEST:
                        coverage[y, x] = _share_of(image, y, x, judged, models[j, i], run[k + WIDEST])


@nb.njit(cache=True, nogil=True)
def _silhouette_of(
    radius: Float32Array, side: NDArray[np.uint8], y0: int, y1: int, x0: int, x1: int
) -> tuple[np.float32, np.float32, int]:
    """Nearest and farthest radius at the silhouettes of a square, and how many of its pixels lie on one."""
    nearest, farthest = np.float32(np.inf), np.float32(-np.inf)
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            if side[y, x] != 0:
                nearest = min(nearest, radius[y, x])
                farthest = max(farthest, radius[y, x])
                count += 1
    return nearest, farthest, count


@nb.njit(cache=True, nogil=True)
def _is_sharp(
    image: Float32Array,
    radius: Float32Array,
    side: NDArray[np.uint8],
    middle: np.float32,
    judged: int,
    y0: int,
    y1: int,
    x0: int,
    x1: int,
    colours: NDArray[np.float64],
) -> bool:
    """Whether the plate changes at the silhouette itself by a good part of what parts the two sides."""
    colours[:] = 0.0
    for y in range(y0, y1):
        for x in range(x0, x1):
            if image[y, x, 0] > BRIGHT:
                continue
            k = (0 if radius[y, x] < middle else 1) + (2 if side[y, x] != 0 else 0)
            colours[k, 3] += 1.0
            for c in range(judged):
                colours[k, c] += image[y, x, c]
    for k in range(4):
        if colours[k, 3] == 0.0:
            return True
    apart = beside = 0.0
    for c in range(judged):
        difference = colours[0, c] / colours[0, 3] - colours[1, c] / colours[1, 3]
        apart += difference * difference
        beside += difference * (colours[2, c] / colours[2, 3] - colours[3, c] / colours[3, 3])
    return bool(beside > SUDDEN * apart)


@nb.njit(cache=True, nogil=True)
def _measure(
    radius: Float32Array,
    middle: np.float32,
    top: int,
    bottom: int,
    left: int,
    right: int,
    distance: NDArray[np.int16],
) -> None:
    """Chessboard distance from the silhouette: positive on the near side, from 1, and 0 and less on the far one."""
    height, width = bottom - top, right - left
    far_away = 4 * WIDEST
    for y in range(height):
        for x in range(width):
            distance[y, x] = far_away
    for forward in range(2):
        for k in range(height * width):
            y, x = divmod(k if forward == 0 else height * width - 1 - k, width)
            is_near = radius[top + y, left + x] < middle
            best = distance[y, x]
            back = -1 if forward == 0 else 1
            for dy, dx in ((back, -1), (back, 0), (back, 1), (0, back)):
                yy, xx = y + dy, x + dx
                if 0 <= yy < height and 0 <= xx < width:
                    other = (radius[top + yy, left + xx] < middle) != is_near
                    best = min(best, 1 if other else distance[yy, xx] + 1)
            distance[y, x] = best
    for y in range(height):
        for x in range(width):
            if radius[top + y, left + x] >= middle:
                distance[y, x] = 1 - distance[y, x]


@nb.njit(cache=True, nogil=True)
def _gather(
    image: Float32Array,
    radius: Float32Array,
    distance: NDArray[np.int16],
    top: int,
    bottom: int,
    left: int,
    right: int,
    judged: int,
    sums: NDArray[np.float64],
) -> None:
    """Mean colour and radius at each distance, how many pixels there are, and how much their colours vary; lamps are
    passed over."""
    channels = image.shape[2]
    sums[:] = 0.0
    for y in range(top, bottom):
        for x in range(left, right):
            k = distance[y - top, x - left]
            if abs(k) > WIDEST or image[y, x, 0] > BRIGHT:
                continue
            row = sums[k + WIDEST]
            row[channels] += radius[y, x]
            row[channels + 1] += 1.0
            for c in range(channels):
                row[c] += image[y, x, c]
            for c in range(judged):
                row[channels + 2] += image[y, x, c] ** 2
    for k in range(sums.shape[0]):
        if sums[k, channels + 1] > 0.0:
            for c in range(channels + 1):
                sums[k, c] /= sums[k, channels + 1]
            sums[k, channels + 2] /= sums[k, channels + 1]
            for c in range(judged):
                sums[k, channels + 2] -= sums[k, c] ** 2


@nb.njit(cache=True, nogil=True)
def _run_of(sums: NDArray[np.float64], judged: int, run: NDArray[np.float64], model: Float32Array) -> float:
    """Length of the run from far to near in pixels, 0 where there is none; ``run`` gets the coverage by distance."""
    channels = sums.shape[1] - 3
    last = sums.shape[0] - 1
    for k in range(PURE):
        if sums[k, channels + 1] == 0.0 or sums[last - k, channels + 1] == 0.0:
            return 0.0
    model[:] = 0.0
    for k in range(PURE):
        for c in range(channels):
            model[c] += sums[last - k, c] / PURE
            model[channels + c] += sums[k, c] / PURE
        model[2 * channels] += sums[last - k, channels] / PURE
        model[2 * channels + 1] += sums[k, channels] / PURE
    square = 0.0
    level = 0.0
    for c in range(judged):
        square += (model[c] - model[channels + c]) ** 2
        level = max(level, max(model[c], model[channels + c]))
    if square < (LEAST_CONTRAST * level) ** 2 or square < 1e-4:
        return 0.0
    varies = 0.0
    for k in range(last + 1):
        varies += sums[k, channels + 2] / (last + 1)
    if varies > MOST_TEXTURE * square:
        return 0.0
    for k in range(last + 1):
        if sums[k, channels + 1] == 0.0:
            return 0.0
        product = 0.0
        for c in range(judged):
            product += (sums[k, c] - model[channels + c]) * (model[c] - model[channels + c])
        run[k] = min(max(product / square, 0.0), 1.0)
    begin, end = 0, last
    while begin < last and run[begin] < FOOT:
        begin += 1
    while end > 0 and run[end] > 1.0 - FOOT:
        end -= 1
    # It must rise all the way; texture goes up and down.
    fallen = steepest = 0.0
    for k in range(max(begin, 1), end + 1):
        fallen += max(run[k - 1] - run[k], 0.0)
        steepest = max(steepest, run[k] - run[k - 1])
    middle = 0.5 * (begin + end) - WIDEST
    if fallen > 0.1 or steepest > SUDDEN or abs(middle) > 0.5 * WIDEST or begin <= PURE or end >= last - PURE:
        return 0.0
    for k in range(last + 1):
        if k < begin - 1:
            run[k] = 0.0
        elif k > end + 1:
            run[k] = 1.0
    return float(end - begin + 1)


@nb.njit(cache=True, nogil=True)
def _share_of(image: Float32Array, y: int, x: int, judged: int, model: Float32Array, place: float) -> np.float32:
    """Coverage of one pixel: its own colour's, drawn to that of its place in the run."""
    if place <= 0.0 or place >= 1.0:
        return np.float32(place)
    channels = (model.size - 2) // 2
    product = square = 0.0
    for c in range(judged):
        difference = float(model[c]) - float(model[channels + c])
        product += (image[y, x, c] - model[channels + c]) * difference
        square += difference * difference
    own = min(max(product / square, 0.0), 1.0)
    return np.float32(0.5 * own + 0.5 * place)


@nb.njit(cache=True, parallel=True, nogil=True)
def split_wide_edges(
    image: Float32Array,
    radius: Float32Array,
    found: Float32Array,
    models: Float32Array,
    front: Float32Array,
    coverage: Float32Array,
    front_radius: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
) -> None:
    """Split the pixels of wide edges; they compose to the plate's own colour, as far as light is not negative.

    Both colours are those of beyond the edge, moved by as little as the pixel asks for.

    Args:
        image, radius: the plate and its radii.
        found, models: from :func:`find_wide_edges`.
        front, coverage, front_radius, back, back_radius, back_kind: the surfaces, changed in place.
    """
    height, width, channels = image.shape
    for y in nb.prange(height):
        for x in range(width):
            share = found[y, x]
            if share < 0.0:
                continue
            model = models[y // TILE, x // TILE]
            is_near = radius[y, x] < np.float32(0.5) * (model[2 * channels] + model[2 * channels + 1])
            if (is_near and share > MIXED_MOST) or (not is_near and share < np.float32(1.0) - MIXED_MOST):
                continue
            share = min(max(share, np.float32(1.0) - MIXED_MOST), MIXED_MOST)
            rest = np.float32(1.0) - share
            square = share * share + rest * rest
            coverage[y, x] = share
            back_kind[y, x] = 1
            front_radius[y, x] = radius[y, x] if is_near else model[2 * channels]
            back_radius[y, x] = model[2 * channels + 1] if is_near else radius[y, x]
            for c in range(channels):
                left = image[y, x, c] - share * model[c] - rest * model[channels + c]
                floor = min(image[y, x, c], np.float32(0.0))
                front[y, x, c] = max(model[c] + share * left / square, floor)
                back[y, x, c] = max(model[channels + c] + rest * left / square, floor)
