"""The picture as the lens sees it, against views painted one at a time in plain NumPy."""

from __future__ import annotations

from math import ceil

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.aperture import Lens, lens_points, opening_integral
from engine.renderers.optical.background import INVENTED, NONE, REAL
from engine.renderers.optical.lamps import Lamps
from engine.renderers.optical.light_field import paint_views
from engine.renderers.optical.slices import cut_slices
from engine.renderers.optical.spot import Spot
from engine.renderers.optical.stack import Stack, stack_slices
from engine.renderers.optical.stamps import cut_stamps
from engine.renderers.optical.surfaces import Surfaces
from engine.shot import Aperture
from tests.engine.renderers.optical.plates import texture

ROUNDING = 2e-6
"""Sums of a few tens of weighted values of about 1, in single precision."""

ENERGY = 1e-4
"""Of a lamp: the sum of its stamp's shares."""

LEVELS = (9.0, 5.0, 0.0, -4.0)
"""Radii of the things in a random scene, from far to near; farther apart than slices that overlap."""


def _points(*points: tuple[float, float, float], cats_eye: float = 0.0) -> Lens:
    """A lens of a few chosen points."""
    return Lens(
        points=np.array(points, np.float32),
        spacing=(0.001, 0.001),
        nearest=np.zeros((1, 1), np.int32),
        opening=np.zeros((2, 2)),
        cats_eye=cats_eye,
    )


def _random_points(seed: int, number: int) -> Lens:
    random = np.random.default_rng(seed)
    angle, share = random.uniform(0, 2 * np.pi, number), np.sqrt(random.random(number))
    weight = random.random(number) + 0.1
    return _points(*zip(share * np.cos(angle), share * np.sin(angle), weight / weight.sum(), strict=True))


def _lens(aperture: Aperture | None = None, number: int = 300, picture: Float32Array | None = None) -> Lens:
    aperture = aperture or Aperture()
    return lens_points(aperture, number, opening_integral(aperture, picture), picture)


MIDDLE = _points((0.0, 0.0, 1.0))


