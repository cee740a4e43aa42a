"""What a lens does, and the optical renderer with it."""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import CancelledError, OpticsError
from engine.frames import Float32Array, FrameRange
from engine.optics import Defocus
from engine.renderers.optical import OpticalRenderer
from engine.shot import Aperture, Highlights
from tests.engine.renderers.optical.plates import plate, point_light, texture

Quality = Literal["draft", "final"]
QUALITIES: tuple[Quality, ...] = ("draft", "final")
ENERGY = 0.01
"""The issue of a lens is light: a hundredth is less than any eye or grade can tell."""
ROUNDING = 1e-4
"""Sums of up to 1200 single-precision terms, and prefix sums, on values of about 1."""


def _energy_within(image: Float32Array) -> float:
    return float(image[..., 0].sum(dtype=np.float64))


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [0.5, 0.75, 1.0, 1.3, 1.9, 2.5, 4.0, 7.0, 13.0, 20.0, 33.0, 60.0, 100.0])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_point_light_keeps_its_energy_at_every_radius(quality: Quality, radius: float, side: float) -> None:
    image = point_light(2 * int(radius + 8) + 1)
    rendered = OpticalRenderer(quality=quality).render(plate(image, 0.5, 0.5 + 0.5 * side, 2.0 * radius))
    assert _energy_within(rendered.image) == pytest.approx(1000.0, rel=ENERGY)


@settings(max_examples=15, deadline=None)
@given(radius=st.floats(0.5, 30.0), side=st.sampled_from([-1.0, 1.0]), value=st.floats(0.1, 5000.0))
def test_a_point_light_of_any_value_keeps_its_energy(radius: float, side: float, value: float) -> None:
    image = point_light(2 * int(radius + 8) + 1, value)
    rendered = OpticalRenderer().render(plate(image, 0.5, 0.5 + 0.5 * side, 2.0 * radius))
    assert _energy_within(rendered.image) == pytest.approx(value, rel=ENERGY)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [3.0, 6.5, 12.0, 25.0, 50.0, 80.0])
def test_the_disc_of_a_point_light_has_the_radius_of_its_circle_of_confusion(quality: Quality, radius: float) -> None:
    size = 2 * int(radius + 8) + 1
    rendered = OpticalRenderer(quality=quality).render(plate(point_light(size), 0.25, 1.0, radius / 0.75))
    disc = rendered.image[..., 0]
    middle = size // 2
    # The area of a disc of even light is its energy over the light in its middle.
    light = np.median(disc[middle - 1 : middle + 2, middle - 1 : middle + 2])
    # The draft's rim is as soft as half the size is, at the disc's own second moment: its middle is a little brighter.
    allowed = 0.5 if quality == "final" else 0.55
    assert np.sqrt(disc.sum(dtype=np.float64) / light / np.pi) == pytest.approx(radius, abs=allowed)
    reached = np.nonzero(disc[middle] > 0.5 * light)[0]
    assert 0.5 * (reached[-1] - reached[0] + 1) == pytest.approx(radius, abs=1.0)


def test_no_blur_strength_returns_the_plate_exactly() -> None:
    image = texture(40, 60)
    image[3, 4] = 1000.0
    rendered = OpticalRenderer().render(plate(image, texture(40, 60, 2)[..., 0], 0.3, 0.0))
    assert np.array_equal(rendered.image, image)
    assert rendered.invented is not None
    assert not rendered.invented.any()


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("strength", [3.0, 20.0, 80.0])
def test_a_constant_picture_stays_constant_whatever_its_depth(quality: Quality, strength: float) -> None:
    image = np.full((64, 96, 3), 0.37, np.float32)
    depth = texture(64, 96, 3, cell=9)[..., 0]
    rendered = OpticalRenderer(quality=quality).render(plate(image, depth, 0.5, strength))
    np.testing.assert_allclose(rendered.image, image, rtol=ROUNDING)


def test_what_is_in_focus_keeps_its_pixels() -> None:
    image = texture(80, 120)
    depth = np.full((80, 120), 0.9, np.float32)
    depth[:, 60:] = 0.1
    rendered = OpticalRenderer().render(plate(image, depth, 0.9, 20.0))
    np.testing.assert_allclose(rendered.image[:, :58], image[:, :58], rtol=ROUNDING, atol=1e-6)


