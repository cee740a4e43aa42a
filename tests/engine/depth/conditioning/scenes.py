"""A dark thing before a bright wall, with depth as people have it."""

from __future__ import annotations

import numpy as np

from engine.frames import Float32Array

HEIGHT, WIDTH = 120, 160
NEAR, FAR = np.float32(0.8), np.float32(0.2)


def cover(shape: str = "disc", samples: int = 4) -> Float32Array:
    """Share of each pixel that the thing covers, (H, W): a disc, a wire three pixels wide, or a slanted half."""
    y, x = np.mgrid[: HEIGHT * samples, : WIDTH * samples].astype(np.float32)
    x, y = (x + 0.5) / samples - WIDTH / 2, (y + 0.5) / samples - HEIGHT / 2
    inside = {
        "disc": x**2 + y**2 < 38**2,
        "wire": np.abs(x * np.cos(0.3) + y * np.sin(0.3)) < 1.5,
        "half": x * np.cos(0.3) + y * np.sin(0.3) < 0.3,
    }[shape]
    return inside.reshape(HEIGHT, samples, WIDTH, samples).mean((1, 3)).astype(np.float32)


def plate(alpha: Float32Array, noise: float = 0.02, seed: int = 0) -> Float32Array:
    """Scene-linear picture of it, (H, W, 3), with a little grain."""
    near, far = np.array([0.10, 0.07, 0.05], np.float32), np.array([0.5, 0.6, 0.7], np.float32)
    picture = alpha[..., None] * near + (1 - alpha[..., None]) * far
    grain = 1 + noise * np.random.default_rng(seed).standard_normal(picture.shape)
    return np.ascontiguousarray(picture * grain, np.float32)


def exact(alpha: Float32Array) -> Float32Array:
    """The thing's own disparity, with hard edges."""
    return np.where(alpha > 0.5, NEAR, FAR)
