"""A plate for measuring time and memory: detail everywhere, near, middle and far, at any size."""

from __future__ import annotations

import numpy as np

from engine.frames import PlateFrame, Window

__all__ = ["FOCUS", "speed_plate"]

FOCUS = 0.4
"""Focal disparity of the plate, so that the largest radius is 0.6 K in front and the smallest 0."""


def speed_plate(width: int, height: int, strength: float, noise: float = 0.0) -> PlateFrame:
    """Three discs before a ground that rises towards the viewer.

    The same picture at every size: shapes scale with the width, noise does not.

    Args:
        width, height: in pixels.
        strength: K in pixels.
        noise: by how much the radius jitters from pixel to pixel, in pixels either way.
    """
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x + np.float32(0.5)) / width, (y + np.float32(0.5)) / width
    disparity = np.float32(0.05) + np.float32(0.5) * y / np.float32(height / width)
    for middle_x, middle_y, radius, value in ((0.25, 0.2, 0.09, 0.4), (0.55, 0.3, 0.12, 0.7), (0.8, 0.25, 0.1, 1.0)):
        inside = (x - middle_x) ** 2 + (y - middle_y) ** 2 < radius**2
        disparity[inside] = value
    weave = 0.5 + 0.25 * np.sin(2 * np.pi * 60 * x) * np.sin(2 * np.pi * 60 * y)
    image = np.empty((height, width, 3), np.float32)
    for channel, tint in enumerate((0.8, 0.6, 0.4)):
        image[..., channel] = weave * tint * (0.3 + disparity)
    image *= rng.uniform(0.7, 1.3, (height, width, 1)).astype(np.float32)
    if noise > 0.0:
        disparity += (rng.uniform(-noise, noise, disparity.shape) / strength).astype(np.float32)
    window = Window.of_size(width, height)
    return PlateFrame(1, image, ("R", "G", "B"), disparity.astype(np.float32), FOCUS, strength, window)
