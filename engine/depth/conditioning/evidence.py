"""For every pixel near a depth edge: does the plate say that it belongs to the near side or to the far one?

Both sides get a colour model from their surroundings, in which pixels count the more the farther they lie from the
depth's edge; a linear discriminant (Fisher, 1936) with the sides' common covariance gives the log odds of a pixel's
colour. The pixel's place beside the depth's edge adds its own. Positive is near.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.windows import LEAST_STEP, Levels
from engine.frames import Float32Array

__all__ = ["CERTAIN", "LEVELS", "Guide", "find_ridges", "guide_of", "judge", "measure_sides", "smooth_evidence"]

CERTAIN: Final = np.float32(8.0)
"""Log odds of what is not asked: pixels farther from the depth's edge than it may be wrong."""

TILE: Final = 4
"""Side of the squares that share a colour model, in pixels."""

AROUND: Final = 8
"""How far around its square a model looks, in pixels, and as far again as the depth's edge may lie aside."""

NOISE: Final = 2e-4
"""Variance of the guide's colours that every surface is taken to have."""

MOST_ODDS: Final = 16.0
"""A colour's log odds are between plus and minus half of this, however far the two sides' colours lie apart."""

STRANGE: Final = 9.0
"""Squared distance, in standard deviations, from which a colour belongs to neither side and counts less."""

NEAR_BIAS: Final = 0.0
"""Where the plate does not tell, the near side is drawn a little too large: the other way background stays on it."""

FLOW: Final = 6.0
"""How far evidence flows along a surface of one colour, in pixels."""

CONTRAST: Final = 11.0
"""Sum of the guide's differences, in levels, over which evidence does not flow."""

RIDGE: Final = 0.35
"""A ridge stands above both its sides by this part of its height over the far surface."""

LEVELS: Final = 180.0
"""Levels of the guide for the square root of middle white; its greatest value is below the square root of two."""

Guide = NDArray[np.uint8]


def guide_of(image: Float32Array, colours: int, guide: Guide) -> None:
    """The plate as a person sees it, about: square roots, highlights rolled off.

    Args:
        image: (H, W, C) scene-linear.
        colours: how many of the first channels are colours.
        guide: (H, W, 3) uint8 in levels, written; a grey plate fills all three.
    """
    if image.shape[2] == 3 and colours == 3 and image.flags.c_contiguous:
        _see(image.reshape(image.shape[0], -1), guide.reshape(guide.shape[0], -1))
    else:
        _see_channels(image, colours, guide)


@nb.njit(cache=True, inline="always")
def _seen(light: np.float32) -> np.uint8:
    value = max(light, np.float32(0.0))
    return np.uint8(np.float32(LEVELS) * np.sqrt(value / (np.float32(1.0) + np.float32(0.5) * value)) + np.float32(0.5))


@nb.njit(cache=True, parallel=True, nogil=True)
def _see(image: Float32Array, guide: Guide) -> None:
    """All numbers alike, in rows: a loop that the compiler turns into vectors, twice as fast."""
    for y in nb.prange(image.shape[0]):
        row, out = image[y], guide[y]
        for x in range(row.size):
            out[x] = _seen(row[x])


@nb.njit(cache=True, parallel=True, nogil=True)
def _see_channels(image: Float32Array, colours: int, guide: Guide) -> None:
    height, width, _ = image.shape
    for y in nb.prange(height):
        for x in range(width):
            for c in range(3):
                guide[y, x, c] = _seen(image[y, x, c if c < colours else 0])


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


