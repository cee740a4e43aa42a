from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import FormatError
from training.metrics import FLICKERS, flicker, speckle

SIDE = 48


def step() -> np.ndarray:
    disparity = np.zeros((SIDE, SIDE), np.float32)
    disparity[:, SIDE // 2 :] = 0.5
    return disparity


def grey(value: float = 0.3) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), value, np.float32)


def test_a_dot_beside_a_depth_edge_is_a_speck_in_any_channel() -> None:
    result = grey()
    result[10, SIDE // 2 + 2, 1] = 0.8
    band = SIDE * 14
    assert speckle([result], [grey()], [step()]) == pytest.approx(1 / band)


def test_a_dot_far_from_depth_edges_does_not_count() -> None:
    result = grey()
    result[10, 2] = 0.8
    assert speckle([result], [grey()], [step()]) == 0.0


def test_a_gradient_and_an_even_step_are_no_specks() -> None:
    ramp = np.repeat(np.linspace(0.0, 1.0, SIDE, dtype=np.float32)[None, :, None], SIDE, axis=0).repeat(3, axis=2)
    edge = np.where(step() > 0, 1.0, 0.1)[..., None].repeat(3, axis=2).astype(np.float32)
    assert speckle([ramp], [grey()], [step()]) == 0.0
    assert speckle([edge], [grey()], [step()]) == 0.0


def test_what_the_plate_itself_shows_is_no_blemish() -> None:
    plate = grey()
    plate[10, SIDE // 2 + 2] = 0.8
    assert speckle([plate], [plate], [step()]) == 0.0


def test_a_lamp_that_the_truth_has_is_no_speck_and_another_beside_it_is() -> None:
    lamp = grey()
    lamp[10, SIDE // 2 + 2] = 0.8
    two = lamp.copy()
    two[30, SIDE // 2 + 2] = 0.8
    assert speckle([lamp], [grey()], [step()]) > 0.0
    assert speckle([lamp], [grey()], [step()], [lamp]) == 0.0
    assert speckle([two], [grey()], [step()], [lamp]) == pytest.approx(1 / (SIDE * 14 - 25))


def test_without_a_depth_edge_there_is_no_number() -> None:
    flat = np.zeros((SIDE, SIDE), np.float32)
    assert math.isnan(speckle([grey()], [grey()], [flat]))
    assert all(map(math.isnan, flicker([grey()], [grey()], [grey()], [step()])))


def test_a_flicker_is_counted_from_the_size_of_its_change() -> None:
    results = [grey(), grey()]
    results[1][5, SIDE // 2] = 0.6
    results[1][20, SIDE // 2] = 0.335
    plates = [grey()] * 2
    shares = flicker(results, plates, plates, [step()] * 2)
    band = SIDE * 14
    assert len(shares) == len(FLICKERS)
    assert shares == pytest.approx((1 / band, 2 / band))


def test_what_moves_in_the_plate_or_in_the_truth_may_change() -> None:
    results, still = [grey(), grey(0.6)], [grey(), grey()]
    assert all(map(math.isnan, flicker(results, still, results, [step()] * 2)))
    assert all(map(math.isnan, flicker(results, results, still, [step()] * 2)))


def test_a_constant_error_does_not_flicker() -> None:
    still = [grey()] * 3
    assert flicker([grey(0.9)] * 3, still, still, [step()] * 3) == (0.0, 0.0)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(FormatError):
        speckle([grey()[:-1]], [grey()], [step()])
