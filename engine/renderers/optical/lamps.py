"""Small, very bright things: lamps, sparkles, speculars.

Out of focus a lamp is an even disc with a crisp rim, the opening's own picture. A sum over lens points shows it as dots,
however many there are. So the light that stands far above its surroundings is taken out of the plate, and each of its
pixels is drawn as the opening's picture at that pixel's radius; where the opening is hidden by something nearer, the
views tell (see ``light_field``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["Lamps", "Stamps", "cut_stamps", "take_out_lamps"]

WINDOW = 33
"""Side of the surroundings in pixels."""

ABOVE_WHITE, ABOVE_SURROUNDINGS = 1.0, 3.0
"""Light above ``1 + 3 m`` is a lamp's, with m the power mean (exponent 1/2) of the surroundings: a lamp itself hardly
moves m, a bright sky does."""

MOST_STAMPED = 60_000_000
"""Most pixels that are drawn for the lamps of a frame; of more, the faintest stay in the plate."""

STAMP_STEP = 0.125
"""Radii of stamps are rounded to this, in pixels."""


@dataclass(frozen=True, eq=False)
class Lamps:
    """Pixels of lamps.

    Attributes:
        place: (N, 2) int32 row and column.
        radius: (N,) float32 signed radius.
        light: (N, C) float32, taken out of the plate.
    """

    place: NDArray[np.int32]
    radius: Float32Array
    light: Float32Array

    def arrays(self) -> tuple[NDArray[np.int32], Float32Array, Float32Array]:
        """The fields in order, for a kernel."""
        return self.place, self.radius, self.light


@dataclass(frozen=True, eq=False)
class Stamps:
    """The opening's picture at the radii that lamps have; each sums to one.

    Attributes:
        of_lamp: (N,) int32, which stamp a lamp uses.
        half: (M, 2) int32, half height and half width.
        begin: (M,) int64, where a stamp begins in ``weights`` and ``points``; rows after rows.
        weights: float32, light of each pixel.
        points: int32, the lens point nearest to each pixel.
    """

    of_lamp: NDArray[np.int32]
    half: NDArray[np.int32]
    begin: NDArray[np.int64]
    weights: Float32Array
    points: NDArray[np.int32]

    def arrays(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], Float32Array, NDArray[np.int32]]:
        """The fields in order, for a kernel."""
        return self.of_lamp, self.half, self.begin, self.weights, self.points


def take_out_lamps(image: Float32Array, channels: tuple[str, ...], radius: Float32Array) -> tuple[Float32Array, Lamps]:
    """Split a picture into one without lamps and the lamps; their sum is the picture.

    Args:
        image: (H, W, C) float32; not changed.
        channels: C names; alpha stays in the picture.
        radius: (H, W) float32, signed circle of confusion. Lamps come in between a radius of 1 and 2 pixels.
    """
    carries = np.array([name != "A" and not name.endswith(".A") for name in channels])
    colours = max(sum(name in ("R", "G", "B", "Y") for name in channels), 1)
    brightness = image[..., :colours].max(axis=2)
    nothing = Lamps(np.empty((0, 2), np.int32), np.empty(0, np.float32), np.empty((0, len(channels)), np.float32))
    if float(brightness.max()) <= ABOVE_WHITE:
        return image, nothing
    share = _lamp_share(brightness, _power_mean(brightness, WINDOW // 2), radius)
    share = _within_budget(share, brightness, radius)
    place = np.argwhere(share > 0.0).astype(np.int32)
    if len(place) == 0:
        return image, nothing
    rows, columns = place[:, 0], place[:, 1]
    light = image[rows, columns] * share[rows, columns, None] * carries
    rest = image.copy()
    rest[rows, columns] -= light
    return rest, Lamps(place, _radius_of_brightest(brightness, radius, place), np.ascontiguousarray(light, np.float32))


def _within_budget(share: Float32Array, brightness: Float32Array, radius: Float32Array) -> Float32Array:
    """Leave the faintest lamps in the plate when all would be too much to draw."""
    area = np.where(share > 0.0, 4.0 * radius * radius, 0.0)
    if float(area.sum(dtype=np.float64)) <= MOST_STAMPED:
        return share
    rows, columns = np.nonzero(share > 0.0)
    order = np.argsort(-brightness[rows, columns] * share[rows, columns], kind="stable")
    spent = np.cumsum(area[rows, columns][order], dtype=np.float64)
    faint = order[spent > MOST_STAMPED]
    share = share.copy()
    share[rows[faint], columns[faint]] = 0.0
    return share


@nb.njit(cache=True, parallel=True, nogil=True)
def _power_mean(brightness, half):  # type: ignore[no-untyped-def]
    """Power mean with exponent 1/2 over a square window, clipped at the frame's border."""
    height, width = brightness.shape
    across = np.empty((height, width), np.float64)
    for y in nb.prange(height):
        running = np.zeros(width + 1)
        for x in range(width):
            running[x + 1] = running[x] + np.sqrt(max(brightness[y, x], np.float32(0.0)))
        for x in range(width):
            a, b = max(x - half, 0), min(x + half + 1, width)
            across[y, x] = (running[b] - running[a]) / (b - a)
    mean = np.empty((height, width), np.float32)
    block = 64
    for strip in nb.prange((width + block - 1) // block):
        x0, x1 = strip * block, min((strip + 1) * block, width)
        total = np.zeros(block)
        count = 0
        for y in range(-half, height):
            if y + half < height:
                count += 1
                for x in range(x0, x1):
                    total[x - x0] += across[y + half, x]
            if y - half - 1 >= 0:
                count -= 1
                for x in range(x0, x1):
                    total[x - x0] -= across[y - half - 1, x]
            if y >= 0:
                for x in range(x0, x1):
                    mean[y, x] = (total[x - x0] / count) ** 2
    return mean


@nb.njit(cache=True, parallel=True, nogil=True)
def _lamp_share(brightness, mean, radius):  # type: ignore[no-untyped-def]
    """Share of each pixel's light that is a lamp's."""
    height, width = brightness.shape
    share = np.zeros((height, width), np.float32)
    for y in nb.prange(height):
        for x in range(width):
            level = np.float32(ABOVE_WHITE) + np.float32(ABOVE_SURROUNDINGS) * mean[y, x]
            if brightness[y, x] > level:
                blurred = min(max(abs(radius[y, x]) - np.float32(1.0), np.float32(0.0)), np.float32(1.0))
                share[y, x] = blurred * (np.float32(1.0) - level / brightness[y, x])
    return share


@nb.njit(cache=True, nogil=True)
def _radius_of_brightest(brightness, radius, place):  # type: ignore[no-untyped-def]
    """A lamp's mixed pixel at a silhouette is as far away as the brightest pixel next to it."""
    height, width = brightness.shape
    out = np.empty(place.shape[0], np.float32)
    for i in range(place.shape[0]):
        y, x = place[i, 0], place[i, 1]
        for _ in range(3):
            best_y, best_x = y, x
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(x - 1, 0), min(x + 2, width)):
                    if brightness[yy, xx] > brightness[best_y, best_x]:
                        best_y, best_x = yy, xx
            y, x = best_y, best_x
        out[i] = radius[y, x]
    return out


