"""Silhouettes: where two neighbouring pixels lie on different surfaces."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["STEP", "find_silhouettes", "silhouette_step"]

STEP: Final = np.float32(1.0)
"""Difference in radius (pixels) between neighbours from which they part when the eye moves across the lens. Below it
the shift between two lens positions is under a pixel, which the overlap of slices covers."""

LEAST_STEP: Final = 0.5
"""Where blur is small, mixed pixels show from this difference on: one side of them stays sharp, the other does not."""

DEPTH_STEPS: Final = 64.0
"""A jump of less than this part of the depth is noise, or a step of an 8-bit depth, as often as a silhouette."""


def silhouette_step(strength: float) -> np.float32:
    """Difference in radius from which neighbours are taken for two surfaces, for a blur strength K in pixels."""
    return np.float32(np.clip(strength / DEPTH_STEPS, LEAST_STEP, STEP))


@nb.njit(cache=True, parallel=True, nogil=True)
def find_silhouettes(radius: Float32Array, step: np.float32) -> NDArray[np.uint8]:
    """1 where one of the eight neighbours is farther by more than ``step``, 2 where one is nearer, 3 both, 0 elsewhere.

    Args:
        radius: (H, W) float32, signed circle of confusion: larger is farther.
        step: difference in radius that makes a silhouette.

    Returns:
        (H, W) uint8.
    """
    height, width = radius.shape
    side = np.zeros((height, width), np.uint8)
    for y in nb.prange(height):
        # Down the columns first, then along the row: loops that the compiler can turn into vectors, 3 times faster.
        low = np.empty(width + 2, np.float32)
        high = np.empty(width + 2, np.float32)
        above, below = radius[max(y - 1, 0)], radius[min(y + 1, height - 1)]
        here = radius[y]
        for x in range(width):
            low[x + 1] = min(min(above[x], below[x]), here[x])
            high[x + 1] = max(max(above[x], below[x]), here[x])
        low[0], high[0] = low[1], high[1]
        low[width + 1], high[width + 1] = low[width], high[width]
        for x in range(width):
            farthest = max(max(high[x], high[x + 1]), high[x + 2])
            nearest = min(min(low[x], low[x + 1]), low[x + 2])
            side[y, x] = np.uint8(farthest - here[x] > step) + np.uint8(2) * np.uint8(here[x] - nearest > step)
    return side
