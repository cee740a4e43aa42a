"""Values that no light has: NaN and infinity, and light so bright that sums of it would be infinite.

What is written is finite, whatever was read: plates are put right on reading, and results once more before they are
written, because conversions of colour may still overflow.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.frames import Float32Array

__all__ = ["BRIGHTEST", "limit_light", "made_finite", "repair_colour"]

BRIGHTEST: Final = np.float32(1e15)
"""Light beyond it, of either sign, is limited to it on reading. The renderers sum squares of a thousand values, times
a boost: from 1e19 on they become infinite, up to 1e18 they were seen to stay finite."""

_LARGEST: Final = float(np.finfo(np.float32).max)

_AT_ONCE: Final = 1 << 18
"""Bad pixels gathered at once, so that a frame that is bad throughout needs no more memory than a good one."""


def repair_colour(image: Float32Array) -> tuple[Float32Array, int]:
    """Replace what is not finite by the median of its finite neighbours in the same channel; black where it has none.

    Args:
        image: (H, W, C) float32.

    Returns:
        The image itself if it was whole, else a repaired copy; and how many pixels had a bad value.
    """
    if _is_finite(image):
        return image, 0
    finite = np.isfinite(image)
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


def limit_light(image: Float32Array) -> tuple[Float32Array, int]:
    """Light within ``BRIGHTEST``; what a conversion of colour made of values beyond all range is put right too.

    Args:
        image: (H, W, C) float32.

    Returns:
        The image itself if all was within, else a copy in which what was within keeps its bits; and how many pixels
        were not.
    """
    if image.size == 0 or (image.min() >= -BRIGHTEST and image.max() <= BRIGHTEST):  # False where one is NaN
        return image, 0
    beyond = ~(np.abs(image) <= BRIGHTEST)
    count = int(beyond.any(axis=2).sum())
    finite = np.nan_to_num(image, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    return np.clip(finite, -BRIGHTEST, BRIGHTEST), count


def made_finite(image: Float32Array) -> tuple[Float32Array, int]:
    """What can be written: NaN as in ``repair_colour``, infinity as the largest number.

    Args:
        image: (H, W, C) float32.

    Returns:
        The image itself if it was finite, else a copy; and how many pixels were not.
    """
    if _is_finite(image):
        return image, 0
    count = int((~np.isfinite(image)).any(axis=2).sum())
    bounded = np.where(np.isinf(image), np.copysign(_LARGEST, image), image)
    return repair_colour(bounded)[0], count


def _is_finite(image: Float32Array) -> bool:
    """Whether all values are finite, without an array beside them: NaN is the least and the greatest of any."""
    return image.size == 0 or bool(np.isfinite(image.min()) and np.isfinite(image.max()))


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
