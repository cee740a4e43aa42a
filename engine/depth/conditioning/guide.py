"""The plate as the eye sees it, in a byte a colour: what edges are decided by."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["LEVELS", "Guide", "guide_of"]

LEVELS: Final = 180.0
"""Levels of the guide for the square root of middle white; its greatest value is below the square root of two."""

Guide = NDArray[np.uint8]


def guide_of(image: Float32Array, colours: int, guide: Guide) -> None:
    """The plate as a person sees it, about: square roots, highlights rolled off.

    Args:
        image: (H, W, C) scene-linear.
        colours: how many of the first channels are colours.
        guide: (H, W, 3) uint8 in levels, written; a grey plate fills all three.
    """
    if image.shape[2] == 3 and colours == 3 and image.flags.c_contiguous:
        _see(image.reshape(image.shape[0], -1), guide.reshape(guide.shape[0], -1))
    else:
        _see_channels(image, colours, guide)


@nb.njit(cache=True, inline="always")
def _seen(light: np.float32) -> np.uint8:
    value = max(light, np.float32(0.0))
    return np.uint8(np.float32(LEVELS) * np.sqrt(value / (np.float32(1.0) + np.float32(0.5) * value)) + np.float32(0.5))


@nb.njit(cache=True, parallel=True, nogil=True)
def _see(image: Float32Array, guide: Guide) -> None:
    """All numbers alike, in rows: a loop that the compiler turns into vectors, twice as fast."""
    for y in nb.prange(image.shape[0]):
        row, out = image[y], guide[y]
        for x in range(row.size):
            out[x] = _seen(row[x])


@nb.njit(cache=True, parallel=True, nogil=True)
def _see_channels(image: Float32Array, colours: int, guide: Guide) -> None:
    height, width, _ = image.shape
    for y in nb.prange(height):
        for x in range(width):
            for c in range(3):
                guide[y, x, c] = _seen(image[y, x, c if c < colours else 0])
