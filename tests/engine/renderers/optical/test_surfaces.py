"""What is seen, and what is behind it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.background import INVENTED, NONE, REAL
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.surfaces import Surfaces, find_surfaces
from tests.engine.renderers.optical.plates import still_stack, texture

NO_SPREAD = 0.001
"""Distance between lens points at which no pixel is spread."""

ROUNDING = 1e-5
"""Sums of a few single-precision values of about 1."""


def _random_scene(seed: int, height: int = 18, width: int = 22) -> tuple[Float32Array, Float32Array]:
    radius = np.ascontiguousarray(20.0 * texture(height, width, seed + 1, 6)[..., 0] - 10.0)
    return texture(height, width, seed, 2), radius


def _found(
    image: Float32Array, radius: Float32Array, *, reach: int = 3, sweeps: int = 8, distance: float = NO_SPREAD
) -> Surfaces:
    stack = still_stack(radius, distance=distance)
    return find_surfaces(image, radius, reach=reach, judged=image.shape[2], sweeps=sweeps, stack=stack, step=STEP)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), reach=st.sampled_from([0, 2, 3]), sweeps=st.sampled_from([0, 8]))
def test_the_surfaces_compose_to_the_plate(seed: int, reach: int, sweeps: int) -> None:
    image, radius = _random_scene(seed)
    surfaces = _found(image, radius, reach=reach, sweeps=sweeps)
    a = surfaces.coverage[..., None]
    behind = np.where(surfaces.back_kind[..., None] == NONE, 0.0, surfaces.back)
    composed = a * surfaces.front + (1.0 - a) * behind
    np.testing.assert_allclose(composed, image, atol=ROUNDING * max(1.0, float(surfaces.front.max())))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_pixel_that_its_front_does_not_cover_has_a_back_that_was_seen(seed: int) -> None:
    surfaces = _found(*_random_scene(seed))
    assert (surfaces.back_kind[surfaces.coverage < 1.0] == REAL).all()
    assert (surfaces.coverage[surfaces.back_kind != REAL] == 1.0).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), distance=st.sampled_from([NO_SPREAD, 0.1, 0.4]))
def test_the_back_is_behind_the_front(seed: int, distance: float) -> None:
    image, radius = _random_scene(seed)
    surfaces = _found(image, np.round(radius / 5.0) * np.float32(5.0), distance=distance)
    has_back = surfaces.back_kind != NONE
    assert (surfaces.back_radius[has_back] > surfaces.front_radius[has_back]).all()
    assert np.isfinite(surfaces.back[has_back]).all()


def test_the_plate_and_its_depth_are_not_changed() -> None:
    image, radius = _random_scene(3)
    before = image.copy(), radius.copy()
    _found(image, radius, distance=0.3)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(radius, before[1])


def test_without_a_reach_mixed_pixels_stay_mixed() -> None:
    image, radius = _random_scene(3)
    surfaces = _found(image, radius, reach=0)
    np.testing.assert_array_equal(surfaces.front, image)
    assert (surfaces.coverage == 1.0).all()
    assert not (surfaces.back_kind == REAL).any()
    assert (surfaces.back_kind == INVENTED).any()


def test_a_picture_at_one_distance_is_one_surface() -> None:
    image = texture(18, 22)
    surfaces = _found(image, np.full((18, 22), 5.0, np.float32))
    np.testing.assert_array_equal(surfaces.front, image)
    assert (surfaces.back_kind == NONE).all()
    assert (surfaces.front_radius == 5.0).all()


def test_behind_a_near_thing_lies_its_surroundings() -> None:
    image = np.full((30, 40, 3), 0.25, np.float32)
    image[10:20, 15:25] = 0.75
    radius = np.full((30, 40), 12.0, np.float32)
    radius[10:20, 15:25] = 0.0
    surfaces = _found(image, radius)
    hidden = surfaces.back_kind[10:20, 15:25]
    assert (hidden == INVENTED).all()
    np.testing.assert_allclose(surfaces.back[10:20, 15:25], 0.25, rtol=ROUNDING)
    np.testing.assert_allclose(surfaces.back_radius[10:20, 15:25], 12.0, rtol=ROUNDING)


def test_what_is_in_focus_keeps_its_bits_whatever_is_spread_elsewhere() -> None:
    image = texture(30, 40)
    radius = np.zeros((30, 40), np.float32)
    radius[:, 20:] = 30.0
    surfaces = _found(image, radius, reach=0, distance=0.3)
    np.testing.assert_array_equal(surfaces.front[:, :20], image[:, :20])
    assert np.abs(surfaces.front[:, 20:] - image[:, 20:]).max() > 0.1


@pytest.mark.parametrize("pad", [1, 5, 22])
def test_widened_surfaces_are_mirrored_beyond_both_sides(pad: int) -> None:
    surfaces = _found(*_random_scene(4))
    wide = surfaces.widened(pad)
    sides = ((0, 0), (pad, pad))
    for name in ("coverage", "front_radius", "back_radius", "back_kind"):
        expected = np.pad(getattr(surfaces, name), sides, mode="symmetric")
        np.testing.assert_array_equal(getattr(wide, name), expected, err_msg=name)
    np.testing.assert_array_equal(wide.front[..., :3], np.pad(surfaces.front, (*sides, (0, 0)), mode="symmetric"))
    has_back = wide.back_kind != NONE
    expected = np.pad(surfaces.back, (*sides, (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(wide.back[..., :3][has_back], expected[has_back])


def test_widened_surfaces_tell_what_was_invented_and_how_far_away_it_is() -> None:
    wide = _found(*_random_scene(4)).widened(3)
    assert {NONE, REAL, INVENTED} <= set(np.unique(wide.back_kind).tolist())
    assert not wide.front[..., 3].any()
    np.testing.assert_array_equal(wide.front[..., 4], wide.front_radius)
    has_back = wide.back_kind != NONE
    np.testing.assert_array_equal(wide.back[..., 3][has_back], (wide.back_kind == INVENTED)[has_back])
    np.testing.assert_array_equal(wide.back[..., 4][has_back], wide.back_radius[has_back])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_the_smallest_pictures_have_surfaces(shape: tuple[int, int]) -> None:
    radius = np.ascontiguousarray(20.0 * texture(*shape, 2, 1)[..., 0] - 10.0)
    wide = _found(texture(*shape, 1, 1), radius, distance=0.3).widened(shape[1])
    assert wide.front.shape == (shape[0], 3 * shape[1], 5)
    assert np.isfinite(wide.front).all()
