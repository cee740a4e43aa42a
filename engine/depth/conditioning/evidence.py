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

from engine.depth.conditioning.guide import LEVELS, Guide
from engine.frames import Float32Array

__all__ = ["CERTAIN", "judge", "smooth_evidence"]

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

FLOW: Final = 6.0
"""How far evidence flows along a surface of one colour, in pixels."""

CONTRAST: Final = 11.0
"""Sum of the guide's differences, in levels, over which evidence does not flow."""


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
                        odds[y, x] = np.float32(told + distance / doubt)


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
