"""A plate's size and the network's: square pixels, an area that the network was made for, sides in steps of 64."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final, TypeVar

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["STEP", "Fit"]

Number = TypeVar("Number", bound=np.generic)

STEP: Final = 64
"""Sides that the network takes are multiples of this: an eighth for the latents, and three halvings of those."""

MOST_PADDING: Final = 4.0
"""Padded pixels for each one of the asked area. Only slivers, a few pixels by thousands, come near it."""


@dataclass(frozen=True)
class Fit:
    """How a plate lies in the pictures that a network sees.

    The content is the plate in square pixels, at most as fine as its rows; around it, edge pixels are repeated.

    Attributes:
        width, height: of the plate, in its own pixels.
        content_width, content_height: of the content.
        padded_width, padded_height: of the network's picture, multiples of 64.
        left, top: where the content begins in it; it lies in the middle, because the borders of a network's picture
            are its weakest places.
    """

    width: int
    height: int
    content_width: int
    content_height: int
    padded_width: int
    padded_height: int
    left: int
    top: int

    @classmethod
    def of(cls, width: int, height: int, pixel_aspect: float, size: tuple[int, int]) -> Fit:
        """The fit of a plate, one pixel or more, for a network that works at the area of ``size``."""
        area = size[0] * size[1]
        scale = min(1.0, sqrt(area / (width * pixel_aspect * height)))
        while True:
            content = max(round(width * pixel_aspect * scale), 1), max(round(height * scale), 1)
            padded = _padded(content[0]), _padded(content[1])
            if padded[0] * padded[1] <= max(MOST_PADDING * area, STEP * STEP):
                break
            scale *= 0.9
        left, top = (padded[0] - content[0]) // 2, (padded[1] - content[1]) // 2
        return cls(width, height, *content, *padded, left, top)

    @property
    def row_scale(self) -> float:
        """Content rows of a plate row, at most 1; radii and K scale by it."""
        return self.content_height / self.height

    @property
    def is_identity(self) -> bool:
        """Whether the content is the plate, pixel for pixel."""
        return (self.content_width, self.content_height) == (self.width, self.height)

    def shrink(self, image: Float32Array) -> Float32Array:
        """The plate at content size: each pixel the mean of the area that it covers; between pixels where finer.

        Args:
            image: (H, W, C) or (H, W) float32 of the plate's size.

        Returns:
            (h, w, C) or (h, w) float32; ``image`` itself where the sizes are equal.
        """
        return _shaped_like(image, _averaged, self.content_height, self.content_width)

    def enlarge(self, picture: Float32Array) -> Float32Array:
        """A picture of content size at the plate's: smooth, and never beyond the four pixels around.

        Args:
            picture: (h, w, C) or (h, w) float32 of the content's size.

        Returns:
            (H, W, C) or (H, W) float32; ``picture`` itself where the sizes are equal.
        """
        return _shaped_like(picture, _smoothed, self.height, self.width)

    def pad(self, content: NDArray[Number]) -> NDArray[Number]:
        """Repeat the edges of (h, w, C) or (h, w) up to the network's size."""
        bottom = self.padded_height - self.content_height - self.top
        right = self.padded_width - self.content_width - self.left
        around = ((self.top, bottom), (self.left, right), (0, 0))[: content.ndim]
        return np.pad(content, around, mode="edge") if any(map(any, around)) else content

    def crop(self, padded: Float32Array) -> Float32Array:
        """The content of a network's picture, (H', W', C) or (H', W'); a view."""
        return padded[self.top : self.top + self.content_height, self.left : self.left + self.content_width]


def _padded(side: int) -> int:
    return -(-side // STEP) * STEP


@dataclass(frozen=True, eq=False)
class _Taps:
    """What each pixel of a resized axis is made of.

    Attributes:
        start: (N,) first source pixel.
        count: (N,) number of source pixels.
        weights: (N, T) their weights, of which ``count`` are used; they sum to 1.
    """

    start: NDArray[np.int64]
    count: NDArray[np.int64]
    weights: Float32Array

    @classmethod
    def averaging(cls, source: int, target: int) -> _Taps:
        """Means over areas where the source is finer, else straight lines between source pixels."""
        ratio = source / target
        if ratio < 1:
            place = np.clip((np.arange(target) + 0.5) * ratio - 0.5, 0, source - 1)
            start = np.minimum(place.astype(np.int64), max(source - 2, 0))
            share = place - start
            count = np.full(target, min(source, 2), np.int64)
            return cls(start, count, np.stack([1 - share, share], axis=1).astype(np.float32))
        first, last = np.arange(target) * source / target, (np.arange(target) + 1) * source / target
        start = np.floor(first).astype(np.int64)
        end = np.minimum(np.ceil(last - 1e-9).astype(np.int64), source)
        index = start[:, None] + np.arange(int((end - start).max()))
        covered = np.minimum(index + 1, last[:, None]) - np.maximum(index, first[:, None])
        weights = np.maximum(covered, 0.0) / ratio
        return cls(start, end - start, weights.astype(np.float32))

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32Array]:
        """The fields in order, for a kernel."""
        return self.start, self.count, self.weights


