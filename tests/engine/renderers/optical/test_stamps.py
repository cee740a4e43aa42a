"""The opening's picture, as lamps show it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.renderers.optical.aperture import NEAREST_GRID, Lens, lens_points, opening_integral
from engine.renderers.optical.lamps import Lamps
from engine.renderers.optical.spot import Spot, opening_moments
from engine.renderers.optical.stamps import LARGEST_STEP, RELATIVE_STEP, Stamps, cut_stamps
from engine.shot import Aperture

WHOLE = 1e-4
"""Sum of up to ten thousand shares, each rounded to single precision."""

TURNED = 1e-6
"""Of a share: the integral is taken at the same places, from the other side."""

EVEN = 0.02
"""Of the light of a pixel inside a disc: the opening is drawn in cells of a 256th of its radius."""

WIDE = 0.09
"""Of a stamp's second moment: above two squared pixels its pixels widen it by a twelfth of one, give or take a twelfth
where an outline has corners."""

NARROWER = 0.3
"""Pixels by which a stamp may be drawn smaller than its radius, to be as wide as the opening."""

Landing = tuple[int, int]

radii = st.floats(-50.0, 50.0)


@cache
def _lens(shape: str = "disc", number: int = 300) -> Lens:
    if shape in ("left", "top"):
        picture = np.zeros((64, 64), np.float32)
        lit = picture[:, :32] if shape == "left" else picture[:32]
        lit[:] = 1.0
        return lens_points(Aperture(), number, opening_integral(Aperture(), picture), picture)
    aperture = {"disc": Aperture(), "triangle": Aperture(blades=3), "bubble": Aperture(ring=0.7, aspect=0.5)}[shape]
    return lens_points(aperture, number, opening_integral(aperture))


def _lamps(*radius: float) -> Lamps:
    count = len(radius)
    return Lamps(np.zeros((count, 2), np.int32), np.array(radius, np.float32), np.ones((count, 3), np.float32))


def _cut(lamps: Lamps, lens: Lens, aspect: float) -> Stamps:
    return cut_stamps(lamps, lens, Spot.of(opening_moments(lens.opening), aspect), aspect)


def _landings(stamps: Stamps, lamp: int = 0) -> list[tuple[int, int, int, float]]:
    """Row, column, way through the lens and share of each landing of a lamp."""
    m = stamps.of_lamp[lamp]
    half = int(stamps.half[m])
    landings = []
    for j in range(-half, half + 1):
        row = stamps.row[m] + j + half
        for k in range(stamps.begin[row], stamps.begin[row + 1]):
            landings.append((j, int(stamps.column[k]), int(stamps.point[k]), float(stamps.share[k])))
    return landings


def _disc(radius: float, shape: str = "disc", aspect: float = 1.0, number: int = 300) -> dict[Landing, float]:
    """Share of light by row and column."""
    disc: dict[Landing, float] = {}
    for j, i, _, share in _landings(_cut(_lamps(radius), _lens(shape, number), aspect)):
        disc[j, i] = disc.get((j, i), 0.0) + share
    return disc


@settings(max_examples=60, deadline=None)
@given(radius=radii, shape=st.sampled_from(["disc", "triangle", "bubble", "left"]), aspect=st.sampled_from([0.5, 1, 2]))
def test_the_shares_of_a_stamp_sum_to_one_at_every_radius(radius: float, shape: str, aspect: float) -> None:
    disc = _disc(radius, shape, float(aspect))
    assert sum(disc.values()) == pytest.approx(1.0, abs=WHOLE)
    assert min(disc.values()) >= 0.0


@settings(max_examples=30, deadline=None)
@given(radius=st.floats(0.25, 50.0), shape=st.sampled_from(["triangle", "left", "top"]))
def test_in_front_of_the_focal_plane_the_stamp_is_turned_round(radius: float, shape: str) -> None:
    behind, before = _disc(radius, shape), _disc(-radius, shape)
    turned = {(-j, -i): share for (j, i), share in before.items()}
    for place in behind.keys() | turned.keys():
        assert behind.get(place, 0.0) == pytest.approx(turned.get(place, 0.0), abs=TURNED)


@pytest.mark.parametrize("radius", [1.5, 3.0, 8.0, 30.0])
def test_behind_the_focal_plane_a_one_sided_opening_keeps_its_side(radius: float) -> None:
    left = _disc(radius, "left")
    # A small disc's few pixels round its middle.
    allowed = 0.05 * radius + 0.1
    assert sum(share * i for (_, i), share in left.items()) == pytest.approx(-0.5 * radius, abs=allowed)
    assert sum(share * j for (j, _), share in left.items()) == pytest.approx(0.0, abs=allowed)
    top = _disc(radius, "top")
    assert sum(share * j for (j, _), share in top.items()) == pytest.approx(-0.5 * radius, abs=allowed)


@pytest.mark.parametrize("number", [64, 300, 1200])
@pytest.mark.parametrize("radius", [9.0, 20.0, -20.0, 45.0])
def test_a_disc_is_even_inside_and_dark_outside(radius: float, number: int) -> None:
    disc = _disc(radius, number=number)
    light = 1.0 / (np.pi * radius * radius)
    for (j, i), share in disc.items():
        away = np.hypot(j, i)
        assert away < abs(radius) + 1.0
        if away < abs(radius) - 1.0:
            assert share == pytest.approx(light, rel=EVEN)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("radius", [4.0, 12.0, -30.0])
def test_pixels_that_are_not_square_are_given_a_disc_that_is_round_on_screen(radius: float, aspect: float) -> None:
    disc = _disc(radius, aspect=aspect)
    down = np.sqrt(sum(share * j * j for (j, _), share in disc.items()))
    across = np.sqrt(sum(share * i * i for (_, i), share in disc.items()))
    # The variance of an even disc is a quarter of its squared radius; a pixel's own is a twelfth.
    assert down == pytest.approx(np.sqrt(radius**2 / 4 + 1 / 12), rel=0.05)
    assert across == pytest.approx(np.sqrt((radius / aspect) ** 2 / 4 + 1 / 12), rel=0.08)


@settings(max_examples=30, deadline=None)
@given(radius=radii, shape=st.sampled_from(["disc", "triangle", "left"]))
def test_light_lands_where_its_way_through_the_lens_leads(radius: float, shape: str) -> None:
    lens = _lens(shape)
    for j, i, way, _ in _landings(_cut(_lamps(radius), lens, 1.0)):
        if way >= 0:
            x, y = lens.points[way, :2]
        else:
            x, y = (
                2.0 * (c + 0.5) / NEAREST_GRID - 1.0 for c in ((-1 - way) % NEAREST_GRID, (-1 - way) // NEAREST_GRID)
            )
        # Half a pixel, half a cell, and what a pixel on the rim lies outside the square.
        allowed = 0.5 + abs(radius) / NEAREST_GRID + 0.51 + NARROWER
        assert abs(x * radius - i) <= allowed
        assert abs(y * radius - j) <= allowed


def test_a_lamp_in_focus_stays_in_its_pixel() -> None:
    assert _disc(0.0) == {(0, 0): pytest.approx(1.0, abs=WHOLE)}


@settings(max_examples=20, deadline=None)
@given(lamps=st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=8))
def test_each_lamp_has_the_stamp_of_its_own_radius(lamps: list[float]) -> None:
    stamps = _cut(_lamps(*lamps), _lens(), 1.0)
    assert len(stamps.of_lamp) == len(lamps)
    assert len(stamps.half) <= len(lamps)
    for n, radius in enumerate(lamps):
        assert _landings(stamps, n) == _landings(_cut(_lamps(radius), _lens(), 1.0))


def test_lamps_at_one_distance_share_a_stamp() -> None:
    stamps = _cut(_lamps(7.0, 3.0, 7.0, 7.0), _lens(), 1.0)
    assert stamps.of_lamp[0] == stamps.of_lamp[2] == stamps.of_lamp[3] != stamps.of_lamp[1]
    assert len(stamps.half) == 2


@settings(max_examples=40, deadline=None)
@given(radius=st.floats(0.0, 50.0), more=st.floats(0.0, 1.0))
def test_lamps_share_a_stamp_only_where_their_radii_are_near(radius: float, more: float) -> None:
    stamps = _cut(_lamps(radius, radius + more), _lens(), 1.0)
    if stamps.of_lamp[0] == stamps.of_lamp[1]:
        assert more <= max(min(RELATIVE_STEP * max(radius + more, 1.0), LARGEST_STEP), RELATIVE_STEP) + 1e-6
    else:
        assert more > 0.0


@pytest.mark.parametrize("shape", ["disc", "triangle", "bubble", "left"])
@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
@settings(max_examples=25, deadline=None)
@given(radius=st.floats(0.3, 50.0), side=st.sampled_from([-1.0, 1.0]))
def test_a_stamp_is_as_wide_as_the_opening_at_every_radius(
    shape: str, aspect: float, radius: float, side: float
) -> None:
    lens = _lens(shape)
    spot = Spot.of(opening_moments(lens.opening), aspect)
    disc = _disc(side * radius, shape, aspect)
    for axis, place in ((1, 0), (0, 1)):
        drawn = sum(share * landing[place] ** 2 for landing, share in disc.items())
        assert drawn == pytest.approx(spot.moment[axis] * radius**2, rel=WIDE, abs=2e-3)


def test_no_lamps_need_no_stamps() -> None:
    stamps = _cut(_lamps(), _lens(), 1.0)
    assert len(stamps.of_lamp) == len(stamps.half) == len(stamps.column) == 0
    assert stamps.share.dtype == np.float32
