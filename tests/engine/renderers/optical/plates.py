"""Small plates with a known depth of field."""

from __future__ import annotations

import numpy as np

from engine.frames import Float32Array, PlateFrame, Window
from engine.renderers.optical.aperture import Lens
from engine.renderers.optical.spot import Spot
from engine.renderers.optical.stack import Stack, stack_slices


def plate(
    image: Float32Array,
    disparity: Float32Array | float,
    focus: float,
    strength: float,
    *,
    pixel_aspect: float = 1.0,
    channels: tuple[str, ...] | None = None,
) -> PlateFrame:
    """A plate frame around an image; a single disparity stands for all of it."""
    height, width, count = image.shape
    depth = np.full((height, width), disparity, np.float32) if isinstance(disparity, float) else disparity
    return PlateFrame(
        frame=1001,
        image=np.ascontiguousarray(image, np.float32),
        channels=channels or ("R", "G", "B", "A")[:count],
        disparity=np.ascontiguousarray(depth, np.float32),
        focus=focus,
        strength=strength,
        window=Window.of_size(width, height),
        pixel_aspect=pixel_aspect,
    )


def point_light(size: int, value: float = 1000.0) -> Float32Array:
    """Black but for one pixel in the middle."""
    image = np.zeros((size, size, 3), np.float32)
    image[size // 2, size // 2] = value
    return image


def texture(height: int, width: int, seed: int = 1, cell: int = 4) -> Float32Array:
    """Random tiles, 0 to 1."""
    random = np.random.default_rng(seed)
    tiles = random.random((height // cell + 1, width // cell + 1, 3), np.float32)
    return np.ascontiguousarray(tiles.repeat(cell, 0).repeat(cell, 1)[:height, :width])


def still_stack(
    radius: Float32Array, *, moment: tuple[float, float] = (0.0, 0.0), distance: float = 0.001, aspect: float = 1.0
) -> Stack:
    """Slices that the middle of the lens alone looks at, so that none of them moves and all blur is drawn before it.

    Without a moment and with points this close, nothing is drawn at all.
    """
    points = np.array([[0.0, 0.0, 1.0]], np.float32)
    lens = Lens(points, (distance, distance), np.zeros((1, 1), np.int32), np.zeros((2, 2)), 0.0)
    return stack_slices(radius, lens, Spot(moment), aspect)
