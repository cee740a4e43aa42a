"""The stack of slices: where they lie in depth, and how far each one moves for each lens point.

A slice moves by whole pixels, so that it can be copied. Whole pixels are a coarse measure where blur is small: the
radius by which a slice is moved is therefore not its own, but the largest for which its views draw no point wider than
the lens does (see ``spot``). What is then left is less than one lens point moves by, and is drawn beforehand by a
small filter (see ``spread``), so that blur grows smoothly from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.aperture import Lens
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.spot import Spot

__all__ = ["Stack", "slice_borders", "slice_of", "stack_slices"]

INNERMOST: Final = 0.125
"""Pixels of radius up to which a pixel is in the slice that no lens point moves."""

FINE_STEP: Final = 0.25
COARSE_STEP: Final = 0.04
LARGEST_STEP: Final = 0.8

SLACK: Final = 0.03
"""Second moment, in squared pixels, by which a slice may be moved too little for the mean of its pixels: the filter
that draws the rest is then no wider than three pixels."""

BOX: Final = 1.1
"""Width of the box that fills the gaps between lens points, in distances between them: a little more than one, for the
lattice is not square."""

SEARCH_STEPS: Final = 13
"""Halvings of 1.5 pixels until the radius of a slice is known: 0.0002 pixels."""

PLAIN_FROM: Final = 16.0
"""Pixels of radius from which moving by whole pixels adds a twelfth, to better than a thousandth."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices, from far to near.

    Attributes:
        borders: (S - 1,) float32, falling: a pixel of a larger radius is in an earlier slice.
        radii: (S,) float32, signed radius of each slice; neighbours are at most STEP apart.
        shift_x, shift_y: (N, S) int32, pixels by which each lens point sees a slice moved.
        drawn: (2, S) float32, second moment along x and y that the views give a point of the slice.
        moment, less: (2,) float32, of the spot (see :class:`~engine.renderers.optical.spot.Spot`).
        gap: (2,) float32, squared width of the box between lens points, in squared pixels per squared radius.
        of_pixel: (H, W) int16, the slice of each pixel of the plate.
    """

    borders: Float32Array
    radii: Float32Array
    shift_x: NDArray[np.int32]
    shift_y: NDArray[np.int32]
    drawn: Float32Array
    moment: Float32Array
    less: Float32Array
    gap: Float32Array
    of_pixel: NDArray[np.int16]


def slice_borders(farthest: float, nearest: float) -> Float32Array:
    """Radii that part the slices between two signed radii, falling; the slice in focus is among them.

    Steps are a quarter of a pixel near the focal plane and 4 % of the radius away from it, up to 0.8 pixels.
    """

    def one_side(limit: float) -> list[float]:
        borders, border = [], INNERMOST
        while border < limit:
            borders.append(border)
            border += _step_at(border)
        return borders

    far, near = one_side(farthest), one_side(-nearest)
    return np.array([*reversed(far), *(-border for border in near)], np.float32)


def stack_slices(radius: Float32Array, lens: Lens, spot: Spot, aspect: float) -> Stack:
    """Slices for a plate.

    Args:
        radius: (H, W) float32, signed circle of confusion.
        lens: the points that look.
        spot: how wide a point is to be drawn.
        aspect: pixel aspect.
    """
    borders = slice_borders(float(radius.max()), float(radius.min()))
    of_pixel = slice_of(radius, borders)
    radii = _slice_radii(radius, of_pixel, borders, max(spot.moment))
    moment, less = np.array(spot.moment, np.float32), np.array(spot.less, np.float32)
    gap = (BOX * np.array([lens.spacing[0] / aspect, lens.spacing[1]])) ** 2
    square = radii.astype(np.float64) ** 2
    # The box between lens points is not taken off: coverage is moved but not spread (0.04 dB, draft, three shots).
    wanted = np.maximum(moment[:, None] * square - less[:, None], 0.0)
    shift_x, drawn_x = _shifts(
        lens.points[:, 0].astype(np.float64) / aspect, lens.points[:, 2], radii, wanted[0], 1.0 / aspect
    )
    shift_y, drawn_y = _shifts(lens.points[:, 1].astype(np.float64), lens.points[:, 2], radii, wanted[1], 1.0)
    return Stack(
        borders=borders,
        radii=radii,
        shift_x=shift_x,
        shift_y=shift_y,
        drawn=np.stack([drawn_x, drawn_y]),
        moment=moment,
        less=less,
        gap=gap.astype(np.float32),
        of_pixel=of_pixel,
    )


@nb.njit(cache=True, parallel=True, nogil=True)
def slice_of(radius: Float32Array, borders: Float32Array) -> NDArray[np.int16]:
    """Index of each radius among the slices that falling ``borders`` part."""
    height, width = radius.shape
    index = np.empty((height, width), np.int16)
    for y in nb.prange(height):
        last = 0
        for x in range(width):
            value = radius[y, x]
            # Neighbours are nearly always in the same slice or the next one.
            while last < borders.size and value < borders[last]:
                last += 1
            while last > 0 and value >= borders[last - 1]:
                last -= 1
            index[y, x] = last
    return index


def _step_at(border: float) -> float:
    return min(max(FINE_STEP, COARSE_STEP * border), LARGEST_STEP)


def _slice_radii(
    radius: Float32Array, of_pixel: NDArray[np.int16], borders: Float32Array, moment: float
) -> Float32Array:
    """Radius of each slice: what its pixels have, so that a plate at one distance is blurred by its very radius.

    It is the mean of its pixels less a slack, but no less than the least of them. Where slices are thicker than half a
    pixel it keeps so near to the middle that neighbours are at most STEP apart.
    """
    count, mean, least = _means(radius, of_pixel, borders.size + 1)
    inner = np.abs(borders.astype(np.float64))
    far = int((borders > 0).sum())
    # The slice in focus lies between the two sides; each border is the inner one of a slice.
    inner = np.concatenate([inner[:far], [0.0], inner[far:]])
    step = np.array([_step_at(border) for border in inner])
    middle = inner + 0.5 * step
    fitted = np.sqrt(np.maximum(mean**2 - SLACK / max(moment, 1e-9), least**2))
    play = 0.5 * (float(STEP) - step)
    fitted = np.where(step > 0.5 * float(STEP), np.clip(fitted, middle - play, middle + play), fitted)
    radii = np.where(count > 0, fitted, middle)
    radii[far] = 0.0
    radii[far + 1 :] *= -1.0
    return radii.astype(np.float32)


@nb.njit(cache=True, nogil=True)
def _means(
    radius: Float32Array, of_pixel: NDArray[np.int16], number: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """How many pixels each slice has, their mean radius without its sign and the least."""
    height, width = radius.shape
    count = np.zeros(number, np.int64)
    total = np.zeros(number)
    least = np.full(number, 1e30)
    for y in range(height):
        x = 0
        while x < width:
            # Along a run of one slice.
            s = of_pixel[y, x]
            begin = x
            run = 0.0
            lowest = np.float32(np.inf)
            while x < width and of_pixel[y, x] == s:
                value = abs(radius[y, x])
                run += value
                lowest = min(lowest, value)
                x += 1
            count[s] += x - begin
            total[s] += run
            least[s] = min(least[s], lowest)
    return count, total / np.maximum(count, 1), least


@nb.njit(cache=True, nogil=True)
def _shifts(
    points: NDArray[np.float64], weight: Float32Array, radii: Float32Array, wanted: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.int32], Float32Array]:
    """How far each lens point sees each slice moved along one axis, and the second moment that this gives a point.

    Args:
        points: (N,) place of each lens point, in pixels of this axis per pixel of radius.
        weight: (N,).
        radii: (S,) signed.
        wanted: (S,) second moment that is not to be exceeded.
        scale: pixels of this axis per pixel of radius.
    """
    shift = np.empty((points.size, radii.size), np.int32)
    drawn = np.empty(radii.size, np.float32)
    own = 0.0
    for i in range(points.size):
        own += weight[i] * points[i] ** 2
    for s in range(radii.size):
        side = 1.0 if radii[s] >= 0.0 else -1.0
        radius = abs(np.float64(radii[s]))
        if radius == 0.0 or own == 0.0:
            moved = 0.0
        elif radius * scale > PLAIN_FROM:
            moved = np.sqrt(max(wanted[s] - 1.0 / 12.0, 0.0) / own)
        else:
            moved = _widest(points, weight, side, wanted[s], radius, scale)
        for i in range(points.size):
            shift[i, s] = np.int32(np.floor(side * moved * points[i] + 0.5))
        drawn[s] = np.float32(_second_moment(points, weight, side * moved))
    return shift, drawn


@nb.njit(cache=True, nogil=True)
def _widest(
    points: NDArray[np.float64], weight: Float32Array, side: float, wanted: float, radius: float, scale: float
) -> float:
    """The largest radius by which points may be moved without drawing wider than wanted; half a pixel more at most."""
    # A whole number of pixels is not to be missed by the rounding of its square.
    wanted *= 1.0 + 1e-6
    low, high = max(radius - 1.0 / scale, 0.0), radius + 0.5 / scale
    if _second_moment(points, weight, side * low) > wanted:
        low, high = 0.0, low
    for _ in range(SEARCH_STEPS):
        middle = 0.5 * (low + high)
        if _second_moment(points, weight, side * middle) <= wanted:
            low = middle
        else:
            high = middle
    return low


@nb.njit(cache=True, nogil=True)
def _second_moment(points: NDArray[np.float64], weight: Float32Array, radius: float) -> float:
    total = 0.0
    for i in range(points.size):
        moved = np.floor(radius * points[i] + 0.5)
        total += weight[i] * moved * moved
    return total
