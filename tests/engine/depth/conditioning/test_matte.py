"""A matte wins over the depth: the subject's edge is where the matte has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.depth import cut_by_matte
from engine.frames import Float32Array
from tests.engine.depth.conditioning.scenes import FAR, NEAR, cover, exact

ALPHA = cover("disc")
TRUTH = exact(ALPHA)


def resized(pixels: int) -> Float32Array:
    """The disc's disparity with its near side larger or smaller by some pixels."""
    near = TRUTH > 0.5
    change = ndimage.binary_dilation if pixels > 0 else ndimage.binary_erosion
    return np.where(change(near, iterations=abs(pixels)), NEAR, FAR)


@pytest.mark.parametrize("pixels", [-5, -3, -1, 1, 3, 5])
def test_depth_too_small_or_too_large_becomes_exact(pixels: int) -> None:
    np.testing.assert_array_equal(cut_by_matte(resized(pixels), ALPHA), TRUTH)


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
def test_soft_depth_gets_the_matte_s_edge(sigma: float) -> None:
    soft = np.asarray(ndimage.gaussian_filter(TRUTH, sigma), np.float32)
    np.testing.assert_allclose(cut_by_matte(soft, ALPHA), TRUTH, atol=0.01)


@pytest.mark.parametrize("shape", ["disc", "wire", "half"])
def test_exact_depth_keeps_every_bit(shape: str) -> None:
    alpha = cover(shape)
    slope = np.float32(0.1) * np.linspace(0, 1, alpha.shape[1], dtype=np.float32)
    disparity = np.where(alpha >= 0.5, NEAR, FAR) + slope
    np.testing.assert_array_equal(cut_by_matte(disparity, alpha), disparity)


def test_a_given_disparity_stands_for_a_subject_that_the_depth_does_not_show() -> None:
    flat = np.full_like(TRUTH, FAR)
    np.testing.assert_array_equal(cut_by_matte(flat, ALPHA, float(NEAR)), TRUTH)
    for alpha in (cover("wire"), cover("half")):
        np.testing.assert_array_equal(cut_by_matte(flat, alpha, float(NEAR)), np.where(alpha >= 0.5, NEAR, FAR))


def test_a_subject_keeps_its_own_shape_near_the_given_disparity() -> None:
    relief = np.where(TRUTH > 0.5, NEAR + np.float32(0.002) * np.arange(TRUTH.shape[1], dtype=np.float32) / 2, FAR)
    np.testing.assert_array_equal(cut_by_matte(relief, ALPHA, float(NEAR)), relief)


def test_feet_stand_on_the_ground_that_they_stand_on() -> None:
    """Where depth has no step at the matte's edge, none is made."""
    ground = np.tile(np.linspace(0.2, 0.8, TRUTH.shape[0], dtype=np.float32)[:, None], (1, TRUTH.shape[1]))
    np.testing.assert_array_equal(cut_by_matte(ground, ALPHA), ground)


def test_another_thing_beside_the_subject_stays_where_it_is() -> None:
    """A post before the wall, at another depth than the disc that it touches; a gap of a pixel may close."""
    for value in (np.float32(0.45), np.float32(0.99)):
        disparity = TRUTH.copy()
        post = np.zeros(TRUTH.shape, bool)
        post[:, 118:132] = True
        disparity[post & (ALPHA < 0.5)] = value
        assert np.count_nonzero(cut_by_matte(disparity, ALPHA) != disparity) < 10


@pytest.mark.parametrize("value", [0.0, 0.49, 0.5, 1.0])
def test_a_matte_without_an_edge_changes_nothing(value: float) -> None:
    assert cut_by_matte(TRUTH, np.full_like(TRUTH, value)) is TRUTH


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 999),
    grain=st.integers(1, 12),
    subject=st.none() | st.floats(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_any_size_and_any_matte_give_disparities_that_were_there(
    height: int, width: int, seed: int, grain: int, subject: float | None
) -> None:
    rng = np.random.default_rng(seed)
    disparity = rng.random((height, width), np.float32)
    small = rng.random((-(-height // grain), -(-width // grain)))
    coverage = np.kron(small, np.ones((grain, grain)))[:height, :width].astype(np.float32)
    before = disparity.copy()
    cut = cut_by_matte(disparity, coverage, subject)
    np.testing.assert_array_equal(disparity, before)
    assert cut.shape == disparity.shape
    assert cut.dtype == np.float32
    own = disparity[coverage >= 0.5] if subject is None else [*disparity[coverage >= 0.5], np.float32(subject)]
    assert np.isin(cut[coverage >= 0.5], own).all()
    assert np.isin(cut[coverage < 0.5], disparity[coverage < 0.5]).all()