def test_a_sharp_foreground_does_not_bleed_into_a_blurred_background() -> None:
    image = np.zeros((64, 128, 3), np.float32)
    image[:, :64] = 1.0
    depth = np.full((64, 128), 0.9, np.float32)
    depth[:, 64:] = 0.1
    rendered = OpticalRenderer().render(plate(image, depth, 0.9, 20.0))
    assert rendered.image[:, 64:].max() < ROUNDING


def test_a_sharp_wire_leaves_no_shadow_on_a_background_that_is_blurred_by_less_than_a_pixel() -> None:
    covers = np.array([0.36, 1.0, 1.0, 0.6], np.float32)
    image = np.full((40, 64, 3), 0.8, np.float32)
    image[:, 30:34] *= 1.0 - covers[:, None]
    depth = np.full((40, 64), 0.1, np.float32)
    depth[:, 31:34] = 0.9
    rendered = OpticalRenderer().render(plate(image, depth, 0.9, 1.1)).image[20, :, 0]
    np.testing.assert_allclose(rendered[[28, 29, 34, 35]], 0.8, rtol=0.01)
    np.testing.assert_allclose(rendered[30:34], image[20, 30:34, 0], atol=0.02)


def test_a_sharp_background_stays_sharp_up_to_a_blurred_silhouette() -> None:
    image = texture(64, 128)
    depth = np.full((64, 128), 0.1, np.float32)
    depth[:, :64] = 0.9
    rendered = OpticalRenderer().render(plate(image, depth, 0.1, 10.0))
    np.testing.assert_allclose(rendered.image[:, 74:], image[:, 74:], rtol=ROUNDING, atol=1e-6)


def test_a_blurred_silhouette_lets_through_what_the_disc_does_not_cover() -> None:
    """White half-plane in front of black: the share of a disc on one side of a line through it."""
    radius = 16.0
    image = np.zeros((65, 160, 3), np.float32)
    image[:, :80] = 1.0
    depth = np.full((65, 160), 0.1, np.float32)
    depth[:, :80] = 0.9
    rendered = OpticalRenderer().render(plate(image, depth, 0.1, radius / 0.8))
    across = (np.arange(160) + 0.5 - 80.0) / radius
    t = np.clip(across, -1.0, 1.0)
    segment = (np.arccos(t) - t * np.sqrt(1.0 - t * t)) / np.pi
    assert np.abs(rendered.image[32, :, 0] - segment).max() < 0.03
    assert rendered.invented is not None
    assert rendered.invented[32, 75] > 0.1
    assert rendered.invented[32, 110] == 0.0


def test_a_thin_wire_in_front_is_spread_over_its_disc_and_leaves_no_sharp_line() -> None:
    image = np.full((65, 129, 3), 0.8, np.float32)
    depth = np.full((65, 129), 0.1, np.float32)
    image[:, 64] = 0.0
    depth[:, 64] = 0.9
    radius = 8.0
    rendered = OpticalRenderer().render(plate(image, depth, 0.1, radius / 0.8)).image[32, :, 0]
    darkening = 0.8 - rendered
    assert darkening.max() < 0.8 * 0.12
    assert darkening.sum() == pytest.approx(0.8, rel=0.05)


@pytest.mark.parametrize("quality", QUALITIES)
def test_pixels_twice_as_wide_give_a_disc_that_is_round_on_screen(quality: Quality) -> None:
    rendered = OpticalRenderer(quality=quality).render(plate(point_light(101), 0.0, 1.0, 30.0, pixel_aspect=2.0))
    disc = rendered.image[..., 0] > 0.5 * rendered.image[50, 50, 0]
    height, width = disc.any(1).sum(), disc.any(0).sum()
    assert height == pytest.approx(60, abs=2)
    assert 2 * width == pytest.approx(height, abs=3)


def test_a_ramp_in_depth_shows_no_bands() -> None:
    """An even picture on a steep floor: the border between two slices must not show."""
    image = np.full((120, 90, 3), 0.5, np.float32)
    depth = np.repeat(np.linspace(0.0, 1.0, 120, dtype=np.float32)[:, None], 90, 1)
    rendered = OpticalRenderer().render(plate(image, depth, 0.5, 60.0))
    np.testing.assert_allclose(rendered.image, image, rtol=ROUNDING)


def test_alpha_is_blurred_as_the_colour_is() -> None:
    image = np.zeros((64, 96, 4), np.float32)
    image[:, :48] = 1.0
    rendered = OpticalRenderer().render(plate(image, 0.1, 0.9, 20.0)).image
    np.testing.assert_allclose(rendered[..., 3], rendered[..., 0], rtol=ROUNDING, atol=1e-6)


