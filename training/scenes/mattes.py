"""Shapes made by code: coverage (h, w) float32 in 0..1, with soft edges.

Lengths are shares of the width; positions are from the middle of the surface, x to the right and y downwards.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.frames import Float32Array
from training.scenes.textures import noise

__all__ = ["blob", "fence", "hair", "holes", "rectangle", "strokes", "wires"]


def _centred(height: int, width: int) -> tuple[Float32Array, Float32Array]:
    x = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(width) - np.float32(0.5)
    y = (np.arange(height, dtype=np.float32) + 0.5 - np.float32(height) / 2) / np.float32(width)
    return x[None, :], y[:, None]


def _cover(distance: NDArray[np.floating], softness: float, width: int) -> Float32Array:
    """Coverage from a signed distance (positive inside): a ramp at least a pixel and a half wide."""
    ramp = max(softness, 1.5 / width)
    t = np.clip(distance / np.float32(ramp) + 0.5, 0.0, 1.0)
    result: Float32Array = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    return result


def rectangle(
    height: int, width: int, half_width: float, half_height: float, corner: float = 0.02, softness: float = 0.0
) -> Float32Array:
    """A rectangle with round corners."""
    x, y = _centred(height, width)
    dx, dy = np.abs(x) - half_width + corner, np.abs(y) - half_height + corner
    outside = np.hypot(np.maximum(dx, 0.0), np.maximum(dy, 0.0)) + np.minimum(np.maximum(dx, dy), 0.0) - corner
    return _cover(-outside, softness, width)


def blob(
    height: int, width: int, seed: int, radius: float = 0.36, rough: float = 0.25, softness: float = 0.0
) -> Float32Array:
    """A round shape with an uneven outline."""
    x, y = _centred(height, width)
    edge = (noise(height, width, seed, 5.0, 6, 0.55) - 0.5) * np.float32(2.0 * rough * radius)
    return _cover((radius - np.hypot(x, y) + edge).astype(np.float32), softness, width)


def holes(
    height: int, width: int, seed: int, cells: float = 9.0, share: float = 0.45, softness: float = 0.0
) -> Float32Array:
    """A sheet torn by holes; ``share`` is about the part that is open."""
    field = noise(height, width, seed, cells, 3)
    gradient = 0.5 * 1.5 / cells
    return _cover(((field - np.float32(share)) * np.float32(gradient)).astype(np.float32), softness, width)


@njit(cache=True)
def _stamp(segments: NDArray[np.float64], matte: Float32Array) -> None:
    """Raise ``matte`` to the coverage of tapered segments (x0, y0, r0, x1, y1, r1), in pixels."""
    height, width = matte.shape
    for k in range(segments.shape[0]):
        x0, y0, r0, x1, y1, r1 = segments[k]
        reach = max(r0, r1) + 1.0
        left = max(0, int(np.floor(min(x0, x1) - reach)))
        right = min(width, int(np.ceil(max(x0, x1) + reach)) + 1)
        top = max(0, int(np.floor(min(y0, y1) - reach)))
        bottom = min(height, int(np.ceil(max(y0, y1) + reach)) + 1)
        dx = x1 - x0
        dy = y1 - y0
        length = max(dx * dx + dy * dy, 1e-9)
        for row in range(top, bottom):
            for column in range(left, right):
                px = column + 0.5 - x0
                py = row + 0.5 - y0
                t = min(max((px * dx + py * dy) / length, 0.0), 1.0)
                away = np.sqrt((px - t * dx) ** 2 + (py - t * dy) ** 2)
                radius = r0 + t * (r1 - r0)
                # A line thinner than a pixel covers its own width of it.
                cover = min(radius + 0.5 - away, 2.0 * radius)
                if cover > matte[row, column]:
                    matte[row, column] = min(cover, 1.0)


def strokes(height: int, width: int, lines: NDArray[np.float64]) -> Float32Array:
    """Tapered strokes.

    Args:
        height, width: in pixels.
        lines: (N, P, 3): x, y and radius at each of P points of N strokes.
    """
    matte = np.zeros((height, width), np.float32)
    place = lines * width
    place[..., 0] += width / 2.0
    place[..., 1] += height / 2.0
    segments = np.concatenate([place[:, :-1], place[:, 1:]], axis=-1).reshape(-1, 6)
    _stamp(np.ascontiguousarray(segments), matte)
    return matte


def fence(height: int, width: int, pitch: float = 0.06, radius: float = 0.003) -> Float32Array:
    """Crossed diagonal wires, as of a chain-link fence."""
    x, y = _centred(height, width)
    root = np.float32(np.sqrt(0.5))
    a, b = ((x + y) * root / pitch) % 1.0, ((x - y) * root / pitch) % 1.0
    away = np.minimum(np.minimum(a, 1.0 - a), np.minimum(b, 1.0 - b)) * pitch
    return _cover((radius - away).astype(np.float32), 0.0, width)


def wires(height: int, width: int, seed: int, count: int = 6, radius: float = 0.0015) -> Float32Array:
    """Cables that hang across the surface."""
    rng = np.random.default_rng(seed)
    t = np.linspace(-0.55, 0.55, 60)
    tall = height / width
    lines = np.empty((count, t.size, 3))
    for k in range(count):
        start, end, sag = rng.uniform((-0.45 * tall, -0.45 * tall, 0.02), (0.3 * tall, 0.3 * tall, 0.15))
        lines[k, :, 0] = t
        lines[k, :, 1] = start + (end - start) * (t + 0.5) + sag * (1.0 - (t / 0.55) ** 2)
        lines[k, :, 2] = radius * rng.uniform(0.7, 1.6)
    return strokes(height, width, lines)


def hair(
    height: int,
    width: int,
    seed: int,
    count: int = 900,
    root: float = 0.22,
    length: float = 0.2,
    radius: float = 0.0012,
) -> Float32Array:
    """A round head with hair around it: a solid middle and fine tapered strands."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, 2.0 * np.pi, count)
    start = root * np.sqrt(rng.uniform(0.4, 1.0, count))
    t = np.linspace(0.0, 1.0, 12)[None, :]
    curl = rng.normal(0.0, 0.5, (count, 1)) * t + rng.normal(0.0, 0.25, (count, 1)) * np.sin(5.0 * t)
    away = start[:, None] + length * rng.uniform(0.3, 1.0, (count, 1)) * t
    lines = np.stack(
        [
            away * np.cos(angle[:, None] + curl),
            away * np.sin(angle[:, None] + curl) + 0.12 * t**2 * length,
            radius * rng.uniform(0.5, 1.5, (count, 1)) * (1.0 - 0.85 * t),
        ],
        axis=-1,
    )
    return np.maximum(blob(height, width, seed, root, 0.06), strokes(height, width, lines))
