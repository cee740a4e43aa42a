from __future__ import annotations

import math

import numpy as np
import pytest

from training.metrics import display, temporal_error

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
