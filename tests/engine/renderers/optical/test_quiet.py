"""Noise of the depth, and what is none."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from engine.frames import Float32Array
from engine.renderers.optical.quiet import quieten
from engine.renderers.optical.silhouettes import LEAST_STEP, find_silhouettes
from tests.engine.renderers.optical.plates import texture


def _noise(height: int, width: int, most: float, seed: int = 1) -> Float32Array:
    return np.random.default_rng(seed).uniform(-most, most, (height, width)).astype(np.float32)


def _floor(height: int = 64, width: int = 96) -> Float32Array:
    return np.repeat(np.linspace(-4.0, 8.0, height, dtype=np.float32)[:, None], width, 1)


@pytest.mark.parametrize("slope", [0.0, 0.3, 3.0])
def test_exact_depth_is_returned_as_it_is(slope: float) -> None:
    radius = slope * np.arange(96, dtype=np.float32) + np.zeros((64, 1), np.float32)
    radius[20:40, 30:50] -= 15.0
    radius[:, 70] -= 6.0
    assert quieten(radius) is radius


def test_a_fence_is_no_noise() -> None:
    radius = np.full((64, 96), 12.0, np.float32)
    radius[:, ::3] = 0.0
    radius[::5] = 0.0
    assert quieten(radius) is radius


@pytest.mark.parametrize("most", [0.5, 1.0])
def test_a_noisy_floor_has_no_silhouettes_afterwards_and_keeps_its_slope(most: float) -> None:
    floor = _floor()
    quiet = quieten(floor + _noise(64, 96, most))
    assert find_silhouettes(floor + _noise(64, 96, most), np.float32(LEAST_STEP)).mean() > 0.5
    assert (find_silhouettes(quiet, np.float32(LEAST_STEP)) != 0).mean() < 0.1
    assert abs(quiet - floor)[4:-4, 4:-4].mean() < 0.3 * most


def test_the_silhouette_between_two_noisy_things_stays_where_it_is() -> None:
    radius = np.full((64, 96), 12.0, np.float32)
    radius[:, 40:] = -3.0
    quiet = quieten(radius + _noise(64, 96, 1.0))
    assert quiet[:, :40].min() > 10.0
    assert quiet[:, 40:].max() < -1.0


def test_noise_in_one_place_leaves_the_others_their_bits() -> None:
    radius = _floor(64, 96)
    radius[:32, :32] += _noise(32, 32, 1.0)
    quiet = quieten(radius)
    np.testing.assert_array_equal(quiet[48:, 48:], radius[48:, 48:])
    assert (quiet[:24, :24] != radius[:24, :24]).mean() > 0.9


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (17, 1), (5, 40)])
def test_any_size_is_taken(height: int, width: int) -> None:
    quiet = quieten(_noise(height, width, 1.0))
    assert quiet.shape == (height, width)
    assert np.isfinite(quiet).all()


def test_the_same_bits_whatever_the_number_of_threads() -> None:
    radius = 20.0 * texture(70, 90, 2, 20)[..., 0] + _noise(70, 90, 1.0)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = quieten(radius)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(one, quieten(radius))