def _scene(seed: int, height: int, width: int) -> Surfaces:
    """Things at a few distances; behind each lies the farthest one, so that every view shows something everywhere."""
    random = np.random.default_rng(seed)
    shape = (height, width)
    level = random.integers(0, len(LEVELS), (height // 3 + 1, width // 3 + 1)).repeat(3, 0).repeat(3, 1)
    radius = np.array(LEVELS, np.float32)[level[:height, :width]]
    hides = radius < LEVELS[0]
    soft = hides & (random.random(shape) < 0.2)
    return Surfaces(
        front=texture(height, width, seed, 1),
        coverage=np.where(soft, random.random(shape), 1.0).astype(np.float32),
        front_radius=np.ascontiguousarray(radius),
        back=texture(height, width, seed + 1, 1),
        back_radius=np.full(shape, LEVELS[0], np.float32),
        back_kind=np.where(hides, np.where(soft, REAL, INVENTED), NONE).astype(np.uint8),
    )


def _flat(image: Float32Array, radius: float) -> Surfaces:
    """A picture at one distance."""
    shape = image.shape[:2]
    return Surfaces(
        front=image,
        coverage=np.ones(shape, np.float32),
        front_radius=np.full(shape, radius, np.float32),
        back=np.zeros_like(image),
        back_radius=np.full(shape, radius, np.float32),
        back_kind=np.full(shape, NONE, np.uint8),
    )


def _no_lamps() -> Lamps:
    return Lamps(np.empty((0, 2), np.int32), np.empty(0, np.float32), np.empty((0, 3), np.float32))


def _lamp(y: int, x: int, radius: float, light: float) -> Lamps:
    return Lamps(np.array([[y, x]], np.int32), np.array([radius], np.float32), np.full((1, 3), light, np.float32))


def _stack(surfaces: Surfaces, lens: Lens, aspect: float) -> Stack:
    """Slices of both surfaces, moved as far as the lens's points lie apart."""
    both = np.concatenate([surfaces.front_radius, surfaces.back_radius])
    return stack_slices(both, lens, _spot(lens, aspect), aspect)


def _spot(lens: Lens, aspect: float) -> Spot:
    x, y = (float(lens.points[:, 2].astype(np.float64) @ lens.points[:, axis] ** 2) for axis in (0, 1))
    return Spot((x / aspect**2, y))


def _painted(
    surfaces: Surfaces, lens: Lens, lamps: Lamps | None = None, aspect: float = 1.0, at_once: int = 1000
) -> Float32Array:
    """The picture as the renderer paints it: (H, W, 4), colours and invented share."""
    lamps = lamps or _no_lamps()
    height, width = surfaces.coverage.shape
    largest = float(max(np.abs(surfaces.front_radius).max(), np.abs(surfaces.back_radius).max()))
    pad = min(ceil(largest / aspect) + 1, width)
    wide = surfaces.widened(pad)
    stack = _stack(surfaces, lens, aspect)
    slices, stamps = cut_slices(wide, stack.borders), cut_stamps(lamps, lens, _spot(lens, aspect), aspect)
    out = np.full((height, width, 4), np.nan, np.float32)
    for first in range(0, height, at_once):
        paint_views(
            wide.front, wide.coverage, wide.back, stack.radii, stack.shift_x, stack.shift_y,
            slices.start, slices.runs, slices.rows,
            lens.points, lens.nearest, (*lamps.arrays(), *stamps.arrays()),
            aspect, lens.cats_eye, pad, first, min(first + at_once, height), out,
        )  # fmt: skip
    return out


def _mirrored(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    index = np.where(index < 0, -1 - index, index)
    return np.clip(np.where(index >= size, 2 * size - 1 - index, index), 0, size - 1)


def _view(surfaces: Surfaces, stack: Stack, point: int) -> NDArray[np.float64]:
    """What one lens point sees: every pixel asks each distance, from far to near, what lies there."""
    height, width = surfaces.coverage.shape
    y, x = np.mgrid[0:height, 0:width]
    view = np.zeros((height, width, 4))
    front = np.concatenate([surfaces.front, np.zeros((height, width, 1))], axis=2)
    back = np.concatenate([surfaces.back, (surfaces.back_kind == INVENTED)[..., None]], axis=2)
    for level in LEVELS:
        s = int((stack.borders > np.float32(level)).sum())
        rows = _mirrored(y - int(stack.shift_y[point, s]), height)
        columns = _mirrored(x - int(stack.shift_x[point, s]), width)
        cover = surfaces.coverage[rows, columns, None] * (surfaces.front_radius[rows, columns, None] == level)
        view += cover * (front[rows, columns] - view)
        is_back = (surfaces.back_radius == level) & (surfaces.back_kind != NONE)
        view = np.where(is_back[rows, columns, None], back[rows, columns], view)
    return view


def _by_hand(surfaces: Surfaces, lens: Lens, aspect: float) -> NDArray[np.float64]:
    stack = _stack(surfaces, lens, aspect)
    views = [float(w) * _view(surfaces, stack, i) for i, w in enumerate(lens.points[:, 2])]
    mean: NDArray[np.float64] = np.sum(views, axis=0)
    return mean


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(10, 16),
    width=st.integers(20, 26),
    number=st.integers(1, 9),
    aspect=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_the_picture_is_the_mean_of_what_each_lens_point_sees(
    seed: int, height: int, width: int, number: int, aspect: float
) -> None:
    surfaces, lens = _scene(seed, height, width), _random_points(seed, number)
    painted = _painted(surfaces, lens, aspect=aspect)
    np.testing.assert_allclose(painted, _by_hand(surfaces, lens, aspect), atol=ROUNDING)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_middle_of_the_lens_sees_the_plate(seed: int) -> None:
    surfaces = _scene(seed, 12, 20)
    painted = _painted(surfaces, MIDDLE)
    a = surfaces.coverage[..., None]
    opaque = surfaces.coverage == 1.0
    np.testing.assert_array_equal(painted[opaque][:, :3], surfaces.front[opaque])
    np.testing.assert_allclose(painted[..., :3], a * surfaces.front + (1 - a) * surfaces.back, atol=ROUNDING)
    assert not painted[..., 3].any()


def test_what_is_in_focus_does_not_move_whatever_lens_point_looks() -> None:
    image = texture(12, 20)
    painted = _painted(_flat(image, 0.0), _random_points(1, 7))
    np.testing.assert_allclose(painted[..., :3], image, rtol=ROUNDING)


@pytest.mark.parametrize("radius", [6.0, -6.0])
def test_far_things_move_with_the_lens_point_and_near_things_against_it(radius: float) -> None:
    image = np.zeros((21, 21, 3), np.float32)
    image[10, 10] = 1.0
    painted = _painted(_flat(image, radius), _points((1.0, 0.5, 1.0)))
    y, x = np.argwhere(painted[..., 0] > 0.5)[0]
    assert x - 10 == pytest.approx(radius, abs=0.6)
    assert y - 10 == pytest.approx(0.5 * radius, abs=0.6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), at_once=st.integers(1, 12))
def test_rows_painted_a_few_at_a_time_have_the_same_bits(seed: int, at_once: int) -> None:
    surfaces, lens, lamps = _scene(seed, 12, 20), _lens(number=20), _lamp(5, 9, 7.0, 50.0)
    np.testing.assert_array_equal(_painted(surfaces, lens, lamps, at_once=at_once), _painted(surfaces, lens, lamps))


def test_the_same_bits_whatever_the_number_of_threads() -> None:
    surfaces, lens, lamps = _scene(3, 40, 50), _lens(number=64), _lamp(15, 20, 7.0, 50.0)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = _painted(surfaces, lens, lamps)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(one, _painted(surfaces, lens, lamps))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), cats_eye=st.sampled_from([0.0, 0.4, 1.0]))
