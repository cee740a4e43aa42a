"""The stack of slices: where they lie, and how far they move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.aperture import Lens, lens_points, opening_integral
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.spot import HALVING, Spot, opening_moments
from engine.renderers.optical.stack import Stack, slice_borders, slice_of, stack_slices
from engine.shot import Aperture

ROUNDING = 1e-4
"""Of radii of up to 200 pixels in single precision."""

ONE_POINT = 0.07
"""Of a lens of 64 points: what the views miss is at most what one of them moves by, a few hundredths of a square."""

ranges = st.tuples(st.floats(-150.0, 150.0), st.floats(-150.0, 150.0)).map(sorted)


def _lens(number: int = 64) -> Lens:
    return lens_points(Aperture(), number, opening_integral(Aperture()))


def _stack(radius: Float32Array, aspect: float = 1.0, number: int = 64) -> Stack:
    return stack_slices(radius, _lens(number), Spot((0.25 / aspect**2, 0.25)), aspect)


def _ramp(limits: list[float]) -> Float32Array:
    return np.linspace(limits[0], limits[1], 3000, dtype=np.float32).reshape(30, 100)


@settings(max_examples=40, deadline=None)
@given(limits=ranges)
def test_radii_fall_from_far_to_near_and_one_of_them_is_in_focus(limits: list[float]) -> None:
    radii = _stack(_ramp(limits)).radii
    assert radii.dtype == np.float32
    assert (np.diff(radii) < 0).all()
    assert 0.0 in radii


@settings(max_examples=40, deadline=None)
@given(limits=ranges, seed=st.integers(0, 1000))
def test_neighbouring_slices_never_part_by_more_than_a_step(limits: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    few = (limits[0] + (limits[1] - limits[0]) * random.random((4, 30))).astype(np.float32)
    assert (-np.diff(_stack(few).radii) <= STEP + ROUNDING).all()


@settings(max_examples=40, deadline=None)
@given(limits=ranges)
def test_every_pixel_is_in_the_slice_between_whose_borders_it_lies(limits: list[float]) -> None:
    ramp = _ramp(limits)
    borders = slice_borders(limits[1], limits[0])
    np.testing.assert_array_equal(slice_of(ramp, borders), (borders[:, None, None] > ramp).sum(0))
    assert (np.diff(borders) < 0).all()


def test_what_is_near_and_what_is_far_is_cut_alike() -> None:
    borders = slice_borders(40.0, -40.0)
    np.testing.assert_array_equal(borders, -borders[::-1])


@settings(max_examples=40, deadline=None)
@given(radius=st.floats(0.51, 12.0), side=st.sampled_from([-1.0, 1.0]))
def test_a_plate_at_one_distance_is_moved_by_its_own_radius(radius: float, side: float) -> None:
    stack = _stack(np.full((5, 7), side * radius, np.float32))
    assert stack.radii[stack.of_pixel[0, 0]] == pytest.approx(side * radius, rel=1e-6)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
@settings(max_examples=40, deadline=None)
@given(radius=st.floats(0.1, 5.0), side=st.sampled_from([-1.0, 1.0]))
def test_views_draw_no_point_wider_than_the_lens_and_miss_little(aspect: float, radius: float, side: float) -> None:
    stack = _stack(np.full((5, 7), side * radius, np.float32), aspect)
    s = stack.of_pixel[0, 0]
    weight = _lens().points[:, 2].astype(np.float64)
    for axis, shift, wide in ((0, stack.shift_x[:, s], radius / aspect), (1, stack.shift_y[:, s], radius)):
        moved = float(weight @ shift.astype(np.float64) ** 2)
        assert stack.drawn[axis, s] == pytest.approx(moved, abs=1e-5)
        assert moved <= 0.25 * wide**2 + 1e-5
        if radius > 0.5:
            assert 0.25 * wide**2 - moved <= ONE_POINT * (1.0 + wide)


@pytest.mark.parametrize(("aspect", "moments"), [(1.0, (0.25, 0.25)), (0.5, (0.0625, 0.25)), (2.0, (0.25, 0.0625))])
def test_the_moment_of_an_opening_is_that_of_its_oval(aspect: float, moments: tuple[float, float]) -> None:
    assert opening_moments(opening_integral(Aperture(aspect=aspect))) == pytest.approx(moments, rel=0.01)


def test_halving_draws_what_is_less_along_the_narrower_axis() -> None:
    assert Spot.of((0.25, 0.25), 1.0).halved().less == pytest.approx((0.0, 0.0))
    assert Spot.of((0.25, 0.25), 2.0).halved().less == pytest.approx((0.75 * 0.25 * HALVING, 0.0))
