from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import FormatError
from engine.frames import Float32Array
from training.metrics import EdgePreservation, display, edge_preservation
from training.metrics.preservation import gradient_size

rng = np.random.default_rng(7)


def picture(height: int = 24, width: int = 32) -> Float32Array:
    return rng.random((height, width, 3), dtype=np.float32)


def blurred(image: Float32Array, times: int) -> Float32Array:
    for _ in range(times):
        image = (
            image + np.roll(image, 1, 0) + np.roll(image, -1, 0) + np.roll(image, 1, 1) + np.roll(image, -1, 1)
        ) / 5
    return image


WHOLE = np.ones((24, 32), np.float32)


def test_the_gradient_is_opencv_s_of_the_grey_picture() -> None:
    cv2 = pytest.importorskip("cv2")
    image = picture()
    grey = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY).astype(np.float64)
    expected = np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0, ksize=3), cv2.Sobel(grey, cv2.CV_64F, 0, 1, ksize=3))
    assert gradient_size(image) == pytest.approx(expected, abs=1e-5)


def test_a_ramp_has_the_gradient_of_eight_times_its_slope() -> None:
    ramp = np.tile(np.arange(8, dtype=np.float32) * 0.1, (6, 1))[..., None]
    assert gradient_size(ramp)[2:-2, 2:-2] == pytest.approx(0.8, abs=1e-6)


def test_it_is_pearson_s_correlation_over_the_dilated_matte() -> None:
    result, plate = display(picture()), display(picture())
    matte = np.zeros((24, 32), np.float32)
    matte[10:12, 15] = 0.6
    matte[3, 3] = 0.5  # not over one half
    inside = np.zeros((24, 32), bool)
    inside[8:14, 13:18] = True
    expected = np.corrcoef(gradient_size(result)[inside], gradient_size(plate)[inside])[0, 1]
    assert EdgePreservation().add(result, plate, matte) == pytest.approx(expected, abs=1e-12)


def test_edges_that_are_all_kept_count_as_one_however_strong() -> None:
    plate = display(picture())
    running = EdgePreservation()
    assert running.add(plate, plate, WHOLE) == pytest.approx(1)
    assert running.add(plate * np.float32(0.4) + np.float32(0.3), plate, WHOLE) == pytest.approx(1, abs=1e-6)
    assert running.smoothness == pytest.approx(1)


def test_it_falls_as_the_subject_is_blurred_and_not_as_its_surroundings_are() -> None:
    plate = picture(48, 64)
    matte = np.zeros((48, 64), np.float32)
    matte[12:36, 16:48] = 1
    kept = [edge_preservation([blurred(plate, times)], [plate], [matte]) for times in (0, 1, 2, 8)]
    assert kept[0] > kept[1] > kept[2] > kept[3]
    around = blurred(plate, 8)
    around[8:40, 12:52] = plate[8:40, 12:52]
    assert edge_preservation([around], [plate], [matte]) == pytest.approx(1)


def test_frames_without_a_subject_do_not_count_and_a_lost_subject_counts_as_nothing() -> None:
    plate, flat = display(picture()), np.full((24, 32, 3), 0.5, np.float32)
    running = EdgePreservation()
    assert math.isnan(running.mean)
    assert math.isnan(running.add(plate, plate, np.zeros_like(WHOLE)))
    assert math.isnan(running.add(plate, flat, WHOLE))
    assert running.add(flat, plate, WHOLE) == 0
    running.add(plate, plate, WHOLE)
    assert running.mean == pytest.approx(0.5)


def test_smoothness_is_one_less_the_deviation_of_the_changes() -> None:
    running = EdgePreservation()
    running.frames = [0.9, 0.8, 0.9, 0.7]
    assert running.smoothness == pytest.approx(1 - np.std([-0.1, 0.1, -0.2]))
    running.frames = [1.0, -1.0, 1.0, -1.0]
    assert running.smoothness == 0
    running.frames = [0.9]
    assert math.isnan(running.smoothness)


def test_a_matte_of_another_size_is_refused() -> None:
    with pytest.raises(FormatError, match="matte is 32x20 but its picture is 32x24"):
        edge_preservation([picture()], [picture()], [WHOLE[:20]])
