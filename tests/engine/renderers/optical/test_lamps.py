"""Lamps, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.lamps import ABOVE_SURROUNDINGS, ABOVE_WHITE, Lamps, take_out_lamps
from tests.engine.renderers.optical.plates import texture

RGB = ("R", "G", "B")
AMPLE = 1e9

ROUNDING = 1e-6
"""Relative to a lamp's own light: one difference and one sum in single precision."""


def _street(seed: int, lamps: int, height: int = 40, width: int = 50, channels: int = 3) -> Float32Array:
    """A dim picture with single bright pixels."""
    random = np.random.default_rng(seed)
    image = 0.4 * np.concatenate([texture(height, width, seed, 3)] * (channels // 3 + 1), axis=2)[..., :channels]
    for y, x in zip(random.integers(0, height, lamps), random.integers(0, width, lamps), strict=True):
        image[y, x] = random.uniform(3.0, 3000.0) * (0.2 + 0.8 * random.random(channels))
    return np.ascontiguousarray(image, np.float32)


def _even(image: Float32Array, radius: float) -> Float32Array:
    return np.full(image.shape[:2], radius, np.float32)


def _places(lamps: Lamps) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for y, x in lamps.place}


def _single(value: float, surroundings: float = 0.2) -> Float32Array:
    image = np.full((40, 50, 3), surroundings, np.float32)
    image[20, 30] = value
    return image


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), lamps=st.integers(0, 30), radius=st.floats(-40.0, 40.0))
def test_the_rest_and_the_lamps_are_the_plate(seed: int, lamps: int, radius: float) -> None:
    image = _street(seed, lamps)
    before = image.copy()
    rest, taken = take_out_lamps(image, RGB, _even(image, radius), most_drawn=AMPLE)
    np.testing.assert_array_equal(image, before)
    together = rest.copy()
    together[taken.place[:, 0], taken.place[:, 1]] += taken.light
    np.testing.assert_allclose(together, image, rtol=ROUNDING, atol=ROUNDING * image.max())
    untouched = np.ones(image.shape[:2], bool)
    untouched[taken.place[:, 0], taken.place[:, 1]] = False
    np.testing.assert_array_equal(rest[untouched], image[untouched])
    assert len(_places(taken)) == len(taken.place)
    assert (taken.light >= 0.0).all()
    assert taken.place.dtype == np.int32
    assert taken.radius.dtype == taken.light.dtype == np.float32


@settings(max_examples=20, deadline=None)
@given(value=st.floats(10.0, 10_000.0), radius=st.floats(2.0, 60.0), side=st.sampled_from([-1.0, 1.0]))
def test_a_single_bright_pixel_is_a_lamp(value: float, radius: float, side: float) -> None:
    image = _single(value)
    rest, lamps = take_out_lamps(image, RGB, _even(image, side * radius), most_drawn=AMPLE)
    assert _places(lamps) == {(20, 30)}
    np.testing.assert_allclose(lamps.radius, side * radius, rtol=1e-6)
    assert rest.max() < ABOVE_WHITE + ABOVE_SURROUNDINGS
    np.testing.assert_allclose(lamps.light + rest[20, 30], value, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(value=st.floats(0.0, 1000.0), tilt=st.floats(0.0, 0.9))
def test_a_bright_sky_is_no_lamp(value: float, tilt: float) -> None:
    ramp = value * (1.0 - tilt * np.linspace(0.0, 1.0, 50))
    image = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (40, 50, 3)), np.float32)
    _, lamps = take_out_lamps(image, RGB, _even(image, 10.0), most_drawn=AMPLE)
    assert len(lamps.place) == 0


def test_a_plate_up_to_white_is_handed_back_as_it_is() -> None:
    image = texture(40, 50)
    rest, lamps = take_out_lamps(image, RGB, _even(image, 10.0), most_drawn=AMPLE)
    assert rest is image
    assert lamps.light.shape == (0, 3)


def test_a_lamp_in_front_of_a_bright_sky_must_outshine_it() -> None:
    for value, count in ((15.0, 0), (200.0, 1)):
        image = _single(value, surroundings=8.0)
        _, lamps = take_out_lamps(image, RGB, _even(image, 10.0), most_drawn=AMPLE)
        assert len(lamps.place) == count


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, -1.0])
def test_a_lamp_in_focus_stays_in_the_plate(radius: float) -> None:
    image = _single(100.0)
    rest, lamps = take_out_lamps(image, RGB, _even(image, radius), most_drawn=AMPLE)
    assert len(lamps.place) == 0
    np.testing.assert_array_equal(rest, image)


@settings(max_examples=20, deadline=None)
@given(first=st.floats(0.0, 3.0), more=st.floats(0.0, 0.1))
def test_a_lamp_comes_in_without_a_jump(first: float, more: float) -> None:
    image = _single(100.0)
    light = [
        take_out_lamps(image, RGB, _even(image, radius), most_drawn=AMPLE)[1].light.sum()
        for radius in (first, first + more)
    ]
    assert 0.0 <= light[1] - light[0] <= 300.0 * more + 1e-3


