"""Light spread to the distance between lens points."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.background import REAL
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.spread import THREE_PIXELS, spread_light
from engine.renderers.optical.stack import BOX
from tests.engine.renderers.optical.plates import point_light, still_stack, texture

ENERGY = 1e-6
"""Relative: each stored value is rounded once to single precision after sums in double precision."""

ROUNDING = 1e-6
"""The same, of a value of about 1, twice (rows and columns)."""


def _spread(
    image: Float32Array,
    radius: Float32Array,
    distance: float,
    aspect: float = 1.0,
    moment: tuple[float, float] = (0.0, 0.0),
) -> Float32Array:
    """The front after spreading, where there is no back."""
    front = image.copy()
    back_kind = np.zeros(radius.shape, np.uint8)
    stack = still_stack(radius, moment=moment, distance=distance, aspect=aspect)
    spread_light(radius, stack, STEP, front, np.zeros_like(image), radius.copy(), back_kind)
    return front


def _even(image: Float32Array, radius: float) -> Float32Array:
    return np.full(image.shape[:2], radius, np.float32)


def _moments(image: Float32Array) -> tuple[float, float]:
    """Second moment of a square picture's light about its middle, along x and y."""
    light = image[..., 0].astype(np.float64)
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]] - light.shape[0] // 2
    return float((light * x * x).sum() / light.sum()), float((light * y * y).sum() / light.sum())


@settings(max_examples=30, deadline=None)
@given(
    radius=st.floats(-90.0, 90.0),
    distance=st.floats(0.02, 0.4),
    aspect=st.sampled_from([0.5, 1.0, 2.0]),
    seed=st.integers(0, 1000),
)
def test_no_light_is_lost_at_any_radius(radius: float, distance: float, aspect: float, seed: int) -> None:
    image = texture(23, 37, seed, cell=1)
    image[5, 7] = 5000.0
    spread = _spread(image, _even(image, radius), distance, aspect)
    assert spread.sum(dtype=np.float64) == pytest.approx(image.sum(dtype=np.float64), rel=ENERGY)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), cell=st.integers(1, 6), scale=st.floats(1.0, 90.0), distance=st.floats(0.02, 0.4))
def test_an_even_picture_stays_even_whatever_its_depth(seed: int, cell: int, scale: float, distance: float) -> None:
    image = np.full((20, 40, 3), 0.37, np.float32)
    radius = np.ascontiguousarray((texture(20, 40, seed, cell)[..., 0] - 0.5) * np.float32(2.0 * scale))
    np.testing.assert_allclose(_spread(image, radius, distance), image, rtol=ROUNDING)


def test_an_even_picture_stays_even_on_a_steep_floor() -> None:
    image = np.full((60, 40, 3), 0.37, np.float32)
    radius = np.repeat(np.linspace(-25.0, 25.0, 60, dtype=np.float32)[:, None], 40, 1)
    np.testing.assert_allclose(_spread(image, radius, 0.4), image, rtol=ROUNDING)


@settings(max_examples=30, deadline=None)
@given(
    border=st.integers(1, 39),
    near=st.floats(-60.0, 60.0),
    step=st.floats(1.1, 60.0),
    distance=st.floats(0.02, 0.4),
    across=st.booleans(),
)
def test_no_light_crosses_a_silhouette(border: int, near: float, step: float, distance: float, across: bool) -> None:
    image = np.zeros((40, 40, 3), np.float32)
    image[:, :border] = 1000.0
    radius = np.full((40, 40), near + step, np.float32)
    radius[:, :border] = near
    if across:
        image, radius = np.ascontiguousarray(image.swapaxes(0, 1)), np.ascontiguousarray(radius.T)
    np.testing.assert_allclose(_spread(image, radius, distance), image, rtol=ROUNDING)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), distance=st.floats(0.05, 0.4), aspect=st.sampled_from([0.5, 1.0, 2.0]))
