from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FormatError, NumbersError
from engine.frames import Float32Array
from training.metrics import Moments, add_shot, display, frechet_distance

rng = np.random.default_rng(5)


def moments_of(features: np.ndarray) -> Moments:
    moments = Moments()
    for feature in features:
        moments.add(feature)
    return moments


@given(st.floats(-5, 5), st.floats(0, 4), st.floats(-5, 5), st.floats(0, 4))
def test_in_one_dimension_it_is_the_distance_of_means_and_of_deviations(
    m1: float, s1: float, m2: float, s2: float
) -> None:
    expected = (m1 - m2) ** 2 + (s1 - s2) ** 2
    assert frechet_distance([m1], [[s1**2]], [m2], [[s2**2]]) == pytest.approx(expected, abs=1e-9)


def test_of_gaussians_that_share_their_axes_it_is_the_sum_over_the_axes() -> None:
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    first, second = rng.uniform(0, 3, 6), rng.uniform(0, 3, 6)
    mean = rng.normal(size=6)
    found = frechet_distance(mean, axes * first @ axes.T, np.zeros(6), axes * second @ axes.T)
    assert found == pytest.approx(np.sum(mean**2) + np.sum((np.sqrt(first) - np.sqrt(second)) ** 2), rel=1e-9)


def test_it_agrees_with_the_formula_by_a_matrix_s_square_root_where_that_is_sound() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    a, b = rng.normal(size=(2, 8, 8))
    first, second = a @ a.T + np.eye(8), b @ b.T + np.eye(8)
    expected = np.trace(first + second - 2 * np.real(linalg.sqrtm(first @ second)))
    assert frechet_distance(np.zeros(8), first, np.zeros(8), second) == pytest.approx(expected, rel=1e-8)


def test_two_points_have_only_their_distance() -> None:
    assert frechet_distance([3, 0], np.zeros((2, 2)), [0, 4], np.zeros((2, 2))) == pytest.approx(25)


def test_a_set_has_no_distance_to_itself_however_few_its_videos() -> None:
    few = moments_of(1e3 + rng.normal(size=(4, 300)))
    # 300 features of 4 videos: by the square root of the product (SciPy 1.17) these are -2e-4 apart.
    assert few.distance(few) == pytest.approx(0, abs=1e-6)


def test_it_is_the_same_both_ways_round_and_grows_with_what_is_added() -> None:
    features = rng.normal(size=(40, 12))
    truth = moments_of(features)
    apart = [truth.distance(moments_of(features + noise * rng.normal(size=features.shape))) for noise in (0.1, 0.5, 2)]
    assert 0 < apart[0] < apart[1] < apart[2]
    other = moments_of(features * 1.5 + 0.2)
    assert truth.distance(other) == pytest.approx(other.distance(truth), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(1, 8), st.floats(-1e4, 1e4))
def test_running_moments_are_those_of_all_at_once(count: int, size: int, offset: float) -> None:
    features = offset + np.random.default_rng(count).normal(size=(count, size))
    moments = moments_of(features)
    assert np.allclose(moments.mean, features.mean(0), rtol=1e-10)
    assert np.allclose(moments.covariance, np.cov(features, rowvar=False).reshape(size, size), atol=1e-8)


def test_fewer_than_two_videos_have_no_covariance_and_no_distance() -> None:
    one, many = moments_of(rng.normal(size=(1, 3))), moments_of(rng.normal(size=(5, 3)))
    assert np.isnan(one.covariance).all()
    assert math.isnan(one.distance(many))
    assert math.isnan(many.distance(Moments()))


def test_features_of_two_networks_are_refused() -> None:
    with pytest.raises(FormatError, match="3 numbers and the other's 4; use one network"):
        moments_of(np.ones((3, 3)) * [1, 2, 3]).distance(moments_of(rng.normal(size=(3, 4))))
    with pytest.raises(NumbersError, match="NaN or infinity"):
        Moments().add([1.0, math.nan])


class Brightness:
    """Stands for a network: the mean of each frame of a block."""

    frames = 3

    def __init__(self) -> None:
        self.held: list[int] = []

    def prepare(self, picture: Float32Array) -> Float32Array:
        return picture.mean(axis=(0, 1))

    def describe(self, block: list[Float32Array]) -> np.ndarray:
        self.held.append(len(block))
        return np.array([float(frame[0]) for frame in block])


def test_blocks_follow_each_other_and_the_rest_of_a_shot_is_not_counted() -> None:
    frames = [np.full((2, 2, 3), value, np.float32) for value in np.linspace(0, 0.7, 8)]
    network, moments = Brightness(), Moments()
    assert add_shot(moments, iter(frames), network) == 2
    assert network.held == [3, 3]
    shown = [float(display(frame)[0, 0, 0]) for frame in frames]
    assert moments.mean == pytest.approx(np.mean([shown[:3], shown[3:6]], axis=0), abs=1e-6)
    assert add_shot(moments, frames[:2], network) == 0
    assert moments.count == 2