def test_alpha_is_never_taken() -> None:
    image = np.concatenate([_single(100.0)] * 2, axis=2)
    channels = ("R", "G", "B", "A", "fog.R", "fog.A")
    rest, lamps = take_out_lamps(image, channels, _even(image, 10.0), most_drawn=AMPLE)
    for name in ("A", "fog.A"):
        c = channels.index(name)
        np.testing.assert_array_equal(rest[..., c], image[..., c])
        assert not lamps.light[:, c].any()
    assert lamps.light[0, channels.index("fog.R")] > 90.0


def test_bright_data_is_no_lamp() -> None:
    image = np.full((40, 50, 4), 0.2, np.float32)
    image[20, 30, 3] = 1000.0
    rest, lamps = take_out_lamps(image, (*RGB, "depth.Z"), _even(image, 10.0), most_drawn=AMPLE)
    assert len(lamps.place) == 0
    np.testing.assert_array_equal(rest, image)


def test_a_lamp_of_one_colour_is_one() -> None:
    image = np.full((40, 50, 3), 0.1, np.float32)
    image[20, 30, 2] = 80.0
    _, lamps = take_out_lamps(image, RGB, _even(image, 10.0), most_drawn=AMPLE)
    assert _places(lamps) == {(20, 30)}
    np.testing.assert_allclose(lamps.light[0, :2] / lamps.light[0, 2], 0.1 / 80.0, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 1.0))
def test_of_more_lamps_than_there_is_time_for_the_brightest_are_drawn(seed: int, share: float) -> None:
    image = _street(seed, 20)
    radius = _even(image, 12.0)
    _, every = take_out_lamps(image, RGB, radius, most_drawn=AMPLE)
    cost = 4.0 * 12.0**2 * len(every.place)
    rest, some = take_out_lamps(image, RGB, radius, most_drawn=share * cost)
    assert 4.0 * 12.0**2 * len(some.place) <= share * cost + 1.0
    assert _places(some) <= _places(every)
    left_out = _places(every) - _places(some)
    brightest = {place: float(light.max()) for place, light in zip(map(tuple, every.place), every.light, strict=True)}
    if left_out and len(some.place):
        assert max(brightest[place] for place in left_out) <= min(brightest[place] for place in _places(some))
    for y, x in left_out:
        np.testing.assert_array_equal(rest[y, x], image[y, x])


def test_no_time_at_all_leaves_all_lamps_in_the_plate() -> None:
    image = _street(1, 20)
    rest, lamps = take_out_lamps(image, RGB, _even(image, 12.0), most_drawn=0.0)
    assert len(lamps.place) == 0
    np.testing.assert_array_equal(rest, image)


def _wire(image: Float32Array) -> Float32Array:
    """A near wire one pixel wide across column 30."""
    radius = _even(image, 8.0)
    radius[:, 30] = -6.0
    return radius


def test_a_lamp_behind_a_wire_is_as_far_away_as_what_is_behind() -> None:
    """Where the wire covers the lamp by a part the depth is the wire's and the light is the lamp's."""
    image = np.full((40, 50, 3), 0.1, np.float32)
    image[19:22, 29:32] = 100.0
    image[19:22, 30] = 55.0
    _, lamps = take_out_lamps(image, RGB, _wire(image), most_drawn=AMPLE)
    assert _places(lamps) == {(y, x) for y in (19, 20, 21) for x in (29, 30, 31)}
    np.testing.assert_array_equal(lamps.radius, np.float32(8.0))


def test_a_lamp_on_a_wire_is_as_near_as_the_wire() -> None:
    image = np.full((40, 50, 3), 0.1, np.float32)
    image[20, 30] = 100.0
    _, lamps = take_out_lamps(image, RGB, _wire(image), most_drawn=AMPLE)
    assert _places(lamps) == {(20, 30)}
    np.testing.assert_array_equal(lamps.radius, np.float32(-6.0))


def test_a_lamp_in_focus_that_shows_through_a_blurred_wire_is_drawn() -> None:
    image = np.full((40, 50, 3), 0.1, np.float32)
    image[19:22, 29:32] = 100.0
    image[19:22, 30] = 55.0
    radius = _even(image, 0.0)
    radius[:, 30] = -6.0
    _, lamps = take_out_lamps(image, RGB, radius, most_drawn=AMPLE)
    assert _places(lamps) == {(y, 30) for y in (19, 20, 21)}
    np.testing.assert_array_equal(lamps.radius, np.float32(0.0))


def test_in_a_picture_of_half_the_size_a_lamp_keeps_its_light_and_its_place() -> None:
    image = _street(3, 12)
    _, lamps = take_out_lamps(image, RGB, _even(image, 12.0), most_drawn=AMPLE)
    half = lamps.halved(np.full_like(lamps.radius, 6.0))
    np.testing.assert_allclose(4.0 * half.light, lamps.light, rtol=1e-6)
    assert half.aside is not None
    # The middle of pixel y lies at (y + 0.5) / 2, that of pixel j of the half size at j + 0.5.
    np.testing.assert_allclose(half.place + 0.5 + half.aside, (lamps.place + 0.5) / 2.0)
    assert (half.radius == 6.0).all()


def test_lamps_come_in_where_they_are_asked_to() -> None:
    image = _single(100.0)
    for radius, some in ((2.9, False), (3.5, True)):
        _, lamps = take_out_lamps(image, RGB, _even(image, radius), smallest=3.0, most_drawn=AMPLE)
        assert bool(len(lamps.radius)) is some
