"""The data window of a result: the plate's own, grown by the blur."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.frames import PlateFrame, RenderedFrame, Window
from engine.media.data_layers import DataLayers
from engine.media.windows import result_window
from engine.optics import Defocus, circle_of_confusion

__all__ = ["cut_to_data", "window_of_result"]

_ENDS = np.array([[0.0, 1.0]], np.float32)
"""Farthest and nearest disparity."""


def window_of_result(plate: PlateFrame, defocus: Defocus) -> Window:
    """Where the light of a frame can be after the lens: never beyond the plate's image.

    Raises:
        OpticsError: K or the focal disparity is not usable.
    """
    if plate.stored is None or plate.stored == plate.window:
        return plate.window
    radius = np.abs(circle_of_confusion(_ENDS, plate.focus, plate.strength, defocus)).max()
    grown = result_window(plate.stored, float(radius), plate.pixel_aspect)
    ours = plate.window
    left, top = max(grown.x, ours.x), max(grown.y, ours.y)
    right = min(grown.x + grown.width, ours.x + ours.width)
    bottom = min(grown.y + grown.height, ours.y + ours.height)
    if left >= right or top >= bottom:  # it lies in overscan that was left out
        return ours
    return replace(ours, x=left, y=top, width=right - left, height=bottom - top)


def cut_to_data(rendered: RenderedFrame, layers: DataLayers, window: Window) -> tuple[RenderedFrame, DataLayers]:
    """A finished frame and what is written beside it, without the empty pixels around a data window."""
    if window == rendered.window:
        return rendered, layers
    left, top = window.x - rendered.window.x, window.y - rendered.window.y
    place = slice(top, top + window.height), slice(left, left + window.width)
    cut = replace(
        rendered,
        image=rendered.image[place],
        window=window,
        invented=None if rendered.invented is None else rendered.invented[place],
    )
    return cut, {name: values[place] for name, values in layers.items()}
