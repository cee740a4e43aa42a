"""Plates of two flat things whose depth of field is known from plain convolution, and what an ideal network makes of
them at a fraction of the size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

Picture = NDArray[np.float64]

HEIGHT, WIDTH = 144, 256


@dataclass(frozen=True, eq=False)
class Known:
    """A plate, its truth and its signed radius."""

    plate: Float32Array
    truth: Float32Array
    radius: Float32Array

    @classmethod
    def of(cls, plate: Picture, truth: Picture, radius: Picture) -> Known:
        return cls(plate.astype(np.float32), truth.astype(np.float32), radius.astype(np.float32))


def through_lens(image: Picture, radius: float) -> Picture:
    """Every pixel of (H, W, C) as a disc of one radius; edges mirrored."""
    if radius < 0.3:
        return image
    reach = int(np.ceil(radius)) + 2
    wide = np.pad(image, [(reach, reach), (reach, reach), (0, 0)], mode="reflect")
    side, parts = 2 * reach + 1, 8
    grid = (np.arange(side * parts) + 0.5) / parts - side / 2
    disc = (grid[:, None] ** 2 + grid[None] ** 2 <= radius**2).reshape(side, parts, side, parts).mean(axis=(1, 3))
    kernel = np.zeros(wide.shape[:2])
    kernel[:side, :side] = disc / disc.sum()
    kernel = np.roll(kernel, (-reach, -reach), (0, 1))
    spectrum = np.fft.rfft2(wide, axes=(0, 1)) * np.fft.rfft2(kernel)[..., None]
    blurred: Picture = np.fft.irfft2(spectrum, wide.shape[:2], axes=(0, 1))
    return blurred[reach:-reach, reach:-reach]


def squares(cell: int, low: float, high: float, seed: int) -> Picture:
    random = np.random.default_rng(seed).random((HEIGHT // cell + 1, WIDTH // cell + 1, 3))
    return low + (high - low) * random.repeat(cell, 0).repeat(cell, 1)[:HEIGHT, :WIDTH]


def shape() -> Picture:
    """(H, W, 1) cover of a round thing and two sticks, with soft pixels at the edge."""
    y, x = np.mgrid[: 4 * HEIGHT, : 4 * WIDTH]
    y, x = (y + 0.5) / 4 / HEIGHT - 0.5, ((x + 0.5) / 4 / WIDTH - 0.5) * WIDTH / HEIGHT
    inside = (
        ((x + 0.1) ** 2 + (0.8 * y) ** 2 < 0.09) | (np.abs(x - 0.45) < 0.008) | ((np.abs(y - x / 3) < 0.01) & (x > 0))
    )
    return inside.reshape(HEIGHT, 4, WIDTH, 4).mean(axis=(1, 3))[..., None]


def sharp_subject(radius: float) -> Known:
    """A textured subject in focus before a background that is not."""
    cover, subject = shape(), squares(2, 0.02, 0.9, 1)
    background = 0.7 * squares(24, 0.0, 1.5, 2) + 0.3 * squares(5, 0.0, 1.5, 7)
    plate = cover * subject + (1 - cover) * background
    truth = cover * subject + (1 - cover) * through_lens(background, radius)
    return Known.of(plate, truth, np.where(cover[..., 0] > 0.5, 0.0, radius))


def blurred_foreground(radius: float) -> Known:
    """The same shape out of focus in front of a textured wall in focus."""
    cover, wall = shape(), squares(2, 0.02, 0.9, 4)
    front = 0.7 * squares(24, 0.1, 1.2, 3) + 0.3 * squares(5, 0.1, 1.2, 8)
    spread = through_lens(cover, radius)
    truth = through_lens(cover * front, radius) + (1 - spread) * wall
    return Known.of(cover * front + (1 - cover) * wall, truth, np.where(cover[..., 0] > 0.5, -radius, 0.0))


def floor(radius: float) -> Known:
    """A textured floor that runs through the focal plane, from ``radius`` behind it to as much in front."""
    picture = squares(2, 0.05, 0.9, 6)
    rows = np.linspace(radius, -radius, HEIGHT)
    steps = np.round(np.abs(rows) * 4) / 4
    truth = np.empty_like(picture)
    for step in np.unique(steps):
        truth[steps == step] = through_lens(picture, step)[steps == step]
    return Known.of(picture, truth, np.repeat(rows[:, None], WIDTH, 1))
