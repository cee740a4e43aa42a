from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.depth import EdgePlan, EdgeSurvey, condition
from engine.frames import Float32Array
from engine.shot import Depth
from tests.engine.depth.conditioning.scenes import FAR, HEIGHT, NEAR, WIDTH, cover, exact, plate


def disc(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return x**2 + y**2 <= radius**2 + 0.5


def quartered(depth: Float32Array) -> Float32Array:
    return np.repeat(np.repeat(depth.reshape(HEIGHT // 4, 4, WIDTH // 4, 4).mean((1, 3)), 4, 0), 4, 1)


SPOILED: dict[str, Callable[[Float32Array], Float32Array]] = {
    "soft by 1.2": lambda d: ndimage.gaussian_filter(d, 1.2),
    "soft by 3": lambda d: ndimage.gaussian_filter(d, 3.0),
    "stairs of a quarter": quartered,
    "near side 1 too small": lambda d: ndimage.grey_erosion(d, footprint=disc(1)),
    "near side 3 too small": lambda d: ndimage.grey_erosion(d, footprint=disc(3)),
    "near side 3 too large": lambda d: ndimage.grey_dilation(d, footprint=disc(3)),
    "1 aside": lambda d: np.roll(d, 1, axis=1),
}


def repaired(picture: Float32Array, disparity: Float32Array, half: bool = False) -> Float32Array:
    survey = EdgeSurvey()
    disparity = np.ascontiguousarray(disparity, np.float32)
    survey.add(picture, 3, disparity)
    plan = EdgePlan.of(survey.quality(), Depth(), half=half)
    return disparity if plan is None else condition(picture, 3, disparity, plan)


def wrong(found: Float32Array, alpha: Float32Array) -> float:
    """Share of the pixels near the edge that lie on the wrong surface or between both; mixed pixels may be either."""
    clear = (alpha < 0.3) | (alpha > 0.7)
    beside = ndimage.binary_dilation(alpha > 0.5, iterations=6) & ~ndimage.binary_erosion(alpha > 0.5, iterations=6)
    return float((np.abs(found - exact(alpha)) > 0.02)[clear & beside].mean())


@pytest.mark.parametrize("way", SPOILED)
@pytest.mark.parametrize("shape", ["disc", "half"])
def test_a_spoiled_edge_goes_to_the_plates_own(way: str, shape: str) -> None:
    alpha = cover(shape)
    spoiled = SPOILED[way](exact(alpha))
    found = repaired(plate(alpha), spoiled)
    assert wrong(found, alpha) < 0.02
    assert wrong(found, alpha) < 0.2 * wrong(spoiled, alpha)


def test_exact_depth_keeps_its_bits() -> None:
    alpha = cover()
    np.testing.assert_array_equal(repaired(plate(alpha), exact(alpha)), exact(alpha))


def test_a_thin_wire_gets_its_own_disparity_back() -> None:
    alpha = cover("wire")
    both = np.maximum(alpha, cover("disc"))
    soft = ndimage.gaussian_filter(exact(alpha), 1.5)
    plan = EdgePlan(ramp=5, reach=2, softness=1.5)
    found = condition(plate(alpha), 3, np.ascontiguousarray(soft, np.float32), plan)
    middle = ndimage.binary_erosion(alpha > 0.5) & (both > 0)
    inner = middle[10:-10]
    assert soft.max() < 0.72
    assert np.median(found[10:-10][inner]) == pytest.approx(float(NEAR), abs=0.06)


def test_slopes_stay_slopes() -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    slope = 0.1 + 0.5 * x / WIDTH + 0.2 * y / HEIGHT
    eight_bits = np.round(slope * 255) / np.float32(255)
    for disparity in (slope, eight_bits):
        found = condition(plate(cover()), 3, disparity.astype(np.float32), EdgePlan(ramp=6, reach=3, softness=1.5))
        np.testing.assert_array_equal(found, disparity.astype(np.float32))


def test_away_from_edges_the_bits_stay() -> None:
    alpha = cover()
    rough = np.random.default_rng(1).uniform(0, 0.004, alpha.shape)
    soft = (ndimage.gaussian_filter(exact(alpha), 1.5) + rough).astype(np.float32)
    found = condition(plate(alpha), 3, soft, EdgePlan(ramp=5, reach=2, softness=1.5))
    away = ~ndimage.binary_dilation(alpha > 0.5, iterations=16) | ndimage.binary_erosion(alpha > 0.5, iterations=16)
    # In the tails of the softness neighbours are averaged; the grain is 0.004.
    np.testing.assert_allclose(found[away], soft[away], atol=0.004)


def test_a_plate_without_an_answer_leaves_the_edge_where_the_depth_has_it() -> None:
    alpha = cover()
    grey = np.full((*alpha.shape, 3), 0.3, np.float32)
    soft = np.ascontiguousarray(ndimage.gaussian_filter(exact(alpha), 1.5), np.float32)
    # A pixel's width of twelve.
    assert wrong(condition(grey, 3, soft, EdgePlan(ramp=5, reach=2, softness=1.5)), alpha) < 0.1


def test_a_plate_of_one_channel_is_enough() -> None:
    alpha = cover()
    soft = np.ascontiguousarray(ndimage.gaussian_filter(exact(alpha), 1.5), np.float32)
    found = condition(plate(alpha)[..., 1:2].copy(), 1, soft, EdgePlan(ramp=5, reach=2, softness=1.5))
    assert wrong(found, alpha) < 0.02


def test_half_the_size_is_near_the_whole() -> None:
    alpha = cover()
    soft = ndimage.gaussian_filter(exact(alpha), 1.5)
    assert wrong(repaired(plate(alpha), soft, half=True), alpha) < 0.12


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 14), st.integers(1, 16), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_size_is_taken(height: int, width: int, ramp: int, reach: int, half: bool) -> None:
    rng = np.random.default_rng(height * 41 + width)
    disparity = rng.random((height, width), np.float32)
    found = condition(rng.random((height, width, 3), np.float32), 3, disparity, EdgePlan(ramp, reach, 1.5, half))
    assert found.shape == disparity.shape
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_the_number_of_threads_changes_nothing() -> None:
    alpha = cover()
    soft = np.ascontiguousarray(ndimage.gaussian_filter(exact(alpha), 1.5), np.float32)
    plan = EdgePlan(ramp=5, reach=2, softness=1.5)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = condition(plate(alpha), 3, soft, plan)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(alone, condition(plate(alpha), 3, soft, plan))
    assert FAR < NEAR
