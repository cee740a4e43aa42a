"""The further layers of a result: circle of confusion, disparity, focus overlay, invented background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.frames import Float32Array, PlateFrame, RenderedFrame
from engine.optics import Defocus, circle_of_confusion

__all__ = ["focus_overlay", "output_layers"]

LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)

BEHIND: Final = np.array([0.05, 0.22, 1.0], dtype=np.float32)
IN_FOCUS: Final = np.array([0.05, 0.85, 0.15], dtype=np.float32)
IN_FRONT: Final = np.array([1.0, 0.08, 0.03], dtype=np.float32)

SHARP: Final = 1.0
"""Radius in pixels up to which a pixel counts as in focus; half as much again is wholly out of it."""

STRONG: Final = 24.0
"""Radius in pixels where the overlay's colour is at its full strength."""


def output_layers(
    asked: Sequence[str], plate: PlateFrame, rendered: RenderedFrame, defocus: Defocus
) -> dict[str, Float32Array]:
    """The layers that ``output.layers`` asks for, by channel name.

    Returns:
        (H, W) float32 arrays named ``CoC.x`` (signed radius in pixels), ``disparity.Z``, ``overlay.R`` ``.G`` ``.B``,
        and ``invented.A`` (zero where the renderer cannot tell).
    """
    layers: dict[str, Float32Array] = {}
    if "coc" in asked or "overlay" in asked:
        radius = circle_of_confusion(plate.disparity, plate.focus, plate.strength, defocus)
        if "coc" in asked:
            layers["CoC.x"] = radius
        if "overlay" in asked:
            overlay = focus_overlay(plate.image, radius)
            layers |= {f"overlay.{name}": np.ascontiguousarray(overlay[:, :, i]) for i, name in enumerate("RGB")}
    if "disparity" in asked:
        layers["disparity.Z"] = plate.disparity
    if "invented" in asked:
        invented = rendered.invented
        layers["invented.A"] = np.zeros(plate.disparity.shape, np.float32) if invented is None else invented
    return layers


def focus_overlay(image: Float32Array, radius: Float32Array) -> Float32Array:
    """The plate in grey, tinted blue behind the focal plane, green in focus, red in front.

    Args:
        image: (H, W, C) float32, R, G and B first.
        radius: (H, W) float32, signed circle of confusion in pixels.

    Returns:
        (H, W, 3) float32, scene-linear.
    """
    grey = np.maximum(image[:, :, :3], 0) @ LUMINANCE if image.shape[2] >= 3 else np.maximum(image[:, :, 0], 0)
    # Lifted from black, so that the tint is seen in the shadows, and rolled off, so that lamps keep it too.
    light = (0.04 + grey / (1 + 0.5 * grey))[:, :, None].astype(np.float32)
    size = np.abs(radius)[:, :, None]
    green = np.clip(3 - 2 * size / SHARP, 0, 1)
    side = np.where(radius[:, :, None] > 0, BEHIND, IN_FRONT)
    tint = green * IN_FOCUS + (1 - green) * side
    amount = np.maximum(0.8 * green, 0.45 + 0.4 * np.clip(size / STRONG, 0, 1))
    return np.asarray(light * ((1 - amount) + amount * 2 * tint), dtype=np.float32)
