"""Half the size and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.half_size import half_radius, halve, restore
from engine.renderers.optical.spot import HALVING, Spot
from tests.engine.renderers.optical.plates import texture

ROUNDING = 2e-6
"""A few single-precision products and sums of values up to 1."""

DISC = Spot((0.25, 0.25))

sides = st.integers(1, 17)


def _even(height: int, width: int, radius: float) -> Float32Array:
    return np.full((height, width), radius, np.float32)


def _back(image: Float32Array, radius: Float32Array, small: Float32Array, rendered: Float32Array) -> Float32Array:
    """Colours and, as a last channel, the invented share."""
    out, invented = np.full_like(image, np.nan), np.full_like(radius, np.nan)
    restore(image, radius, DISC, small, np.ascontiguousarray(rendered, np.float32), out, invented)
    return np.concatenate([out, invented[..., None]], axis=2)


def _with_invented(small: Float32Array, share: float = 0.0) -> Float32Array:
    """What a lens gives back that changes nothing."""
    return np.concatenate([small, np.full((*small.shape[:2], 1), share, np.float32)], axis=2)


@settings(max_examples=40, deadline=None)
@given(height=sides, width=sides, seed=st.integers(0, 1000))
def test_a_picture_in_focus_comes_back_to_the_rounding_whatever_its_size(height: int, width: int, seed: int) -> None:
    image, radius = texture(height, width, seed, 1), _even(height, width, 0.0)
    small, small_radius = halve(image, radius, DISC)
    assert small.shape == ((height + 1) // 2, (width + 1) // 2, 4)
    assert not small_radius.any()
    out = _back(image, radius, small, _with_invented(small))
    np.testing.assert_allclose(out[..., :3], image, atol=ROUNDING)
    assert not out[..., 3].any()


@settings(max_examples=20, deadline=None)
@given(height=sides, width=sides, radius=st.floats(-30.0, 30.0), value=st.floats(0.0, 100.0))
def test_an_even_picture_stays_even_whatever_its_blur(height: int, width: int, radius: float, value: float) -> None:
    image = np.full((height, width, 3), value, np.float32)
    small, _ = halve(image, _even(height, width, radius), DISC)
    out = _back(image, _even(height, width, radius), small, _with_invented(small))
    np.testing.assert_allclose(out[..., :3], image, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 8), width=st.integers(1, 8), seed=st.integers(0, 1000), radius=st.floats(-30.0, 30.0))
def test_halving_keeps_the_light(height: int, width: int, seed: int, radius: float) -> None:
    image = texture(2 * height, 2 * width, seed, 1)
    small, _ = halve(image, _even(2 * height, 2 * width, radius), DISC)
    np.testing.assert_allclose(4.0 * small[..., :3].sum((0, 1)), image.sum((0, 1)), rtol=1e-5)


@pytest.mark.parametrize("place", [(8, 8), (8, 9), (9, 8), (9, 9)])
def test_halving_and_doubling_leave_a_point_where_it_is_and_widen_it_by_halving(place: tuple[int, int]) -> None:
    image = np.zeros((18, 18, 3), np.float32)
    image[place] = 1.0
    radius = _even(18, 18, 30.0)
    small, _ = halve(image, radius, DISC)
    light = _back(image, radius, small, _with_invented(small))[..., 0].astype(np.float64)
    for axis, index in enumerate(np.mgrid[0:18, 0:18]):
        assert (light * (index - place[axis])).sum() == pytest.approx(0.0, abs=1e-6)
        assert (light * (index - place[axis]) ** 2).sum() == pytest.approx(HALVING, abs=1e-6)


def test_at_a_silhouette_no_light_of_more_than_two_pixels_comes_together() -> None:
    image, radius = np.zeros((8, 12, 3), np.float32), _even(8, 12, 0.0)
    image[:, 6:], radius[:, 6:] = 1.0, 9.0
    small, _ = halve(image, radius, DISC)
    np.testing.assert_array_equal(small[:, :3, :3], 0.0)
    np.testing.assert_array_equal(small[:, 3:, :3], 1.0)


def test_a_last_row_and_column_without_a_partner_stand_for_themselves() -> None:
    image = texture(5, 7, 1, 1)
    radius = np.where(np.indices((5, 7)).sum(0) % 2, 0.0, 9.0).astype(np.float32)
    small, _ = halve(image, radius, DISC)
    np.testing.assert_allclose(small[-1, -1, :3], image[-1, -1], atol=ROUNDING)
    np.testing.assert_allclose(small[-1, 0, :3], image[-1, :2].mean(0), atol=ROUNDING)


@pytest.mark.parametrize(
    ("radii", "shown"),
    [
        ([9.0, 9.0, 9.0, -9.0], 9.0),
        ([9.0, -9.0, 9.0, -9.0], -9.0),
        ([-9.0, 9.0, 9.0, -9.0], -9.0),
        ([-9.0, -9.0, 9.0, -9.0], -9.0),
        ([12.0, 12.5, 12.0, 12.5], 12.25),
    ],
)
def test_a_small_pixel_is_as_far_away_as_most_of_its_four(radii: list[float], shown: float) -> None:
    radius = np.array(radii, np.float32).reshape(2, 2)
    _, small_radius = halve(texture(2, 2), radius, DISC)
    np.testing.assert_allclose(small_radius, half_radius(np.full((1, 1), shown, np.float32), DISC), rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(radius=st.floats(-100.0, 100.0), more=st.floats(0.0, 5.0))
def test_a_half_size_radius_is_at_most_half_of_it_and_grows_with_it(radius: float, more: float) -> None:
    half, next_half = half_radius(np.array([radius, radius + more], np.float32), DISC)
    assert abs(half) <= 0.5 * abs(radius) + ROUNDING * 100
    assert half * radius >= 0.0
    assert next_half >= half
    if abs(radius) > 20.0:
        # What halving blurs by itself no longer counts.
        assert half == pytest.approx(0.5 * radius, rel=0.01)


def test_a_half_size_radius_keeps_single_precision() -> None:
    assert half_radius(np.array([5.0, -7.0], np.float32), DISC).dtype == np.float32
    assert half_radius(np.empty(0, np.float32), DISC).dtype == np.float32


@settings(max_examples=20, deadline=None)
@given(radius=st.floats(0.0, 30.0), more=st.floats(0.0, 5.0), side=st.sampled_from([-1.0, 1.0]))
def test_the_share_in_focus_falls_from_one_to_nothing(radius: float, more: float, side: float) -> None:
    image = texture(4, 4)
    shares = [halve(image, _even(4, 4, side * r), DISC)[0][0, 0, 3] for r in (0.0, radius, radius + more, 4.0)]
    assert shares[0] == 1.0
    assert 0.0 <= shares[2] <= shares[1] <= 1.0
    assert shares[3] == 0.0


@settings(max_examples=20, deadline=None)
@given(radius=st.floats(4.0, 60.0), side=st.sampled_from([-1.0, 1.0]), seed=st.integers(0, 1000))
def test_no_detail_of_the_plate_comes_back_where_it_is_blurred(radius: float, side: float, seed: int) -> None:
    image = texture(10, 12, seed, 1)
    small, _ = halve(image, _even(10, 12, side * radius), DISC)
    rendered = np.full((5, 6, 5), 0.25, np.float32)
    rendered[..., 3] = 1.0
    out = _back(image, _even(10, 12, side * radius), small, rendered)
    np.testing.assert_array_equal(out, np.float32(0.25))


def test_no_detail_of_the_plate_comes_back_where_something_blurred_hides_it() -> None:
    image, radius = texture(10, 12, 1, 1), _even(10, 12, 0.0)
    small, _ = halve(image, radius, DISC)
    rendered = np.full((5, 6, 5), 0.25, np.float32)
    rendered[..., 3] = 0.0
    np.testing.assert_array_equal(_back(image, radius, small, rendered), np.float32(0.25))


def test_half_hidden_detail_comes_back_by_half() -> None:
    image, radius = texture(10, 12, 1, 1), _even(10, 12, 0.0)
    small, _ = halve(image, radius, DISC)
    whole = _back(image, radius, small, _with_invented(small))
    hidden = _with_invented(small)
    hidden[..., 3] = 0.0
    none = _back(image, radius, small, hidden)
    hidden[..., 3] = 0.5
    half = _back(image, radius, small, hidden)
    np.testing.assert_allclose(half, 0.5 * (whole + none), atol=ROUNDING)


def test_the_invented_share_comes_through() -> None:
    image, radius = texture(9, 11), _even(9, 11, 12.0)
    small, _ = halve(image, radius, DISC)
    np.testing.assert_allclose(_back(image, radius, small, _with_invented(small, 0.75))[..., 3], 0.75, rtol=1e-6)


def test_a_ramp_comes_back_as_the_same_ramp() -> None:
    """Doubling puts values where the pixels' middles are: nothing moves by a quarter of a pixel. At the border the
    filter of four meets the picture's mirror image."""
    ramp = np.ascontiguousarray(np.broadcast_to(np.linspace(0.0, 1.0, 32, dtype=np.float32)[:, None], (20, 32, 3)))
    radius = _even(20, 32, 50.0)
    small, _ = halve(ramp, radius, DISC)
    out = _back(ramp, radius, small, _with_invented(small))
    np.testing.assert_allclose(out[:, 3:-3, :3], ramp[:, 3:-3], atol=ROUNDING)
