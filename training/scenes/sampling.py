"""Where rays start: low-discrepancy sets over the pixel and the lens together."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["lens_sets", "plate_set"]

SETS = 64
"""Different rotations of the same lattice; a pixel picks one by a hash of its place."""

CHOICES = 256
"""Generators tried for each dimension of a lattice."""


@lru_cache(maxsize=8)
def _lattice(count: int, dimensions: int) -> NDArray[np.float64]:
    """A rank-1 lattice (count, dimensions) in 0..1, made component by component (Nuyens and Cools, 2006).

    Each next component of the generating vector is the one with the least worst-case error in the Korobov space of
    smoothness 1, whose kernel is ``1 + 2 pi^2 B_2(x)``.
    """
    index = np.arange(count)
    coprime = np.array([z for z in range(1, count) if np.gcd(z, count) == 1] or [1])
    # A few hundred choices find a vector about as good as all of them, in a time that grows with count alone.
    choices = coprime[:: max(1, len(coprime) // CHOICES)]
    kernel = 1.0 + 2.0 * np.pi**2 * ((index / count) ** 2 - index / count + 1.0 / 6.0)
    product = np.ones(count)
    columns: list[NDArray[np.float64]] = []
    for _ in range(dimensions):
        errors = kernel[(choices[:, None] * index) % count] @ product
        best = int(choices[int(np.argmin(errors))])
        product = product * kernel[(best * index) % count]
        columns.append((best * index % count) / count)
    return np.stack(columns, axis=1)


def _on_disc(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of the unit square on the unit disc, area kept, by the concentric map (Shirley and Chiu, 1997)."""
    a, b = 2.0 * square[..., 0] - 1.0, 2.0 * square[..., 1] - 1.0
    wide = np.abs(a) > np.abs(b)
    radius = np.where(wide, a, b)
    safe = np.where(radius == 0.0, 1.0, radius)
    angle = np.where(wide, np.pi / 4.0 * b / safe, np.pi / 2.0 - np.pi / 4.0 * a / safe)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _on_emitter(lens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of the unit disc pulled inwards so that their density follows the profile ``(1 - s^2)^2``."""
    area = np.minimum((lens**2).sum(axis=-1, keepdims=True), 1.0)
    wanted = 1.0 - np.cbrt(1.0 - area)
    pulled: NDArray[np.float64] = lens * np.sqrt(wanted / np.maximum(area, 1e-12))
    return pulled


def _rays(pixel: NDArray[np.float64], lens: NDArray[np.float64]) -> Float32Array:
    return np.concatenate([pixel, lens, _on_emitter(lens)], axis=-1).astype(np.float32)


@lru_cache(maxsize=4)
def lens_sets(count: int, seed: int) -> Float32Array:
    """Rays for a blurred picture.

    Returns:
        (64, count, 6) float32: place in the pixel (2, 0..1), lens point (2, unit disc), place on an emitter (2, unit
        disc). The 64 sets are one lattice under random shifts (Cranley and Patterson, 1976).
    """
    shifts = np.random.default_rng(seed).random((SETS, 1, 4))
    points = (_lattice(count, 4) + shifts) % 1.0
    sets = _rays(points[..., :2], _on_disc(points[..., 2:]))
    sets.setflags(write=False)
    return sets


@lru_cache(maxsize=4)
def plate_set(side: int = 8) -> Float32Array:
    """(1, side * side, 6) float32: regular places, the same in every pixel: a sharp picture has no noise."""
    middle = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(middle, middle)
    pixel = np.stack([x.ravel(), y.ravel()], axis=-1)
    sets = _rays(pixel, np.zeros_like(pixel))[None]
    sets.setflags(write=False)
    return sets