def test_further_layers_are_blurred_as_the_colour_is() -> None:
    colour = texture(48, 64)
    channels = ("R", "G", "B", "diffuse.R", "diffuse.G", "diffuse.B")
    image = np.concatenate([colour, colour], axis=2)
    rendered = OpticalRenderer().render(plate(image, 0.2, 0.9, 20.0, channels=channels)).image
    np.testing.assert_allclose(rendered[..., 3:], rendered[..., :3], rtol=ROUNDING)


def test_a_picture_of_one_channel_is_rendered() -> None:
    rendered = OpticalRenderer().render(plate(texture(32, 48)[..., :1], 0.2, 0.9, 10.0, channels=("Y",)))
    assert rendered.image.shape == (32, 48, 1)


@pytest.mark.parametrize(("blades", "share"), [(3, 0.4135), (4, 0.6366), (6, 0.827), (8, 0.9003)])
def test_a_bladed_opening_is_a_polygon(blades: int, share: float) -> None:
    """Area of a regular polygon over that of its circle: n sin(2 pi / n) / (2 pi)."""
    renderer = OpticalRenderer(aperture=Aperture(blades=blades))
    disc = renderer.render(plate(point_light(121), 0.0, 1.0, 50.0)).image[..., 0]
    light = np.median(disc[58:63, 58:63])
    assert disc.sum(dtype=np.float64) / light / (np.pi * 50.0**2) == pytest.approx(share, rel=0.02)


def test_a_round_blade_is_a_disc_and_the_corner_points_up() -> None:
    pointed = OpticalRenderer(aperture=Aperture(blades=5)).render(plate(point_light(121), 0.0, 1.0, 50.0)).image
    rows = np.nonzero((pointed[..., 0] > 0.01).any(1))[0]
    assert 60 - rows[0] == pytest.approx(50, abs=1)
    assert rows[-1] - 60 == pytest.approx(50 * np.cos(np.pi / 5), abs=1)
    turned = OpticalRenderer(aperture=Aperture(blades=5, rotation=180.0)).render(
        plate(point_light(121), 0.0, 1.0, 50.0)
    )
    np.testing.assert_allclose(turned.image[::-1], pointed, atol=0.05)


def test_an_anamorphic_opening_is_an_upright_oval() -> None:
    renderer = OpticalRenderer(aperture=Aperture(aspect=0.5))
    disc = renderer.render(plate(point_light(121), 0.0, 1.0, 50.0)).image[..., 0] > 0.01
    assert disc.any(1).sum() == pytest.approx(100, abs=2)
    assert disc.any(0).sum() == pytest.approx(50, abs=2)


def test_a_soap_bubble_has_a_bright_rim_and_a_soft_opening_a_dim_one() -> None:
    at = plate(point_light(121), 0.0, 1.0, 50.0)
    bubble = OpticalRenderer(aperture=Aperture(ring=0.8)).render(at).image[60, :, 0]
    soft = OpticalRenderer(aperture=Aperture(ring=-0.8)).render(at).image[60, :, 0]
    feathered = OpticalRenderer(aperture=Aperture(softness=0.5)).render(at).image[60, :, 0]
    assert bubble[60 - 48] > 2.0 * bubble[60]
    assert soft[60 - 45] < 0.5 * soft[60]
    assert 0.1 * feathered[60] < feathered[60 - 38] < 0.9 * feathered[60]


def test_a_cats_eye_is_cut_towards_the_corner_and_keeps_the_exposure() -> None:
    renderer = OpticalRenderer(aperture=Aperture(cats_eye=0.8))
    image = np.zeros((240, 240, 3), np.float32)
    image[40, 40] = 1000.0
    image[120, 120] = 1000.0
    disc = renderer.render(plate(image, 0.0, 1.0, 30.0)).image[..., 0] > 0.05
    corner, middle = disc[:80, :80], disc[80:160, 80:160]
    assert corner.sum() < 0.8 * middle.sum()
    even = renderer.render(plate(np.full((60, 80, 3), 0.5, np.float32), 0.0, 1.0, 10.0)).image
    np.testing.assert_allclose(even, 0.5, rtol=ROUNDING)


