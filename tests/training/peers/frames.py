"""Small frames on which a peer's blur can be read off."""

from __future__ import annotations

import numpy as np

from engine.frames import PlateFrame, Window

WIDTH, HEIGHT = 121, 101
STRENGTH = 100.0


def plate(image: np.ndarray, radius: np.ndarray) -> PlateFrame:
    """A frame whose every pixel is blurred by ``radius`` behind a focal plane at disparity 1."""
    disparity = (1.0 - radius / STRENGTH).astype(np.float32)
    height, width = disparity.shape
    return PlateFrame(
        1, image.astype(np.float32), ("R", "G", "B"), disparity, 1.0, STRENGTH, Window.of_size(width, height)
    )


def impulse(radius: float, value: float = 1000.0) -> PlateFrame:
    """One lit pixel in the middle of black, all of it blurred by the same radius."""
    image = np.zeros((HEIGHT, WIDTH, 3))
    image[HEIGHT // 2, WIDTH // 2] = value
    return plate(image, np.full((HEIGHT, WIDTH), radius))


def area_radius(image: np.ndarray) -> float:
    """Radius of the disc that has the area of the lit pixels, partly lit ones in part."""
    light = image[..., 0].astype(np.float64)
    full = np.median(light[light > 1e-4 * light.max()])
    return float(np.sqrt(light.sum() / full / np.pi))


def texture(radius: float) -> PlateFrame:
    """Noise with values up to 5, blurred by one radius."""
    random = np.random.default_rng(4)
    return plate(5.0 * random.random((HEIGHT, WIDTH, 3)) ** 4, np.full((HEIGHT, WIDTH), radius))
