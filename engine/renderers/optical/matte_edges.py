"""Edges whose coverage a matte gives: a compositor's roto or key knows better than any guess."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np

from engine.frames import Float32Array
from engine.renderers.optical.wide_edges import BEYOND, MIXED_MOST, TILE

__all__ = ["find_matte_edges"]

FEWEST: Final = 4
"""Pure pixels of a side from which its colour is known."""


def find_matte_edges(
    image: Float32Array, radius: Float32Array, matte: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Where a matte's coverage is partial, and the colours that are mixed there.

    Args:
        image: (H, W, C) the plate, scene-linear.
        radius: (H, W) its signed radius.
        matte: (H, W) share of each pixel that the subject covers, 0..1.

    Returns:
        found: (H, W) the matte where it is partial and both sides show their own colour near by, else -1.
        models: (tiles down, tiles across, 2 C + 2) near and far colour, near and far radius, by squares of TILE.
    """
    height, width, channels = image.shape
    tiles = ((height + TILE - 1) // TILE, (width + TILE - 1) // TILE)
    models = np.zeros((*tiles, 2 * channels + 2), np.float32)
    found = np.full(radius.shape, np.float32(-1.0))
    _find(image, radius, matte, models, found)
    return found, models


@nb.njit(cache=True, parallel=True, nogil=True)
def _find(
    image: Float32Array, radius: Float32Array, matte: Float32Array, models: Float32Array, found: Float32Array
) -> None:
    height, width, channels = image.shape
    for j in nb.prange(models.shape[0]):
        sums = np.empty((2, channels + 2))
        for i in range(models.shape[1]):
            y0, x0 = j * TILE, i * TILE
            y1, x1 = min(y0 + TILE, height), min(x0 + TILE, width)
            partial = False
            for y in range(y0, y1):
                for x in range(x0, x1):
                    partial |= np.float32(1.0) - MIXED_MOST < matte[y, x] < MIXED_MOST
            if not partial:
                continue
            sums[:] = 0.0
            for y in range(max(y0 - BEYOND, 0), min(y1 + BEYOND, height), 2):
                for x in range(max(x0 - BEYOND, 0), min(x1 + BEYOND, width), 2):
                    if np.float32(1.0) - MIXED_MOST < matte[y, x] < MIXED_MOST:
                        continue
                    row = sums[0 if matte[y, x] > np.float32(0.5) else 1]
                    row[channels] += radius[y, x]
                    row[channels + 1] += 1.0
                    for c in range(channels):
                        row[c] += image[y, x, c]
            near, far = sums[0, channels + 1], sums[1, channels + 1]
            # The subject stands in front of what is beside it; where it does not, its matte says nothing of depth.
            if near < FEWEST or far < FEWEST or sums[0, channels] / near >= sums[1, channels] / far - 1.0:
                continue
            model = models[j, i]
            model[2 * channels] = sums[0, channels] / near
            model[2 * channels + 1] = sums[1, channels] / far
            for c in range(channels):
                model[c] = sums[0, c] / near
                model[channels + c] = sums[1, c] / far
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if np.float32(1.0) - MIXED_MOST < matte[y, x] < MIXED_MOST:
                        found[y, x] = matte[y, x]
