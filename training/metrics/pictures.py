"""Display values, and the signal-to-noise ratio between two pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.errors import FormatError, require
from engine.frames import Float32Array

__all__ = ["SquaredError", "decibels", "display", "paired", "psnr", "squared_error"]

Mask = NDArray[np.bool_]
Float64Array = NDArray[np.float64]


def display(image: Float32Array) -> Float32Array:
    """The values in which pictures are compared: scene-linear light, clipped to 0..1, on the sRGB curve.

    Scene-linear values must not be compared as they are: one lamp of value 1000 would outweigh every face in the
    picture. A standard monitor shows 0..1 on this curve (IEC 61966-2-1), which is also what the published tables of
    bokeh renderers compare, so numbers can be put beside theirs.

    Args:
        image: (H, W) or (H, W, C) scene-linear, premultiplied. Of four channels or more the first three are compared:
            colour over black, so that alpha counts through the colour that it lets through.

    Returns:
        (H, W, 1) or (H, W, 3) float32 in 0..1. What is not finite becomes 0 (NaN, minus infinity) or 1.
    """
    planes = image[..., None] if image.ndim == 2 else image[..., :3] if image.shape[-1] >= 3 else image[..., :1]
    linear = np.ascontiguousarray(planes, dtype=np.float32)
    out: Float32Array = _srgb(linear.reshape(-1)).reshape(linear.shape)
    return out


@njit(cache=True, nogil=True)
def _srgb(values: Float32Array) -> Float32Array:
    """Encode each value; written so that NaN takes the dark end."""
    out = np.empty_like(values)
    gamma = np.float32(1.0 / 2.4)
    for i in range(values.size):
        v = values[i]
        if v >= np.float32(1.0):
            out[i] = np.float32(1.0)
        elif v > np.float32(0.0031308):
            out[i] = np.float32(1.055) * v**gamma - np.float32(0.055)
        elif v > np.float32(0.0):
            out[i] = np.float32(12.92) * v
        else:
            out[i] = np.float32(0.0)
    return out


def paired(result: Float32Array, reference: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Both pictures in display values.

    Raises:
        FormatError: they differ in size, or one has colour and the other has not.
    """
    first, second = display(result), display(reference)
    require(
        first.shape == second.shape,
        FormatError,
        f"the result is {_size(first)} but its reference is {_size(second)}; compare pictures of one size",
    )
    return first, second


def _size(image: Float32Array) -> str:
    height, width, channels = image.shape
    return f"{width}x{height} with {channels} colour channel{'s' if channels > 1 else ''}"


class SquaredError:
    """A running sum of squared display differences, so that a shot of any length needs the memory of one frame."""

    def __init__(self) -> None:
        self.total = 0.0
        self.count = 0

    def add(self, result: Float32Array, reference: Float32Array, mask: Mask | None = None) -> float:
        """Add one frame in display values, within ``mask`` (H, W) if given; the mean of that frame (NaN if empty)."""
        difference = np.asarray(result - reference, dtype=np.float64)
        if mask is not None:
            difference = difference[mask]
        total = float(np.sum(np.square(difference)))
        self.total += total
        self.count += difference.size
        return total / difference.size if difference.size else math.nan

    @property
    def mean(self) -> float:
        """Mean squared error over all that was added; NaN before anything was."""
        return self.total / self.count if self.count else math.nan


def decibels(mean_squared: float) -> float:
    """``10 log10(1 / MSE)`` for a data range of 1: infinite for no error, NaN for NaN."""
    return math.inf if mean_squared == 0 else -10.0 * math.log10(mean_squared)


def squared_error(result: Float32Array, reference: Float32Array) -> float:
    """Mean squared difference of two scene-linear pictures in display values, over pixels and colour channels."""
    return SquaredError().add(*paired(result, reference))


def psnr(results: Iterable[Float32Array], references: Iterable[Float32Array]) -> float:
    """Peak signal-to-noise ratio of a shot: ``10 log10(1 / MSE)`` in decibels.

    The squared error is pooled over all frames, pixels and channels before the logarithm, on display values with
    range 1 (ITU-T J.340). A mean of the frames' decibels would let one perfect frame hide a bad one.

    Args:
        results, references: the frames of one shot in the same order, each (H, W, C) scene-linear; arrays
            (T, H, W, C) do as well. A single picture is a shot of one frame: ``psnr([a], [b])``.

    Returns:
        Decibels; infinite where the two are the same, NaN for a shot without frames.

    Raises:
        FormatError: two frames differ in size.
        ValueError: one shot has more frames than the other.
    """
    error = SquaredError()
    for result, reference in zip(results, references, strict=True):
        error.add(*paired(result, reference))
    return decibels(error.mean)
