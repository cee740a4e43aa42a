"""The neighbourhood of depth edges, where depth-of-field renderers differ most, and the error within it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.errors import DepthSizeError, OpticsError, require
from engine.frames import Float32Array
from training.metrics.pictures import Mask, SquaredError, decibels, paired

__all__ = [
    "DEPTH_STEP",
    "EDGE_BINS",
    "EDGE_RADIUS",
    "EdgeDistanceError",
    "depth_edges",
    "edge_band",
    "edge_band_psnr",
    "edge_distance",
    "psnr_by_edge_distance",
]

DEPTH_STEP = 0.02
"""Neighbours whose disparities differ by more than this lie on two sides of a depth edge: at K = 32 their circles of
confusion differ by more than half a pixel, while a ground plane from near to far over 1024 px steps by 0.001."""

EDGE_RADIUS = 12.0
"""Pixels from a depth edge that still count as near it."""

EDGE_BINS: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, math.inf)
"""Distances from a depth edge, in pixels, between which :func:`psnr_by_edge_distance` counts."""


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
    return _squared_distance(depth_edges(disparity, step), int(radius)) <= radius * radius


def edge_distance(disparity: Float32Array, reach: int, step: float = DEPTH_STEP) -> Float32Array:
    """How far every pixel lies from the nearest pixel of a depth edge, in pixels (Euclidean, centre to centre).

    Args:
        disparity: (H, W), 1 nearest to 0 farthest.
        reach: whole pixels up to which it is found; what is farther is infinite.
        step: see :data:`DEPTH_STEP`.

    Returns:
        (H, W) float32, 0 on the edge.
    """
    squares = _squared_distance(depth_edges(disparity, step), reach)
    return np.where(squares <= reach * reach, np.sqrt(squares), np.inf).astype(np.float32)


@njit(cache=True, nogil=True)
def _squared_distance(mask: Mask, reach: int) -> NDArray[np.int64]:
    """Squares of distances to the mask: along the column first, then the nearest over the neighbouring columns, those
    at ``reach`` the last. What is farther than ``reach`` gets some larger number."""
    height, width = mask.shape
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
    out = np.empty((height, width), np.int64)
    for y in range(height):
        for x in range(width):
            nearest = column[y, x] * column[y, x]
            for apart in range(1, reach + 1):
                if apart * apart >= nearest:
                    break
                for other in (x - apart, x + apart):
                    if 0 <= other < width:
                        gap = column[y, other]
                        nearest = min(nearest, apart * apart + gap * gap)
            out[y, x] = nearest
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
        _of_one_size(disparity, first)
        error.add(first, second, edge_band(disparity, radius, step))
    return decibels(error.mean)


class EdgeDistanceError:
    """A running :func:`psnr_by_edge_distance`, one frame at a time.

    Args:
        bins: where the bins begin and end, in pixels, ascending; the last may be infinite.
        step: see :data:`DEPTH_STEP`.

    Raises:
        OpticsError: the bins do not ascend from 0 or more, or are fewer than two numbers.
    """

    def __init__(self, bins: Sequence[float] = EDGE_BINS, step: float = DEPTH_STEP) -> None:
        ascending = len(bins) > 1 and bins[0] >= 0 and all(a < b for a, b in pairwise(bins))
        require(
            ascending and math.isfinite(bins[-2]),
            OpticsError,
            f"bins of distance must be two or more ascending numbers from 0 on, got {list(bins)}",
        )
        self.totals = np.zeros(len(bins) - 1)
        self.counts = np.zeros(len(bins) - 1, np.int64)
        self._bins = np.array(bins, np.float64)
        self._step = step

    def add(self, result: Float32Array, reference: Float32Array, disparity: Float32Array) -> None:
        """Add one frame in display values.

        Raises:
            DepthSizeError: the disparity is not as large as the picture.
        """
        _of_one_size(disparity, reference)
        reach = math.ceil(self._bins[np.isfinite(self._bins)].max())
        distance = edge_distance(disparity, reach, self._step).reshape(-1)
        place = np.searchsorted(self._bins, distance, side="right") - 1
        if np.isinf(self._bins[-1]):
            place[np.isinf(distance)] = self.totals.size - 1
        counted = (place >= 0) & (place < self.totals.size)
        squares = np.square(result - reference, dtype=np.float64).sum(axis=-1).reshape(-1)
        self.totals += np.bincount(place[counted], squares[counted], self.totals.size)
        self.counts += np.bincount(place[counted], minlength=self.totals.size) * result.shape[-1]

    @property
    def decibels(self) -> tuple[float, ...]:
        """Of each bin; NaN where no pixel lies in it."""
        bins = zip(self.totals, self.counts, strict=True)
        return tuple(decibels(float(total / count)) if count else math.nan for total, count in bins)


def psnr_by_edge_distance(
    results: Iterable[Float32Array],
    references: Iterable[Float32Array],
    disparities: Iterable[Float32Array],
    bins: Sequence[float] = EDGE_BINS,
    step: float = DEPTH_STEP,
) -> tuple[float, ...]:
    """PSNR of a shot as a function of the distance from a depth edge: a curve for :func:`edge_band_psnr`.

    Bin i counts pixels with ``bins[i] <= distance < bins[i + 1]``, pooled over all frames before the logarithm. A
    frame without depth edges is infinitely far from them.

    Args:
        results, references: frames (H, W, C), scene-linear, in the same order.
        disparities: (H, W) of each frame.
        bins: where the bins begin and end, in pixels, ascending; the last may be infinite.
        step: see :data:`DEPTH_STEP`.

    Returns:
        Decibels of each bin, one fewer than ``bins``; NaN where no pixel lies in it.

    Raises:
        DepthSizeError: a disparity is not as large as its picture.
        FormatError: two pictures differ in size.
        OpticsError: the bins are none.
    """
    error = EdgeDistanceError(bins, step)
    for result, reference, disparity in zip(results, references, disparities, strict=True):
        error.add(*paired(result, reference), disparity)
    return error.decibels


def _of_one_size(disparity: Float32Array, picture: Float32Array) -> None:
    require(
        disparity.shape == picture.shape[:2],
        DepthSizeError,
        f"disparity is {disparity.shape[1]}x{disparity.shape[0]} but its picture is "
        f"{picture.shape[1]}x{picture.shape[0]}; give the disparity at the picture's size",
    )
