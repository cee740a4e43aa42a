"""What is thought to lie behind near things."""

from __future__ import annotations

from math import ceil

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.background import INVENTED, NONE, REAL, extend_background, smooth_background
from engine.renderers.optical.silhouettes import STEP, find_silhouettes
from engine.renderers.optical.surfaces import Surfaces
from tests.engine.renderers.optical.plates import texture

ROUNDING = 1e-5
"""Means of means in single precision, over up to 30 waves or 100 sweeps."""

SPARE = 2
"""Pixels that may be grown beyond the difference of the radii: its rounding up, and one for the rounding of shifts."""

RED, GREEN, BLUE = ([1.0, 0.1, 0.1], [0.1, 1.0, 0.1], [0.1, 0.1, 1.0])


def _grown(image: Float32Array, radius: Float32Array) -> tuple[Surfaces, NDArray[np.int32]]:
    surfaces = Surfaces(
        front=image,
        coverage=np.ones(radius.shape, np.float32),
        front_radius=radius.copy(),
        back=np.full_like(image, np.nan),
        back_radius=radius.copy(),
        back_kind=np.zeros(radius.shape, np.uint8),
    )
    places = extend_background(radius, find_silhouettes(radius, STEP), STEP, *surfaces.arrays())
    return surfaces, places


def _smoothed(sweeps: int, radius: Float32Array, surfaces: Surfaces, places: NDArray[np.int32]) -> None:
    front, _, _, back, back_radius, back_kind = surfaces.arrays()
    smooth_background(sweeps, places, radius, front, back, back_radius, back_kind)


