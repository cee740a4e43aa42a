"""What holds of every random scene, whatever its seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import DataSetError
from training.scenes.backdrops import Procedural
from training.scenes.clip_scenes import ClipScene, ClipStyle, clip_scene
from training.scenes.motion import Motion
from training.scenes.props import Prop, Rng

WIDTH, HEIGHT, FRAMES = 96, 64, 5
SEEDS = st.integers(0, 2**31 - 1)
FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])

PLATE_PSNR = 38.0
"""The plate's 64 regular samples a pixel against 1024 rays at K = 0: textures at this size have detail finer than a
pixel, which the two sum up in different places."""


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    shown = [np.clip(image[..., :3], 0.0, 1.0) ** (1.0 / 2.2) for image in (a, b)]
    return float(-10.0 * np.log10(np.mean((shown[0] - shown[1]) ** 2)))


def drawn(seed: int, **style: object) -> ClipScene:
    return clip_scene((seed,), WIDTH, HEIGHT, FRAMES, ClipStyle.model_validate(style))


def uncovered(scene: ClipScene, index: int) -> np.ndarray:
    """(E, H, W): the share of every pixel that shows each element, from its matte and the planes in front."""
    at = scene.at(index)
    mattes = np.stack([at.matte(index, e) for e in range(len(scene.places))])
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    depths = np.tensordot(at.maps(index)[:, 2], np.stack([x, y, np.ones_like(x)]), 1)
    return np.stack(
        [m * np.where(depths > d, 1.0 - mattes, 1.0).prod(axis=0) for m, d in zip(mattes, depths, strict=True)]
    )


@FEW
@given(SEEDS)
def test_every_element_shows_itself_on_some_frame(seed: int) -> None:
    scene = drawn(seed)
    shown = [uncovered(scene, index).mean(axis=(1, 2)) for index in (0, FRAMES // 2, FRAMES - 1)]
    assert np.all(np.max(shown, axis=0)[: len(scene.props)] > 0.002)


@FEW
@given(SEEDS)
def test_elements_keep_their_order_in_depth_and_nothing_in_the_frame_is_nearer_than_one(seed: int) -> None:
    scene = drawn(seed)
    disparities = scene.disparities()
    assert disparities.shape == (FRAMES, len(scene.props))
    assert np.all(np.diff(disparities, axis=1) < 0.0)
    assert np.all((disparities > 0.0) & (disparities <= 1.0))
    assert np.all((scene.beyond_disparities() > 0.0) & (scene.beyond_disparities() <= 1.0))
    for index in range(FRAMES):
        disparity = scene.at(index).view(index, side=1).disparity
        assert disparity.min() > 0.0
        assert disparity.max() <= 1.0


@FEW
@given(SEEDS)
def test_a_picture_is_opaque_and_never_flat(seed: int) -> None:
    scene = drawn(seed)
    view = scene.at(0).view(0, side=2)
    assert np.isfinite(view.image).all()
    assert view.image.min() >= 0.0
    assert view.image[..., 3].min() > 0.999
    assert np.clip(view.image[..., :3], 0.0, 1.0).std() > 0.003
    assert len(np.unique(view.disparity)) > 1


def test_the_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    first, again, other = drawn(3), drawn(3), drawn(4)
    pictures = [scene.at(2).bokeh(2, 0.5, 2.0, samples=16) for scene in (first, again, other)]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_a_blur_of_zero_the_lens_sees_what_the_plate_shows(seed: int) -> None:
    at = drawn(seed, lights=False).at(1)
    assert psnr(at.view(1).image, at.bokeh(1, 0.4, 0.0, samples=1024)) > PLATE_PSNR


def test_without_motion_nothing_moves_and_without_lights_nothing_shines() -> None:
    scene = drawn(11, motion=0.0, lights=False)
    views = [scene.at(index).view(index, side=2) for index in (0, FRAMES - 1)]
    assert np.array_equal(views[0].image, views[1].image)
    assert all(len(place.lights) == 0 for place in scene.places)


def test_as_many_elements_are_drawn_as_the_style_allows_and_never_more() -> None:
    counts = {len(drawn(seed, elements=3).props) for seed in range(12)}
    assert counts == {1, 2, 3}


def test_all_six_directions_are_taken_and_some_planes_lean() -> None:
    steps, leans = [], []
    for seed in range(16):
        for place in drawn(seed).places[:-1]:
            steps.append([*place.motion.drift, place.motion.approach])
            leans.append(np.abs(place.tilt).max())
    ways = np.array(steps)
    assert np.all(ways.min(axis=0) < 0.0)
    assert np.all(ways.max(axis=0) > 0.0)
    assert 0.2 < np.mean(np.array(leans) > 0.0) < 1.0


def test_an_eased_way_goes_as_far_as_a_steady_one_from_rest_to_rest() -> None:
    steady = Motion(0.1, 0.0, 0.5, drift=(0.02, 0.01), approach=0.01, turn=0.1)
    eased = replace(steady, eased=10.0)
    for frame in (0.0, 5.0, 10.0):
        assert eased.position(frame, 1.2) == pytest.approx(steady.position(frame, 1.2))
        assert eased.angle(frame) == pytest.approx(steady.angle(frame))
    assert np.abs(eased.offset(0.01)).max() < 0.01 * np.abs(steady.offset(0.01)).max()
    assert np.array_equal(eased.offset(12.0), eased.offset(10.0))


class _Blinking(Procedural):
    """Elements of two pictures, the second empty."""

    def __init__(self, first: float) -> None:
        self._first = np.full((24, 24, 4), first, np.float32)

    def element(self, _rng: Rng, _width: int) -> Prop:
        return Prop("blinking", (self._first, np.zeros_like(self._first)))


def test_a_moving_asset_shows_another_picture_on_each_frame() -> None:
    scene = clip_scene((5,), WIDTH, HEIGHT, 4, ClipStyle(elements=1, motion=0.0, grounds=0.0), _Blinking(1.0))
    coverage = [scene.at(index).matte(index, 0).mean() for index in range(4)]
    assert coverage[0] == coverage[2] > 0.0
    assert coverage[1] == coverage[3] == 0.0


def test_assets_that_show_nothing_are_refused_by_name() -> None:
    with pytest.raises(DataSetError, match="blinking"):
        clip_scene((5,), WIDTH, HEIGHT, 4, source=_Blinking(0.0))
