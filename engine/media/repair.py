"""Values that no light has: NaN and infinity in a plate."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.frames import Float32Array

__all__ = ["repair_colour"]

_AT_ONCE: Final = 1 << 18
"""Bad pixels gathered at once, so that a frame that is bad throughout needs no more memory than a good one."""


def repair_colour(image: Float32Array) -> tuple[Float32Array, int]:
    """Replace what is not finite by the median of its finite neighbours in the same channel; black where it has none.

    Args:
        image: (H, W, C) float32.

    Returns:
        The image itself if it was whole, else a repaired copy; and how many pixels had a bad value.
    """
    finite = np.isfinite(image)
    if finite.all():
        return image, 0
    count = int((~finite.all(axis=2)).sum())
    repaired = image.copy()
    for channel in range(image.shape[2]):
        rows, columns = np.nonzero(~finite[:, :, channel])
        if rows.size:
            plane = np.where(finite[:, :, channel], image[:, :, channel], np.float32(np.nan))
            for start in range(0, rows.size, _AT_ONCE):
                span = slice(start, start + _AT_ONCE)
                repaired[rows[span], columns[span], channel] = _medians(plane, rows[span], columns[span])
    return repaired, count


def _medians(plane: Float32Array, rows: np.ndarray, columns: np.ndarray) -> Float32Array:
    """The lower median of the up to eight finite neighbours of each place; 0 where there is none."""
    height, width = plane.shape
    around = np.full((rows.size, 8), np.nan, np.float32)
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    for place, (down, right) in enumerate(steps):
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        around[inside, place] = plane[y[inside], x[inside]]
    around.sort(axis=1)  # NaN sorts last
    there = np.isfinite(around).sum(axis=1)
    middle = np.maximum(there - 1, 0) // 2
    return np.where(there > 0, around[np.arange(rows.size), middle], np.float32(0))
