from __future__ import annotations

import numpy as np
import pytest

from engine.frames import Float32Array
from engine.runtime.posterior import posterior_latents, posterior_noise

MOMENTS: Float32Array = np.random.default_rng(0).normal(0, 30, (2, 8, 4, 6)).astype(np.float32)
"""Logarithms of variances pass both limits."""


def test_the_mode_is_the_mean() -> None:
    np.testing.assert_array_equal(posterior_latents(MOMENTS, "mode", 1, 2), MOMENTS[:, :4])


def test_noise_is_that_of_the_seed_and_the_place() -> None:
    noise = posterior_noise(3, 7, (2, 4, 4, 6))
    assert noise.dtype == np.float32
    np.testing.assert_array_equal(noise, posterior_noise(3, 7, (2, 4, 4, 6)))
    assert not np.array_equal(noise, posterior_noise(3, 8, (2, 4, 4, 6)))
    assert not np.array_equal(noise, posterior_noise(4, 7, (2, 4, 4, 6)))


def test_latents_drawn_here_are_those_that_torch_draws() -> None:
    torch = pytest.importorskip("torch")
    from engine.networks.vae import posterior_sample

    noise = torch.from_numpy(posterior_noise(3, 7, (2, 4, 4, 6)))
    expected = posterior_sample(torch.from_numpy(MOMENTS), noise).numpy()
    np.testing.assert_allclose(posterior_latents(MOMENTS, "sample", 3, 7), expected, rtol=1e-5)