@nb.njit(cache=True, parallel=True, nogil=True)
def judge(
    guide: Guide,
    disparity: Float32Array,
    far: Float32Array,
    near: Float32Array,
    ridge: NDArray[np.bool_],
    side: Float32Array,
    reach: int,
    doubt: float,
    odds: Float32Array,
) -> None:
    """Log odds of near against far.

    Args:
        guide: (H, W, 3), see ``guide_of``.
        disparity: (H, W).
        far, near: of the cells, see ``Levels``.
        ridge: (H, W) bool, see ``find_ridges``.
        side: (H, W) signed distances, see ``measure_sides``.
        reach: as there.
        doubt: distance in pixels that is worth one unit of log odds.
        odds: (H, W), written; 0 away from edges, CERTAIN in size beyond the reach.
    """
    height, width = disparity.shape
    beyond = np.float32(reach)
    around = max(AROUND, reach + TILE)
    for tile_row in nb.prange((height + TILE - 1) // TILE):
        sums = np.zeros((2, 10))
        model = np.zeros(17)
        y0 = tile_row * TILE
        y1 = min(y0 + TILE, height)
        for x0 in range(0, width, TILE):
            x1 = min(x0 + TILE, width)
            asked = False
            for y in range(y0, y1):
                for x in range(x0, x1):
                    distance = side[y, x]
                    odds[y, x] = np.float32(0.0) if distance == 0 else np.copysign(CERTAIN, distance)
                    asked |= distance != 0 and abs(distance) <= beyond
            if not asked:
                continue
            j, i = (y0 + y1) // 4, (x0 + x1) // 4
            middle = np.float32(0.5) * (far[j, i] + near[j, i])
            usable = _model_of(guide, disparity, ridge, side, beyond, middle, around, y0, y1, x0, x1, sums, model)
            for y in range(y0, y1):
                for x in range(x0, x1):
                    distance = side[y, x]
                    if distance != 0 and abs(distance) <= beyond:
                        told = _odds_of(guide, y, x, model) if usable else 0.0
                        odds[y, x] = np.float32(told + distance / doubt + NEAR_BIAS)


@nb.njit(cache=True, nogil=True)
def _model_of(
    guide: Guide,
    disparity: Float32Array,
    ridge: NDArray[np.bool_],
    side: Float32Array,
    beyond: np.float32,
    middle: np.float32,
    around: int,
    y0: int,
    y1: int,
    x0: int,
    x1: int,
    sums: NDArray[np.float64],
    model: NDArray[np.float64],
) -> bool:
    """The discriminant of one square; False where one of the sides is absent.

    ``model`` gets the discriminant (3), its value at the far mean, the squared distance of the means, the far mean (3)
    and the inverse covariance (6).
    """
    height, width = disparity.shape
    sums[:] = 0.0
    apart = around // 4
    for y in range(max(y0 - around, 0), min(y1 + around, height), apart):
        for x in range(max(x0 - around, 0) + (y // apart) % 2, min(x1 + around, width), apart):
            distance = abs(side[y, x])
            if distance == 0 or distance > beyond:
                distance = beyond + np.float32(1.0)
            weight = np.float64(distance * distance)
            s = 1 if disparity[y, x] > middle or ridge[y, x] else 0
            r, g, b = guide[y, x, 0] / LEVELS, guide[y, x, 1] / LEVELS, guide[y, x, 2] / LEVELS
            row = sums[s]
            row[0] += weight
            row[1] += weight * r
            row[2] += weight * g
            row[3] += weight * b
            row[4] += weight * r * r
            row[5] += weight * r * g
            row[6] += weight * r * b
            row[7] += weight * g * g
            row[8] += weight * g * b
            row[9] += weight * b * b
    if sums[0, 0] <= 0.0 or sums[1, 0] <= 0.0:
        return False
    for s in range(2):
        for k in range(1, 10):
            sums[s, k] /= sums[s, 0]
    f, n = sums[0], sums[1]
    rr = 0.5 * (f[4] - f[1] * f[1] + n[4] - n[1] * n[1]) + NOISE
    rg = 0.5 * (f[5] - f[1] * f[2] + n[5] - n[1] * n[2])
    rb = 0.5 * (f[6] - f[1] * f[3] + n[6] - n[1] * n[3])
    gg = 0.5 * (f[7] - f[2] * f[2] + n[7] - n[2] * n[2]) + NOISE
    gb = 0.5 * (f[8] - f[2] * f[3] + n[8] - n[2] * n[3])
    bb = 0.5 * (f[9] - f[3] * f[3] + n[9] - n[3] * n[3]) + NOISE
    a, b_, c = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    determinant = rr * a + rg * b_ + rb * c
    d, e, h = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    inverse = model[8:14]
    inverse[0], inverse[1], inverse[2] = a / determinant, b_ / determinant, c / determinant
    inverse[3], inverse[4], inverse[5] = d / determinant, e / determinant, h / determinant
    u, v, w = n[1] - f[1], n[2] - f[2], n[3] - f[3]
    model[0] = inverse[0] * u + inverse[1] * v + inverse[2] * w
    model[1] = inverse[1] * u + inverse[3] * v + inverse[4] * w
    model[2] = inverse[2] * u + inverse[4] * v + inverse[5] * w
    model[4] = model[0] * u + model[1] * v + model[2] * w
    model[5], model[6], model[7] = f[1], f[2], f[3]
    return bool(model[4] > 1e-3)


@nb.njit(cache=True, nogil=True)
def _odds_of(guide: Guide, y: int, x: int, model: NDArray[np.float64]) -> float:
    """Log odds of one pixel's colour."""
    u, v, w = guide[y, x, 0] / LEVELS - model[5], guide[y, x, 1] / LEVELS - model[6], guide[y, x, 2] / LEVELS - model[7]
    along = model[0] * u + model[1] * v + model[2] * w
    apart = model[4]
    share = along / apart - 0.5
    inverse = model[8:14]
    square = inverse[0] * u * u + inverse[3] * v * v + inverse[5] * w * w
    square += 2.0 * (inverse[1] * u * v + inverse[2] * u * w + inverse[4] * v * w)
    # A mixture of both sides lies between their means and is not strange.
    strange = square - along * along / apart
    if abs(share) > 0.5:
        strange += (abs(share) - 0.5) ** 2 * apart
    told = min(apart, MOST_ODDS) * min(max(share, -0.5), 0.5)
    return float(told * min(1.0, STRANGE / max(strange, STRANGE)))


def smooth_evidence(guide: Guide, odds: Float32Array, side: Float32Array, reach: int) -> None:
    """Let evidence flow within surfaces of one colour, so that neighbours decide alike and turn where the plate does.

    A recursive filter in the transformed domain (Gastal and Oliveira, 2011), once along rows and once along columns.
    Pixels beyond the reach are certain: they give and do not take, so that an edge that the plate does not show stays
    where the depth has it. ``odds`` is changed in place, within ``reach`` of the depth's edges.
    """
    _smooth_rows(guide, odds, side, np.float32(reach))
    _smooth_columns(guide, odds, side, np.float32(reach))


@nb.njit(cache=True, inline="always")
def _kept(guide: Guide, side: Float32Array, reach: np.float32, y: int, x: int, yy: int, xx: int) -> np.float32:
    """Share of the evidence that flows from one pixel to its neighbour."""
    here, there = abs(side[y, x]), abs(side[yy, xx])
    if here == 0 or there == 0 or min(here, there) > reach:
        return np.float32(0.0)
    difference = np.float32(0.0)
    for c in range(3):
        difference += np.float32(abs(np.int32(guide[y, x, c]) - np.int32(guide[yy, xx, c])))
    steepness = np.float32(1.0 / FLOW) + np.float32(1.0 / CONTRAST) * difference
    kept: np.float32 = np.exp(-np.float32(sqrt(2.0)) * steepness)
    return kept


@nb.njit(cache=True, parallel=True, nogil=True)
def _smooth_rows(guide: Guide, odds: Float32Array, side: Float32Array, reach: np.float32) -> None:
    height, width = odds.shape
    for y in nb.prange(height):
        kept = np.zeros(width, np.float32)
        for x in range(1, width):
            kept[x] = _kept(guide, side, reach, y, x, y, x - 1)
            if kept[x] > 0 and abs(side[y, x]) <= reach:
                odds[y, x] += kept[x] * (odds[y, x - 1] - odds[y, x])
        for x in range(width - 2, -1, -1):
            if kept[x + 1] > 0 and abs(side[y, x]) <= reach:
                odds[y, x] += kept[x + 1] * (odds[y, x + 1] - odds[y, x])


@nb.njit(cache=True, parallel=True, nogil=True)
def _smooth_columns(guide: Guide, odds: Float32Array, side: Float32Array, reach: np.float32) -> None:
    height, width = odds.shape
    strip = 64
    for s in nb.prange((width + strip - 1) // strip):
        x0, x1 = s * strip, min((s + 1) * strip, width)
        kept = np.zeros((height, strip), np.float32)
        for y in range(1, height):
            for x in range(x0, x1):
                if side[y, x] != 0:
                    kept[y, x - x0] = _kept(guide, side, reach, y, x, y - 1, x)
                if kept[y, x - x0] > 0 and abs(side[y, x]) <= reach:
                    odds[y, x] += kept[y, x - x0] * (odds[y - 1, x] - odds[y, x])
        for y in range(height - 2, -1, -1):
            for x in range(x0, x1):
                if kept[y + 1, x - x0] > 0 and abs(side[y, x]) <= reach:
                    odds[y, x] += kept[y + 1, x - x0] * (odds[y + 1, x] - odds[y, x])
