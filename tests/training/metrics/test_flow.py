from __future__ import annotations

import math

import numpy as np
import pytest

from engine.frames import Float32Array
from training.metrics import flow_difference


class Centre:
    """Stands for a way to find flow: how far the light's centre goes, everywhere."""

    name = "centre"

    def __call__(self, first: Float32Array, second: Float32Array) -> Float32Array:
        apart = np.array(self._of(second)) - np.array(self._of(first))
        return np.broadcast_to(apart, (*first.shape[:2], 2)).astype(np.float32)

    def _of(self, picture: Float32Array) -> tuple[float, float]:
        light = picture.mean(axis=-1)
        y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
        return float((light * x).sum() / light.sum()), float((light * y).sum() / light.sum())


def spot(*columns: int) -> list[Float32Array]:
    frames = [np.zeros((8, 32, 3), np.float32) for _ in columns]
    for frame, column in zip(frames, columns, strict=True):
        frame[4, column] = 1.0
    return frames


def test_the_difference_is_in_pixels_over_both_directions() -> None:
    # 2 px a frame against 5: 3 px across and 0 down, so 1.5 over both.
    assert flow_difference(spot(4, 6, 8), spot(4, 9, 14), Centre()) == pytest.approx(1.5)


def test_what_moves_as_its_truth_has_no_difference_wherever_it_is() -> None:
    assert flow_difference(spot(4, 6, 9), spot(10, 12, 15), Centre()) == 0


def test_it_is_the_same_both_ways_round() -> None:
    first, second = spot(4, 6, 8, 20), spot(4, 9, 14, 15)
    assert flow_difference(first, second, Centre()) == flow_difference(second, first, Centre())


def test_one_frame_does_not_move() -> None:
    assert math.isnan(flow_difference(spot(4), spot(4), Centre()))
