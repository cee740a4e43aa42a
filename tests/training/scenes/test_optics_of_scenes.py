"""The traced truth against closed forms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.errors import OpticsError
from engine.frames import Float32Array
from tests.training.scenes.brute_force import FOCAL_LENGTH, Card, frame_of
from training.scenes import Element, Motion, Scene
from training.scenes.textures import mixed, noise

WIDTH, HEIGHT = 160, 90

# Why each tolerance is what it is.
SAMPLING_NOISE = 2e-3  # 256 rays over a texture of moderate contrast
ENERGY = 0.005  # asked for by the training's data
EDGE = 0.012  # 400 rays against an area, about 1/4 of one lattice row
CONSTANT = 2e-6  # single-precision sums


def opaque(colour: Sequence[float], size: int = 32) -> Float32Array:
    return np.full((size, size, 4), (*colour, 1.0), np.float32)


def textured(seed: int, alpha: float = 1.0) -> Float32Array:
    colour = mixed(noise(180, 320, seed, 5.0, 3), (0.1, 0.2, 0.3), (0.7, 0.5, 0.4))
    return np.concatenate([colour, np.ones((180, 320, 1), np.float32)], axis=-1) * np.float32(alpha)


def backdrop(surface: Float32Array, disparity: float, lights: Float32Array | None = None) -> Element:
    none = np.zeros((0, 6), np.float32)
    return Element(surface, 1.5, Motion(0.0, 0.0, disparity), lights=none if lights is None else lights, endless=True)


def scene_of(*elements: Element) -> Scene:
    return Scene(WIDTH, HEIGHT, lambda: elements)


def point_light(radius_px: float = 0.8, power: float = 1000.0) -> Float32Array:
    """One light near the middle of a backdrop of size 1.5."""
    return np.array([[0.003, -0.002, radius_px / WIDTH / 1.5, power, 0.5 * power, 0.1 * power]], np.float32)


def test_a_plane_in_focus_equals_the_plate() -> None:
    scene = scene_of(backdrop(textured(1), 0.4))
    difference = scene.bokeh(1, 0.4, 30.0) - scene.view(1).image
    assert np.abs(difference).max() < SAMPLING_NOISE


def test_no_blur_gives_the_plate_whatever_the_focus() -> None:
    near = Element(textured(2, 0.6), 0.4, Motion(0.1, 0.0, 0.9))
    scene = scene_of(near, backdrop(textured(1), 0.4))
    plate, result = scene.view(1).image, scene.bokeh(1, 0.77, 0.0)
    # The border of the near sheet crosses pixels, where 256 rays differ from the plate's 64.
    assert np.abs(result - plate).mean() < SAMPLING_NOISE / 10
    assert np.abs(result - plate).max() < 0.02


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.79, 0.81, 1.5, 6.0, 20.0])
def test_a_point_light_becomes_a_disc_and_keeps_its_energy(radius: float) -> None:
    scene = scene_of(backdrop(opaque((0.0, 0.0, 0.0)), 0.5, point_light()))
    plate = scene.view(1).image.astype(np.float64)
    result = scene.bokeh(1, 0.25, radius / 0.25).astype(np.float64)
    own = np.pi * 0.8**2 / 3.0 * 1000.0
    assert plate[..., 0].sum() == pytest.approx(own, rel=ENERGY)
    assert result[..., 0].sum() == pytest.approx(own, rel=ENERGY)
    y, x = np.nonzero(result[..., 0])
    away = np.hypot(x + 0.5 - (0.0045 * WIDTH + WIDTH / 2), y + 0.5 - (HEIGHT / 2 - 0.003 * WIDTH))
    assert away.max() <= radius + 0.8 + np.sqrt(0.5) + 1e-3
    if radius > 3.0:
        inside = result[..., 0][y[away < radius - 2.0], x[away < radius - 2.0]]
        np.testing.assert_allclose(inside, own / (np.pi * radius**2), rtol=0.005)


def disc_beyond(x: np.ndarray, radius: float) -> np.ndarray:
    """Share of a disc's area to the right of a line at distance x to the right of its middle."""
    t = np.clip(x / radius, -1.0, 1.0)
    return (np.arccos(t) - t * np.sqrt(1.0 - t * t)) / np.pi


