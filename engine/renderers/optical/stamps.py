"""Stamps: the opening's own picture, as a lamp out of focus shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.aperture import NEAREST_GRID, Lens
from engine.renderers.optical.lamps import Lamps
from engine.renderers.optical.spot import Spot

__all__ = ["Stamps", "cut_stamps"]

RELATIVE_STEP: Final = 1.0 / 24.0
LARGEST_STEP: Final = 0.125
"""Lamps share a stamp where their radii are this near: a 24th of a pixel, or of the radius where that is more, up to an
eighth of a pixel. The stamp has the mean of their radii, so that lamps at one distance have their very own."""

CRISP: Final = 6.0
"""Lens points a pixel from which a stamp is small: then they see what hides it more evenly than its few pixels do."""

NARROWED: Final = 2.0
"""Second moment, in squared pixels, from which a stamp is drawn at its own radius. Its pixels widen it by a twelfth,
which is taken off below; a large disc would lose its rim to it."""

TABLE: Final = np.concatenate([np.linspace(0.0, 1.5, 193), np.linspace(1.5, 8.0, 105)[1:]])
"""Radii, in pixels, at which the second moment of a stamp is known; larger ones are drawn as they are."""

NOTHING: Final = 1e-6
"""Radius in place of none at all."""

DUST: Final = 1e-9
"""Shares up to this are the rounding of differences of the opening's integral."""

Landings = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Row, column, lens point and share of light of each landing, by rows."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """The opening's picture at the radii that lamps have, as landings: a column, a way through the lens and a share.

    A stamp has as much light in each of its pixels as the opening has there, so that its rim is crisp and it grows
    smoothly. A large one has a landing for each pixel and asks the nearest lens points whether it is seen. A small one
    has a landing for each lens point. The shares of a stamp sum to one.

    Attributes:
        of_lamp: (N,) int32, which stamp a lamp uses.
        half: (M,) int32, half height.
        row: (M,) int64, where the rows of a stamp begin in ``begin``: ``2 half + 1`` of them, then the end.
        begin: int64, where a row's landings begin.
        column: int32, offset of each landing.
        point: int32, lens point of each landing, or -1 - the cell of ``Lens.nearest`` that it comes through.
        share: float32.
    """

    of_lamp: NDArray[np.int32]
    half: NDArray[np.int32]
    row: NDArray[np.int64]
    begin: NDArray[np.int64]
    column: NDArray[np.int32]
    point: NDArray[np.int32]
    share: Float32Array

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The fields in order, for a kernel."""
        return self.of_lamp, self.half, self.row, self.begin, self.column, self.point, self.share


def cut_stamps(lamps: Lamps, lens: Lens, spot: Spot, aspect: float) -> Stamps:
    """The stamps of all radii that lamps have.

    Args:
        lamps: their radii.
        lens: lens points and opening.
        spot: how wide a point is to be drawn.
        aspect: pixel aspect.
    """
    radii, aside, of_lamp = _shared(lamps)
    drawn_x = _drawn_radii(radii, aside[:, 1], lens.opening[-1], spot.moment[0], spot.less[0], aspect)
    drawn_y = _drawn_radii(radii, aside[:, 0], lens.opening[:, -1], spot.moment[1], spot.less[1], 1.0)
    half: list[int] = []
    row: list[int] = []
    begin: list[int] = []
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], Float32Array]] = []
    landings = 0
    for radius, (down, right), x, y in zip(radii, aside, drawn_x, drawn_y, strict=True):
        rows, columns, points, shares = _landings_of_pixels(lens.opening, x, y, right, down, aspect)
        if CRISP * np.pi * radius * radius / aspect < len(lens.points):
            rows, columns, points, shares = _seen_by_points(
                rows, columns, points, shares, lens.points, x, y, right, down, aspect
            )
        reach = int(np.abs(rows).max())
        half.append(reach)
        row.append(len(begin))
        begin.extend((landings + np.searchsorted(rows, np.arange(-reach, reach + 2))).tolist())
        parts.append((columns.astype(np.int32), points.astype(np.int32), shares.astype(np.float32)))
        landings += len(rows)
    none = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
    column, point, share = (np.concatenate(column) for column in zip(none, *parts, strict=True))
    return Stamps(
        of_lamp=of_lamp.astype(np.int32),
        half=np.array(half, np.int32),
        row=np.array(row, np.int64),
        begin=np.array(begin, np.int64),
        column=column,
        point=point,
        share=share,
    )


