"""Edges decided at half the size, for the draft quality: it renders at half the size too."""

from __future__ import annotations

import numba as nb
import numpy as np

from engine.frames import Float32Array

__all__ = ["halve", "restore"]


def halve(image: Float32Array, colours: int, disparity: Float32Array) -> tuple[Float32Array, Float32Array]:
    """A quarter of the pixels: the mean of two by two colours, and the nearest but one of two by two disparities.

    Returns:
        (h, w, colours) and (h, w) float32; h and w are half, rounded up.
    """
    height, width = disparity.shape
    shape = ((height + 1) // 2, (width + 1) // 2)
    small_image, small = np.empty((*shape, colours), np.float32), np.empty(shape, np.float32)
    _halve(image, disparity, small_image, small)
    return small_image, small


@nb.njit(cache=True, parallel=True, nogil=True)
def _halve(image: Float32Array, disparity: Float32Array, small_image: Float32Array, small: Float32Array) -> None:
    height, width = disparity.shape
    for j in nb.prange(small.shape[0]):
        y0, y1 = 2 * j, min(2 * j + 1, height - 1)
        for i in range(small.shape[1]):
            x0, x1 = 2 * i, min(2 * i + 1, width - 1)
            for c in range(small_image.shape[2]):
                small_image[j, i, c] = np.float32(0.25) * (
                    image[y0, x0, c] + image[y0, x1, c] + image[y1, x0, c] + image[y1, x1, c]
                )
            a, b, c_, d = disparity[y0, x0], disparity[y0, x1], disparity[y1, x0], disparity[y1, x1]
            high, low = max(a, b), min(a, b)
            high_too, low_too = max(c_, d), min(c_, d)
            small[j, i] = max(min(high, high_too), max(low, low_too))


def restore(disparity: Float32Array, small: Float32Array, decided: Float32Array) -> Float32Array:
    """The full size again: cells that were changed take their new disparity, the others keep their own four."""
    out = disparity.copy()
    _restore(small, decided, out)
    return out


@nb.njit(cache=True, parallel=True, nogil=True)
def _restore(small: Float32Array, decided: Float32Array, out: Float32Array) -> None:
    height, width = out.shape
    for y in nb.prange(height):
        for x in range(width):
            if decided[y // 2, x // 2] != small[y // 2, x // 2]:
                out[y, x] = decided[y // 2, x // 2]
