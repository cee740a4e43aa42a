"""Blur that grows smoothly from nothing, in the picture that the renderer gives."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical import OpticalRenderer
from engine.renderers.optical.aperture import opening_integral
from engine.renderers.optical.spot import opening_moments
from engine.shot import Aperture
from tests.engine.renderers.optical.plates import plate, texture
from training.metrics import display

Quality = Literal["draft", "final"]
QUALITIES: tuple[Quality, ...] = ("draft", "final")

WIDE = 0.1
"""Of the second moment of a point's image: less than an eye can tell from the disc's."""

ENERGY = 0.005
"""Of a point's light: the largest discs of the draft touch the border."""

JUMP = 2.5
"""The largest step of a slow pull, in mean steps."""

RADII = (
    0.15,
    0.2,
    0.3,
    0.45,
    0.6,
    0.76,
    1.0,
    1.3,
    1.6,
    2.0,
    2.4,
    2.5,
    3.0,
    3.7,
    4.5,
    6.0,
    9.0,
    13.0,
    22.0,
    40.0,
    65.0,
    100.0,
)

OPENINGS = {
    "disc": Aperture(),
    "hexagon": Aperture(blades=6),
    "triangle": Aperture(blades=3, rotation=20.0),
    "oval": Aperture(aspect=0.5),
}


@cache
def _renderer(quality: Quality, opening: str = "disc") -> OpticalRenderer:
    return OpticalRenderer(OPENINGS[opening], quality)


def _spot(
    quality: Quality, radius: float, light: float, aspect: float = 1.0, opening: str = "disc"
) -> tuple[float, NDArray[np.float64]]:
    """Light of a point's image, and its second moment about its own middle along x and y."""
    size = 2 * int(abs(radius) * max(1.0, 1.0 / aspect) + 8) + 1
    image = np.zeros((size, size, 3), np.float32)
    image[size // 2, size // 2] = light
    at = plate(image, 0.5, 0.5 + np.copysign(0.5, radius), 2.0 * abs(radius), pixel_aspect=aspect)
    seen = _renderer(quality, opening).render(at).image[..., 0].astype(np.float64)
    energy = seen.sum()
    moments = []
    for place in np.mgrid[0:size, 0:size][::-1]:
        middle = (seen * place).sum() / energy
        moments.append((seen * (place - middle) ** 2).sum() / energy)
    return float(energy), np.array(moments)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("aspect", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("light", [1.0, 1000.0], ids=["point", "lamp"])
def test_the_image_of_a_point_is_as_wide_as_a_disc_at_every_radius(
    quality: Quality, aspect: float, side: float, light: float
) -> None:
    for radius in RADII:
        if radius * max(1.0, 1.0 / aspect) > 101.0:
            continue
        energy, moments = _spot(quality, side * radius, light, aspect)
        disc = 0.25 * radius**2 / np.array([aspect**2, 1.0])
        assert energy == pytest.approx(light, rel=ENERGY)
        np.testing.assert_allclose(moments, disc, rtol=WIDE, err_msg=f"radius {radius}")


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("opening", ["hexagon", "triangle", "oval"])
def test_the_image_of_a_point_is_as_wide_as_the_opening(quality: Quality, opening: str) -> None:
    own = np.array(opening_moments(opening_integral(OPENINGS[opening])))
    for radius in (0.3, 0.76, 1.4, 2.2, 3.0, 5.0, 12.0):
        _, moments = _spot(quality, radius, 1.0, opening=opening)
        np.testing.assert_allclose(moments, own * radius**2, rtol=WIDE, err_msg=f"radius {radius}")


def _two_depths() -> Float32Array:
    depth = np.full((96, 128), 0.3, np.float32)
    depth[24:72, 40:90] = 0.7
    return depth


def _pulled(quality: Quality, depth: Float32Array, focus: list[float], strength: list[float]) -> list[Float32Array]:
    image = texture(depth.shape[0], depth.shape[1], cell=3)
    frames = [plate(image, depth, d, k) for d, k in zip(focus, strength, strict=True)]
    return [display(_renderer(quality).render(frame).image) for frame in frames]


def _check_steps(shown: list[Float32Array]) -> None:
    steps = np.array([np.abs(b - a).mean() for a, b in pairwise(shown)])
    assert all((np.round(255 * a) != np.round(255 * b)).any() for a, b in pairwise(shown))
    assert steps.max() <= JUMP * steps.mean()


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_slow_pull_from_nothing_changes_every_frame_and_never_jumps(quality: Quality) -> None:
    radius = np.arange(121) * 0.05
    _check_steps(_pulled(quality, np.full((96, 128), 0.5, np.float32), [1.0] * 121, list(2.0 * radius)))


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_slow_pull_of_two_depths_changes_every_frame_and_never_jumps(quality: Quality) -> None:
    radius = np.arange(121) * 0.05
    _check_steps(_pulled(quality, _two_depths(), [0.0] * 121, list(radius / 0.7)))


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_slow_rack_from_one_depth_to_the_other_changes_every_frame_and_never_jumps(quality: Quality) -> None:
    _check_steps(_pulled(quality, _two_depths(), list(np.linspace(0.3, 0.7, 121)), [15.0] * 121))


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [0.1, 0.3, 0.8, 1.6, 2.5])
def test_a_constant_picture_stays_constant_where_blur_is_small(quality: Quality, radius: float) -> None:
    image = np.full((40, 60, 3), 0.37, np.float32)
    depth = 0.5 + 0.5 * texture(40, 60, 3, cell=7)[..., 0]
    rendered = _renderer(quality).render(plate(image, depth, 0.4, radius)).image
    np.testing.assert_allclose(rendered, image, rtol=1e-5)


@pytest.mark.parametrize("quality", QUALITIES)
def test_without_blur_the_plate_is_returned_bit_by_bit(quality: Quality) -> None:
    image = texture(40, 60, cell=1)
    rendered = _renderer(quality).render(plate(image, 0.4, 0.4, 50.0)).image
    np.testing.assert_array_equal(rendered, image)
