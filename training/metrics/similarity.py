"""Structural similarity (SSIM)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit

from engine.errors import FormatError, require
from engine.frames import Float32Array
from training.metrics.pictures import paired

__all__ = ["WINDOW", "Borders", "ssim", "ssim_of_display"]

WINDOW = 11
"""Width of the Gaussian window in pixels; its sigma is 1.5."""

_SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2

Borders = Literal["left-out", "mirrored"]


def ssim(result: Float32Array, reference: Float32Array, borders: Borders = "left-out") -> float:
    """Structural similarity of two pictures, mean over pixels and colour channels.

    ``SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2))`` with means, variances and covariance
    weighted by an 11x11 Gaussian of sigma 1.5, C1 = 0.01^2, C2 = 0.03^2 for a data range of 1 (Wang, Bovik, Sheikh and
    Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004).

    On display values. Only windows that lie wholly in the picture count, as in the authors' program and in
    scikit-image (``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``): 5 pixels at each border are left
    out. torchmetrics 1.9 (``StructuralSimilarityIndexMeasure(data_range=1)``), which Any-to-Bokeh's numbers come from,
    mirrors the picture at its borders and counts every pixel: ``borders="mirrored"`` is that. The two differ by some
    0.006 on a picture of 64x48 with an SSIM of 0.90, and less on larger ones.

    Args:
        result, reference: (H, W, C) scene-linear, 11x11 or larger.
        borders: what becomes of windows that reach over the border.

    Returns:
        -1..1; 1 for equal pictures.

    Raises:
        FormatError: the pictures differ in size or are smaller than the window.
    """
    return ssim_of_display(*paired(result, reference), borders)


def ssim_of_display(result: Float32Array, reference: Float32Array, borders: Borders = "left-out") -> float:
    """:func:`ssim` of pictures that are in display values already."""
    height, width, channels = result.shape
    require(
        height >= WINDOW and width >= WINDOW,
        FormatError,
        f"the pictures are {width}x{height}; SSIM needs {WINDOW}x{WINDOW} or larger",
    )
    if borders == "mirrored":
        around = ((WINDOW // 2,) * 2, (WINDOW // 2,) * 2, (0, 0))
        result, reference = np.pad(result, around, mode="reflect"), np.pad(reference, around, mode="reflect")
    taps = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / _SIGMA) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    total = 0.0
    for channel in range(channels):
        plane = np.ascontiguousarray(result[..., channel])
        other = np.ascontiguousarray(reference[..., channel])
        total += float(_mean_similarity(plane, other, taps))
    return float(total / channels)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _mean_similarity(a: Float32Array, b: Float32Array, taps: Float32Array) -> float:
    """Mean SSIM over all whole windows of two planes: five moments, columns first, then rows, one line at a time.

    Values are taken from 0.5, which halves the rounding of float32 variances and leaves them as they are; the means
    get it back.
    """
    height, width = a.shape
    size = taps.size
    half = np.float32(0.5)
    moments = np.empty((5, width), np.float32)
    line = np.empty((5, width - size + 1), np.float32)
    total = 0.0
    for y in range(height - size + 1):
        moments[:] = 0
        for k in range(size):
            w = taps[k]
            for x in range(width):
                p = a[y + k, x] - half
                q = b[y + k, x] - half
                moments[0, x] += w * p
                moments[1, x] += w * q
                moments[2, x] += w * p * p
                moments[3, x] += w * q * q
                moments[4, x] += w * p * q
        line[:] = 0
        for m in range(5):
            for k in range(size):
                w = taps[k]
                for x in range(width - size + 1):
                    line[m, x] += w * moments[m, x + k]
        row = 0.0
        for x in range(width - size + 1):
            ma, mb = line[0, x], line[1, x]
            va, vb, cov = line[2, x] - ma * ma, line[3, x] - mb * mb, line[4, x] - ma * mb
            ma += half
            mb += half
            top = (2.0 * ma * mb + _C1) * (2.0 * cov + _C2)
            row += top / ((ma * ma + mb * mb + _C1) * (va + vb + _C2))
        total += row
    return float(total / ((height - size + 1) * (width - size + 1)))
