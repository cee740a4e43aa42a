"""Pictures of two flat layers, whose depth of field follows by composition: no rays, no noise, no invented light.

A near layer hangs before a wall. For a point u of the lens the view is ``N(x - n u) + (1 - a(x - n u)) F(x - f u)``, N
the near layer's premultiplied light, a its coverage, F the wall, n and f their signed radii. Its mean over the lens is
the truth: layers convolved with discs, and one product that needs care (:func:`_hidden`). Everything is evaluated eight
times finer than the picture, each way, and then averaged over the pixel. Beyond the frame both layers are mirrored, as
the renderer has it too, so that the border says nothing about depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array, PlateFrame, Window
from training.benchmark.truth import KnownShot

__all__ = ["FAR", "FOCUSES", "NEAR", "SIZE", "STRENGTH", "Picture", "composed_shot"]

NEAR: Final = 0.8
FAR: Final = 0.2
"""Disparities of the two layers."""

FOCUSES: Final[Mapping[str, float]] = {"near": NEAR, "far": FAR, "both": 0.5}
"""What is in focus, and ``both`` for the middle, where both are blurred alike."""

SIZE: Final = 256
STRENGTH: Final = 60.0
"""Side of the picture and K, in pixels."""

FINE: Final = 8
"""Samples across a pixel."""

LENS_POINTS: Final = 1024
"""Views that are averaged where both layers are blurred and the wall has a texture."""

Plane = NDArray[np.float32]
Shape = Callable[[Plane, Plane, float, int], NDArray[np.bool_]]
"""What the near layer covers: at x and y (pixels), in a picture of a size (pixels), on a frame (counted from 1)."""


@dataclass(frozen=True)
class Picture:
    """Two layers.

    Attributes:
        name: starts the names of its shots.
        shape: of the near layer.
        near, far: colours, scene-linear.
        texture: how far a layer departs from its colour, as a share; 0 is plain.
        moving: whether the shape depends on the frame.
    """

    name: str
    shape: Shape
    near: tuple[float, float, float]
    far: tuple[float, float, float]
    texture: float = 0.0
    moving: bool = False


def composed_shot(
    picture: Picture, focus: str, frames: int = 2, size: int = SIZE, strength: float = STRENGTH
) -> KnownShot:
    """A shot of a picture.

    The disparity is hard: near where more than half of the pixel is covered. The filtered one is the mean over the
    pixel.

    Args:
        picture: what it shows.
        focus: of :data:`FOCUSES`.
        frames: how many; those of a still picture are all the same.
        size: side of the picture, in pixels.
        strength: K for that size, in pixels.
    """
    d_f = FOCUSES[focus]
    window = Window.of_size(size, size)
    plates: list[PlateFrame] = []
    truth: list[Float32Array] = []
    filtered: list[Float32Array] = []
    for frame in range(1, frames + 1):
        moment = frame if picture.moving else 1
        image, cover = _plate(picture, moment, size)
        disparity = np.where(cover > 0.5, NEAR, FAR).astype(np.float32)
        plates.append(PlateFrame(frame, image, ("R", "G", "B"), disparity, d_f, strength, window))
        filtered.append((FAR + (NEAR - FAR) * cover).astype(np.float32))
        truth.append(_through_lens(picture, moment, size, strength * (d_f - NEAR), strength * (d_f - FAR))[0])
    return KnownShot(f"{picture.name}-{focus}", tuple(plates), np.stack(truth), tuple(filtered))


def _plate(picture: Picture, frame: int, size: int) -> tuple[Float32Array, Float32Array]:
    return _through_lens(picture, frame, size, 0.0, 0.0)


@lru_cache(maxsize=64)
def _through_lens(
    picture: Picture, frame: int, size: int, near_radius: float, far_radius: float
) -> tuple[Float32Array, Float32Array]:
    """The picture (H, W, 3) and the near layer's coverage (H, W) with these signed radii, in pixels."""
    margin = ceil(max(abs(near_radius), abs(far_radius))) + 1
    place = (np.arange((size + 2 * margin) * FINE, dtype=np.float32) + np.float32(0.5)) / FINE - np.float32(margin)
    folded = np.float32(size) - np.abs(np.float32(size) - np.mod(place, np.float32(2 * size)))
    x, y = np.broadcast_arrays(folded[None, :], folded[:, None])
    cover = picture.shape(x, y, float(size), frame).astype(np.float32)
    near_texture, far_texture = (np.float32(picture.texture) * _waves(x, y, phase) for phase in (0.0, 1.7))
    light = cover * (1.0 + near_texture) if picture.texture else cover
    blurred_cover = _disc(cover, near_radius)
    blurred_light = _disc(light, near_radius) if picture.texture else blurred_cover
    hidden = blurred_cover
    wall = np.ones_like(cover)
    if picture.texture:
        wall = wall + _disc(far_texture, far_radius)
        hidden = hidden + _hidden(cover, far_texture, near_radius, far_radius)
    shown_light, shown_wall = _pixels(blurred_light, margin), _pixels(wall - hidden, margin)
    image = shown_light[..., None] * np.array(picture.near) + shown_wall[..., None] * np.array(picture.far)
    return image.astype(np.float32), _pixels(blurred_cover, margin)


