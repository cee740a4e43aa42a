"""Light that the network cannot hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CancelledError
from engine.frames import Float32Array
from engine.renderers.any_to_bokeh.highlights import blur_beside, split_light
from engine.renderers.any_to_bokeh.tone import Tone
from engine.renderers.optical import OpticalRenderer
from engine.shot import Highlights
from tests.engine.renderers.optical.plates import plate, point_light, texture

AMPLE = 1e9
QUICK = OpticalRenderer(quality="lamps")


def _even(image: Float32Array, radius: float) -> Float32Array:
    return np.full(image.shape[:2], radius, np.float32)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    brightest=st.floats(0.1, 1e6),
    radius=st.floats(-30, 30),
    exposure=st.integers(-40, 40).map(lambda quarters: quarters / 4),
)
def test_the_parts_are_the_plate_and_without_lamps_bit_for_bit(
    seed: int, brightest: float, radius: float, exposure: float
) -> None:
    random = np.random.default_rng(seed)
    image = random.lognormal(-1.5, 1.5, (24, 30, 3)).astype(np.float32)
    image[random.random((24, 30)) < 0.05] = brightest
    image[random.random((24, 30, 3)) < 0.02] *= -1
    tone = Tone(exposure)
    split = split_light(image, _even(image, radius), tone, most_drawn=AMPLE)
    residual = np.zeros_like(image) if split.residual is None else split.residual
    unlit, (rows, columns) = image.copy(), split.lamps.place.T
    unlit[rows, columns] -= split.lamps.light
    np.testing.assert_array_equal(split.base + residual, unlit)
    whole = split.base + residual
    whole[rows, columns] += split.lamps.light
    np.testing.assert_allclose(whole, image, rtol=1e-6, atol=1e-9)
    assert split.base.min() >= 0
    assert split.base.max() <= np.float32(tone.limit)
    assert split.base.dtype == residual.dtype == np.float32


def test_an_ordinary_plate_is_all_base() -> None:
    image = texture(30, 40)
    split = split_light(image, _even(image, 12.0), Tone(), most_drawn=AMPLE)
    assert split.base is image
    assert split.residual is None


def test_the_plate_is_not_changed() -> None:
    image = point_light(31, 500.0)
    split_light(image, _even(image, 12.0), Tone(), most_drawn=AMPLE)
    np.testing.assert_array_equal(image, point_light(31, 500.0))


@given(value=st.floats(1.5, 3.9), exposure=st.sampled_from([-3.0, 0.0, 2.25]))
def test_a_blurred_lamp_is_taken_out_even_where_the_curve_could_hold_it(value: float, exposure: float) -> None:
    tone = Tone(exposure)
    image = point_light(41, value / tone.gain)
    blurred = split_light(image, _even(image, 10.0), tone, most_drawn=AMPLE)
    np.testing.assert_array_equal(blurred.lamps.place, [[20, 20]])
    assert blurred.residual is None
    assert blurred.base.max() * tone.gain < 1.3
    in_focus = split_light(image, _even(image, 0.0), tone, most_drawn=AMPLE)
    assert in_focus.residual is None
    assert len(in_focus.lamps.place) == 0


def test_a_sky_above_the_limit_leaves_what_is_above_it() -> None:
    image = np.full((30, 40, 3), 10.0, np.float32)
    split = split_light(image, _even(image, 8.0), Tone(), most_drawn=AMPLE)
    assert split.residual is not None
    np.testing.assert_allclose(split.base, 4.0, rtol=1e-6)
    np.testing.assert_allclose(split.residual, 6.0, rtol=1e-6)


def test_a_pixel_that_is_no_number_stays_with_itself() -> None:
    image = texture(20, 20)
    image[3, 4] = np.nan
    split = split_light(image, _even(image, 0.0), Tone(), most_drawn=AMPLE)
    assert np.isfinite(split.base).all()
    assert split.residual is not None
    assert np.isnan(split.residual[3, 4]).all()
    assert np.count_nonzero(np.isnan(split.residual)) == 3


@pytest.mark.parametrize("value", [1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("quality", ["draft", "final"])
def test_a_point_light_keeps_its_energy(value: float, quality: str) -> None:
    image = point_light(81, value)
    frame = plate(image, 0.0, 0.5, 24.0)
    split = split_light(image, _even(image, 12.0), Tone(), most_drawn=AMPLE)
    optical = OpticalRenderer(quality=quality)  # type: ignore[arg-type]
    beside = blur_beside(optical, QUICK, frame, split)
    assert beside.light is not None
    total = beside.light.sum(axis=(0, 1), dtype=np.float64) + split.base.sum(axis=(0, 1), dtype=np.float64)
    np.testing.assert_allclose(total, value, rtol=0.01)
    assert beside.light.max() < value / 200, "the light is a disc"


@pytest.mark.parametrize("channels", [("R", "G", "B"), ("R", "G", "B", "A", "Z", "diffuse.R")])
def test_in_focus_everything_comes_back_exactly(channels: tuple[str, ...]) -> None:
    image = np.random.default_rng(0).lognormal(0, 2, (20, 24, len(channels))).astype(np.float32)
    frame = plate(image, 0.5, 0.5, 20.0, channels=channels)
    split = split_light(np.ascontiguousarray(image[..., :3]), _even(image, 0.0), Tone(), most_drawn=AMPLE)
    beside = blur_beside(OpticalRenderer(), QUICK, frame, split)
    assert beside.light is not None
    np.testing.assert_array_equal(split.base + beside.light, image[..., :3])
    np.testing.assert_array_equal(beside.further, image[..., 3:])


def test_with_nothing_beside_the_network_nothing_runs() -> None:
    optical, quick = OpticalRenderer(), OpticalRenderer(quality="lamps")
    optical.cancel()
    quick.cancel()
    image = np.concatenate([texture(20, 24), np.ones((20, 24, 1), np.float32)], axis=2)
    frame = plate(image, 0.0, 0.5, 20.0, channels=("R", "G", "B", "A"))
    nothing = split_light(image[..., :3].copy(), _even(image, 12.0), Tone(), most_drawn=AMPLE)
    beside = blur_beside(optical, quick, frame, nothing)
    assert beside.light is None
    np.testing.assert_array_equal(beside.further, image[..., 3:])
    for bright in (point_light(20, 50.0)[:20, :20], np.full((20, 20, 3), 9.0, np.float32)):
        frame = plate(bright, 0.0, 0.5, 20.0)
        with pytest.raises(CancelledError):
            blur_beside(optical, quick, frame, split_light(bright, _even(bright, 12.0), Tone(), most_drawn=AMPLE))


def test_alpha_is_blurred_with_a_residual_and_without() -> None:
    image = np.concatenate([texture(40, 60), np.ones((40, 60, 1), np.float32)], axis=2)
    image[:, :30, 3] = 0
    frame = plate(image, 0.0, 0.5, 12.0, channels=("R", "G", "B", "A"))
    wanted = OpticalRenderer(highlights=Highlights()).render(frame).image[..., 3]
    for light in (1.0, 9.0):
        colours = np.ascontiguousarray(image[..., :3]) * np.float32(light)
        split = split_light(colours, _even(image, 6.0), Tone(), most_drawn=AMPLE)
        beside = blur_beside(OpticalRenderer(), QUICK, frame, split)
        np.testing.assert_allclose(beside.further[..., 0], wanted, atol=1e-5)


def test_a_disc_of_a_lamp_is_even_and_shows_no_lens_points() -> None:
    image = point_light(81, 6.0) + np.float32(0.02)
    frame = plate(image, 0.0, 0.5, 40.0)
    split = split_light(image, _even(image, 20.0), Tone(), most_drawn=AMPLE)
    made = blur_beside(OpticalRenderer(), QUICK, frame, split).light
    assert made is not None
    rows, columns = np.mgrid[:81, :81] - 40
    inside = made[np.hypot(rows, columns) < 18, 0]
    np.testing.assert_allclose(inside, inside.mean(), rtol=0.02)
