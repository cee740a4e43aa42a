from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from training.metrics import RELEASED_PAIRS, display, temporal_error, temporal_root

rng = np.random.default_rng(11)


def shot(frames: int = 5) -> list[np.ndarray]:
    return list(rng.random((frames, 6, 8, 3), dtype=np.float32))


def test_a_constant_error_does_not_count_as_motion() -> None:
    truth = np.linspace(0.0, 0.0025, 4)  # on the straight part of the display curve
    frames = [np.full((6, 8, 3), value, np.float32) for value in truth]
    brighter = [frame + np.float32(0.0003) for frame in frames]
    assert temporal_error(brighter, frames) == pytest.approx(0.0, abs=1e-7)


def test_flicker_of_a_still_shot_is_its_size() -> None:
    still = [np.zeros((6, 8, 3), np.float32)] * 4
    flicker = [np.full((6, 8, 3), value, np.float32) for value in (0.0, 0.001, 0.0, 0.001)]
    assert temporal_error(flicker, still) == pytest.approx(12.92 * 0.001, rel=1e-5)


def test_every_pair_of_the_shot_is_counted() -> None:
    result, truth = shot(), shot()
    p, g = (np.stack([display(frame) for frame in frames]) for frames in (result, truth))
    assert temporal_error(result, truth) == pytest.approx(np.abs(np.diff(p, axis=0) - np.diff(g, axis=0)).mean())


def test_one_frame_has_no_motion_to_be_wrong_about() -> None:
    assert math.isnan(temporal_error(shot(1), shot(1)))


def test_the_truth_itself_moves_rightly() -> None:
    truth = shot()
    assert temporal_error(truth, truth) == 0.0


def test_what_the_released_program_measures_is_the_first_two_pairs() -> None:
    result, truth = shot(6), shot(6)
    assert temporal_error(result, truth, RELEASED_PAIRS) == temporal_error(result[:3], truth[:3])
    assert temporal_error(result, truth, RELEASED_PAIRS) != temporal_error(result, truth)


def test_the_root_is_of_the_mean_square_of_each_pair() -> None:
    result, truth = shot(), shot()
    p, g = (np.stack([display(frame) for frame in frames]) for frames in (result, truth))
    squares = np.square(np.diff(p, axis=0) - np.diff(g, axis=0)).mean(axis=(1, 2, 3))
    assert temporal_root(result, truth) == pytest.approx(np.sqrt(squares).mean())
    assert temporal_root(result, truth) > temporal_error(result, truth)
    assert temporal_root(truth, truth) == 0


def test_flicker_in_few_pixels_weighs_more_in_the_root() -> None:
    still = [np.zeros((6, 8, 3), np.float32)] * 4
    flicker = [frame.copy() for frame in still]
    for frame in flicker[1::2]:
        frame[0, 0] = 1.0
    assert temporal_error(flicker, still) == pytest.approx(1 / 48)
    assert temporal_root(flicker, still) == pytest.approx((1 / 48) ** 0.5)


@pytest.mark.parametrize("measure", [temporal_error, temporal_root])
def test_more_flicker_is_worse_and_either_shot_may_be_the_truth(measure: Callable[..., float]) -> None:
    truth, noise = shot(), shot()
    worse = [measure([t + k * n for t, n in zip(truth, noise, strict=True)], truth) for k in (0.01, 0.05, 0.2)]
    assert 0 < worse[0] < worse[1] < worse[2]
    assert measure(noise, truth) == pytest.approx(measure(truth, noise))
