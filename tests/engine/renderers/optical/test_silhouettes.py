"""Where one surface ends and another begins."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP, find_silhouettes, silhouette_step
from tests.engine.renderers.optical.plates import texture

FARTHER, NEARER = 1, 2
"""What a pixel has beside it."""


def _by_hand(radius: Float32Array) -> NDArray[np.uint8]:
    side = np.zeros(radius.shape, np.uint8)
    for y, x in np.ndindex(*radius.shape):
        around = radius[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        side[y, x] += FARTHER * int(around.max() - radius[y, x] > STEP)
        side[y, x] += NEARER * int(radius[y, x] - around.min() > STEP)
    return side


def _random_radii(height: int, width: int, seed: int, cell: int, scale: float) -> Float32Array:
    return np.ascontiguousarray((texture(height, width, seed, cell)[..., 0] - 0.5) * np.float32(scale))


def test_one_distance_has_no_silhouette() -> None:
    assert not find_silhouettes(np.full((9, 11), 7.5, np.float32), STEP).any()


@settings(max_examples=30, deadline=None)
@given(right=st.floats(-0.98, 0.98), share_down=st.floats(-1.0, 1.0), offset=st.floats(-40.0, 40.0))
def test_a_tilted_plane_that_changes_less_than_a_step_has_none(right: float, share_down: float, offset: float) -> None:
    # Towards a diagonal neighbour both slopes add up.
    down = share_down * (0.98 - abs(right))
    y, x = np.mgrid[0:12, 0:15]
    assert not find_silhouettes((offset + right * x + down * y).astype(np.float32), STEP).any()


def test_a_difference_of_exactly_a_step_is_still_one_surface() -> None:
    radius = np.zeros((5, 8), np.float32)
    radius[:, 4:] = STEP
    assert not find_silhouettes(radius, STEP).any()
    radius[:, 4:] = np.nextafter(STEP, np.float32(2.0))
    assert find_silhouettes(radius, STEP).any()


@given(less=st.floats(0.0, 500.0), more=st.floats(0.0, 500.0))
def test_the_more_blur_the_larger_a_jump_must_be_up_to_a_pixel(less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert 0.5 <= silhouette_step(less) <= silhouette_step(more) <= STEP


def test_a_step_of_an_8_bit_depth_is_no_silhouette_while_it_is_less_than_a_pixel() -> None:
    for strength in range(1, 255):
        assert strength / 255.0 < silhouette_step(float(strength))


def test_a_step_in_depth_has_a_near_side_and_a_far_side_one_pixel_wide() -> None:
    radius = np.zeros((5, 8), np.float32)
    radius[:, 4:] = 10.0
    expected = np.zeros((5, 8), np.uint8)
    expected[:, 3] = FARTHER
    expected[:, 4] = NEARER
    np.testing.assert_array_equal(find_silhouettes(radius, STEP), expected)


def test_a_step_of_a_staircase_has_both_sides() -> None:
    radius = np.repeat(np.array([[0.0, 0.0, 5.0, 10.0, 10.0]], np.float32), 4, 0)
    np.testing.assert_array_equal(find_silhouettes(radius, STEP)[0], [0, FARTHER, FARTHER | NEARER, NEARER, 0])


def test_a_corner_touches_its_diagonal_neighbour() -> None:
    radius = np.full((6, 6), 10.0, np.float32)
    radius[:3, :3] = 0.0
    side = find_silhouettes(radius, STEP)
    assert side[2, 2] == FARTHER
    assert side[3, 3] == NEARER
    assert side[4, 4] == 0


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 20),
    seed=st.integers(0, 10_000),
    cell=st.integers(1, 3),
    scale=st.floats(0.0, 12.0),
)
def test_every_pixel_is_judged_by_its_eight_neighbours(
    height: int, width: int, seed: int, cell: int, scale: float
) -> None:
    radius = _random_radii(height, width, seed, cell, scale)
    np.testing.assert_array_equal(find_silhouettes(radius, STEP), _by_hand(radius))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_turning_near_into_far_swaps_the_sides(seed: int) -> None:
    radius = _random_radii(8, 9, seed, 2, 6.0)
    side, swapped = find_silhouettes(radius, STEP), find_silhouettes(-radius, STEP)
    np.testing.assert_array_equal(swapped & FARTHER, side // 2)
    np.testing.assert_array_equal(swapped // 2, side & FARTHER)
