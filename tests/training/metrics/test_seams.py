"""The seam figure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.frames import Float32Array
from training.metrics import seam_figure


def ramp(jumps: list[float]) -> list[Float32Array]:
    return [np.full((2, 3), value, np.float32) for value in np.cumsum([0.0, *jumps])]


def test_a_shot_that_moves_evenly_has_no_seam() -> None:
    assert seam_figure(ramp([0.1] * 9), {4, 8}) == pytest.approx(1, rel=1e-5)


def test_a_jump_three_times_as_large_at_the_borders_is_a_figure_of_three() -> None:
    assert seam_figure(ramp([0.1, 0.1, 0.1, -0.3, 0.1, 0.1, 0.1, 0.3]), {4, 8}) == pytest.approx(3, rel=1e-5)


def test_without_borders_or_motion_there_is_no_figure() -> None:
    assert math.isnan(seam_figure(ramp([0.1] * 3), set()))
    assert math.isnan(seam_figure(ramp([0.0] * 3), {2}))
