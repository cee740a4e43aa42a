"""Sizes, and pictures on their way between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.any_to_bokeh.fitting import MOST_PADDING, Fit

MODEL = (1024, 576)

ROUNDING = 2e-5
"""Sums of some hundred products in single precision."""

sides = st.one_of(st.integers(1, 300), st.integers(1, 9000))
aspects = st.sampled_from([0.5, 0.9, 1.0, 1.2, 2.0])
models = st.sampled_from([(64, 64), (256, 128), (512, 320), MODEL])


def _picture(height: int, width: int, channels: int = 3, seed: int = 0) -> Float32Array:
    return np.random.default_rng(seed).random((height, width, channels), np.float32)


@given(width=sides, height=sides, aspect=aspects, size=models)
def test_the_content_keeps_its_shape_and_is_never_finer_than_the_rows(
    width: int, height: int, aspect: float, size: tuple[int, int]
) -> None:
    fit = Fit.of(width, height, aspect, size)
    assert 1 <= fit.content_height <= height
    # Some one scale makes both sides, each rounded to whole pixels.
    shown, content = (width * aspect, float(height)), (fit.content_width, fit.content_height)
    least = max((side - 0.5) / whole if side > 1 else 0.0 for side, whole in zip(content, shown, strict=True))
    most = min((side + 0.5) / whole for side, whole in zip(content, shown, strict=True))
    assert least <= min(most, 1.0) + 1e-9
    assert fit.padded_width % 64 == fit.padded_height % 64 == 0
    assert 0 <= fit.padded_width - fit.content_width < 64
    assert 0 <= fit.padded_height - fit.content_height < 64
    assert fit.padded_width * fit.padded_height <= max(MOST_PADDING * size[0] * size[1], 64 * 64)


@pytest.mark.parametrize(
    ("plate", "aspect", "content", "padded"),
    [
        ((1024, 576), 1.0, (1024, 576), (1024, 576)),
        ((1920, 1080), 1.0, (1024, 576), (1024, 576)),
        ((3840, 2160), 1.0, (1024, 576), (1024, 576)),
        ((576, 1024), 1.0, (576, 1024), (576, 1024)),
        ((2048, 858), 1.0, (1187, 497), (1216, 512)),
        ((1828, 1556), 2.0, (1177, 501), (1216, 512)),
        ((640, 360), 1.0, (640, 360), (640, 384)),
        ((5000, 40), 1.0, (5000, 40), (5056, 64)),
        ((1, 7), 1.0, (1, 7), (64, 64)),
    ],
)
def test_plates_of_every_day(
    plate: tuple[int, int], aspect: float, content: tuple[int, int], padded: tuple[int, int]
) -> None:
    fit = Fit.of(*plate, aspect, MODEL)
    assert (fit.content_width, fit.content_height) == content
    assert (fit.padded_width, fit.padded_height) == padded


def test_a_sliver_of_any_length_stays_within_what_a_network_can_hold() -> None:
    fit = Fit.of(1, 2_000_000, 1.0, MODEL)
    assert fit.padded_width * fit.padded_height <= MOST_PADDING * MODEL[0] * MODEL[1]


@settings(max_examples=40)
@given(width=st.integers(1, 200), height=st.integers(1, 200), aspect=aspects, value=st.floats(0.0, 10_000.0, width=16))
def test_an_even_picture_stays_even(width: int, height: int, aspect: float, value: float) -> None:
    fit = Fit.of(width, height, aspect, (64, 64))
    small = fit.shrink(np.full((height, width, 2), value, np.float32))
    np.testing.assert_allclose(small, value, rtol=ROUNDING)
    assert small.shape == (fit.content_height, fit.content_width, 2)
    np.testing.assert_allclose(fit.enlarge(small), value, rtol=ROUNDING)


@settings(max_examples=40)
@given(width=st.integers(65, 400), height=st.integers(65, 400), seed=st.integers(0, 100))
def test_shrinking_keeps_the_light(width: int, height: int, seed: int) -> None:
    image = _picture(height, width, 1, seed)
    fit = Fit.of(width, height, 1.0, (64, 64))
    np.testing.assert_allclose(fit.shrink(image).mean(dtype=np.float64), image.mean(dtype=np.float64), rtol=1e-4)


def test_a_whole_ratio_is_the_mean_of_blocks() -> None:
    image = _picture(128, 256)
    fit = Fit.of(256, 128, 1.0, (64, 32))
    blocks = image.reshape(32, 4, 64, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(fit.shrink(image), blocks, atol=ROUNDING)


def test_pixels_cut_by_a_border_count_with_their_part() -> None:
    ramp = np.arange(150, dtype=np.float32)[None, :].repeat(150, 0)
    fit = Fit.of(150, 150, 1.0, (100, 100))
    # The mean of a straight line over an area is its value in the middle: steps are slanted there, hence the quarter.
    middles = (np.arange(100) + 0.5) * 1.5 - 0.5
    np.testing.assert_allclose(fit.shrink(ramp)[7], middles, atol=0.17)
    assert fit.shrink(ramp)[7, 0] == pytest.approx((0 + 0.5 * 1) / 1.5, abs=1e-5)


@given(width=st.integers(1, 120), height=st.integers(1, 60))
def test_where_the_sizes_are_equal_every_pixel_comes_back(width: int, height: int) -> None:
    image = _picture(height, width)
    fit = Fit.of(width, height, 1.0, (128, 64))
    if fit.is_identity:
        np.testing.assert_array_equal(fit.shrink(image), image)
        np.testing.assert_array_equal(fit.enlarge(image), image)
    else:
        assert width * height > 128 * 64 or 64 * max(width, height) > MOST_PADDING * 128 * 64


@settings(max_examples=40)
@given(width=st.integers(65, 300), height=st.integers(65, 300), seed=st.integers(0, 100))
def test_enlarging_never_goes_beyond_the_pixels_around(width: int, height: int, seed: int) -> None:
    fit = Fit.of(width, height, 1.0, (64, 64))
    small = _picture(fit.content_height, fit.content_width, 1, seed)
    small = (small > 0.5).astype(np.float32) * 100
    large = fit.enlarge(small)
    assert large.min() >= 0
    assert large.max() <= 100
    lone = np.zeros_like(small)
    lone[fit.content_height // 2, fit.content_width // 2] = 1
    assert (fit.enlarge(lone) >= 0).all()


def test_a_smooth_picture_comes_back_from_half_the_size() -> None:
    y, x = np.mgrid[:128, :192].astype(np.float32)
    image = (0.5 + 0.25 * np.sin(x / 9) + 0.25 * np.cos(y / 7))[..., None].astype(np.float32)
    fit = Fit.of(192, 128, 1.0, (96, 64))
    back = fit.enlarge(fit.shrink(image))
    np.testing.assert_allclose(back[2:-2, 2:-2], image[2:-2, 2:-2], atol=0.004)


@pytest.mark.parametrize("aspect", [0.5, 2.0])
def test_squeezed_pixels_are_made_square_and_back(aspect: float) -> None:
    y, x = np.mgrid[:90, :100].astype(np.float32)
    image = (0.5 + 0.2 * np.sin(x / 8) + 0.2 * np.cos(y / 8)).astype(np.float32)
    fit = Fit.of(100, 90, aspect, MODEL)
    assert fit.content_width == 100 * aspect
    assert fit.content_height == 90
    np.testing.assert_allclose(fit.enlarge(fit.shrink(image)), image, atol=0.02)


@given(width=st.integers(1, 200), height=st.integers(1, 200))
def test_padding_repeats_the_edges_and_is_cut_off_again(width: int, height: int) -> None:
    fit = Fit.of(width, height, 1.0, MODEL)
    content = fit.shrink(_picture(height, width))
    padded = fit.pad(content)
    assert padded.shape == (fit.padded_height, fit.padded_width, 3)
    np.testing.assert_array_equal(fit.crop(padded), content)
    np.testing.assert_array_equal(padded[0, 0], content[0, 0])
    np.testing.assert_array_equal(padded[-1, -1], content[-1, -1])
    labels = fit.pad(np.zeros(content.shape[:2], np.uint8))
    assert labels.dtype == np.uint8