def _shared(lamps: Lamps) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Radius and place aside of the pixel's middle (down, right) of the stamps, and which of them each lamp uses."""
    wide = np.abs(lamps.radius.astype(np.float64))
    # The steps as one scale: even up to 1, then by the logarithm, then even again.
    even = LARGEST_STEP / RELATIVE_STEP
    place = np.minimum(wide, 1.0) / RELATIVE_STEP
    place += np.log(np.clip(wide, 1.0, even)) / RELATIVE_STEP
    place += np.maximum(wide - even, 0.0) / LARGEST_STEP
    key = np.copysign(np.round(place), lamps.radius).astype(np.int64)
    aside = np.zeros((len(key), 2)) if lamps.aside is None else lamps.aside.astype(np.float64)
    if lamps.aside is not None:
        key = 4 * key + 2 * (aside[:, 0] > 0.0) + (aside[:, 1] > 0.0)
    _, first, of_lamp, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return np.bincount(of_lamp, lamps.radius.astype(np.float64), len(count)) / count, aside[first], of_lamp


def _drawn_radii(
    radii: NDArray[np.float64],
    aside: NDArray[np.float64],
    light: NDArray[np.float64],
    moment: float,
    less: float,
    wide: float,
) -> NDArray[np.float64]:
    """Radii at which stamps are drawn along an axis, so that their pixels have the second moment of the spot.

    Args:
        radii: (M,) of the stamps.
        aside: (M,) where they lie in their pixel.
        light: (G + 1,) share of the opening's light up to each of its lines.
        moment, less: of the spot along this axis.
        wide: width of a pixel, in pixels of radius.
    """
    wanted = np.maximum(moment * radii**2 - less, 0.0)
    narrowed = np.empty_like(radii)
    for place in np.unique(aside):
        for side in (-1.0, 1.0):
            own = (aside == place) & (np.copysign(1.0, radii) == side)
            if own.any():
                narrowed[own] = np.interp(wanted[own], _second_moments(light, side * place), TABLE)
    plain = np.sqrt(wanted / moment) / wide
    share = np.clip(NARROWED - wanted, 0.0, 1.0)
    return np.copysign(share * narrowed + (1.0 - share) * plain, radii) * wide


def _second_moments(light: NDArray[np.float64], aside: float) -> NDArray[np.float64]:
    """Second moment along one axis of an opening whose light is rounded to whole pixels, at the radii of TABLE."""
    lines = np.linspace(-1.0, 1.0, len(light))
    reach = int(TABLE[-1]) + 1
    pixels = np.arange(-reach, reach + 1)
    borders = (np.append(pixels, reach + 1)[:, None] - 0.5 - aside) / np.maximum(TABLE, 1e-9)
    share = np.diff(np.interp(borders, lines, light), axis=0)
    # Rising but for rounding, so that it can be read backwards.
    rising: NDArray[np.float64] = np.maximum.accumulate((pixels - aside) ** 2 @ share)
    return rising