def _shaped_like(image: Float32Array, resize: object, height: int, width: int) -> Float32Array:
    """``resize`` of an image with or without a channel axis; the image itself where the size stays."""
    if image.shape[:2] == (height, width):
        return image
    assert callable(resize)
    solid = np.ascontiguousarray(image.reshape(*image.shape[:2], -1), np.float32)
    resized: Float32Array = resize(solid, height, width)
    return resized.reshape(height, width, *image.shape[2:])


def _averaged(image: Float32Array, height: int, width: int) -> Float32Array:
    down, across = _Taps.averaging(image.shape[0], height), _Taps.averaging(image.shape[1], width)
    resampled: Float32Array = _resample(image, *down.arrays(), *across.arrays())
    return resampled


def _smoothed(image: Float32Array, height: int, width: int) -> Float32Array:
    """Cubic along sides that grow; pixels that were wider than high come together again."""
    if image.shape[1] > width:
        image = _averaged(image, image.shape[0], width)
    if image.shape[0] > height:
        image = _averaged(image, height, image.shape[1])
    if image.shape[:2] == (height, width):
        return image
    enlarged: Float32Array = _cubic(image, *_cubic_taps(image.shape[0], height), *_cubic_taps(image.shape[1], width))
    return enlarged


def _cubic_taps(source: int, target: int) -> tuple[NDArray[np.int64], Float32Array]:
    """(N, 4) source pixels and weights of each target pixel: Catmull and Rom's spline."""
    place = (np.arange(target) + 0.5) * source / target - 0.5
    before = np.floor(place)
    t = place - before
    weights = np.stack(
        [
            ((-0.5 * t + 1.0) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1.0,
            ((-1.5 * t + 2.0) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ],
        axis=1,
    )
    index = np.clip(before.astype(np.int64)[:, None] + np.arange(-1, 3), 0, source - 1)
    return index, weights.astype(np.float32)


@nb.njit(cache=True, parallel=True, nogil=True)
def _resample(
    image: Float32Array,
    top: NDArray[np.int64],
    rows: NDArray[np.int64],
    row_weights: Float32Array,
    left: NDArray[np.int64],
    columns: NDArray[np.int64],
    column_weights: Float32Array,
) -> Float32Array:
    _, width, channels = image.shape
    height = len(top)
    flat = image.reshape(image.shape[0], width * channels)
    out = np.empty((height, len(left), channels), np.float32)
    for y in nb.prange(height):
        row = np.zeros(width * channels, np.float32)
        for k in range(rows[y]):
            weight = row_weights[y, k]
            source = flat[top[y] + k]
            for x in range(width * channels):
                row[x] += weight * source[x]
        for x in range(len(left)):
            for c in range(channels):
                total = np.float32(0.0)
                for k in range(columns[x]):
                    total += column_weights[x, k] * row[(left[x] + k) * channels + c]
                out[y, x, c] = total
    return out


@nb.njit(cache=True, inline="always")
def _held(a: np.float32, b: np.float32, c: np.float32, d: np.float32, weights: Float32Array) -> np.float32:
    """The spline between b and c, kept between them: a straight spline rings beside the rim of a bright disc."""
    value: np.float32 = weights[0] * a + weights[1] * b + weights[2] * c + weights[3] * d
    return min(max(value, min(b, c)), max(b, c))


@nb.njit(cache=True, parallel=True, nogil=True)
def _cubic(
    image: Float32Array,
    rows: NDArray[np.int64],
    row_weights: Float32Array,
    columns: NDArray[np.int64],
    column_weights: Float32Array,
) -> Float32Array:
    _, width, channels = image.shape
    flat = image.reshape(image.shape[0], width * channels)
    out = np.empty((len(rows), len(columns), channels), np.float32)
    for y in nb.prange(len(rows)):
        row = np.empty(width * channels, np.float32)
        a, b, c, d = flat[rows[y, 0]], flat[rows[y, 1]], flat[rows[y, 2]], flat[rows[y, 3]]
        for x in range(width * channels):
            row[x] = _held(a[x], b[x], c[x], d[x], row_weights[y])
        for x in range(len(columns)):
            i, j, k, m = columns[x, 0], columns[x, 1], columns[x, 2], columns[x, 3]
            for n in range(channels):
                out[y, x, n] = _held(
                    row[i * channels + n],
                    row[j * channels + n],
                    row[k * channels + n],
                    row[m * channels + n],
                    column_weights[x],
                )
    return out
