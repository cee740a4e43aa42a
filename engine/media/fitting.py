"""Laying depth on the plate's pixels."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import DepthSizeError
from engine.frames import Float32Array, Window
from engine.media.depth import DepthImage
from engine.media.windows import laid_on

__all__ = ["fit_depth"]

_SAME_SURFACE: Final = 0.05
"""Neighbours that differ by more than this share of their size lie on two surfaces and are not mixed."""


def fit_depth(depth: DepthImage, plate_window: Window, fit: Literal["error", "scale"], frame: int) -> Float32Array:
    """The depth of every pixel of the plate's data window.

    Depth of the plate's display size is laid on by position; where the plate has overscan that depth lacks, its border
    is held. A depth map of the plate's data window's size (a PNG beside an overscanned EXR) lies on the data window.
    Where depth that is cropped holds nothing (``empty_places``), the values mean nothing.

    Args:
        depth: as read.
        plate_window: of the same frame of the plate.
        fit: whether depth of another size is an error or is scaled, mixing only values of one surface.
        frame: for the error.

    Returns:
        (H, W) float32 of the plate's data window.

    Raises:
        DepthSizeError: sizes differ and ``fit`` is error.
    """
    theirs, ours = depth.window, plate_window
    if theirs == ours or (theirs.is_plain and (theirs.width, theirs.height) == (ours.width, ours.height)):
        return depth.values
    if (theirs.display_width, theirs.display_height) == (ours.display_width, ours.display_height):
        return laid_on(depth.values, theirs, ours)
    if fit == "error":
        raise DepthSizeError(
            f"frame {frame}: depth is {theirs.display_width}x{theirs.display_height} but the plate is "
            f'{ours.display_width}x{ours.display_height}; render it at the plate\'s size, or set depth.fit to "scale"'
        )
    down = _places(
        ours.height, ours.y - ours.display_y, ours.display_height, theirs.display_height, theirs.y - theirs.display_y
    )
    across = _places(
        ours.width, ours.x - ours.display_x, ours.display_width, theirs.display_width, theirs.x - theirs.display_x
    )
    return _sample(depth.values, down, across)


def _places(count: int, start: int, display: int, their_display: int, their_start: int) -> NDArray[np.float64]:
    """Positions in depth's array of ``count`` pixels of the plate, centres on centres."""
    centres = np.arange(count, dtype=np.float64) + (start + 0.5)
    return np.asarray(centres * (their_display / display) - (0.5 + their_start), np.float64)


def _sample(values: Float32Array, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Float32Array:
    """Bilinear on one surface, the nearest value where two surfaces meet or a value is not finite."""
    top, bottom, down = _neighbours(rows, values.shape[0])
    left, right, across = _neighbours(columns, values.shape[1])
    corners = [values[np.ix_(r, c)] for r in (top, bottom) for c in (left, right)]
    low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
    nearest_row, nearest_column = np.where(down < 0.5, top, bottom), np.where(across < 0.5, left, right)
    nearest = values[np.ix_(nearest_row, nearest_column)]
    with np.errstate(invalid="ignore", over="ignore"):
        upper = corners[0] * (1 - across) + corners[1] * across
        lower = corners[2] * (1 - across) + corners[3] * across
        mixed = upper * (1 - down[:, None]) + lower * down[:, None]
        one_surface = high - low <= _SAME_SURFACE * np.maximum(np.abs(low), np.abs(high))
    fitted: Float32Array = np.where(one_surface & np.isfinite(mixed), mixed, nearest).astype(np.float32)
    return fitted


def _neighbours(places: NDArray[np.float64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Float32Array]:
    inside = np.clip(places, 0, size - 1)
    first = np.floor(inside).astype(np.intp)
    return first, np.minimum(first + 1, size - 1), (inside - first).astype(np.float32)