def cut_stamps(lamps: Lamps, opening: NDArray[np.float64], nearest: NDArray[np.int32], aspect: float) -> Stamps:
    """Draw the opening at each radius that a lamp has.

    Args:
        lamps: their radii.
        opening: (G + 1, G + 1) integral of the opening's light over the square from (-1, -1), ending in 1.
        nearest: (P, P) index of the lens point nearest to each place of the same square.
        aspect: pixel aspect.
    """
    steps = np.round(lamps.radius / STAMP_STEP).astype(np.int64)
    steps[steps == 0] = 1
    values, of_lamp = np.unique(steps, return_inverse=True)
    radii = values * STAMP_STEP
    half = np.stack([np.ceil(np.abs(radii) + 0.5), np.ceil(np.abs(radii) / aspect + 0.5)], axis=1).astype(np.int32)
    sizes = (2 * half[:, 0].astype(np.int64) + 1) * (2 * half[:, 1] + 1)
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    weights = np.empty(int(begin[-1]), np.float32)
    points = np.empty(int(begin[-1]), np.int32)
    _draw_stamps(radii, half, begin, opening, nearest, aspect, weights, points)
    return Stamps(of_lamp.astype(np.int32), half, begin[:-1], weights, points)


@nb.njit(cache=True, inline="always")
def _integral_at(opening, u, v):  # type: ignore[no-untyped-def]
    """The opening's light left of u and above v, both in -1..1, bilinear between the grid's lines."""
    last = opening.shape[0] - 1
    x = min(max((u + 1.0) * 0.5, 0.0), 1.0) * last
    y = min(max((v + 1.0) * 0.5, 0.0), 1.0) * last
    i, j = min(int(x), last - 1), min(int(y), last - 1)
    a, b = x - i, y - j
    upper = (1.0 - a) * opening[j, i] + a * opening[j, i + 1]
    lower = (1.0 - a) * opening[j + 1, i] + a * opening[j + 1, i + 1]
    return (1.0 - b) * upper + b * lower


@nb.njit(cache=True, parallel=True, nogil=True)
def _draw_stamps(radii, half, begin, opening, nearest, aspect, weights, points):  # type: ignore[no-untyped-def]
    grid = nearest.shape[0]
    for m in nb.prange(radii.size):
        radius_x = radii[m] / aspect
        radius_y = radii[m]
        rows, columns = half[m, 0], half[m, 1]
        at = begin[m]
        for j in range(-rows, rows + 1):
            # In front of the focal plane the radius is negative: the picture of the opening is turned round.
            v0, v1 = (j - 0.5) / radius_y, (j + 0.5) / radius_y
            for i in range(-columns, columns + 1):
                u0, u1 = (i - 0.5) / radius_x, (i + 0.5) / radius_x
                weights[at] = abs(
                    _integral_at(opening, u1, v1)
                    - _integral_at(opening, u0, v1)
                    - _integral_at(opening, u1, v0)
                    + _integral_at(opening, u0, v0)
                )
                u = min(max(0.5 * (u0 + u1), -1.0), 1.0)
                v = min(max(0.5 * (v0 + v1), -1.0), 1.0)
                px = min(int((u + 1.0) * 0.5 * grid), grid - 1)
                py = min(int((v + 1.0) * 0.5 * grid), grid - 1)
                points[at] = nearest[py, px]
                at += 1
