"""Silhouettes: where two neighbouring pixels lie on different surfaces."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["STEP", "find_silhouettes"]

STEP: Final = np.float32(1.0)
"""Difference in radius (pixels) between neighbours from which they count as two surfaces. Below it the shift between
two lens positions is under a pixel, which the overlap of slices covers."""


@nb.njit(cache=True, parallel=True, nogil=True)
def find_silhouettes(radius: Float32Array) -> NDArray[np.uint8]:
    """1 where one of the eight neighbours is farther by more than STEP, 2 where one is nearer, 3 both, 0 elsewhere.

    Args:
        radius: (H, W) float32, signed circle of confusion: larger is farther.

    Returns:
        (H, W) uint8.
    """
    height, width = radius.shape
    side = np.zeros((height, width), np.uint8)
    for y in nb.prange(height):
        for x in range(width):
            nearest = farthest = radius[y, x]
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(x - 1, 0), min(x + 2, width)):
                    nearest = min(nearest, radius[yy, xx])
                    farthest = max(farthest, radius[yy, xx])
            here = radius[y, x]
            side[y, x] = (farthest - here > STEP) + 2 * (here - nearest > STEP)
    return side