@nb.njit(cache=True, nogil=True)
def _seen_by_points(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    cells: NDArray[np.int64],
    shares: NDArray[np.float64],
    points: Float32Array,
    x: float,
    y: float,
    right: float,
    down: float,
    aspect: float,
) -> Landings:
    """A small stamp asks all lens points: each pixel those that see the lamp in it, which divide its share.

    Args:
        rows, columns, cells, shares: the stamp's pixels.
        points: (N, 3) float32, of the lens.
        x, y, right, down, aspect: as for ``_landings_of_pixels``.
    """
    half_y, half_x = np.abs(rows).max(), np.abs(columns).max()
    pixel_at = np.full((2 * half_y + 1, 2 * half_x + 1), -1)
    for k in range(rows.size):
        pixel_at[rows[k] + half_y, columns[k] + half_x] = k
    pixel_of = np.full(points.shape[0], -1)
    weight = np.zeros(rows.size)
    asked = np.zeros(rows.size, np.int64)
    for i in range(points.shape[0]):
        row = int(np.floor(points[i, 1] * y + down + 0.5)) + half_y
        column = int(np.floor(points[i, 0] * x / aspect + right + 0.5)) + half_x
        if points[i, 2] > 0.0 and 0 <= row <= 2 * half_y and 0 <= column <= 2 * half_x:
            k = pixel_at[row, column]
            pixel_of[i] = k
            if k >= 0:
                weight[k] += points[i, 2]
                asked[k] += 1
    # A pixel that no point sees the lamp in keeps its landing.
    most = np.maximum(asked, 1)
    begin = np.cumsum(most) - most
    whole = int(most.sum())
    out_rows, out_columns, ways = np.empty(whole, np.int64), np.empty(whole, np.int64), np.empty(whole, np.int64)
    out_shares = np.empty(whole)
    for k in range(rows.size):
        for place in range(begin[k], begin[k] + most[k]):
            out_rows[place], out_columns[place] = rows[k], columns[k]
        if asked[k] == 0:
            ways[begin[k]], out_shares[begin[k]] = cells[k], shares[k]
    for i in range(points.shape[0]):
        k = pixel_of[i]
        if k >= 0:
            ways[begin[k]], out_shares[begin[k]] = i, shares[k] * points[i, 2] / weight[k]
            begin[k] += 1
    return out_rows, out_columns, ways, out_shares


@nb.njit(cache=True, nogil=True)
def _landings_of_pixels(
    opening: NDArray[np.float64], x: float, y: float, right: float, down: float, aspect: float
) -> Landings:
    """How much of the opening each pixel of the disc covers, and where in the opening its middle lies; by rows.

    Args:
        opening: see :class:`~engine.renderers.optical.aperture.Lens`.
        x, y: radii along both axes. In front of the focal plane they are negative: the picture of the opening is turned
            round. One of nothing leaves all light where it is.
        right, down: place of the lamp in its pixel.
        aspect: pixel aspect.
    """
    half_y, half_x = int(np.ceil(abs(y) + abs(down) + 0.5)), int(np.ceil(abs(x) / aspect + abs(right) + 0.5))
    to_u = aspect / (x if x != 0.0 else NOTHING)
    to_v = 1.0 / (y if y != 0.0 else NOTHING)
    most = (2 * half_y + 1) * (2 * half_x + 1)
    rows, columns, points = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    shares = np.empty(most)
    above, below = np.empty(2 * half_x + 2), np.empty(2 * half_x + 2)
    count = 0
    for j in range(-half_y, half_y + 2):
        v = (j - 0.5 - down) * to_v
        for i in range(2 * half_x + 2):
            below[i] = _integral_at(opening, (i - half_x - 0.5 - right) * to_u, v)
        for i in range(2 * half_x + 1):
            share = abs(below[i + 1] - below[i] - above[i + 1] + above[i]) if j > -half_y else 0.0
            if share <= DUST:
                continue
            rows[count], columns[count], shares[count] = j - 1, i - half_x, share
            cell_v = _cell((j - 1.0 - down) * to_v)
            points[count] = -1 - (cell_v * NEAREST_GRID + _cell((i - half_x - right) * to_u))
            count += 1
        above, below = below, above
    return rows[:count], columns[:count], points[:count], shares[:count]


@nb.njit(cache=True, inline="always")
def _cell(place: float) -> int:
    """Row or column in the grid of ``Lens.nearest``."""
    return int(min(max((place + 1.0) * (0.5 * NEAREST_GRID), 0.0), NEAREST_GRID - 1.0))


@nb.njit(cache=True, nogil=True)
def _integral_at(opening: NDArray[np.float64], u: float, v: float) -> float:
    """The opening's light left of u and above v, bilinear between the grid's lines."""
    cells = opening.shape[0] - 1
    across, down = min(max((u + 1.0) * (0.5 * cells), 0.0), cells), min(max((v + 1.0) * (0.5 * cells), 0.0), cells)
    i, j = min(int(across), cells - 1), min(int(down), cells - 1)
    a, b = across - i, down - j
    upper = (1.0 - a) * opening[j, i] + a * opening[j, i + 1]
    lower = (1.0 - a) * opening[j + 1, i] + a * opening[j + 1, i + 1]
    value: float = (1.0 - b) * upper + b * lower
    return value
