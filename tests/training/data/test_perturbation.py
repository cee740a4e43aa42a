"""Disturbed disparity: what changes, what does not, and what the released script gets wrong."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TrainingError
from engine.frames import Float32Array
from training.data import perturbation
from training.data.perturbation import MOVED, NOISE, PERTURBATIONS, perturb

NEAR, FAR = np.float32(0.7), np.float32(0.1)
SEEDS = st.integers(0, 2**32 - 1)


def disc(height: int = 144, width: int = 256) -> tuple[Float32Array, np.ndarray]:
    """A near disc before a flat ground: disparity and the disc's mask."""
    y, x = np.mgrid[:height, :width]
    mask = np.hypot(x - 0.45 * width, y - 0.5 * height) < 0.3 * height
    return np.where(mask, NEAR, FAR).astype(np.float32), mask


def near(mask: np.ndarray, pixels: int) -> np.ndarray:
    """What lies within so many pixels of the border of a mask."""
    square = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    as_bytes = mask.astype(np.uint8)
    border: np.ndarray = cv2.dilate(as_bytes, square) != cv2.erode(as_bytes, square)
    return border


@given(seed=SEEDS, mode=st.sampled_from(["paper", "released"]), focus=st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_disturbed_disparity_stays_a_disparity(seed: int, mode: str, focus: float) -> None:
    rng = np.random.default_rng(seed)
    disparity, mask = rng.random((48, 80), np.float32), rng.random((48, 80)) < 0.3
    before = disparity.copy()
    result = perturb(disparity, mask, focus, rng, mode)  # type: ignore[arg-type]
    assert result.shape == disparity.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert result.min() >= 0.0
    assert result.max() <= 1.0
    assert np.array_equal(before, disparity), "the input is the caller's"


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_paper_changes_nothing_away_from_the_border_of_the_subject(seed: int) -> None:
    disparity, mask = disc()
    result = perturb(disparity, mask, float(NEAR), np.random.default_rng(seed), "paper")
    # 2 px of 1024 in the mean square are half a pixel here; four times that, and the square of the morphology.
    assert not np.any((result != disparity) & ~near(mask, 5))


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_noise_is_within_a_tenth_of_the_focus_and_in_the_band_alone(seed: int) -> None:
    disparity, mask = disc()
    pictures = [perturb(disparity, mask, focus, np.random.default_rng(seed), "paper") for focus in (0.0, 0.5)]
    difference = pictures[1] - pictures[0]
    assert np.abs(difference).max() <= NOISE * 0.5 + 1e-6
    assert not np.any((difference != 0.0) & ~near(mask, 5))


def unmorphed_seed() -> int:
    """A seed whose draw brings no dilation and no erosion in the released mode."""
    disparity, mask = disc()
    for seed in range(64):
        result = perturb(disparity, mask, 0.0, np.random.default_rng(seed), "released")
        lost = (mask & (result < 0.2)).sum()
        won = (~mask & (result > 0.5)).sum()
        if lost == 0 and 0 < won < 200:
            return seed
    raise AssertionError("no seed without morphology among 64")


def test_released_shifts_all_that_is_outside_its_band_by_one_constant() -> None:
    disparity, mask = disc()
    result = perturb(disparity, mask, 0.5, np.random.default_rng(unmorphed_seed()), "released")
    shift = (result - disparity)[~near(mask, 5)]
    assert np.ptp(shift) < 1e-6
    assert 0.0 < abs(shift[0]) <= NOISE * 0.5 + 1e-6


def test_released_without_a_band_shifts_by_ten_percent_of_the_focus() -> None:
    flat, nothing = np.full((90, 160), 0.6, np.float32), np.zeros((90, 160), bool)
    for mode, expected in (("released", 0.6 - NOISE * 0.5), ("paper", 0.6)):
        result = perturb(flat, nothing, 0.5, np.random.default_rng(1), mode)  # type: ignore[arg-type]
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_an_element_draws_back_in_paper_and_only_grows_in_released() -> None:
    disparity, mask = disc()
    seed = unmorphed_seed()
    lost = {
        mode: np.count_nonzero(mask & (perturb(disparity, mask, 0.0, np.random.default_rng(seed), mode) < 0.2))  # type: ignore[arg-type]
        for mode in ("paper", "released")
    }
    assert lost["paper"] > 5
    assert lost["released"] == 0


def test_one_time_in_four_each_the_map_is_dilated_and_eroded() -> None:
    disparity, mask = disc(72, 128)
    areas = np.array(
        [
            np.count_nonzero(perturb(disparity, mask, 0.0, np.random.default_rng(seed), "paper") > 0.4)
            for seed in range(400)
        ]
    )
    ring = np.count_nonzero(near(mask, 1)) / 2.0
    change = (areas - np.count_nonzero(mask)) / ring
    assert 0.18 < np.mean(change > 0.5) < 0.32
    assert 0.18 < np.mean(change < -0.5) < 0.32


def test_the_displacement_is_the_papers_alpha_50_sigma_4() -> None:
    """By the formula: alpha times smoothed noise of variance one third, whose Gaussian has ``sum(k**2)`` per axis."""
    kernel = cv2.getGaussianKernel(41, 4.0)
    assert pytest.approx(50.0 * np.sqrt(1.0 / 3.0) * float((kernel**2).sum()), rel=0.01) == MOVED
    ramp = np.tile(np.linspace(0.0, 1.0, 1024, dtype=np.float32), (256, 1))
    moved = (PERTURBATIONS["elastic"](ramp, 1.0, np.random.default_rng(2)) - ramp)[20:-20, 20:-20] * 1023.0
    assert moved.std() == pytest.approx(MOVED, rel=0.05)


@pytest.mark.parametrize("name", sorted(PERTURBATIONS))
def test_severity_zero_leaves_the_map_and_more_disturbs_more(name: str) -> None:
    disparity, _ = disc(288, 512)
    results = [PERTURBATIONS[name](disparity, severity, np.random.default_rng(5)) for severity in (0.0, 1.0, 4.0)]
    errors = [float(np.abs(result - disparity).mean()) for result in results]
    assert errors[0] == 0.0
    assert 0.0 < errors[1] < errors[2]
    for result in results:
        assert result.dtype == np.float32
        assert result.min() >= FAR - 1e-6
        assert result.max() <= NEAR + 1e-6


@pytest.mark.parametrize("name", sorted(PERTURBATIONS))
def test_the_same_state_gives_the_same_map(name: str) -> None:
    disparity, mask = disc()
    twice = [PERTURBATIONS[name](disparity, 1.0, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*twice)
    both = [perturb(disparity, mask, 0.5, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*both)


def test_perlin_noise_is_zero_on_its_lattice_and_smooth_between() -> None:
    class Unshifted:
        """A generator whose first draw, the offset, is 0."""

        def __init__(self) -> None:
            self.rng, self.first = np.random.default_rng(4), True

        def random(self, size: object, dtype: type) -> np.ndarray:
            if self.first:
                self.first = False
                return np.zeros(size, dtype)  # type: ignore[call-overload,no-any-return]
            return self.rng.random(size, dtype)  # type: ignore[call-overload,no-any-return]

    place = np.linspace(0.0, 8.0, 801, dtype=np.float32)
    rows, columns = (grid.ravel() for grid in np.meshgrid(place, place[:201], indexing="ij"))
    noise = perturbation._perlin(rows, columns, Unshifted()).reshape(801, 201)  # type: ignore[arg-type]
    assert np.abs(noise[::100, ::100]).max() < 1e-6
    assert np.abs(noise).max() <= np.sqrt(0.5) + 1e-5
    assert noise.std() > 0.1
    assert np.abs(np.diff(noise, axis=0)).max() < 0.03


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": np.zeros((3, 4), bool)}, "give both as"),
        ({"focus": 1.5}, "disparity in 0..1"),
        ({"mode": "authors"}, "use paper or released"),
    ],
)
def test_what_cannot_be_disturbed_is_refused(change: dict[str, object], said: str) -> None:
    disparity, mask = disc()
    given_: dict[str, object] = {"disparity": disparity, "subject": mask, "focus": 0.5, "mode": "paper", **change}
    with pytest.raises(TrainingError, match=said):
        perturb(**given_, rng=np.random.default_rng(0))  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="severity"):
        PERTURBATIONS["blur"](disparity, -1.0, np.random.default_rng(0))
