"""The lens's opening, and the points that stand for it."""

from __future__ import annotations

from math import pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import OpticsError
from engine.frames import Float32Array
from engine.renderers.optical.aperture import NEAREST_GRID, Lens, lens_points, opening_integral, points_for
from engine.shot import Aperture

POINTS = 600

EVEN = 0.02
"""Means and moments of 600 points against the opening's own: points stand for a 600th of the light each."""

AREA = 0.005
"""Of a shape counted in a grid of 512 x 512."""

ROUNDING = 1e-5
"""A sum of 600 weights in single precision."""

shapes = st.builds(
    Aperture,
    blades=st.sampled_from([0, 3, 4, 5, 6, 8, 11, 16]),
    roundness=st.floats(0.0, 1.0),
    rotation=st.floats(-180.0, 180.0),
    aspect=st.sampled_from([0.5, 0.75, 1.0, 1.6]),
    ring=st.floats(-1.0, 1.0),
    softness=st.floats(0.0, 1.0),
)


def _lens(aperture: Aperture, picture: Float32Array | None = None, number: int = POINTS) -> Lens:
    return lens_points(aperture, number, opening_integral(aperture, picture), picture)


def _light(opening: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of each cell of the opening's grid."""
    light: NDArray[np.float64] = np.diff(np.diff(opening, axis=0), axis=1)
    return light


def _cells(opening: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = opening.shape[0] - 1
    middle = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    x, y = np.meshgrid(middle, middle)
    return x, y


def _area(opening: NDArray[np.float64]) -> float:
    """Area of an even opening, in squared radii."""
    return float((_light(opening) > 1e-12).mean() * 4.0)


def _one_sided(side: str) -> Float32Array:
    """White on one half only."""
    picture = np.zeros((64, 64), np.float32)
    halves = {"left": picture[:, :32], "right": picture[:, 32:], "top": picture[:32], "bottom": picture[32:]}
    halves[side][:] = 1.0
    return picture


def _middle_of(points: Float32Array) -> tuple[float, float]:
    return float((points[:, 0] * points[:, 2]).sum()), float((points[:, 1] * points[:, 2]).sum())


@settings(max_examples=30, deadline=None)
@given(aperture=shapes, number=st.sampled_from([20, 64, 300, 1200]))
def test_the_weights_of_the_points_sum_to_one_and_none_is_negative(aperture: Aperture, number: int) -> None:
    points = _lens(aperture, number=number).points
    assert points.dtype == np.float32
    assert points.shape == (number, 3)
    assert points[:, 2].sum(dtype=np.float64) == pytest.approx(1.0, abs=ROUNDING)
    assert (points[:, 2] >= 0.0).all()


@settings(max_examples=30, deadline=None)
@given(aperture=shapes)
def test_every_point_lies_in_the_opening(aperture: Aperture) -> None:
    x, y, _ = _lens(aperture).points.T.astype(np.float64)
    across, down = x / min(aperture.aspect, 1.0), y * max(aperture.aspect, 1.0)
    assert np.hypot(across, down).max() <= 1.0 + ROUNDING
    if aperture.blades and aperture.roundness == 0.0:
        # The middle of blade k lies half a blade after its corner, the first of which points up.
        for k in range(aperture.blades):
            normal = -pi / 2 - np.radians(aperture.rotation) + (k + 0.5) * 2 * pi / aperture.blades
            assert (across * np.cos(normal) + down * np.sin(normal)).max() <= np.cos(pi / aperture.blades) + ROUNDING


@settings(max_examples=30, deadline=None)
@given(aperture=shapes)
def test_the_points_let_through_the_light_that_the_opening_does(aperture: Aperture) -> None:
    lens = _lens(aperture)
    x, y, weight = lens.points.T.astype(np.float64)
    light, (u, v) = _light(lens.opening), _cells(lens.opening)
    assert (weight * x).sum() == pytest.approx(float((light * u).sum()), abs=EVEN)
    assert (weight * y).sum() == pytest.approx(float((light * v).sum()), abs=EVEN)
    assert (weight * x * x).sum() == pytest.approx(float((light * u * u).sum()), abs=EVEN)
    assert (weight * y * y).sum() == pytest.approx(float((light * v * v).sum()), abs=EVEN)
    assert (weight * x * y).sum() == pytest.approx(float((light * u * v).sum()), abs=EVEN)


@settings(max_examples=30, deadline=None)
@given(aperture=shapes)
def test_a_lens_looks_straight_ahead(aperture: Aperture) -> None:
    assert _middle_of(_lens(aperture).points) == pytest.approx((0.0, 0.0), abs=EVEN)


@settings(max_examples=20, deadline=None)
@given(aperture=shapes)
def test_the_openings_light_is_all_of_it(aperture: Aperture) -> None:
    opening = opening_integral(aperture)
    assert opening[-1, -1] == pytest.approx(1.0, abs=1e-9)
    assert not opening[0].any()
    assert not opening[:, 0].any()
    assert _light(opening).min() > -1e-12


@pytest.mark.parametrize("blades", [3, 4, 5, 6, 7, 8, 12, 16])
@pytest.mark.parametrize("rotation", [0.0, 17.0])
def test_a_bladed_opening_has_the_area_of_its_polygon(blades: int, rotation: float) -> None:
    opening = opening_integral(Aperture(blades=blades, rotation=rotation))
    assert _area(opening) == pytest.approx(0.5 * blades * sin(2 * pi / blades), rel=AREA)


@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=5, roundness=1.0)])
def test_an_opening_without_blades_or_with_round_ones_is_a_disc(aperture: Aperture) -> None:
    opening = opening_integral(aperture)
    assert _area(opening) == pytest.approx(pi, rel=AREA)
    x, y = _cells(opening)
    np.testing.assert_array_equal(_light(opening) > 1e-12, np.hypot(x, y) <= 1.0)


