"""The boost of clipped, blurred light."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.highlights import boost_highlights
from engine.shot import Highlights
from tests.engine.renderers.optical.plates import texture

RGB = ("R", "G", "B")
ROUNDING = 1e-5
"""One single-precision factor."""


def _grey(value: float, channels: int = 3) -> Float32Array:
    return np.full((4, 6, channels), value, np.float32)


def _even(radius: float) -> Float32Array:
    return np.full((4, 6), radius, np.float32)


@settings(max_examples=40, deadline=None)
@given(
    value=st.floats(0.0, 500.0),
    threshold=st.floats(0.0, 20.0),
    gain=st.floats(0.01, 10.0),
    radius=st.floats(2.0, 80.0),
    side=st.sampled_from([-1.0, 1.0]),
)
def test_a_blurred_light_gains_a_share_of_what_is_above_the_threshold(
    value: float, threshold: float, gain: float, radius: float, side: float
) -> None:
    boosted = boost_highlights(_grey(value), RGB, _even(side * radius), Highlights(threshold=threshold, gain=gain))
    expected = value + gain * max(value - threshold, 0.0)
    np.testing.assert_allclose(boosted, expected, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(("radius", "share"), [(0.0, 0.0), (0.5, 0.0), (0.875, 0.25), (1.25, 0.5), (2.0, 1.0)])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_boost_comes_in_between_half_a_pixel_and_two(radius: float, share: float, side: float) -> None:
    boosted = boost_highlights(_grey(4.0), RGB, _even(side * radius), Highlights(threshold=1.0, gain=2.0))
    np.testing.assert_allclose(boosted, 4.0 + share * 2.0 * 3.0, rtol=ROUNDING)


def test_no_gain_returns_the_plate_itself() -> None:
    image = _grey(9.0)
    assert boost_highlights(image, RGB, _even(9.0), Highlights(threshold=0.0, gain=0.0)) is image


def test_light_up_to_the_threshold_keeps_its_bits() -> None:
    image = texture(20, 30, cell=1)
    boosted = boost_highlights(image, RGB, np.full((20, 30), 9.0, np.float32), Highlights(threshold=1.0, gain=5.0))
    np.testing.assert_array_equal(boosted, image)


def test_the_plate_is_not_changed() -> None:
    image = _grey(9.0)
    boost_highlights(image, RGB, _even(9.0), Highlights(threshold=1.0, gain=5.0))
    np.testing.assert_array_equal(image, _grey(9.0))


@settings(max_examples=20, deadline=None)
@given(red=st.floats(0.1, 50.0), green=st.floats(0.1, 50.0), blue=st.floats(0.1, 50.0))
def test_a_boosted_light_keeps_its_hue(red: float, green: float, blue: float) -> None:
    image = np.ascontiguousarray(np.broadcast_to(np.array([red, green, blue], np.float32), (4, 6, 3)))
    boosted = boost_highlights(image, RGB, _even(9.0), Highlights(threshold=0.5, gain=3.0))
    np.testing.assert_allclose(boosted / boosted.sum(2, keepdims=True), image / image.sum(2, keepdims=True), rtol=1e-4)


def test_alpha_and_further_layers_are_left_as_they_are() -> None:
    image = _grey(9.0, 6)
    channels = ("R", "G", "B", "A", "normal.X", "normal.Y")
    boosted = boost_highlights(image, channels, _even(9.0), Highlights(threshold=1.0, gain=5.0))
    np.testing.assert_array_equal(boosted[..., 3:], image[..., 3:])
    np.testing.assert_allclose(boosted[..., :3], 9.0 + 5.0 * 8.0, rtol=ROUNDING)


def test_bright_data_in_further_layers_boosts_no_colour() -> None:
    image = _grey(0.5, 4)
    image[..., 3] = 100.0
    boosted = boost_highlights(image, (*RGB, "depth.Z"), _even(9.0), Highlights(threshold=1.0, gain=5.0))
    np.testing.assert_array_equal(boosted, image)


def test_a_picture_of_luminance_alone_is_boosted() -> None:
    boosted = boost_highlights(_grey(3.0, 1), ("Y",), _even(9.0), Highlights(threshold=1.0, gain=1.0))
    np.testing.assert_allclose(boosted, 5.0, rtol=ROUNDING)


def test_light_below_zero_stays_below_zero() -> None:
    image = _grey(-0.2)
    boosted = boost_highlights(image, RGB, _even(9.0), Highlights(threshold=0.0, gain=5.0))
    np.testing.assert_array_equal(boosted, image)
