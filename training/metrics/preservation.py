"""Whether the subject in focus keeps the edges that it has in the plate (VEPI)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.errors import FormatError, require
from engine.frames import Float32Array
from training.metrics.pictures import Float64Array, Mask, paired

__all__ = ["GREY", "EdgePreservation", "edge_preservation", "gradient_size"]

GREY: Final = np.array((0.299, 0.587, 0.114))
"""Rec. 601 weights of red, green and blue, as OpenCV and most published programs take them."""

_DILATION: Final = 5


class EdgePreservation:
    """A running :func:`edge_preservation`, one frame at a time in the shot's order."""

    def __init__(self) -> None:
        self.frames: list[float] = []

    def add(self, result: Float32Array, plate: Float32Array, matte: Float32Array) -> float:
        """Add a frame in display values; its correlation, NaN where it has none."""
        inside = _focused(matte)
        require(
            inside.shape == plate.shape[:2],
            FormatError,
            f"the matte is {matte.shape[1]}x{matte.shape[0]} but its picture is {plate.shape[1]}x{plate.shape[0]}; "
            "give the matte at the picture's size",
        )
        found = _correlation(gradient_size(result)[inside], gradient_size(plate)[inside])
        self.frames.append(found)
        return found

    @property
    def mean(self) -> float:
        """Mean over the frames that have a number; NaN where none has."""
        known = self._known
        return float(known.mean()) if known.size else math.nan

    @property
    def smoothness(self) -> float:
        """``max(0, 1 - s)``, s the standard deviation of the changes from frame to frame; NaN for fewer than two."""
        known = self._known
        return max(0.0, 1.0 - float(np.std(np.diff(known)))) if known.size > 1 else math.nan

    @property
    def _known(self) -> Float64Array:
        return np.array([value for value in self.frames if not math.isnan(value)], np.float64)


def edge_preservation(
    results: Iterable[Float32Array], plates: Iterable[Float32Array], mattes: Iterable[Float32Array]
) -> float:
    """How well the edges within the focused subject are kept: 1 where they are all there, however strong.

    Mean over the frames of Pearson's correlation between the sizes of the Sobel gradients (3x3) of the result and of
    the plate, in grey (Rec. 601 weights) of display values, over the pixels where the matte, dilated by 5x5, is over
    one half. It needs no truth (VEPI of the program released with Any-to-Bokeh; edge preservation index of Sattar et
    al., "Image enhancement based on a nonlinear multiscale method", 1997).

    A frame whose matte is empty, or whose plate has no edge there, has no number; the released program counts it as 0.

    Args:
        results, plates: frames (H, W, C) scene-linear; the plate is all in focus.
        mattes: (H, W) of each frame, 0 to 1, of what is in focus.

    Returns:
        -1 to 1, higher is better; NaN where no frame has a number.

    Raises:
        FormatError: two pictures differ in size.
    """
    running = EdgePreservation()
    for result, plate, matte in zip(results, plates, mattes, strict=True):
        running.add(*paired(result, plate), matte)
    return running.mean


def gradient_size(picture: Float32Array) -> Float64Array:
    """(H, W) float64: the size of the 3x3 Sobel gradient of the grey picture, mirrored at the border."""
    grey = picture[..., 0].astype(np.float64) if picture.shape[-1] == 1 else picture[..., :3] @ GREY
    wide = np.pad(grey, 1, mode="reflect")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    columns = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    size: Float64Array = np.hypot(rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2])
    return size


def _focused(matte: Float32Array) -> Mask:
    wide = np.pad(matte > 0.5, _DILATION // 2)
    return np.asarray(sliding_window_view(wide, (_DILATION, _DILATION)).any(axis=(-2, -1)))


def _correlation(result: Float64Array, plate: Float64Array) -> float:
    """Pearson's; NaN where the plate is even, 0 where only the result is."""
    if plate.size == 0 or np.ptp(plate) == 0:
        return math.nan
    if np.ptp(result) == 0:
        return 0.0
    first, second = result - result.mean(), plate - plate.mean()
    return float(np.sum(first * second) / math.sqrt(np.sum(first**2) * np.sum(second**2)))
