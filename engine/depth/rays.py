"""Distances along the ray through each pixel, and distances from the camera's plane, which depth of field needs.

A lens is focused on a plane that is parallel to the sensor, so a flat wall that faces the camera has one depth. V-Ray
and some set-ups of other renderers write the length of the ray instead, which grows towards the corners.
"""

from __future__ import annotations

from collections.abc import Callable
from math import radians, tan
from typing import TYPE_CHECKING

import numpy as np

from engine.curve import Curve
from engine.errors import OpticsError, require
from engine.frames import Float32Array, Window

if TYPE_CHECKING:
    from engine.shot import Depth, LensSettings

__all__ = ["half_width", "plane_share"]


def half_width(depth: Depth, lens: LensSettings | None) -> Callable[[float], float] | None:
    """Half the picture's width at a distance of 1, as a function of the frame; None where depth needs none.

    Args:
        depth: its ``measured`` and ``field_of_view``.
        lens: of the shot; counts where the depth gives no field of view.

    Raises:
        OpticsError: neither says the field of view.
    """
    if depth.measured == "plane":
        return None
    if depth.field_of_view is not None:
        said = tan(radians(depth.field_of_view) / 2)
        return lambda _frame: said
    require(
        lens is not None,
        OpticsError,
        'depth.measured is "ray", for which the camera\'s field of view is needed; give depth.field_of_view in degrees '
        "(horizontal), or a lens",
    )
    assert lens is not None
    width, length = lens.sensor_width, lens.focal_length
    if not isinstance(length, tuple):
        share = width / 2 / length
        return lambda _frame: share
    curve = Curve.of(length)
    return lambda frame: width / 2 / curve(frame)


def plane_share(window: Window, half: float, pixel_aspect: float) -> Float32Array:
    """What of a ray's length is distance from the camera's plane: the cosine of its angle with the axis.

    Args:
        window: of the pixels; the axis goes through the middle of its display window.
        half: half the display window's width at a distance of 1.
        pixel_aspect: width of a pixel over its height.

    Returns:
        (H, W) float32 of the data window, 1 in the middle.
    """
    step = 2 * half / window.display_width
    x = (np.arange(window.width) + 0.5 + window.x - window.display_x - window.display_width / 2) * step
    y = (np.arange(window.height) + 0.5 + window.y - window.display_y - window.display_height / 2) * step / pixel_aspect
    share: Float32Array = (1 / np.sqrt(1 + x[None, :] ** 2 + y[:, None] ** 2)).astype(np.float32)
    return share