@pytest.mark.parametrize("aspect", [0.5, 0.8, 1.25, 2.0])
def test_the_aspect_is_width_over_height_and_the_longer_side_keeps_the_radius(aspect: float) -> None:
    aperture = Aperture(aspect=aspect, rotation=30.0, blades=16, roundness=1.0)
    lit = _light(opening_integral(aperture)) > 1e-12
    width, height = lit.any(0).mean(), lit.any(1).mean()
    assert width / height == pytest.approx(aspect, rel=0.02)
    assert max(width, height) == pytest.approx(1.0, rel=0.01)
    points = np.abs(_lens(aperture).points[:, :2]).max(0)
    assert points[0] / points[1] == pytest.approx(aspect, rel=0.1)


@pytest.mark.parametrize(("rotation", "corner"), [(0.0, (0.0, -1.0)), (90.0, (-1.0, 0.0)), (-90.0, (1.0, 0.0))])
def test_a_corner_points_up_and_turns_counter_clockwise(rotation: float, corner: tuple[float, float]) -> None:
    aperture = Aperture(blades=3, rotation=rotation)
    lens = _lens(aperture, number=1200)
    towards = lens.points[:, 0] * corner[0] + lens.points[:, 1] * corner[1]
    assert towards.max() > 0.85
    assert towards.min() > -0.51
    x, y = _cells(lens.opening)
    lit = _light(lens.opening) > 1e-12
    assert (x * corner[0] + y * corner[1])[lit].max() == pytest.approx(1.0, abs=0.01)


def test_light_over_the_opening_follows_ring_and_softness() -> None:
    def at(aperture: Aperture, share: float) -> float:
        light = _light(opening_integral(aperture))
        middle = light.shape[0] // 2
        return float(light[middle, middle + int(share * middle)] / light[middle, middle])

    assert at(Aperture(), 0.95) == pytest.approx(1.0, rel=1e-6)
    assert at(Aperture(ring=0.5), 0.97) > 1.5
    assert at(Aperture(ring=-0.5), 0.97) < 0.7
    assert at(Aperture(softness=0.5), 0.4) == pytest.approx(1.0, rel=1e-6)
    assert at(Aperture(softness=0.5), 0.97) < 0.1


@pytest.mark.parametrize(("side", "sign_x", "sign_y"), [("left", -1, 0), ("right", 1, 0), ("top", 0, -1)])
def test_a_one_sided_picture_keeps_its_side(side: str, sign_x: int, sign_y: int) -> None:
    lens = _lens(Aperture(), _one_sided(side))
    expected = (0.5 * sign_x, 0.5 * sign_y)
    assert _middle_of(lens.points) == pytest.approx(expected, abs=EVEN)
    light, (x, y) = _light(lens.opening), _cells(lens.opening)
    assert (float((light * x).sum()), float((light * y).sum())) == pytest.approx(expected, abs=EVEN)


def test_a_picture_turns_counter_clockwise() -> None:
    lens = _lens(Aperture(rotation=90.0), _one_sided("top"))
    assert _middle_of(lens.points) == pytest.approx((-0.5, 0.0), abs=EVEN)
    light, (x, y) = _light(lens.opening), _cells(lens.opening)
    assert (float((light * x).sum()), float((light * y).sum())) == pytest.approx((-0.5, 0.0), abs=EVEN)


