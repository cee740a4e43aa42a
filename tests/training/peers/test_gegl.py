from __future__ import annotations

import numpy as np
import pytest

from tests.training.peers.frames import area_radius, impulse, texture
from training.peers import GeglLensBlur, LensBlurSettings, Rendering

HERE = GeglLensBlur().available()
needs_gegl = pytest.mark.skipif(not HERE.found, reason=HERE.reason)

RADII = (0.0, 1.0, 3.3, 7.5, 20.25)


@pytest.fixture(scope="module")
def discs() -> Rendering:
    return GeglLensBlur(LensBlurSettings(bias=0.0)).render([impulse(radius) for radius in RADII])


@needs_gegl
def test_an_impulse_in_gegl_covers_a_disc_half_a_pixel_larger_than_its_radius(discs: Rendering) -> None:
    for radius, image in zip(RADII, discs.images, strict=True):
        assert area_radius(image) == pytest.approx(radius + 0.5, abs=0.2)


@needs_gegl
def test_the_settings_used_give_gegl_the_radius_of_the_lens() -> None:
    radii = (3.3, 7.5, 20.25)
    for radius, image in zip(radii, GeglLensBlur().render([impulse(r) for r in radii]).images, strict=True):
        assert area_radius(image) == pytest.approx(radius, abs=0.2)


@needs_gegl
def test_gegl_keeps_the_energy_of_a_point_light(discs: Rendering) -> None:
    for image in discs.images:
        assert image.sum(axis=(0, 1)) == pytest.approx(1000.0, rel=1e-4)


@needs_gegl
def test_a_picture_in_focus_comes_back_from_gegl_in_linear_light_as_it_was() -> None:
    frame = texture(0.0)
    rendering = GeglLensBlur().render([frame])
    # Running sums leave the last bits of float32.
    assert np.allclose(rendering.images[0], frame.image, rtol=1e-5, atol=2e-6)
    assert 0.0 <= rendering.cpu_seconds[0] < 0.2


@needs_gegl
def test_a_frame_without_blur_everywhere_else_stays_sharp_in_focus() -> None:
    frame = texture(0.0)
    disparity = frame.disparity.copy()
    disparity[:, 90:] -= 0.06
    mixed = type(frame)(1, frame.image, frame.channels, disparity, 1.0, frame.strength, frame.window)
    image = GeglLensBlur().render([mixed]).images[0]
    assert np.allclose(image[:, :80], frame.image[:, :80], atol=1e-5)
    assert not np.allclose(image[:, 100:], frame.image[:, 100:], atol=1e-2)


def test_a_missing_gegl_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert GeglLensBlur().available().reason == "gegl is not on the path; install it with: apt install gegl"