def _two_halves(near: float, far: float, width: int = 64) -> tuple[Float32Array, Float32Array]:
    """A red near half-plane on the left, a green far one on the right."""
    image = np.empty((9, width, 3), np.float32)
    image[:, : width // 2] = RED
    image[:, width // 2 :] = GREEN
    radius = np.full((9, width), near, np.float32)
    radius[:, width // 2 :] = far
    return image, radius


def _fence(width: int, far: float = 20.0) -> tuple[Float32Array, Float32Array]:
    """A red near fence in front of green on its left and blue on its right."""
    image = np.empty((12, 40, 3), np.float32)
    image[:, :20] = GREEN
    image[:, 20:] = BLUE
    image[:, 20 : 20 + width] = RED
    radius = np.full((12, 40), far, np.float32)
    radius[:, 20 : 20 + width] = 0.0
    return image, radius


@settings(max_examples=40, deadline=None)
@given(difference=st.floats(1.125, 26.0, width=32), near=st.sampled_from([-30.0, -8.0, 0.0, 5.0]))
def test_it_grows_as_far_as_a_lens_point_can_look_behind_and_no_farther(difference: float, near: float) -> None:
    surfaces, _ = _grown(*_two_halves(near, near + difference))
    depths = (surfaces.back_kind[:, :32] == INVENTED).sum(1)
    assert (depths == depths[0]).all()
    assert difference <= depths[0] <= ceil(difference) + SPARE
    # It is one piece up to the silhouette.
    assert (surfaces.back_kind[:, 32 - depths[0] : 32] == INVENTED).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), cell=st.integers(2, 6))
def test_nothing_is_invented_where_nothing_is_hidden(seed: int, cell: int) -> None:
    """Any pixel with a back has a farther surface within the reach of the lens, and the back is that far away."""
    radius = np.ascontiguousarray(16.0 * texture(20, 24, seed, cell)[..., 0])
    surfaces, _ = _grown(texture(20, 24, seed + 1, 1), radius)
    for y, x in np.argwhere(surfaces.back_kind == INVENTED):
        back = surfaces.back_radius[y, x]
        reach = ceil(16.0) + SPARE
        around = radius[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        assert back <= around.max() + ROUNDING * 16


def test_what_is_invented_lies_behind_what_is_seen() -> None:
    radius = np.ascontiguousarray(16.0 * texture(20, 24, 9999, 2)[..., 0])
    surfaces, _ = _grown(texture(20, 24, 1, 1), radius)
    hidden = surfaces.back_kind == INVENTED
    assert (surfaces.back_radius[hidden] > radius[hidden]).all()


def test_an_even_depth_hides_nothing() -> None:
    surfaces, places = _grown(texture(10, 12), np.full((10, 12), 4.0, np.float32))
    assert len(places) == 0
    assert (surfaces.back_kind == NONE).all()


def test_the_far_side_of_a_silhouette_hides_nothing() -> None:
    surfaces, _ = _grown(*_two_halves(0.0, 12.0))
    assert (surfaces.back_kind[:, 32:] == NONE).all()


def test_a_tilted_floor_hides_nothing() -> None:
    radius = np.repeat(np.linspace(-10.0, 10.0, 40, dtype=np.float32)[:, None], 12, 1)
    _, places = _grown(texture(40, 12), radius)
    assert len(places) == 0


@settings(max_examples=20, deadline=None)
@given(far=st.floats(2.0, 25.0))
def test_behind_an_even_background_is_the_same_background(far: float) -> None:
    surfaces, _ = _grown(*_two_halves(0.0, far))
    hidden = surfaces.back_kind == INVENTED
    np.testing.assert_allclose(surfaces.back[hidden], np.tile(GREEN, (hidden.sum(), 1)), rtol=ROUNDING)
    np.testing.assert_allclose(surfaces.back_radius[hidden], far, rtol=ROUNDING)


def test_the_front_is_not_changed() -> None:
    image, radius = _two_halves(0.0, 12.0)
    before = image.copy()
    surfaces, places = _grown(image, radius)
    _smoothed(4, radius, surfaces, places)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_behind_a_thin_fence_the_two_sides_meet_in_the_middle(width: int) -> None:
    image, radius = _fence(width)
    surfaces, _ = _grown(image, radius)
    behind = surfaces.back[6, 20 : 20 + width]
    assert (surfaces.back_kind[:, 20 : 20 + width] == INVENTED).all()
    # Mirrored, the other side's colour is met.
    np.testing.assert_allclose(behind[::-1, 1], behind[:, 2], rtol=ROUNDING)
    assert (np.diff(behind[:, 1]) <= ROUNDING).all()
    np.testing.assert_allclose(behind[:, 1] + behind[:, 2], 1.1, rtol=ROUNDING)


def test_two_surfaces_behind_a_near_one_do_not_mix() -> None:
    image, radius = _two_halves(0.0, 6.0)
    image[:4, 32:] = BLUE
    radius[:4, 32:] = 15.0
    surfaces, _ = _grown(image, radius)
    hidden = surfaces.back_kind == INVENTED
    farthest = hidden & (surfaces.back_radius > 10.0)
    nearer = hidden & (surfaces.back_radius <= 10.0)
    assert farthest.any()
    assert nearer[:, :32].any()
    np.testing.assert_allclose(surfaces.back[farthest], np.tile(BLUE, (farthest.sum(), 1)), rtol=ROUNDING)
    np.testing.assert_allclose(surfaces.back[nearer], np.tile(GREEN, (nearer.sum(), 1)), rtol=ROUNDING)


def test_what_was_seen_through_a_mixed_pixel_is_continued() -> None:
    """A near pixel that was split has a real back: the surface grows on from there, and the real one is kept."""
    image, radius = _two_halves(0.0, 8.0)
    back_kind = np.zeros(radius.shape, np.uint8)
    back_kind[:, 31] = REAL
    back, back_radius = np.zeros_like(image), radius.copy()
    back[:, 31], back_radius[:, 31] = BLUE, 8.0
    coverage, front_radius = np.ones_like(radius), radius.copy()
    side = find_silhouettes(radius, STEP)
    extend_background(radius, side, STEP, image, coverage, front_radius, back, back_radius, back_kind)
    assert (back_kind[:, 31] == REAL).all()
    assert (back_kind[:, 30] == INVENTED).all()
    np.testing.assert_allclose(back[:, 24:32], np.broadcast_to(BLUE, (9, 8, 3)), rtol=ROUNDING)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_invented_pixels_are_listed_once_each_and_by_parity(seed: int) -> None:
    radius = np.ascontiguousarray(16.0 * texture(20, 24, seed, 5)[..., 0])
    surfaces, places = _grown(texture(20, 24, seed + 1, 1), radius)
    listed = {(int(y), int(x)) for y, x in places}
    assert len(listed) == len(places)
    assert listed == {(int(y), int(x)) for y, x in np.argwhere(surfaces.back_kind == INVENTED)}
    parity = places.sum(1) % 2
    assert (np.diff(parity) >= 0).all()
    assert np.isfinite(surfaces.back[surfaces.back_kind == INVENTED]).all()


@settings(max_examples=10, deadline=None)
@given(far=st.floats(2.0, 25.0), sweeps=st.integers(1, 12))
def test_smoothing_leaves_an_even_background_as_it_is(far: float, sweeps: int) -> None:
    image, radius = _two_halves(0.0, far)
    surfaces, places = _grown(image, radius)
    _smoothed(sweeps, radius, surfaces, places)
    hidden = surfaces.back_kind == INVENTED
    np.testing.assert_allclose(surfaces.back[hidden], np.tile(GREEN, (hidden.sum(), 1)), rtol=ROUNDING)


def test_smoothing_at_length_leads_evenly_from_one_side_of_a_fence_to_the_other() -> None:
    """Laplace's equation between two even sides is a straight line."""
    image, radius = _fence(7)
    surfaces, places = _grown(image, radius)
    _smoothed(100, radius, surfaces, places)
    line = np.linspace(1.0, 0.1, 9)[1:-1]
    np.testing.assert_allclose(surfaces.back[:, 20:27, 1], np.tile(line, (12, 1)), atol=1e-4)


def test_smoothing_does_not_touch_what_was_really_seen() -> None:
    image, radius = _fence(7)
    surfaces, places = _grown(image, radius)
    surfaces.back_kind[3, 20], surfaces.back[3, 20] = REAL, 5.0
    kept = np.array([place for place in places if tuple(place) != (3, 20)], np.int32)
    _smoothed(8, radius, surfaces, kept)
    assert (surfaces.back[3, 20] == 5.0).all()


def test_smoothing_gives_the_same_bits_whatever_the_number_of_threads() -> None:
    radius = np.ascontiguousarray(16.0 * texture(60, 80, 3, 7)[..., 0])
    results = []
    threads = numba.get_num_threads()
    for number in (1, threads):
        surfaces, places = _grown(texture(60, 80, 4, 1), radius)
        try:
            numba.set_num_threads(number)
            _smoothed(8, radius, surfaces, places)
        finally:
            numba.set_num_threads(threads)
        results.append(surfaces.back[surfaces.back_kind == INVENTED])
    np.testing.assert_array_equal(results[0], results[1])


def test_a_fold_of_the_near_surface_does_not_stop_what_lies_behind_it() -> None:
    """Near its outline the near surface has a step of its own: the far one grows on underneath it."""
    image, radius = _two_halves(-8.0, 8.0)
    radius[:, 24:28] += 2.0
    surfaces, _ = _grown(image, radius)
    hidden = surfaces.back_kind[4, 17:32]
    assert (hidden == INVENTED).all()
    np.testing.assert_allclose(surfaces.back_radius[4, 20:32], 8.0, atol=0.5)


def test_a_split_fold_is_one_surface_again_where_the_far_one_grows_under_it() -> None:
    image, radius = _two_halves(-8.0, 8.0)
    surfaces = Surfaces(
        front=image.copy(),
        coverage=np.ones(radius.shape, np.float32),
        front_radius=radius.copy(),
        back=np.zeros_like(image),
        back_radius=radius.copy(),
        back_kind=np.zeros(radius.shape, np.uint8),
    )
    surfaces.coverage[:, 26], surfaces.back_kind[:, 26], surfaces.back_radius[:, 26] = 0.75, REAL, -6.5
    surfaces.front[:, 26], surfaces.back[:, 26] = RED, GREEN
    extend_background(radius, find_silhouettes(radius, STEP), STEP, *surfaces.arrays())
    assert (surfaces.back_kind[:, 26] == INVENTED).all()
    assert (surfaces.coverage[:, 26] == 1.0).all()
    together = 0.75 * np.array(RED) + 0.25 * np.array(GREEN)
    np.testing.assert_allclose(surfaces.front[:, 26], np.broadcast_to(together, (9, 3)), rtol=ROUNDING)