def test_a_white_square_lets_light_through_everywhere() -> None:
    lens = _lens(Aperture(), np.ones((32, 32), np.float32))
    assert _area(lens.opening) == pytest.approx(4.0, rel=AREA)
    assert len(lens.points) == pytest.approx(POINTS, rel=0.1)
    assert lens.points[:, 2].sum(dtype=np.float64) == pytest.approx(1.0, abs=ROUNDING)
    assert np.abs(lens.points[:, :2]).max() <= 1.0
    quarter = lens.points[(lens.points[:, 0] < 0) & (lens.points[:, 1] < 0), 2].sum()
    assert quarter == pytest.approx(0.25, abs=EVEN)


def test_a_wide_picture_is_not_stretched() -> None:
    lens = _lens(Aperture(), np.ones((20, 40), np.float32))
    assert np.abs(lens.points[:, 0]).max() == pytest.approx(1.0, abs=0.05)
    assert np.abs(lens.points[:, 1]).max() == pytest.approx(0.5, abs=0.05)
    assert _area(lens.opening) == pytest.approx(2.0, rel=0.02)


def test_a_picture_with_little_white_is_given_about_as_many_points() -> None:
    picture = np.zeros((64, 64), np.float32)
    picture[28:36] = 1.0
    picture[:, 28:36] = 1.0
    points = _lens(Aperture(), picture).points
    assert len(points) == pytest.approx(POINTS, rel=0.4)
    # No point stands in the black, but for the width of its own share.
    assert np.abs(points[:, :2]).min(1).max() < 0.25 + 0.1


def test_darkness_below_zero_and_broken_pixels_let_nothing_through() -> None:
    picture = _one_sided("left")
    broken = picture.copy()
    broken[:16, 32:] = -5.0
    broken[16:, 32:] = np.nan
    np.testing.assert_array_equal(opening_integral(Aperture(), broken), opening_integral(Aperture(), picture))
    np.testing.assert_array_equal(_lens(Aperture(), broken).points, _lens(Aperture(), picture).points)


def test_a_black_picture_is_no_opening() -> None:
    with pytest.raises(OpticsError, match="black"):
        opening_integral(Aperture(), np.zeros((8, 8), np.float32))


@pytest.mark.parametrize("number", [5, 64])
def test_the_points_nearest_to_each_place_are_known(number: int) -> None:
    lens = _lens(Aperture(blades=5), number=number)
    x, y = (place.ravel() for place in np.meshgrid(*2 * [(np.arange(NEAREST_GRID) + 0.5) / NEAREST_GRID * 2.0 - 1.0]))
    distances = np.hypot(lens.points[:, 0] - x[:, None], lens.points[:, 1] - y[:, None])
    of_nearest = np.take_along_axis(distances, lens.nearest.astype(np.int64), axis=1)
    assert lens.nearest.shape[1] <= number
    np.testing.assert_allclose(of_nearest, np.sort(distances, axis=1)[:, : lens.nearest.shape[1]], atol=1e-6)
    assert all(len(set(row)) == len(row) for row in lens.nearest.tolist())


@pytest.mark.parametrize("number", [20, 64, 300, 1200])
def test_points_lie_a_spacing_apart(number: int) -> None:
    lens = _lens(Aperture(), number=number)
    place = lens.points[:, 0] + 1j * lens.points[:, 1]
    apart = np.abs(place[:, None] - place[None, :])
    np.fill_diagonal(apart, 9.0)
    assert np.median(apart.min(1)) == pytest.approx(lens.spacing[0], rel=0.15)


@pytest.mark.parametrize(("aspect", "wide", "high"), [(0.5, 0.5, 1.0), (2.0, 1.0, 0.5)])
def test_points_of_an_oval_lie_nearer_along_its_narrow_side(aspect: float, wide: float, high: float) -> None:
    round_lens, oval = (lens_points(a, 64, opening_integral(a)) for a in (Aperture(), Aperture(aspect=aspect)))
    assert oval.spacing == pytest.approx((wide * round_lens.spacing[0], high * round_lens.spacing[1]))


@settings(max_examples=40, deadline=None)
@given(small=st.floats(0.0, 200.0), more=st.floats(0.0, 200.0))
def test_a_larger_disc_is_given_no_fewer_points_and_stays_within_the_bounds(small: float, more: float) -> None:
    few = points_for(small, distance=1.0, rate=90.0, least=64, most=1200)
    many = points_for(small + more, distance=1.0, rate=90.0, least=64, most=1200)
    assert 64 <= few <= many <= 1200


def test_points_lie_a_distance_apart_while_there_are_enough() -> None:
    assert points_for(10.0, distance=1.0, rate=1e9, least=1, most=10**9) == int(pi * 100.0)
    assert points_for(100.0, distance=1.0, rate=9.0, least=1, most=10**9) == 90
