"""The neighbourhood of depth edges, where depth-of-field renderers differ most, and the error within it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numba import njit

from engine.errors import DepthSizeError, OpticsError, require
from engine.frames import Float32Array
from training.metrics.pictures import Mask, SquaredError, decibels, paired

__all__ = ["DEPTH_STEP", "EDGE_RADIUS", "depth_edges", "edge_band", "edge_band_psnr"]

DEPTH_STEP = 0.02
"""Neighbours whose disparities differ by more than this lie on two sides of a depth edge: at K = 32 their circles of
confusion differ by more than half a pixel, while a ground plane from near to far over 1024 px steps by 0.001."""

EDGE_RADIUS = 12.0
"""Pixels from a depth edge that still count as near it."""


def depth_edges(disparity: Float32Array, step: float = DEPTH_STEP) -> Mask:
    """Both pixels of every horizontal or vertical pair whose disparities differ by more than ``step``; (H, W) bool."""
    edges = np.zeros(disparity.shape, dtype=np.bool_)
    across = np.abs(np.diff(disparity, axis=1)) > step
    down = np.abs(np.diff(disparity, axis=0)) > step
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def edge_band(disparity: Float32Array, radius: float = EDGE_RADIUS, step: float = DEPTH_STEP) -> Mask:
    """Pixels whose centre lies within ``radius`` pixels (Euclidean) of the centre of a depth-edge pixel.

    Args:
        disparity: (H, W), 1 nearest to 0 farthest.
        radius: zero or more; 0 gives the edge pixels themselves.
        step: see :data:`DEPTH_STEP`.

    Returns:
        (H, W) bool, all False where there is no edge.

    Raises:
        OpticsError: the radius is negative or not finite.
    """
    require(
        math.isfinite(radius) and radius >= 0, OpticsError, f"the edge band's radius must be zero or more, got {radius}"
    )
    band: Mask = _dilate(depth_edges(disparity, step), float(radius))
    return band


@njit(cache=True, nogil=True)
def _dilate(mask: Mask, radius: float) -> Mask:
    """Dilation by a disc: distance along the column first, then the nearest over the neighbouring columns."""
    height, width = mask.shape
    reach = int(radius)
    far = 2 * (height + width)
    column = np.full((height, width), far, np.int64)
    for x in range(width):
        gap = far
        for y in range(height):
            gap = 0 if mask[y, x] else gap + 1
            column[y, x] = gap
        gap = far
        for y in range(height - 1, -1, -1):
            gap = 0 if mask[y, x] else gap + 1
            column[y, x] = min(column[y, x], gap)
    out = np.zeros((height, width), np.bool_)
    limit = radius * radius
    for y in range(height):
        for x in range(width):
            for other in range(max(0, x - reach), min(width, x + reach + 1)):
                gap = column[y, other]
                if (other - x) * (other - x) + gap * gap <= limit:
                    out[y, x] = True
                    break
    return out


def edge_band_psnr(
    results: Iterable[Float32Array],
    references: Iterable[Float32Array],
    disparities: Iterable[Float32Array],
    radius: float = EDGE_RADIUS,
    step: float = DEPTH_STEP,
) -> float:
    """PSNR of a shot, counted only within ``radius`` pixels of a depth edge of each frame.

    Pooled over all frames as :func:`training.metrics.psnr`; the band comes from the plate's disparity, not from the
    blurred picture.

    Args:
        results, references: frames (H, W, C), scene-linear, in the same order.
        disparities: (H, W) of each frame.

    Returns:
        Decibels; NaN where no frame has a depth edge.

    Raises:
        DepthSizeError: a disparity is not as large as its picture.
        FormatError: two pictures differ in size.
    """
    error = SquaredError()
    for result, reference, disparity in zip(results, references, disparities, strict=True):
        first, second = paired(result, reference)
        require(
            disparity.shape == first.shape[:2],
            DepthSizeError,
            f"disparity is {disparity.shape[1]}x{disparity.shape[0]} but its picture is "
            f"{first.shape[1]}x{first.shape[0]}; give the disparity at the picture's size",
        )
        error.add(first, second, edge_band(disparity, radius, step))
    return decibels(error.mean)
