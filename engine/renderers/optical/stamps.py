"""Stamps: the opening's own picture, as a lamp out of focus shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

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

DUST: Final = 1e-9
"""Shares up to this are the rounding of differences of the opening's integral."""

Landings = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Row, column, lens point and share of light of each landing."""


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
        rows, columns, points, shares = _landings_of_pixels(x, y, right, down, lens, aspect)
        if CRISP * np.pi * radius * radius / aspect < len(lens.points):
            rows, columns, points, shares = _seen_by_points(
                rows, columns, points, shares, x, y, right, down, lens, aspect
            )
        order = np.argsort(rows, kind="stable")
        rows, columns, points, shares = rows[order], columns[order], points[order], shares[order]
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


def _seen_by_points(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    points: NDArray[np.int64],
    shares: NDArray[np.float64],
    x: float,
    y: float,
    right: float,
    down: float,
    lens: Lens,
    aspect: float,
) -> Landings:
    """A small stamp asks all lens points: each pixel those that see the lamp in it, which divide its share."""
    point_rows = np.floor(lens.points[:, 1] * y + down + 0.5).astype(np.int64)
    point_columns = np.floor(lens.points[:, 0] * x / aspect + right + 0.5).astype(np.int64)
    width = 2 * int(max(np.abs(columns).max(), np.abs(point_columns).max())) + 1
    pixel, point_pixel = rows * width + columns, point_rows * width + point_columns
    order = np.argsort(pixel)
    place = np.minimum(np.searchsorted(pixel[order], point_pixel), len(pixel) - 1)
    own = order[place]
    inside = pixel[own] == point_pixel
    weight = np.where(inside, lens.points[:, 2], 0.0).astype(np.float64)
    total = np.bincount(own, weight, len(pixel))
    asked = total > 0.0
    seen = inside & (weight > 0.0)
    return (
        np.concatenate([point_rows[seen], rows[~asked]]),
        np.concatenate([point_columns[seen], columns[~asked]]),
        np.concatenate([np.nonzero(seen)[0], points[~asked]]),
        np.concatenate([(weight * shares[own])[seen] / total[own[seen]], shares[~asked]]),
    )


def _landings_of_pixels(x: float, y: float, right: float, down: float, lens: Lens, aspect: float) -> Landings:
    """How much of the opening each pixel of the disc covers, and where in the opening its middle lies."""
    half_y, half_x = int(np.ceil(abs(y) + abs(down) + 0.5)), int(np.ceil(abs(x) / aspect + abs(right) + 0.5))
    if x == 0.0 or y == 0.0:
        # Nothing wide enough to leave its pixel along an axis.
        x, y = x or 1e-6, y or 1e-6
    # In front of the focal plane the radius is negative: the picture of the opening is turned round.
    edge_y = (np.arange(-half_y, half_y + 2, dtype=np.float64) - 0.5 - down) / y
    edge_x = (np.arange(-half_x, half_x + 2, dtype=np.float64) - 0.5 - right) * aspect / x
    integral = _integral_at(lens.opening, edge_x, edge_y)
    share = np.abs(np.diff(np.diff(integral, axis=0), axis=1))
    grid = NEAREST_GRID
    place_y = np.clip((0.5 * (edge_y[1:] + edge_y[:-1]) + 1.0) * 0.5 * grid, 0, grid - 1).astype(np.int64)
    place_x = np.clip((0.5 * (edge_x[1:] + edge_x[:-1]) + 1.0) * 0.5 * grid, 0, grid - 1).astype(np.int64)
    rows, columns = np.nonzero(share > DUST)
    cells = place_y[rows] * grid + place_x[columns]
    return rows - half_y, columns - half_x, -1 - cells, share[rows, columns]


def _integral_at(opening: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The opening's light left of u and above v, bilinear between the grid's lines; (V, U)."""
    lines = np.linspace(-1.0, 1.0, opening.shape[0])
    last = len(lines) - 2
    i = np.clip(np.searchsorted(lines, u) - 1, 0, last)
    j = np.clip(np.searchsorted(lines, v) - 1, 0, last)
    a = np.clip((u - lines[i]) / (lines[1] - lines[0]), 0.0, 1.0)
    b = np.clip((v - lines[j]) / (lines[1] - lines[0]), 0.0, 1.0)[:, None]
    upper = (1.0 - a) * opening[np.ix_(j, i)] + a * opening[np.ix_(j, i + 1)]
    lower = (1.0 - a) * opening[np.ix_(j + 1, i)] + a * opening[np.ix_(j + 1, i + 1)]
    blended: NDArray[np.float64] = (1.0 - b) * upper + b * lower
    return blended
