from __future__ import annotations

import numpy as np
import pytest

from training.benchmark.composed import FAR, FOCUSES, NEAR, Picture, composed_shot
from training.benchmark.shapes import HELD_PICTURES, TUNE_PICTURES
from training.metrics import psnr

SIZE = 32


@pytest.mark.parametrize("picture", [*TUNE_PICTURES, *HELD_PICTURES], ids=lambda picture: picture.name)
def test_without_blur_the_truth_is_the_plate(picture: Picture) -> None:
    known = composed_shot(picture, "near", size=SIZE, strength=0.0)
    assert np.array_equal(known.truth, np.stack([frame.image for frame in known.frames]))


@pytest.mark.parametrize("focus", FOCUSES)
def test_the_disparity_is_hard_and_the_filtered_one_lies_around_it(focus: str) -> None:
    known = composed_shot(TUNE_PICTURES[0], focus, frames=1, size=SIZE, strength=4.0)
    disparity, filtered = known.frames[0].disparity, known.filtered[0]
    assert set(np.unique(disparity)) == {np.float32(NEAR), np.float32(FAR)}
    assert np.abs(filtered - disparity).max() <= 0.5 * (NEAR - FAR) + 1e-6
    assert 0.02 < np.mean((filtered > FAR + 1e-4) & (filtered < NEAR - 1e-4)) < 0.3


def test_what_is_in_focus_is_sharp_inside_and_what_is_not_is_blurred() -> None:
    disc = TUNE_PICTURES[1]
    near, far = (composed_shot(disc, focus, 1, 64, 12.0) for focus in ("near", "far"))
    middle, corner = (slice(28, 36),) * 2, (slice(0, 6),) * 2
    plate = near.frames[0].image
    assert near.truth[0][middle] == pytest.approx(plate[middle], abs=1e-5)
    assert far.truth[0][corner] == pytest.approx(plate[corner], abs=1e-5)
    assert np.std(near.truth[0][corner][..., 0]) < 0.6 * np.std(plate[corner][..., 0])


def _by_rays(known_size: int, strength: float, focus: float) -> np.ndarray:
    """The middle row of a textured disc by brute force: many lens points, many samples of a pixel."""
    from training.benchmark import composed

    picture = TUNE_PICTURES[1]
    rng = np.random.default_rng(3)
    total = np.zeros((known_size, 3))
    samples = 6000
    for x in range(known_size):
        angle, away = rng.uniform(0, 2 * np.pi, samples), np.sqrt(rng.random(samples))
        lens = np.stack([away * np.cos(angle), away * np.sin(angle)])
        point = np.array([[x], [known_size // 2]]) + rng.random((2, samples))
        near, far = (point - strength * (focus - d) * lens for d in (NEAR, FAR))
        near, far = (known_size - np.abs(known_size - np.mod(p, 2 * known_size)) for p in (near, far))
        cover = picture.shape(near[0], near[1], float(known_size), 1)
        lights = [
            (1 + picture.texture * composed._waves(p[0].astype(np.float32), p[1].astype(np.float32), phase))[:, None]
            * np.array(colour)
            for p, phase, colour in ((near, 0.0, picture.near), (far, 1.7, picture.far))
        ]
        total[x] = np.where(cover[:, None], lights[0], lights[1]).mean(axis=0)
    return total


@pytest.mark.parametrize("focus", FOCUSES)
def test_the_composition_is_what_rays_give(focus: str) -> None:
    known = composed_shot(TUNE_PICTURES[1], focus, 1, 32, 10.0)
    rays = _by_rays(32, 10.0, FOCUSES[focus])
    # 6000 samples of values that spread by 0.35: an error of 0.005 is one standard deviation.
    assert np.abs(known.truth[0][16] - rays).max() < 0.02
    assert np.abs(known.truth[0][16] - rays).mean() < 0.004


def test_only_the_passer_by_moves() -> None:
    by_name = {picture.name: picture for picture in TUNE_PICTURES}
    still = composed_shot(by_name["textured"], "both", 2, 64, 10.0)
    moving = composed_shot(by_name["passer-by"], "both", 2, 64, 10.0)
    assert np.array_equal(still.truth[0], still.truth[1])
    assert np.array_equal(moving.frames[0].image[:, :40], moving.frames[1].image[:, :40])
    assert psnr(moving.truth[:1], moving.truth[1:]) < 40.0
    assert not np.array_equal(moving.frames[0].disparity, moving.frames[1].disparity)
