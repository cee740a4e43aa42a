"""Mixed pixels of an antialiased silhouette, and the colours that they were mixed from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.background import NONE, REAL
from engine.renderers.optical.silhouettes import STEP, find_silhouettes
from engine.renderers.optical.surfaces import Surfaces
from engine.renderers.optical.unmix import MIXED_LEAST, unmix
from tests.engine.renderers.optical.plates import texture

RECOVERED = 0.02
"""Of a coverage or colour between 0 and 1: about five steps of an 8-bit display, where a ghost is no longer seen."""

ROUNDING = 2e-6
"""Relative to the largest colour: two single-precision products and their sum, after a division by 0.03 at most."""

NEAR_RADIUS, FAR_RADIUS = -4.0, 9.0


def _unmixed(image: Float32Array, radius: Float32Array, reach: int = 3, judged: int | None = None) -> Surfaces:
    surfaces = Surfaces(
        front=image.copy(),
        coverage=np.ones(radius.shape, np.float32),
        front_radius=radius.copy(),
        back=np.zeros_like(image),
        back_radius=radius.copy(),
        back_kind=np.zeros(radius.shape, np.uint8),
    )
    unmix(image, radius, find_silhouettes(radius, STEP), reach, judged or image.shape[2], STEP, *surfaces.arrays())
    return surfaces


def _half_plane(angle: float, offset: float, size: int = 24, finer: int = 16) -> Float32Array:
    """Share of each pixel that lies on one side of a line, by counting finer points."""
    place = (np.arange(size * finer) + 0.5) / finer - size / 2
    x, y = np.meshgrid(place, place)
    inside = x * np.cos(angle) + y * np.sin(angle) < offset
    shares = inside.reshape(size, finer, size, finer).mean((1, 3))
    return np.ascontiguousarray(shares, np.float32)


def _edge(share: Float32Array, near: list[float], far: list[float]) -> tuple[Float32Array, Float32Array]:
    """Antialiased picture of a near half-plane, and the radius of what covers most of each pixel."""
    image = share[..., None] * np.array(near) + (1.0 - share[..., None]) * np.array(far)
    radius = np.where(share > 0.5, np.float32(NEAR_RADIUS), np.float32(FAR_RADIUS))
    return np.ascontiguousarray(image, np.float32), np.ascontiguousarray(radius, np.float32)


def _random_plate(seed: int, lowest: float) -> tuple[Float32Array, Float32Array]:
    image = lowest + (2.0 - lowest) * texture(14, 17, seed, cell=1)
    radius = 30.0 * texture(14, 17, seed + 1, cell=3)[..., 0] - 15.0
    return np.ascontiguousarray(image, np.float32), np.ascontiguousarray(radius, np.float32)


@settings(max_examples=30, deadline=None)
@given(angle=st.floats(0.0, 6.28), offset=st.floats(-2.0, 2.0), swapped=st.booleans())
def test_an_antialiased_edge_between_two_even_colours_is_recovered(angle: float, offset: float, swapped: bool) -> None:
    colours = ([0.9, 0.2, 0.05], [0.1, 0.35, 0.8])
    near, far = colours[::-1] if swapped else colours
    share = _half_plane(angle, offset)
    split = _unmixed(*_edge(share, near, far))
    mixed = (share > MIXED_LEAST + RECOVERED) & (share < 1.0 - MIXED_LEAST - RECOVERED)
    assume(mixed.any())
    assert (split.back_kind[mixed] == REAL).all()
    assert np.abs(split.coverage - share)[mixed].max() < RECOVERED
    # The colour that the depth does not say is guessed, and the other one follows from it, so that its error is the
    # guess's over its own share, which is a half or more.
    assert np.abs(split.front[mixed] - np.array(near)).max() < 2 * RECOVERED
    assert np.abs(split.back[mixed] - np.array(far)).max() < 2 * RECOVERED


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(0.0, 6.28), offset=st.floats(-2.0, 2.0))
def test_the_front_lies_at_the_near_surface_and_the_back_at_the_far_one(angle: float, offset: float) -> None:
    split = _unmixed(*_edge(_half_plane(angle, offset), [0.9, 0.2, 0.05], [0.1, 0.35, 0.8]))
    was_split = split.back_kind == REAL
    np.testing.assert_allclose(split.front_radius[was_split], NEAR_RADIUS, rtol=1e-6)
    np.testing.assert_allclose(split.back_radius[was_split], FAR_RADIUS, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), lowest=st.sampled_from([0.0, -1.0]), reach=st.sampled_from([2, 3]))
def test_front_over_back_is_the_plate(seed: int, lowest: float, reach: int) -> None:
    image, radius = _random_plate(seed, lowest)
    split = _unmixed(image, radius, reach)
    a = split.coverage[..., None].astype(np.float64)
    composed = a * split.front + (1.0 - a) * split.back
    largest = max(np.abs(split.front).max(), np.abs(split.back).max())
    np.testing.assert_allclose(composed, image, atol=ROUNDING * largest)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_negative_light_comes_out_of_a_plate_that_has_none(seed: int) -> None:
    image, radius = _random_plate(seed, 0.0)
    split = _unmixed(image, radius)
    assert split.front.min() >= -ROUNDING
    assert split.back.min() >= -ROUNDING * np.abs(split.front).max() / MIXED_LEAST


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), lowest=st.sampled_from([0.0, -1.0]))
def test_only_pixels_on_or_next_to_a_silhouette_are_split(seed: int, lowest: float) -> None:
    image, radius = _random_plate(seed, lowest)
    radius[:, 9:] = 3.0
    split = _unmixed(image, radius)
    side = np.pad(find_silhouettes(radius, STEP), 1)
    height, width = radius.shape
    close = np.zeros(radius.shape, bool)
    for dy, dx in np.ndindex(3, 3):
        close |= side[dy : dy + height, dx : dx + width] != 0
    assert not close[:, 11:].any()
    kept = ~close
    assert (split.coverage[kept] == 1.0).all()
    assert (split.back_kind[kept] == NONE).all()
    np.testing.assert_array_equal(split.front[kept], image[kept])
    np.testing.assert_array_equal(split.front_radius[kept], radius[kept])


def test_a_pixel_that_is_not_split_keeps_its_bits() -> None:
    image, radius = _random_plate(5, -1.0)
    split = _unmixed(image, radius)
    whole = split.back_kind == NONE
    assert whole.any()
    assert (~whole).any()
    np.testing.assert_array_equal(split.front[whole], image[whole])
    assert (split.coverage[whole] == 1.0).all()


def test_an_edge_that_is_not_antialiased_is_left_alone() -> None:
    share = np.zeros((20, 20), np.float32)
    share[:, :10] = 1.0
    split = _unmixed(*_edge(share, [0.9, 0.2, 0.05], [0.1, 0.35, 0.8]))
    assert (split.back_kind == NONE).all()


def test_two_surfaces_of_one_colour_are_left_alone() -> None:
    split = _unmixed(*_edge(_half_plane(0.4, 0.3), [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]))
    assert (split.back_kind == NONE).all()


def test_a_wire_thinner_than_a_pixel_is_split_from_the_background() -> None:
    """A wire of four tenths of a pixel: no pixel of it is pure, so only its darkness is known, not its coverage."""
    image = np.full((24, 24, 3), 0.8, np.float32)
    image[:, 12] = 0.6 * 0.8
    radius = np.full((24, 24), FAR_RADIUS, np.float32)
    radius[:, 12] = NEAR_RADIUS
    split = _unmixed(image, radius)
    a = split.coverage[12, 12, None]
    np.testing.assert_allclose(a * split.front[12, 12] + (1 - a) * split.back[12, 12], 0.48, rtol=1e-5)
    assert (split.back[split.back_kind == REAL] <= 0.8 + RECOVERED).all()
    assert (split.front[12, 12] <= 0.48 + RECOVERED).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_layers_that_are_not_judged_do_not_change_the_coverage(seed: int) -> None:
    image, radius = _edge(_half_plane(0.4, 0.3), [0.9, 0.2, 0.05], [0.1, 0.35, 0.8])
    wild = 100.0 * texture(24, 24, seed, cell=1)
    both = np.ascontiguousarray(np.concatenate([image, wild], axis=2))
    alone, with_layers = _unmixed(image, radius), _unmixed(both, radius, judged=3)
    np.testing.assert_array_equal(with_layers.coverage, alone.coverage)
    np.testing.assert_array_equal(with_layers.front[..., :3], alone.front)
