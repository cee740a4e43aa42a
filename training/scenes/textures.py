"""Surfaces made by code: scene-linear colour, the same for the same seed.

Every function takes the size in pixels and returns (h, w, 3) float32. Sizes of features are shares of the width, so a
surface looks the same at every resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["bricks", "fabric", "gradient", "mixed", "noise", "skin", "tiles", "wood"]

Colour = Sequence[float] | Float32Array


def noise(height: int, width: int, seed: int, cells: float = 4.0, octaves: int = 6, gain: float = 0.5) -> Float32Array:
    """Smooth value noise of several octaves, (h, w) in about 0..1, mean near 0.5.

    Args:
        height, width: in pixels.
        seed: of the lattice.
        cells: lattice cells across the width in the first octave.
        octaves: each next one is twice as fine and ``gain`` as strong; octaves finer than the pixels are left out.
        gain: see ``octaves``.
    """
    total = np.zeros((height, width), np.float32)
    weight, share = 0.0, 1.0
    for octave in range(octaves):
        across = cells * 2.0**octave
        # The first octave always counts; finer ones only where pixels can hold them.
        if octave == 0 or across <= width:
            shape = (int(np.ceil(across * height / width)) + 3, int(np.ceil(across)) + 3)
            # Each octave has its own generator: fewer pixels show the same pattern.
            lattice = np.random.default_rng([seed, octave]).random(shape, np.float32)
            total += np.float32(share) * _smooth(lattice, height, width, across)
            weight += share
        share *= gain
    return np.asarray(np.clip((total / np.float32(weight) - 0.5) * np.float32(1.5) + 0.5, 0.0, 1.0), np.float32)


def _smooth(lattice: Float32Array, height: int, width: int, across: float) -> Float32Array:
    """A lattice stretched over the picture with smoothstep weights."""

    def axis(size: int) -> tuple[NDArray[np.int64], Float32Array]:
        place = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(across / width)
        cell = place.astype(np.int64)
        t = place - cell
        return cell, (t * t * (3.0 - 2.0 * t)).astype(np.float32)

    row, fr = axis(height)
    column, fc = axis(width)
    rows = lattice[row] * (1.0 - fr)[:, None] + lattice[row + 1] * fr[:, None]
    result: Float32Array = rows[:, column] * (1.0 - fc) + rows[:, column + 1] * fc
    return result


def mixed(amount: Float32Array, low: Colour, high: Colour) -> Float32Array:
    """Between two colours: (h, w) in 0..1 to (h, w, 3)."""
    a, b = np.asarray(low, np.float32), np.asarray(high, np.float32)
    result: Float32Array = a + amount[..., None].astype(np.float32) * (b - a)
    return result


def gradient(height: int, width: int, top: Colour, bottom: Colour, seed: int = 0, grain: float = 0.1) -> Float32Array:
    """Top to bottom, with a little noise so that it is not flat."""
    amount = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    return mixed(np.clip(amount + grain * (noise(height, width, seed, 6.0) - 0.5), 0.0, 1.0), top, bottom)


def _grid(height: int, width: int) -> tuple[Float32Array, Float32Array]:
    """Pixel centres in shares of the width: x (1, w) and y (h, 1)."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(width)
    y = (np.arange(height, dtype=np.float32) + 0.5) / np.float32(width)
    return x[None, :], y[:, None]


def fabric(
    height: int, width: int, seed: int, colour: Colour, threads: float = 90.0, other: Colour | None = None
) -> Float32Array:
    """A plain weave: threads over and under each other, uneven, with a worn tint."""
    x, y = _grid(height, width)
    wobble = (noise(height, width, seed, 8.0, 3) - 0.5) * np.float32(1.5)
    u, v = x * threads + wobble, y * threads - wobble
    warp, weft = np.cos(np.pi * (u % 1.0 - 0.5)), np.cos(np.pi * (v % 1.0 - 0.5))
    over = ((np.floor(u) + np.floor(v)) % 2.0).astype(np.float32)
    height_map = over * warp * (0.6 + 0.4 * np.abs(weft)) + (1.0 - over) * weft * (0.6 + 0.4 * np.abs(warp))
    shade = (0.35 + 0.65 * height_map) * (0.6 + 0.8 * noise(height, width, seed + 1, 5.0))
    base = mixed(over, colour, colour if other is None else other)
    return (base * shade[..., None]).astype(np.float32)


