"""The curve, and the exposure that a shot is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.any_to_bokeh.tone import BRIGHTEST, KNEE, Tone, measure_exposure

HALF_ROUNDING = 2.0**-11
"""Half a unit in the last place of a half float, as a share of the value."""

stops = st.floats(-10, 10).map(lambda value: round(4 * value) / 4)


def _light(limit: float = BRIGHTEST) -> Float32Array:
    """From the smallest half float to the limit."""
    return (limit * np.geomspace(2.0**-26, 1.0, 20_001)).astype(np.float32)


def _grey(value: float, seed: int = 0) -> Float32Array:
    noise = np.random.default_rng(seed).lognormal(0.0, 1.0, (50, 60, 3))
    return (value * noise).astype(np.float32)


@given(exposure=stops)
def test_light_comes_back_within_the_rounding_of_a_half_float(exposure: float) -> None:
    tone = Tone(exposure)
    light = _light(tone.limit)
    np.testing.assert_allclose(tone.decode(tone.encode(light)), light, rtol=HALF_ROUNDING / 10)


@given(exposure=stops)
def test_the_ends_are_black_and_the_limit(exposure: float) -> None:
    tone = Tone(exposure)
    ends = np.array([0.0, tone.limit], np.float32)
    np.testing.assert_allclose(tone.encode(ends), [0, 1], atol=1e-6)
    np.testing.assert_allclose(tone.decode(np.array([0, 1], np.float32)), ends, rtol=1e-5)


def test_the_curve_rises_everywhere_and_has_no_corner() -> None:
    light = np.linspace(0, BRIGHTEST, 400_001)
    display = Tone().encode(light.astype(np.float32)).astype(np.float64)
    rise = np.diff(display[::100])
    assert (rise > 0).all()
    knee = np.abs(display[::100] - KNEE).argmin()
    slopes = rise[knee - 20 : knee + 20]
    np.testing.assert_allclose(slopes[1:], slopes[:-1], rtol=0.03)


def test_ordinary_tones_are_those_of_srgb() -> None:
    # Grey, and the 8-bit code 128, by the standard's own formula.
    known = {0.0: 0.0, 0.0031308: 0.04045, 0.18: 0.46136, 0.21586: 128 / 255, 0.6: 0.79774}
    light = np.array(list(known), np.float32)
    np.testing.assert_allclose(Tone().encode(light), list(known.values()), atol=1e-4)


@given(exposure=stops, light=st.floats(0, 4))
def test_an_exposure_is_light_times_a_power_of_two(exposure: float, light: float) -> None:
    plain = Tone().encode(np.array([light], np.float32))
    exposed = Tone(exposure).encode(np.array([light / 2**exposure], np.float32))
    np.testing.assert_allclose(exposed, plain, atol=1e-6)


def test_what_the_curve_cannot_hold_is_clipped() -> None:
    strange = np.array([-1.0, -np.inf, np.nan, 5.0, 1e30, np.inf], np.float32)
    np.testing.assert_array_equal(Tone().encode(strange), [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(Tone().decode(np.array([-0.1, 1.1, np.nan], np.float32)), [0, BRIGHTEST, 0], rtol=1e-6)


@pytest.mark.parametrize("middle", [0.05, 0.1, 0.18, 0.4])
def test_ordinary_plates_stay_as_they_are(middle: float) -> None:
    assert measure_exposure([_grey(middle)]) == 0


@pytest.mark.parametrize(("middle", "expected"), [(0.18 / 32, 3.0), (0.18 * 32, -3.0), (1e-5, 10.0), (1e5, -10.0)])
def test_plates_far_from_ordinary_are_brought_near(middle: float, expected: float) -> None:
    assert measure_exposure([_grey(middle, seed) for seed in range(3)]) == pytest.approx(expected, abs=0.3)


@given(value=st.floats(1e-4, 1e4), seed=st.integers(0, 50))
def test_an_exposure_is_a_quarter_stop_and_bounded(value: float, seed: int) -> None:
    measured = measure_exposure([_grey(value, seed)])
    assert measured * 4 == round(measured * 4)
    assert -10 <= measured <= 10


def test_black_says_nothing() -> None:
    black = np.zeros((20, 30, 3), np.float32)
    assert measure_exposure([]) == 0
    assert measure_exposure([black]) == 0
    assert measure_exposure([np.full_like(black, np.nan), -np.ones_like(black)]) == 0
    half = _grey(0.18 / 32)
    half[:25] = 0
    half[25] = np.nan
    half[26] = np.inf
    assert measure_exposure([half, black]) == measure_exposure([half]) == pytest.approx(3, abs=0.3)


def test_a_few_lights_do_not_change_the_exposure() -> None:
    night = _grey(0.18 / 32)
    lit = night.copy()
    lit[:2] = 10_000
    assert abs(measure_exposure([lit]) - measure_exposure([night])) <= 0.25


def test_grey_and_further_channels_are_understood() -> None:
    grey = _grey(5.0)[..., :1]
    assert measure_exposure([grey]) == measure_exposure([np.repeat(grey, 3, axis=2)])
    colours = _grey(5.0)
    alpha = np.ones((50, 60, 1), np.float32)
    assert measure_exposure([np.concatenate([colours, alpha], axis=2)]) == measure_exposure([colours])
