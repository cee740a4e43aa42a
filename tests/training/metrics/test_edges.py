from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.errors import DepthSizeError, OpticsError
from training.metrics import DEPTH_STEP, depth_edges, edge_band, edge_band_psnr, psnr


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