def bricks(height: int, width: int, seed: int, colour: Colour, mortar: Colour, across: float = 14.0) -> Float32Array:
    """A running bond, every brick its own tone, edges worn."""
    x, y = _grid(height, width)
    wear = (noise(height, width, seed, 30.0, 4) - 0.5) * np.float32(0.16)
    v = y * across * 2.6 + wear
    row = np.floor(v).astype(np.int64)
    u = x * across + 0.5 * (row % 2) + wear
    column = np.floor(u).astype(np.int64)
    tone = np.random.default_rng(seed).random((257, 263), np.float32)[row % 257, column % 263]
    edge = np.minimum(np.minimum(u - column, 1.0 - (u - column)) * 2.6, np.minimum(v - row, 1.0 - (v - row)))
    solid = np.clip((edge - 0.05) / 0.05, 0.0, 1.0).astype(np.float32)
    shade = (0.5 + 0.9 * tone) * (0.55 + 0.9 * noise(height, width, seed + 1, 24.0))
    face = np.asarray(colour, np.float32) * shade[..., None]
    joint = np.asarray(mortar, np.float32) * (0.6 + 0.8 * noise(height, width, seed + 2, 60.0, 4))[..., None]
    result: Float32Array = joint + solid[..., None] * (face - joint)
    return result


def tiles(height: int, width: int, seed: int, light: Colour, dark: Colour, across: float = 10.0) -> Float32Array:
    """A chequered floor with dark joints and stains."""
    x, y = _grid(height, width)
    u, v = x * across, y * across
    chequer = ((np.floor(u) + np.floor(v)) % 2.0).astype(np.float32)
    tone = np.random.default_rng(seed).random((131, 137), np.float32)
    own = tone[np.floor(v).astype(np.int64) % 131, np.floor(u).astype(np.int64) % 137]
    edge = np.minimum(np.minimum(u % 1.0, 1.0 - u % 1.0), np.minimum(v % 1.0, 1.0 - v % 1.0))
    joint = np.clip((edge - 0.015) / 0.015, 0.15, 1.0)
    shade = joint * (0.8 + 0.4 * own) * (0.55 + 0.9 * noise(height, width, seed + 1, 9.0, 7, 0.6))
    return np.asarray(mixed(chequer, dark, light) * shade[..., None], np.float32)


def wood(height: int, width: int, seed: int, light: Colour, dark: Colour, planks: float = 6.0) -> Float32Array:
    """Planks along the rows, with grain and gaps."""
    x, y = _grid(height, width)
    v = y * planks * np.float32(width / max(height, 1))
    plank = np.floor(v).astype(np.int64)
    own = np.random.default_rng(seed).random((64, 2), np.float32)[plank % 64]
    long = noise(height, max(width // 8, 8), seed + 1, 3.0, 5)
    stretched = np.repeat(long, -(-width // long.shape[1]), axis=1)[:, :width]
    rings = np.sin(2.0 * np.pi * (v * 5.0 + 3.0 * stretched + 7.0 * own[..., 0] + 0.15 * x))
    grain = 0.5 + 0.3 * rings + 0.5 * (stretched - 0.5)
    gap = np.clip((np.minimum(v - plank, 1.0 - (v - plank)) - 0.008) / 0.012, 0.1, 1.0)
    shade = gap * (0.75 + 0.5 * own[..., 1]) * (0.7 + 0.6 * noise(height, width, seed + 2, 40.0, 4))
    return np.asarray(mixed(np.clip(grain, 0.0, 1.0).astype(np.float32), dark, light) * shade[..., None], np.float32)


def skin(height: int, width: int, seed: int, colour: Colour) -> Float32Array:
    """Soft blotches, pores and a warm tint that comes and goes."""
    broad = noise(height, width, seed, 3.0, 3)
    fine = noise(height, width, seed + 1, 70.0, 3)
    warm = np.asarray(colour, np.float32) * np.array([1.15, 0.9, 0.82], np.float32)
    return (mixed(broad, colour, warm) * (0.82 + 0.22 * broad + 0.14 * (fine - 0.5))[..., None]).astype(np.float32)
