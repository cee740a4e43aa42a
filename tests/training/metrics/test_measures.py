from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from training.metrics import MEASURES, as_markdown, edge_band_psnr, psnr, seam_figure, ssim, temporal_error

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_the_page_holds_the_list_as_it_is() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")


def test_keys_and_names_are_their_own() -> None:
    assert len({measure.name for measure in MEASURES.values()}) == len(MEASURES)
    assert all(key == measure.key and key.isidentifier() for key, measure in MEASURES.items())


def test_no_cell_breaks_the_table() -> None:
    assert {line.count("|") for line in as_markdown().splitlines()} == {9}


@pytest.mark.parametrize("key", ["psnr", "ssim", "edge_psnr", "rm", "seam"])
def test_the_truth_itself_gets_the_perfect_number_that_is_told(key: str) -> None:
    truth = np.random.default_rng(1).random((4, 20, 24, 3), dtype=np.float32)
    disparity = np.zeros((20, 24), np.float32)
    disparity[:, 12:] = 1
    even = [np.full((4, 4, 3), 0.1 * t, np.float32) for t in range(5)]
    found = {
        "psnr": psnr(truth, truth),
        "ssim": ssim(truth[0], truth[0]),
        "edge_psnr": edge_band_psnr(truth, truth, [disparity] * 4),
        "rm": temporal_error(truth, truth),
        "seam": seam_figure(even, {2}),
    }
    perfect = MEASURES[key].best
    assert found[key] == perfect if math.isinf(perfect) else found[key] == pytest.approx(perfect, abs=1e-5)
