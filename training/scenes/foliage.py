"""Plants: leaves, sprigs and grass, painted leaf over leaf."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["branch", "grass", "hedge", "paint_leaves"]

Colour = Sequence[float]


@njit(cache=True)
def _paint(canvas: Float32Array, leaves: NDArray[np.float64]) -> None:
    """Paint leaves in order; see `paint_leaves`, here in pixels."""
    height, width = canvas.shape[:2]
    for n in range(leaves.shape[0]):
        x0, y0, angle, length, wide, bend = leaves[n, :6]
        ax = np.cos(angle)
        ay = np.sin(angle)
        margin = wide + abs(bend) * length + 2.0
        left = max(0, int(x0 + min(ax * length, 0.0) - margin))
        right = min(width, int(x0 + max(ax * length, 0.0) + margin) + 1)
        top = max(0, int(y0 + min(ay * length, 0.0) - margin))
        bottom = min(height, int(y0 + max(ay * length, 0.0) + margin) + 1)
        for row in range(top, bottom):
            for column in range(left, right):
                dx = column + 0.5 - x0
                dy = row + 0.5 - y0
                u = (dx * ax + dy * ay) / length
                if u <= 0.0 or u >= 1.0:
                    continue
                v = dy * ax - dx * ay - bend * length * u * u
                edge = wide * np.sin(np.pi * u**0.75) ** 0.9
                cover = min(max(edge - abs(v) + 0.5, 0.0), 1.0)
                cover = min(cover, 2.0 * edge)
                if cover <= 0.0:
                    continue
                across = v / max(edge, 1e-3)
                side = 1.0 if across > 0.0 else 0.72
                vein = 0.10 * np.cos(40.0 * (u + 0.12 * abs(across)))
                rib = 0.35 * np.exp(-((v / (0.05 * wide + 0.7)) ** 2))
                shade = side * (0.75 + 0.35 * u + vein) + rib - 0.25 * across * across
                for c in range(3):
                    colour = max(leaves[n, 6 + c] * shade, 0.0)
                    canvas[row, column, c] += cover * (colour - canvas[row, column, c])
                canvas[row, column, 3] += cover * (1.0 - canvas[row, column, 3])


def paint_leaves(height: int, width: int, leaves: NDArray[np.float64]) -> Float32Array:
    """Leaves painted one over the other.

    Args:
        height, width: in pixels.
        leaves: (N, 9): foot x and y from the middle, angle, length, half width, bend (lengths in shares of the width,
            angle in radians, clockwise from rightwards), then linear R, G, B. The last one lies on top.

    Returns:
        (h, w, 4) float32, premultiplied RGBA.
    """
    canvas = np.zeros((height, width, 4), np.float32)
    scaled = np.array(leaves, np.float64)
    scaled[:, [0, 1, 3, 4]] *= width
    scaled[:, 0] += width / 2.0
    scaled[:, 1] += height / 2.0
    _paint(canvas, scaled)
    return canvas


def _tints(rng: np.random.Generator, count: int, low: Colour, high: Colour) -> NDArray[np.float64]:
    amount = rng.beta(1.4, 2.2, (count, 1))
    tint: NDArray[np.float64] = np.asarray(low) + amount * (np.asarray(high) - np.asarray(low))
    return tint * rng.uniform(0.75, 1.25, (count, 1))


def branch(
    height: int,
    width: int,
    seed: int,
    root: tuple[float, float],
    direction: float,
    stems: int,
    length: float,
    leaf: float,
    low: Colour,
    high: Colour,
    spread: float = 0.9,
) -> Float32Array:
    """Stems that fan out from a root, each with leaves to both sides and one at its tip.

    Args:
        height, width: in pixels.
        seed: of everything random.
        root: from the middle, in shares of the width.
        direction: of the middle stem, radians clockwise from rightwards.
        stems: how many.
        length: of a stem. leaf: length of a leaf. Both in shares of the width.
        low, high: darkest and lightest leaf.
        spread: half angle of the fan.
    """
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.float64]] = []
    for k in range(stems):
        heading = direction + spread * (2.0 * (k + 0.5) / stems - 1.0) + rng.normal(0.0, 0.12)
        long = length * rng.uniform(0.6, 1.1)
        curve = rng.normal(0.0, 0.5)
        steps = np.linspace(0.0, 1.0, int(12 + 10 * rng.random()))
        angles = heading + curve * steps
        x = root[0] + long * np.cumsum(np.cos(angles)) / steps.size
        y = root[1] + long * np.cumsum(np.sin(angles)) / steps.size
        step = long / steps.size
        colour = _tints(rng, steps.size, low, high)
        twig = np.stack([x, y, angles, np.full_like(x, 1.5 * step), np.full_like(x, 0.0016), 0.0 * x], axis=1)
        parts.append(np.hstack([twig, 0.6 * colour]))
        for side in (-1.0, 1.0):
            turn = side * (0.9 - 0.5 * steps) + rng.normal(0.0, 0.18, steps.size)
            size = leaf * (1.1 - 0.6 * steps) * rng.uniform(0.75, 1.15, steps.size)
            bend = side * rng.uniform(0.0, 0.25, steps.size)
            slim = size * rng.uniform(0.13, 0.2, steps.size)
            leaves = np.stack([x, y, angles + turn, size, slim, bend], axis=1)
            parts.append(np.hstack([leaves, _tints(rng, steps.size, low, high)])[1:])
    return paint_leaves(height, width, np.concatenate(parts))


def grass(height: int, width: int, seed: int, count: int, length: float, low: Colour, high: Colour) -> Float32Array:
    """Blades that grow from the bottom, thin as hair at their tips."""
    rng = np.random.default_rng(seed)
    tall = height / width
    blades = np.empty((count, 6))
    blades[:, 0] = rng.uniform(-0.52, 0.52, count)
    blades[:, 1] = 0.5 * tall + 0.02
    blades[:, 2] = -np.pi / 2 + rng.normal(0.0, 0.28, count)
    blades[:, 3] = length * rng.uniform(0.4, 1.1, count)
    blades[:, 4] = rng.uniform(0.0012, 0.0045, count)
    blades[:, 5] = rng.normal(0.0, 0.22, count)
    return paint_leaves(height, width, np.hstack([blades, _tints(rng, count, low, high)]))


def hedge(
    height: int, width: int, seed: int, count: int, leaf: float, top: float, low: Colour, high: Colour
) -> Float32Array:
    """Leaves without number, filling everything below an uneven line ``top`` (from the middle, in widths)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.53, 0.53, count)
    crest = top + 0.035 * np.sin(9.0 * x + seed) + 0.02 * np.sin(23.0 * x + 2.0 * seed)
    depth = rng.random(count) ** 1.3
    bottom = 0.5 * height / width + 0.02
    leaves = np.empty((count, 6))
    leaves[:, 0] = x
    leaves[:, 1] = crest + depth * (bottom - crest) + rng.normal(0.0, 0.012, count)
    leaves[:, 2] = rng.uniform(-np.pi, 0.3, count)
    leaves[:, 3] = leaf * rng.uniform(0.5, 1.2, count)
    leaves[:, 4] = leaves[:, 3] * rng.uniform(0.18, 0.3, count)
    leaves[:, 5] = rng.normal(0.0, 0.15, count)
    # Lower leaves get less of the sky.
    tint = _tints(rng, count, low, high) * (1.0 - 0.7 * depth[:, None])
    return paint_leaves(height, width, np.hstack([leaves, tint]))