def test_a_custom_picture_is_the_shape_of_a_lamp() -> None:
    picture = np.zeros((64, 64), np.float32)
    picture[:, 28:36] = 1.0
    picture[28:36] = 1.0
    rendered = OpticalRenderer(picture=picture).render(plate(point_light(121), 0.0, 1.0, 40.0)).image[..., 0]
    assert rendered.sum(dtype=np.float64) == pytest.approx(1000.0, rel=ENERGY)
    assert rendered[60, 25] > 0.1
    assert rendered[35, 35] == 0.0
    with pytest.raises(OpticsError, match="black"):
        OpticalRenderer(picture=np.zeros((8, 8), np.float32))


def test_highlights_are_boosted_only_where_they_are_blurred() -> None:
    image = texture(64, 96) * 0.5
    image[20, 20] = image[20, 70] = 4.0
    depth = np.full((64, 96), 0.9, np.float32)
    depth[:, 48:] = 0.1
    at = plate(image, depth, 0.9, 10.0)
    plain = OpticalRenderer().render(at).image
    boosted = OpticalRenderer(highlights=Highlights(threshold=1.0, gain=2.0)).render(at).image
    np.testing.assert_array_equal(boosted[:, :40], plain[:, :40])
    assert boosted[:, 60:].sum() == pytest.approx(plain[:, 60:].sum() + 3 * 2.0 * 3.0, rel=0.01)


def test_the_in_focus_range_and_the_multipliers_reach_the_picture() -> None:
    image = texture(48, 64)
    at = plate(image, 0.4, 0.5, 30.0)
    kept = OpticalRenderer(defocus=Defocus(in_focus_range=0.2)).render(at)
    assert np.array_equal(kept.image, image)
    wide = OpticalRenderer(defocus=Defocus(far_multiplier=0.0)).render(at)
    assert np.array_equal(wide.image, image)


def test_a_lamp_behind_a_sharp_fence_is_cut_by_the_fence() -> None:
    image = np.full((81, 81, 3), 0.1, np.float32)
    depth = np.full((81, 81), 0.1, np.float32)
    depth[:, 44:48] = 0.9
    image[:, 44:48] = 0.02
    image[40, 40] = 1000.0
    rendered = OpticalRenderer().render(plate(image, depth, 0.9, 15.0 / 0.8)).image[40, :, 0]
    assert rendered[44:48].max() < 0.05
    assert rendered[49] > 0.5
    assert rendered[35] > 0.5


def test_the_same_bits_whatever_the_number_of_threads() -> None:
    image = texture(90, 150) * 3.0
    image[20, 30] = 500.0
    at = plate(image, texture(90, 150, 5, cell=20)[..., 0], 0.4, 25.0)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = OpticalRenderer().render(at).image
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(one, OpticalRenderer().render(at).image)


def test_a_frame_does_not_depend_on_the_frames_before_it() -> None:
    first = plate(texture(60, 80), texture(60, 80, 2, cell=16)[..., 0], 0.4, 25.0)
    second = plate(texture(60, 80, 7), texture(60, 80, 8, cell=16)[..., 0], 0.6, 12.0)
    renderer = OpticalRenderer()
    after = [frame.image for frame in map(renderer.render, [first, second])][1]
    assert np.array_equal(after, OpticalRenderer().render(second).image)


def test_each_frame_needs_itself_alone() -> None:
    asked = FrameRange.parse("1003-1005")
    assert OpticalRenderer().reach(asked, FrameRange.parse("1001-1004")) == FrameRange.parse("1003-1004")


def test_a_cancelled_render_stops() -> None:
    renderer = OpticalRenderer()
    renderer.cancel()
    with pytest.raises(CancelledError, match="1001"):
        renderer.render(plate(texture(20, 20), 0.2, 0.9, 5.0))


@pytest.mark.parametrize("quality", QUALITIES)
@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    strength=st.floats(0.0, 60.0),
    focus=st.floats(0.0, 1.0),
    seed=st.integers(0, 100),
)
@example(height=18, width=2, strength=25.0, focus=0.4375, seed=6)
@example(height=18, width=2, strength=25.0, focus=0.4375, seed=29)
def test_any_small_frame_gives_finite_light_and_none_that_is_negative(
    quality: Quality, height: int, width: int, strength: float, focus: float, seed: int
) -> None:
    image = texture(height, width, seed, cell=1)
    depth = texture(height, width, seed + 1, cell=1)[..., 0]
    rendered = OpticalRenderer(quality=quality).render(plate(image, depth, focus, strength)).image
    assert np.isfinite(rendered).all()
    assert rendered.min() >= -ROUNDING
