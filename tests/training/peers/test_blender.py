from __future__ import annotations

import numpy as np
import pytest

from tests.training.peers.frames import area_radius, impulse, texture
from training.peers import BlenderDefocus, DefocusSettings, Rendering

HERE = BlenderDefocus().available()
needs_blender = pytest.mark.skipif(not HERE.found, reason=HERE.reason)

RADII = (1.0, 3.3, 7.5, 20.25)


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    """Discs of all radii, then a sharp frame, in one Blender."""
    return BlenderDefocus().render([*(impulse(radius) for radius in RADII), texture(0.0)])


@needs_blender
def test_an_impulse_in_blender_covers_the_disc_of_its_radius(rendering: Rendering) -> None:
    for radius, image in list(zip(RADII, rendering.images, strict=False))[1:]:
        assert area_radius(image) == pytest.approx(radius, abs=0.25)


@needs_blender
def test_a_radius_of_one_pixel_is_no_blur_in_blender(rendering: Rendering) -> None:
    assert np.count_nonzero(rendering.images[0][..., 0]) == 1


@needs_blender
def test_blender_keeps_the_energy_of_a_point_light(rendering: Rendering) -> None:
    for image in rendering.images[: len(RADII)]:
        assert image.sum(axis=(0, 1)) == pytest.approx(1000.0, rel=1e-3)


@needs_blender
def test_files_through_blender_are_linear_and_without_loss(rendering: Rendering) -> None:
    assert np.array_equal(rendering.images[-1], texture(0.0).image)


@needs_blender
def test_a_larger_radius_costs_blender_more(rendering: Rendering) -> None:
    seconds = rendering.cpu_seconds
    assert len(seconds) == len(RADII) + 1
    assert all(value >= 0.0 for value in seconds)
    assert seconds[3] > seconds[0]


@needs_blender
def test_a_depth_through_the_camera_gives_blender_the_same_radius() -> None:
    frames = [impulse(7.5), impulse(20.25)]
    images = BlenderDefocus(DefocusSettings(z_buffer=True)).render(frames).images
    assert [area_radius(image) for image in images] == pytest.approx([7.5, 20.25], abs=0.25)


def test_a_missing_blender_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert BlenderDefocus().available().reason == "blender is not on the path; install it with: apt install blender"
