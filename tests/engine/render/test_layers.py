"""The further layers, and what the overlay says."""

from __future__ import annotations

import numpy as np
import pytest

from engine.frames import PlateFrame, RenderedFrame, Window
from engine.optics import Defocus
from engine.render.layers import focus_overlay, output_layers


def frames() -> tuple[PlateFrame, RenderedFrame]:
    image = np.full((4, 6, 3), 0.3, np.float32)
    disparity = np.tile(np.linspace(0, 1, 6, dtype=np.float32), (4, 1))
    window = Window.of_size(6, 4)
    plate = PlateFrame(1, image, ("R", "G", "B"), disparity, 0.4, 20.0, window)
    return plate, RenderedFrame(1, image, ("R", "G", "B"), window)


@pytest.mark.parametrize(("radius", "strongest"), [(30.0, 2), (5.0, 2), (0.0, 1), (0.9, 1), (-5.0, 0), (-30.0, 0)])
def test_behind_is_blue_in_focus_green_and_in_front_red(radius: float, strongest: int) -> None:
    image = np.full((2, 2, 4), 0.3, np.float32)
    overlay = focus_overlay(image, np.full((2, 2), radius, np.float32))
    assert overlay.shape == (2, 2, 3)
    assert overlay.dtype == np.float32
    assert int(np.argmax(overlay[0, 0])) == strongest


def test_the_overlay_keeps_the_picture_and_stays_finite_under_lamps() -> None:
    image = np.zeros((1, 3, 3), np.float32)
    image[0, :, :] = np.array([[0.0], [0.5], [5000.0]])
    overlay = focus_overlay(image, np.full((1, 3), 9.0, np.float32))
    light = overlay.sum(axis=2)[0]
    assert 0 < light[0] < light[1] < light[2] < 10


def test_only_the_layers_asked_for_are_made() -> None:
    plate, rendered = frames()
    assert output_layers((), plate, rendered, Defocus()) == {}
    assert set(output_layers(("coc", "invented"), plate, rendered, Defocus())) == {"CoC.x", "invented.A"}


def test_the_circle_of_confusion_is_signed_and_what_the_renderer_used() -> None:
    plate, rendered = frames()
    layers = output_layers(("coc", "disparity"), plate, rendered, Defocus(maximum_radius=6.0))
    expected = np.clip(20 * (0.4 - layers["disparity.Z"]), -6, 6)
    np.testing.assert_allclose(layers["CoC.x"], expected, atol=1e-5)


def test_a_renderer_that_cannot_tell_invents_nothing() -> None:
    plate, rendered = frames()
    assert not output_layers(("invented",), plate, rendered, Defocus())["invented.A"].any()
