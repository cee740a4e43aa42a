from __future__ import annotations

import time

import numpy as np
import pytest

from engine.errors import FormatError
from training.metrics import display, edge_band_psnr, psnr, ssim, temporal_error
from training.metrics.similarity import ssim_of_display

# structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
# channel_axis=-1) of scikit-image 0.26.0, which is float64 throughout.
SKIMAGE = 0.9004214917597819
SKIMAGE_CHANNELS = (0.9009847946695641, 0.900152264507224, 0.9001274161024679)


def waves() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:48, 0:64].astype(np.float64)
    a = np.stack([0.5 + 0.5 * np.sin(0.37 * x + 0.11 * y + c) for c in range(3)], -1)
    b = np.clip(a * 0.9 + 0.1 * np.cos(0.9 * x - 0.7 * y)[..., None] + 0.03, 0, 1)
    return a.astype(np.float32), b.astype(np.float32)


def test_ssim_agrees_with_scikit_image() -> None:
    a, b = waves()
    assert ssim_of_display(a, b) == pytest.approx(SKIMAGE, abs=1e-6)
    for channel, expected in enumerate(SKIMAGE_CHANNELS):
        one = slice(channel, channel + 1)
        assert ssim_of_display(a[..., one], b[..., one]) == pytest.approx(expected, abs=1e-6)


def test_two_flat_pictures_differ_only_in_luminance() -> None:
    # No variance: SSIM = (2 p q + C1) / (p^2 + q^2 + C1) with C1 = 0.01^2.
    p, q = np.full((15, 20, 3), 0.4, np.float32), np.full((15, 20, 3), 0.6, np.float32)
    assert ssim_of_display(p, q) == pytest.approx((2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4), abs=1e-5)


def test_ssim_is_one_for_equal_pictures_and_the_same_both_ways_round() -> None:
    a, b = waves()
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-6)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-7)


def test_an_inverted_picture_has_negative_structure() -> None:
    a, _ = waves()
    assert ssim_of_display(a, 1.0 - a) < 0


def test_noise_in_a_dark_flat_picture_does_not_upset_the_variances() -> None:
    flat = np.full((32, 32, 3), 0.999, np.float32)
    assert ssim_of_display(flat, flat) == pytest.approx(1.0, abs=1e-6)


def test_a_picture_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(FormatError, match="11x11 or larger"):
        ssim(np.zeros((10, 40, 3), np.float32), np.zeros((10, 40, 3), np.float32))


def test_all_metrics_of_a_frame_take_less_than_half_a_second() -> None:
    random = np.random.default_rng(1)
    a = random.random((576, 1024, 4), dtype=np.float32)
    b = a + np.float32(0.02)
    disparity = np.zeros((576, 1024), np.float32)
    disparity[200:400, 300:700] = 0.5
    ssim(a[:20], b[:20])
    edge_band_psnr([a[:20]], [b[:20]], [disparity[:20]])
    start = time.process_time()
    psnr([a], [b])
    ssim(a, b)
    edge_band_psnr([a], [b], [disparity])
    temporal_error([a, a], [b, a])
    assert time.process_time() - start < 0.5


def test_psnr_and_ssim_are_torchmetrics_of_the_whole_shot_in_display_values() -> None:
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("torchmetrics.functional.image")
    random = np.random.default_rng(8)
    truth = random.random((3, 40, 56, 3), dtype=np.float32)
    results = (truth + 0.1 * random.normal(size=truth.shape)).clip(0, 1).astype(np.float32)
    p, g = (torch.from_numpy(np.stack([display(f) for f in shot])).movedim(-1, 1) for shot in (results, truth))
    assert psnr(results, truth) == pytest.approx(float(image.peak_signal_noise_ratio(p, g, data_range=1.0)), abs=1e-4)
    theirs = float(image.structural_similarity_index_measure(p, g, data_range=1.0))
    ours = np.mean([ssim(a, b, "mirrored") for a, b in zip(results, truth, strict=True)])
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_borders_that_are_mirrored_weigh_as_the_rest() -> None:
    a, b = waves()
    assert ssim_of_display(a, a, "mirrored") == pytest.approx(1.0, abs=1e-6)
    assert ssim_of_display(a, b, "mirrored") == pytest.approx(0.89476, abs=1e-5)  # torchmetrics 1.9.0: 0.8948


def test_more_noise_is_less_like() -> None:
    a, _ = waves()
    noise = np.random.default_rng(9).normal(size=a.shape).astype(np.float32)
    likeness = [ssim_of_display(a, a + np.float32(k) * noise) for k in (0.0, 0.02, 0.1, 0.5)]
    assert likeness == sorted(likeness, reverse=True)
