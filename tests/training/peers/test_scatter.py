from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.peers.frames import HEIGHT, WIDTH, area_radius, impulse, plate, texture
from training.peers import PlainScatter
from training.peers.scatter import scatter


def test_a_constant_picture_stays_what_it_is_under_any_radii() -> None:
    radius = np.random.default_rng(1).uniform(0.0, 30.0, (HEIGHT, WIDTH)).astype(np.float32)
    image = np.full((HEIGHT, WIDTH, 4), (0.2, 3.0, 0.0, 1.0), np.float32)
    assert scatter(image, radius) == pytest.approx(image, abs=1e-5)


def test_what_is_in_focus_keeps_every_value() -> None:
    frame = texture(0.0)
    assert PlainScatter().render([frame]).images[0] == pytest.approx(frame.image, rel=1e-6)


@pytest.mark.parametrize("radius", [1.5, 4.0, 7.5, 20.0])
def test_a_point_becomes_a_disc_of_its_radius(radius: float) -> None:
    assert area_radius(PlainScatter().render([impulse(radius)]).images[0]) == pytest.approx(radius, abs=0.3)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 20.0))
def test_a_point_keeps_its_light_at_every_radius(radius: float) -> None:
    """One radius all over, so that the weights are even but for the rim's rounding."""
    frame = impulse(radius)
    result = PlainScatter().render([frame]).images[0]
    assert result.sum() == pytest.approx(frame.image.sum(), rel=0.01)


def test_nothing_hides_anything() -> None:
    """A sharp half beside a blurred one: the blurred light falls onto the sharp side, which a lens forbids."""
    image = np.zeros((40, 40, 3), np.float32)
    image[:, 20:] = 1.0
    radius = np.zeros((40, 40), np.float32)
    radius[:, 20:] = 6.0
    result = PlainScatter().render([plate(image, radius)]).images[0]
    assert result[20, 17].min() > 0.01
    assert result[20, 5].max() == 0.0


def test_every_frame_is_timed() -> None:
    rendering = PlainScatter().render([texture(8.0), texture(2.0)])
    assert len(rendering.images) == len(rendering.cpu_seconds) == 2
    assert min(rendering.cpu_seconds) > 0.0
