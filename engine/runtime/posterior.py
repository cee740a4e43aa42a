"""From the encoder's moments to latents, as every runtime draws them."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from engine.frames import Float32Array

__all__ = ["LOG_VARIANCE_LIMITS", "posterior_latents", "posterior_noise"]

LOG_VARIANCE_LIMITS: Final = (-30.0, 20.0)
"""Where the logarithm of the posterior's variance is cut off, as in diffusers."""


def posterior_noise(seed: int, index: int, shape: tuple[int, ...]) -> Float32Array:
    """Normal noise of deviation 1 for a frame: the same on every device and in every runtime.

    Args:
        seed: of the shot.
        index: the frame's place in the shot, from 0.
        shape: of the noise.
    """
    draw = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, index))))
    return draw.standard_normal(shape, dtype=np.float32)


def posterior_latents(
    moments: Float32Array, posterior: Literal["mode", "sample"], seed: int, index: int
) -> Float32Array:
    """Latents (N, 4, h, w), unscaled, of moments (N, 8, h, w): mean and logarithm of the variance.

    Args:
        moments: of the picture, and of the defocus map.
        posterior: the most likely latents, or drawn at random.
        seed: of the random ones.
        index: the frame's place in the shot, from 0.
    """
    mean, log_variance = np.split(moments, 2, axis=1)
    if posterior == "mode":
        return mean
    deviation: Float32Array = np.exp(np.float32(0.5) * log_variance.clip(*LOG_VARIANCE_LIMITS))
    return mean + deviation * posterior_noise(seed, index, mean.shape)
