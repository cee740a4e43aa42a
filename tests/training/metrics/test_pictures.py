from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import FormatError
from training.metrics import SquaredError, decibels, display, psnr, squared_error

rng = np.random.default_rng(3)


def grey(value: float, height: int = 4, width: int = 5) -> np.ndarray:
    return np.full((height, width, 3), value, np.float32)


@pytest.mark.parametrize(
    ("linear", "shown"),
    # IEC 61966-2-1: 12.92 c up to 0.0031308, then 1.055 c^(1/2.4) - 0.055.
    [(0.0, 0.0), (0.002, 0.02584), (0.18, 0.461356), (0.5, 0.735357), (1.0, 1.0), (7.0, 1.0), (-2.0, 0.0)],
)
def test_display_values_follow_the_srgb_curve(linear: float, shown: float) -> None:
    assert display(grey(linear)) == pytest.approx(shown, abs=2e-6)


def test_a_lamp_counts_as_white_and_what_is_no_number_as_black() -> None:
    image = np.array([[[np.inf, np.nan, -np.inf]]], np.float32)
    assert display(image).tolist() == [[[1.0, 0.0, 0.0]]]


@given(st.floats(0, 2, width=32), st.floats(0, 2, width=32))
def test_brighter_light_never_shows_darker(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert display(grey(low))[0, 0, 0] <= display(grey(high))[0, 0, 0]


def test_alpha_and_further_layers_do_not_enter() -> None:
    image = rng.random((6, 7, 5), dtype=np.float32)
    assert np.array_equal(display(image), display(image[..., :3]))
    assert display(image[..., 0]).shape == (6, 7, 1)


def test_psnr_of_a_tenth_everywhere_is_twenty_decibels() -> None:
    # 12.92 * 0.1 / 12.92 = 0.1 is beyond the straight part, so go through the curve backwards.
    def linear(shown: float) -> float:
        return float(((shown + 0.055) / 1.055) ** 2.4)

    assert psnr([grey(linear(0.6))], [grey(linear(0.5))]) == pytest.approx(20.0, abs=1e-4)


def test_psnr_pools_the_error_of_a_shot_before_the_logarithm() -> None:
    good, bad, truth = grey(0.5), grey(1.0), grey(0.5)
    pooled = squared_error(bad, truth) / 2
    assert psnr([good, bad], [truth, truth]) == pytest.approx(decibels(pooled))


def test_equal_pictures_have_infinite_psnr_and_no_pictures_none() -> None:
    image = rng.random((8, 8, 3), dtype=np.float32)
    assert psnr([image], [image]) == math.inf
    assert math.isnan(psnr([], []))


def test_a_mask_limits_what_is_counted() -> None:
    result, truth = grey(0.0), grey(0.0)
    result[0, 0] = 1.0
    mask = np.zeros((4, 5), bool)
    mask[0, 0] = True
    assert SquaredError().add(display(result), display(truth), mask) == pytest.approx(1.0)
    assert SquaredError().add(display(result), display(truth), ~mask) == 0.0
    assert math.isnan(SquaredError().add(display(result), display(truth), np.zeros((4, 5), bool)))


def test_pictures_of_two_sizes_are_refused_in_one_sentence() -> None:
    with pytest.raises(FormatError, match="5x4 with 3 colour channels but its reference is 6x4"):
        psnr([grey(0.5)], [grey(0.5, width=6)])


def test_shots_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        psnr([grey(0.5)], [grey(0.5), grey(0.5)])
