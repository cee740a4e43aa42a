"""Stamps: the opening's own picture, as a lamp out of focus shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.aperture import NEAREST_GRID, Lens
from engine.renderers.optical.lamps import Lamps

__all__ = ["Stamps", "cut_stamps"]

STAMP_STEP: Final = 0.125
"""Radii of stamps are rounded to this, in pixels."""

CRISP: Final = 6.0
"""Lens points a pixel from which a stamp is small: then they draw it more evenly than its few pixels do."""

DUST: Final = 1e-9
"""Shares up to this are the rounding of differences of the opening's integral."""

Landings = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Row, column, lens point and share of light of each landing."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """The opening's picture at the radii that lamps have, as landings: a column, a way through the lens and a share.

    A large stamp has a landing for each of its pixels, so that its rim is crisp, and asks the nearest lens points
    whether it is seen. A small one has a landing for each lens point. The shares of a stamp sum to one.

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


def cut_stamps(lamps: Lamps, lens: Lens, aspect: float) -> Stamps:
    """The stamps of all radii that lamps have.

    Args:
        lamps: their radii.
        lens: lens points and opening.
        aspect: pixel aspect.
    """
    values, of_lamp = np.unique(np.round(lamps.radius / STAMP_STEP).astype(np.int64), return_inverse=True)
    half: list[int] = []
    row: list[int] = []
    begin: list[int] = []
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], Float32Array]] = []
    landings = 0
    for radius in values * STAMP_STEP:
        if CRISP * np.pi * radius * radius / aspect < len(lens.points):
            rows, columns, points, shares = _landings_of_points(radius, lens, aspect)
        else:
            rows, columns, points, shares = _landings_of_pixels(radius, lens, aspect)
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


def _landings_of_points(radius: float, lens: Lens, aspect: float) -> Landings:
    """Where each lens point sees a lamp, to the pixel."""
    columns = np.floor(lens.points[:, 0] * radius / aspect + 0.5).astype(np.int64)
    rows = np.floor(lens.points[:, 1] * radius + 0.5).astype(np.int64)
    return rows, columns, np.arange(len(lens.points)), lens.points[:, 2].astype(np.float64)


def _landings_of_pixels(radius: float, lens: Lens, aspect: float) -> Landings:
    """How much of the opening each pixel of the disc covers, and where in the opening its middle lies."""
    half_y, half_x = int(np.ceil(abs(radius) + 0.5)), int(np.ceil(abs(radius) / aspect + 0.5))
    # In front of the focal plane the radius is negative: the picture of the opening is turned round.
    edge_y = (np.arange(-half_y, half_y + 2, dtype=np.float64) - 0.5) / radius
    edge_x = (np.arange(-half_x, half_x + 2, dtype=np.float64) - 0.5) * aspect / radius
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
