"""What holds of every scene: geometry, repeatability, motion, and the skipping of work that cannot be seen."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest

from training.scenes import Element, Motion, Scene, SceneShot, benchmark_shots, demo_shot
from training.scenes.sampling import lens_sets
from training.scenes.tracing import hard_disparity, trace

SMALL = (160, 90)
SHOTS = benchmark_shots(*SMALL)
DEMO = demo_shot(*SMALL)


def one_of_each() -> list[SceneShot]:
    """One shot of every scene."""
    return list({shot.scene: shot for shot in (*SHOTS, DEMO)}.values())


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    shown = [np.clip(image, 0.0, 1.0) ** (1.0 / 2.2) for image in (a, b)]
    return float(-10.0 * np.log10(np.mean((shown[0] - shown[1]) ** 2)))


def test_the_benchmark_covers_what_it_promises() -> None:
    assert len(SHOTS) >= 12
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)
    for shot in SHOTS:
        assert len(shot.frames) == len(shot.focus) == len(shot.strength) == 4
    full = [shot.strength[0] for shot in benchmark_shots() if shot.strength[0] == shot.strength[-1]]
    assert {8.0, 16.0, 32.0} <= set(full)
    assert SHOTS[0].strength[0] == pytest.approx(benchmark_shots()[0].strength[0] * 160 / 1024)
    assert any(shot.focus[0] != shot.focus[-1] for shot in SHOTS)
    assert any(shot.strength[0] != shot.strength[-1] for shot in SHOTS)


def test_the_demo_pulls_focus_from_near_to_far() -> None:
    assert DEMO.frames == tuple(range(1001, 1025))
    assert len(DEMO.focus) == len(DEMO.strength) == 24
    assert np.all(np.diff(DEMO.focus) <= 0.0)
    assert DEMO.focus[0] - DEMO.focus[-1] > 0.5


@pytest.mark.parametrize("shot", one_of_each(), ids=lambda shot: shot.name)
def test_views_are_premultiplied_and_disparity_is_coherent_over_time(shot: SceneShot) -> None:
    views = [shot.scene.view(frame) for frame in shot.frames[:4]]
    for view in views:
        assert view.image.shape == (90, 160, 4)
        assert view.image.dtype == view.disparity.dtype == np.float32
        assert np.isfinite(view.image).all()
        assert view.image.min() >= 0.0
        assert view.image[..., 3].max() <= 1.0 + 1e-6
        assert view.disparity.min() >= 0.0
        assert view.disparity.max() <= 1.0
        assert len(np.unique(view.disparity)) > 2
    # Edges move, but no surface jumps in depth: most pixels keep their disparity to a hundredth.
    for before, after in itertools.pairwise(views):
        assert np.median(np.abs(after.disparity - before.disparity)) < 0.01
    assert views[0].image[..., :3].max() > 2.0, "every scene has highlights above display white"


def test_one_scene_is_transparent_where_there_is_nothing() -> None:
    view = next(shot for shot in SHOTS if shot.name.startswith("cutout")).scene.view(1)
    empty = view.image[..., 3] == 0.0
    assert 0.1 < empty.mean() < 0.9
    assert np.all(view.image[empty] == 0.0)
    assert np.all(view.disparity[empty] == 0.0)


def test_views_do_not_depend_on_order_or_threads() -> None:
    shot = SHOTS[2]
    first = shot.scene.view(3), shot.scene.bokeh(3, 0.5, 4.0, samples=32)
    shot.scene.view(1)
    other = benchmark_shots(*SMALL)[2].scene
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        again = other.view(3), other.bokeh(3, 0.5, 4.0, samples=32)
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(first[0].image, again[0].image)
    assert np.array_equal(first[0].disparity, again[0].disparity)
    assert np.array_equal(first[1], again[1])


@pytest.mark.parametrize("shot", one_of_each(), ids=lambda shot: shot.name)
def test_skipping_what_cannot_be_seen_changes_nothing(shot: SceneShot) -> None:
    """The same rays with no element ever left out: bounds that say "unknown", boxes without end."""
    strength = 5.0
    planes, _ = shot.scene._at(shot.frames[1], 0.5, strength)
    unknown = np.zeros_like(planes.bounds)
    unknown[:, 1] = 1.0
    careful = planes._replace(bounds=unknown, boxes=np.tile([-np.inf, -np.inf, np.inf, np.inf], (len(planes.boxes), 1)))
    pictures = [np.zeros((90, 160, 4), np.float32) for _ in range(2)]
    depths = [np.zeros((90, 160), np.float32) for _ in range(2)]
    for which, picture, depth in zip((planes, careful), pictures, depths, strict=True):
        trace(which, lens_sets(16, 1), strength, 0.5, picture)
        hard_disparity(which, depth)
    assert np.array_equal(depths[0], depths[1])
    # Not bit by bit: what is left of a ray after many soft layers may be cut at another one.
    assert np.abs(pictures[0] - pictures[1]).max() < 1e-4


@pytest.mark.parametrize("name", ["portrait-far", "papers-breathing", "wires-near"])
def test_the_truth_has_no_visible_noise(name: str) -> None:
    shot = next(shot for shot in benchmark_shots(320, 180) if shot.name == name)
    pictures = [shot.scene.bokeh(2, shot.focus[1], shot.strength[1], seed=seed) for seed in (1, 2)]
    assert psnr(*pictures) > 47.0, "two truths; each is 3 dB closer to the limit than to the other"


def surface(alpha: float = 1.0) -> np.ndarray:
    return np.full((16, 16, 4), (0.2 * alpha, 0.2 * alpha, 0.2 * alpha, alpha), np.float32)


def test_disparity_of_a_tilted_plane_is_affine_on_screen() -> None:
    """``d = (1 - a x - b y) / c`` with ``tilt = (-a / c, -b / c)``."""
    a, b, c = 0.3, -0.5, 2.0
    plane = Element(surface(), 3.0, Motion(0.0, 0.0, 1.0 / c), tilt=(-a / c, -b / c))
    disparity = Scene(160, 90, lambda: (plane,)).view(1).disparity
    y, x = np.mgrid[:90, :160] + 0.5
    expected = (1.0 - a * (x - 80.0) / 160.0 - b * (y - 45.0) / 160.0) / c
    np.testing.assert_allclose(disparity, expected, atol=1e-6)


def test_disparity_is_hard_and_ignores_what_is_more_than_half_clear() -> None:
    veil = Element(surface(0.4), 0.5, Motion(0.0, 0.0, 0.9))
    pane = Element(surface(0.6), 0.5, Motion(0.03, 0.02, 0.7))
    back = Element(surface(), 1.5, Motion(0.0, 0.0, 0.1), endless=True)
    disparity = Scene(160, 90, lambda: (veil, pane, back)).view(1).disparity
    assert set(np.unique(disparity)) == {np.float32(0.7), np.float32(0.1)}


def test_soft_disparity_mixes_only_at_edges() -> None:
    scene = DEMO.scene
    hard, soft = scene.view(1005).disparity, scene.soft_disparity(1005)
    assert np.mean(np.abs(hard - soft) < 0.005) > 0.75
    assert np.mean(np.abs(hard - soft) > 0.05) > 0.005


def test_an_approaching_element_has_a_distance_that_falls_evenly_and_grows_on_screen() -> None:
    card = Element(surface(), 0.2, Motion(0.0, 0.0, 0.25, approach=0.1))
    back = Element(surface(), 1.5, Motion(0.0, 0.0, 0.05), endless=True)
    scene = Scene(160, 90, lambda: (card, back))
    views = [scene.view(frame).disparity for frame in (1, 2, 3, 4)]
    distances = [1.0 / view[45, 80] for view in views]
    np.testing.assert_allclose(np.diff(distances), -0.4, atol=1e-4)
    widths = [np.count_nonzero(view[45] > 0.1) for view in views]
    np.testing.assert_allclose(widths, [32.0 * view[45, 80] / 0.25 for view in views], atol=1.5)


def test_the_camera_moves_near_elements_more_than_far_ones() -> None:
    camera = Motion(0.0, 0.0, 1.0, drift=(0.05, 0.0))
    near = Element(surface(), 0.1, Motion(0.1, -0.1, 0.8))
    far = Element(surface(), 0.1, Motion(0.1, 0.1, 0.2))
    scene = Scene(160, 90, lambda: (near, far), camera=camera)
    place = [[np.nonzero(scene.view(f).disparity[row])[0].mean() for row in (29, 61)] for f in (1, 2)]
    moved = np.subtract(place[1], place[0])
    np.testing.assert_allclose(moved, [-0.05 * 0.8 * 160, -0.05 * 0.2 * 160], atol=0.6)


def test_lens_points_fill_the_disc_evenly() -> None:
    lens = lens_sets(256, 3)[..., 2:4].astype(np.float64)
    assert np.all(np.hypot(lens[..., 0], lens[..., 1]) <= 1.0 + 1e-6)
    assert np.abs(lens.mean(axis=1)).max() < 0.01
    np.testing.assert_allclose((lens**2).mean(axis=1), 0.25, atol=0.01)
