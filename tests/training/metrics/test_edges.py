from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.errors import DepthSizeError, OpticsError
from training.metrics import (
    DEPTH_STEP,
    EdgeDistanceError,
    decibels,
    depth_edges,
    display,
    edge_band,
    edge_band_psnr,
    edge_distance,
    psnr,
    psnr_by_edge_distance,
)


def test_both_sides_of_a_step_are_the_edge() -> None:
    disparity = np.zeros((3, 6), np.float32)
    disparity[:, 3:] = 0.5
    assert depth_edges(disparity)[1].tolist() == [False, False, True, True, False, False]


def test_a_slope_is_no_edge_and_a_step_is_counted_from_its_size() -> None:
    ramp = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (4, 1))
    assert not depth_edges(ramp).any()
    assert depth_edges(ramp, step=0.009).all()
    step = np.zeros((4, 4), np.float32)
    step[2:] = DEPTH_STEP
    assert not depth_edges(step).any()
    step[2:] = DEPTH_STEP * 1.01
    assert depth_edges(step).sum() == 8


def test_the_band_around_one_pixel_is_a_disc() -> None:
    disparity = np.zeros((41, 41), np.float32)
    disparity[20, 20] = 1.0
    y, x = np.mgrid[0:41, 0:41]
    expected = np.zeros((41, 41), bool)
    for centre_y, centre_x in ((20, 20), (19, 20), (21, 20), (20, 19), (20, 21)):
        expected |= (y - centre_y) ** 2 + (x - centre_x) ** 2 <= 12**2
    assert np.array_equal(edge_band(disparity), expected)


@settings(max_examples=25, deadline=None)
@given(arrays(np.bool_, (13, 17)), st.floats(0, 9))
def test_the_band_is_all_pixels_within_the_radius_of_an_edge_pixel(blocks: np.ndarray, radius: float) -> None:
    disparity = blocks.astype(np.float32)
    edges = np.argwhere(depth_edges(disparity))
    y, x = np.mgrid[0:13, 0:17]
    if len(edges):
        squares = (y[..., None] - edges[:, 0]) ** 2 + (x[..., None] - edges[:, 1]) ** 2
        expected = squares.min(axis=-1) <= radius * radius
    else:
        expected = np.zeros((13, 17), bool)
    assert np.array_equal(edge_band(disparity, radius), expected)


def test_errors_far_from_an_edge_do_not_count() -> None:
    disparity = np.zeros((40, 80), np.float32)
    disparity[:, :10] = 1.0
    truth = np.full((40, 80, 3), 0.5, np.float32)
    far, near = truth.copy(), truth.copy()
    far[:, 40:] = 0.0
    near[:, 12:16] = 0.0
    assert edge_band_psnr([far], [truth], [disparity]) == math.inf
    assert edge_band_psnr([near], [truth], [disparity]) < psnr([near], [truth])


def test_a_shot_without_depth_edges_has_no_edge_psnr() -> None:
    image = np.zeros((20, 20, 3), np.float32)
    assert math.isnan(edge_band_psnr([image], [image], [np.zeros((20, 20), np.float32)]))


def test_a_disparity_of_another_size_is_refused() -> None:
    image = np.zeros((20, 20, 3), np.float32)
    with pytest.raises(DepthSizeError, match="10x20 but its picture is 20x20"):
        edge_band_psnr([image], [image], [np.zeros((20, 10), np.float32)])


@pytest.mark.parametrize("radius", [-1.0, math.nan, math.inf])
def test_a_radius_that_is_none_is_refused(radius: float) -> None:
    with pytest.raises(OpticsError):
        edge_band(np.zeros((4, 4), np.float32), radius)


@settings(max_examples=25, deadline=None)
@given(arrays(np.bool_, (13, 17)), st.integers(0, 30))
def test_the_distance_is_that_to_the_nearest_edge_pixel_up_to_its_reach(blocks: np.ndarray, reach: int) -> None:
    disparity = blocks.astype(np.float32)
    edges = np.argwhere(depth_edges(disparity))
    y, x = np.mgrid[0:13, 0:17]
    expected = np.full((13, 17), np.inf)
    if len(edges):
        expected = np.sqrt(((y[..., None] - edges[:, 0]) ** 2 + (x[..., None] - edges[:, 1]) ** 2).min(axis=-1))
    expected[expected > reach] = np.inf
    assert np.allclose(edge_distance(disparity, reach), expected)


def test_the_distance_is_opencv_s_exact_one() -> None:
    cv2 = pytest.importorskip("cv2")
    disparity = (np.random.default_rng(2).random((60, 90)) > 0.995).astype(np.float32)
    away = (~depth_edges(disparity)).astype(np.uint8)
    expected = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert edge_distance(disparity, 200) == pytest.approx(expected, abs=1e-3)


def split(width: int = 80) -> np.ndarray:
    disparity = np.zeros((20, width), np.float32)
    disparity[:, :10] = 1.0  # the edge is columns 9 and 10
    return disparity


def test_an_error_shows_at_its_own_distance_from_the_edge() -> None:
    truth = np.full((20, 80, 3), 0.5, np.float32)
    result = truth.copy()
    result[:, 14:18] = 0.0  # 4 to 7 px from column 10
    curve = psnr_by_edge_distance([result], [truth], [split()], bins=(0, 4, 8, 16))
    assert curve[0] == curve[2] == math.inf
    # Columns 14 to 17 are wrong, 2 to 5 on the other side of the edge are right.
    assert curve[1] == pytest.approx(psnr([result[:, 14:18]], [truth[:, 14:18]]) + 10 * math.log10(2))


def test_all_bins_together_are_the_picture() -> None:
    random = np.random.default_rng(4)
    truth, result = random.random((2, 20, 80, 3), dtype=np.float32)
    error = EdgeDistanceError((0.0, 3.0, math.inf))
    error.add(display(result), display(truth), split())
    assert error.counts.sum() == truth.size
    assert decibels(float(error.totals.sum() / error.counts.sum())) == pytest.approx(psnr([result], [truth]))
    assert error.decibels == psnr_by_edge_distance([result], [truth], [split()], (0, 3, math.inf))


def test_a_picture_without_edges_is_infinitely_far_from_them() -> None:
    truth = np.zeros((20, 80, 3), np.float32)
    curve = psnr_by_edge_distance([truth], [truth], [truth[..., 0]])
    assert [math.isnan(value) for value in curve] == [True] * 7 + [False]
    assert all(math.isnan(value) for value in psnr_by_edge_distance([truth], [truth], [truth[..., 0]], (0, 5)))


@pytest.mark.parametrize("bins", [(), (0.0,), (-1.0, 2.0), (0.0, 2.0, 2.0), (0.0, math.inf, math.inf), (math.nan, 2.0)])
def test_bins_that_do_not_ascend_are_refused(bins: tuple[float, ...]) -> None:
    with pytest.raises(OpticsError, match="ascending"):
        EdgeDistanceError(bins)