def test_what_is_in_focus_keeps_its_bits(seed: int, distance: float, aspect: float) -> None:
    image = 100.0 * texture(41, 30, seed, cell=1)
    radius = np.repeat(np.linspace(-19.0, 19.0, 41, dtype=np.float32)[:, None], 30, 1)
    spread = _spread(image, radius, distance, aspect)
    sharp = np.abs(radius) * distance * max(1.0, 1.0 / aspect) * BOX < 0.99
    np.testing.assert_array_equal(spread[sharp], image[sharp])


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("radius", "distance"), [(30.0, 0.2), (-30.0, 0.2), (60.0, 0.15), (8.0, 0.3), (3.0, 0.3)])
def test_a_point_becomes_an_even_box_as_wide_as_lens_points_lie_apart(
    radius: float, distance: float, aspect: float
) -> None:
    spread = _spread(point_light(61), _even(point_light(61), radius), distance, aspect)
    x, y = _moments(spread)
    assert y == pytest.approx(max((BOX * distance * radius) ** 2 - 1.0, 0.0) / 12.0, rel=1e-4, abs=1e-6)
    assert x == pytest.approx(max((BOX * distance * radius / aspect) ** 2 - 1.0, 0.0) / 12.0, rel=1e-4, abs=1e-6)
    lit = spread[30, :, 0][spread[30, :, 0] > 1e-6]
    np.testing.assert_allclose(lit[1:-1], lit[len(lit) // 2], rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(radius=st.floats(0.0, 1.6), x=st.floats(0.05, 0.25), y=st.floats(0.05, 0.25), side=st.sampled_from([-1.0, 1.0]))
def test_what_the_lens_points_miss_of_a_point_is_drawn(radius: float, x: float, y: float, side: float) -> None:
    spread = _spread(point_light(9), _even(point_light(9), side * radius), 0.001, moment=(x, y))
    assert max(x, y) * radius**2 < THREE_PIXELS
    assert _moments(spread) == pytest.approx((x * radius**2, y * radius**2), abs=1e-5)


def test_light_of_a_far_pixel_behind_a_mixed_one_is_spread_with_the_far_surface() -> None:
    """The front of such a pixel is the near thing's and is left alone; its back belongs to the surface around it."""
    image = point_light(41)
    radius = _even(image, 30.0)
    front, back = image.copy(), np.zeros_like(image)
    back_kind = np.zeros(radius.shape, np.uint8)
    front[20, 20], back[20, 20] = 7.0, 1000.0
    back_kind[20, 20] = REAL
    spread_light(radius, still_stack(radius, distance=0.2), STEP, front, back, radius.copy(), back_kind)
    assert (front[20, 20] == 7.0).all()
    plain = _spread(image, radius, 0.2)
    np.testing.assert_allclose(back[20, 20], plain[20, 20], rtol=ROUNDING)
    front[20, 20] = back[20, 20]
    np.testing.assert_allclose(front, plain, rtol=ROUNDING)


def test_light_behind_a_near_mixed_pixel_is_left_alone() -> None:
    image = texture(20, 20)
    radius = _even(image, -30.0)
    front, back, back_radius = image.copy(), image.copy(), np.full((20, 20), 12.0, np.float32)
    stack = still_stack(radius, distance=0.2)
    spread_light(radius, stack, STEP, front, back, back_radius, np.full((20, 20), REAL, np.uint8))
    np.testing.assert_array_equal(back, image)
    np.testing.assert_array_equal(front, _spread(image, radius, 0.2))


def test_a_bright_pixel_leaves_no_trace_in_the_dark_ones_after_it() -> None:
    image = np.zeros((5, 200, 3), np.float32)
    image[:, 100:] = 1e-3
    image[:, 3] = 1e5
    spread = _spread(image, _even(image, 20.0), 0.2)
    np.testing.assert_allclose(spread[:, 110:], 1e-3, rtol=1e-4)


def test_the_same_bits_whatever_the_number_of_threads() -> None:
    image = texture(70, 90, cell=1)
    radius = np.ascontiguousarray(60.0 * texture(70, 90, 2, 9)[..., 0])
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = _spread(image, radius, 0.3)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(one, _spread(image, radius, 0.3))