def _hidden(cover: Plane, texture: Plane, near_radius: float, far_radius: float) -> Plane:
    """The mean over the lens of ``a(x - n u) p(x - f u)``, p the wall's texture.

    Where a radius is 0 that is a product of two discs. Otherwise views are averaged, shifted by whole samples of half a
    pixel: the rounding is a quarter of a pixel at most, of a texture that is a fifth of the light.
    """
    if near_radius == 0.0 or far_radius == 0.0:
        return np.asarray(_disc(cover, near_radius) * _disc(texture, far_radius), np.float32)
    coarse = FINE // 2
    a, p = _means(cover, coarse), _means(texture, coarse)
    total = np.zeros_like(a)
    for right, down in _lens():
        moved = [
            np.roll(plane, (round(2.0 * radius * down), round(2.0 * radius * right)), (0, 1))
            for plane, radius in ((a, near_radius), (p, far_radius))
        ]
        total += moved[0] * moved[1]
    return np.asarray(np.repeat(np.repeat(total / LENS_POINTS, coarse, axis=0), coarse, axis=1), np.float32)


def _lens() -> NDArray[np.float64]:
    """(N, 2): points spread evenly over the unit disc, along a sunflower's spiral."""
    count = np.arange(LENS_POINTS) + 0.5
    angle = count * np.pi * (3.0 - np.sqrt(5.0))
    away = np.sqrt(count / LENS_POINTS)
    return np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)


def _disc(plane: Plane, radius: float) -> Plane:
    """Convolved with a disc of this radius in pixels; what wraps around stays within the margin."""
    reach = abs(radius) * FINE
    if reach == 0.0:
        return plane
    away = np.minimum(np.arange(plane.shape[0]), np.arange(plane.shape[0], 0, -1)).astype(np.float32)
    kernel = np.clip(np.float32(reach + 0.5) - np.hypot(away[:, None], away[None, :]), 0.0, 1.0)
    kernel /= kernel.sum(dtype=np.float64)
    product = np.fft.rfft2(plane) * np.fft.rfft2(kernel.astype(np.float32))
    return np.asarray(np.fft.irfft2(product, plane.shape), np.float32)


def _pixels(plane: Plane, margin: int) -> Plane:
    """Means over pixels, without the margin (in pixels)."""
    return _means(plane, FINE)[margin:-margin, margin:-margin]


def _means(plane: Plane, side: int) -> Plane:
    height, width = plane.shape
    blocks = plane.reshape(height // side, side, width // side, side)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64), np.float32)


def _waves(x: Plane, y: Plane, phase: float) -> Plane:
    """A mild texture in -1..1: four waves of 9 to 41 pixels."""
    total = np.zeros(x.shape, np.float32)
    for number, length in enumerate((9.0, 14.0, 23.0, 41.0)):
        angle = 0.7 + 1.9 * number + phase
        turn = 2.0 * np.pi / length
        total += np.sin(np.float32(turn * np.cos(angle)) * x + np.float32(turn * np.sin(angle)) * y + np.float32(phase))
    return np.asarray(total / 4.0, np.float32)