def test_an_even_scene_stays_even_and_no_more_than_all_of_it_is_invented(seed: int, cats_eye: float) -> None:
    surfaces = _scene(seed, 12, 20)
    surfaces.front[:] = surfaces.back[:] = 0.5
    painted = _painted(surfaces, _lens(Aperture(cats_eye=cats_eye)))
    np.testing.assert_allclose(painted[..., :3], 0.5, rtol=1e-4)
    assert painted[..., 3].min() >= 0.0
    assert painted[..., 3].max() <= 1.0 + 1e-4


@settings(max_examples=15, deadline=None)
@given(radius=st.floats(-14.0, 14.0), aspect=st.sampled_from([0.5, 1.0, 2.0]), light=st.floats(1.0, 5000.0))
def test_a_lamp_that_nothing_hides_gives_all_its_light(radius: float, aspect: float, light: float) -> None:
    surfaces = _flat(np.zeros((41, 71, 3), np.float32), radius)
    painted = _painted(surfaces, _lens(), _lamp(20, 35, radius, light), aspect)
    for c in range(3):
        assert painted[..., c].sum(dtype=np.float64) == pytest.approx(light, rel=ENERGY)


@pytest.mark.parametrize("radius", [10.0, -10.0])
def test_a_lamp_has_the_shape_that_the_views_have(radius: float) -> None:
    """With an opening on one side: a lamp and a pixel of the plate are seen on the same side of their place."""
    picture = np.zeros((32, 32), np.float32)
    picture[:16, :16] = 1.0
    lens = _lens(picture=picture, number=300)
    image = np.zeros((41, 41, 3), np.float32)
    lamp = _painted(_flat(image, radius), lens, _lamp(20, 20, radius, 100.0))[..., 0]
    image[20, 20] = 100.0
    seen = _painted(_flat(image, radius), lens)[..., 0]
    y, x = np.mgrid[0:41, 0:41] - 20.0
    for place in (y, x):
        assert (lamp * place).sum() / 100.0 == pytest.approx(-0.5 * radius, abs=0.3)
        assert (seen * place).sum() / 100.0 == pytest.approx(-0.5 * radius, abs=0.3)


@pytest.mark.parametrize("radius", [3.0, 12.0])
def test_a_lamp_behind_a_wall_in_focus_is_not_seen(radius: float) -> None:
    wall = _flat(texture(41, 41), 0.0)
    painted = _painted(wall, _lens(), _lamp(20, 20, radius, 1000.0))
    np.testing.assert_allclose(painted, _painted(wall, _lens()), atol=ROUNDING)


@pytest.mark.parametrize("radius", [-3.0, -12.0])
def test_a_lamp_in_front_of_a_wall_in_focus_is_seen(radius: float) -> None:
    painted = _painted(_flat(np.zeros((41, 41, 3), np.float32), 0.0), _lens(), _lamp(20, 20, radius, 1000.0))
    assert painted[..., 0].sum(dtype=np.float64) == pytest.approx(1000.0, rel=ENERGY)


@pytest.mark.parametrize("radius", [2.0, 12.0])
def test_a_lamp_behind_a_thing_that_covers_by_a_part_shines_through_by_the_rest(radius: float) -> None:
    surfaces = _flat(np.zeros((41, 41, 3), np.float32), radius)
    surfaces.coverage[:], surfaces.front_radius[:] = 0.3, 0.0
    surfaces.back_kind[:] = REAL
    painted = _painted(surfaces, _lens(), _lamp(20, 20, radius, 1000.0))
    assert painted[..., 0].sum(dtype=np.float64) == pytest.approx(700.0, rel=0.01)


def test_a_lamp_at_the_edge_of_a_near_wall_is_seen_by_the_lens_points_that_look_past_it() -> None:
    """A blurred wall in front of half of a lamp in focus hides it from half of the lens."""
    surfaces = _flat(np.zeros((41, 61, 3), np.float32), 0.0)
    surfaces.front_radius[:, :30] = -10.0
    surfaces.back_kind[:, :30] = INVENTED
    lamps = Lamps(np.array([[20, 30], [20, 29]], np.int32), np.zeros(2, np.float32), np.full((2, 3), 500.0, np.float32))
    painted = _painted(surfaces, _lens(), lamps)
    assert painted[..., 0].sum(dtype=np.float64) == pytest.approx(500.0, rel=0.1)


def test_a_cats_eye_takes_light_from_the_rim_towards_the_corner_and_none_in_the_middle() -> None:
    surfaces = _flat(np.zeros((161, 161, 3), np.float32), 10.0)
    lens = _lens(Aperture(cats_eye=0.8), number=600)
    middle = _painted(surfaces, lens, _lamp(80, 80, 10.0, 100.0))[..., 0] > 0.1
    corner = _painted(surfaces, lens, _lamp(20, 20, 10.0, 100.0))[..., 0] > 0.1
    assert middle.sum() == pytest.approx(np.pi * 100.0, rel=0.1)
    assert corner.sum() < 0.85 * middle.sum()
    y, x = np.argwhere(corner).mean(0)
    assert abs(y - x) < 0.5
    # What is left of the disc lies towards the middle or the corner of the frame, never across.
    assert abs(y - 20) > 1.0