@pytest.mark.parametrize("strength", [8.0, 20.0])
def test_what_a_blurred_edge_hides_shows_through_as_the_area_of_a_disc_segment(strength: float) -> None:
    """A white half-plane at d = 0.9 before a red one in focus at d = 0.3: its share is a segment of the lens."""
    white = Element(opaque((1.0, 1.0, 1.0), 400), 2.0, Motion(-1.0, 0.0, 0.9))
    scene = scene_of(white, backdrop(opaque((1.0, 0.0, 0.0)), 0.3))
    row = scene.bokeh(1, 0.3, strength, samples=400)[HEIGHT // 2]
    x = np.arange(WIDTH) + 0.5 - WIDTH / 2
    expected = disc_beyond(x, strength * 0.6)
    np.testing.assert_allclose(row[:, 1], expected, atol=EDGE)
    np.testing.assert_allclose(row[:, 0], 1.0, atol=CONSTANT * 10)


def test_a_background_behind_a_sharp_edge_is_blurred_only_from_what_its_own_rays_reach() -> None:
    """A white background seen past a sharp black half-plane does not darken: rays beside the edge all pass it."""
    black = Element(opaque((0.0, 0.0, 0.0), 400), 2.0, Motion(-1.0, 0.0, 0.8))
    scene = scene_of(black, backdrop(opaque((1.0, 1.0, 1.0)), 0.1))
    row = scene.bokeh(1, 0.8, 25.0)[HEIGHT // 2, :, 0]
    assert np.all(row[: WIDTH // 2 - 1] == 0.0)
    np.testing.assert_allclose(row[WIDTH // 2 + 1 :], 1.0, atol=CONSTANT * 10)


def test_a_constant_scene_stays_constant() -> None:
    grey = (0.25, 0.5, 0.75)
    veil = np.float32(0.3) * opaque(grey)
    scene = scene_of(
        Element(veil, 0.3, Motion(0.1, 0.0, 0.9), tilt=(0.5, 0.2)),
        Element(opaque(grey), 0.4, Motion(-0.1, 0.1, 0.5)),
        backdrop(opaque(grey), 0.1),
    )
    expected = np.broadcast_to(np.array([*grey, 1.0], np.float32), (HEIGHT, WIDTH, 4))
    # A ray that has lost 99.8 % of its light stops, hence not exactly one.
    np.testing.assert_allclose(scene.bokeh(1, 0.4, 30.0), expected, atol=0.002)


@pytest.mark.parametrize("focus", [0.05, 0.9])
@pytest.mark.parametrize("place", [(0.15, 0.05), (-0.15, 0.0), (0.05, 0.08)])
@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.6, 0.2), (-0.5, 0.4), (0.0, -0.8)])
def test_a_light_on_a_tilted_plane_becomes_a_disc_of_the_radius_of_its_own_disparity(
    tilt: tuple[float, float], place: tuple[float, float], focus: float
) -> None:
    """``K abs(d - d_f)`` within a quarter of a pixel, by the second moment and by the area of the disc."""
    strength, own = 30.0, 0.7
    plane = Card(opaque((0.0, 0.0, 0.0)), 1.2, 0.02, -0.01, 0.5, tilt, angle=0.3)
    middle, _, across, down = frame_of(plane)
    point = middle + plane.size / plane.disparity * (place[0] * across + place[1] * down)
    disparity = FOCAL_LENGTH / point[2]
    expected = strength * abs(disparity - focus)
    size = own / WIDTH / (plane.size / plane.disparity) / disparity
    light = np.array([[*place, size, 1000.0, 0.0, 0.0]], np.float32)
    motion = Motion(plane.x, plane.y, plane.disparity, angle_start=plane.angle)
    scene = scene_of(Element(plane.surface, plane.size, motion, tilt, lights=light))
    result = scene.bokeh(1, focus, strength, samples=400)[..., 0].astype(np.float64)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    energy = result.sum()
    mx, my = (result * x).sum() / energy, (result * y).sum() / energy
    spread = (result * ((x - mx) ** 2 + (y - my) ** 2)).sum() / energy
    # Of the light itself, whose profile is (1 - s^2)^2, and of the pixel's square.
    spread -= own**2 / 4.0 + 1.0 / 6.0
    seen = point[:2] * disparity * WIDTH + (WIDTH / 2.0, HEIGHT / 2.0)
    assert np.hypot(mx - seen[0], my - seen[1]) < 0.05
    assert np.sqrt(2.0 * spread) == pytest.approx(expected, abs=0.25)
    plateau = np.median(result[np.hypot(x - mx, y - my) < expected / 2.0])
    assert np.sqrt(np.count_nonzero(result > plateau / 2.0) / np.pi) == pytest.approx(expected, abs=0.25)
    assert energy == pytest.approx(np.pi * own**2 / 3.0 * 1000.0, rel=ENERGY)


def test_a_painted_dot_on_a_tilted_plane_is_blurred_like_a_light_on_it() -> None:
    """The same dot once as texture, traced from the lens, and once as an emitter, traced from the light."""
    n = 512
    place = (np.arange(n) + 0.5) / n - 0.5
    radius = 0.02
    away = ((place[None, :] - 0.1) ** 2 + (place[:, None] - 0.03) ** 2) / radius**2
    dot = np.clip(1.0 - away, 0.0, None) ** 2
    painted = np.zeros((n, n, 4), np.float32)
    painted[..., :3] = 20.0 * dot[..., None]
    painted[..., 3] = 1.0
    light = np.array([[0.1, 0.03, radius, 20.0, 20.0, 20.0]], np.float32)
    middle, tilt = Motion(0.0, 0.0, 0.6), (0.08, 0.03)
    textured_dot = Element(painted, 1.0, middle, tilt)
    lit_dot = Element(opaque((0.0, 0.0, 0.0)), 1.0, middle, tilt, lights=light)
    # Few rays find a small dot by chance: many are needed.
    texture, emitter = (scene_of(e).bokeh(1, 0.3, 30.0, samples=1600) for e in (textured_dot, lit_dot))
    # The emitter faces the camera, the dot leans with the plane by 10 degrees: its cosine is 0.986.
    assert np.abs(texture - emitter)[..., 0].max() < 0.06 * emitter[..., 0].max()
    assert texture[..., 0].sum() == pytest.approx(emitter[..., 0].sum(), rel=0.02)


@pytest.mark.parametrize(("focus", "strength"), [(0.5, -1.0), (float("nan"), 1.0), (0.5, float("inf"))])
def test_a_lens_that_cannot_be_is_refused(focus: float, strength: float) -> None:
    with pytest.raises(OpticsError, match="scene needs a finite focus"):
        scene_of(backdrop(opaque((0.0, 0.0, 0.0)), 0.5)).bokeh(1, focus, strength)
