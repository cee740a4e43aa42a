from __future__ import annotations

import math

import pytest

from tests.training.evaluation.sets import options
from training.data.clips import ClipSet
from training.evaluation import Failure, SetEvaluation, evaluate_set
from training.evaluation.curves import over_distance, over_strength
from training.evaluation.jobs import Score
from training.evaluation.paper import PAPER_ROWS
from training.evaluation.tables import all_tables, failure_table, main_table, robustness_table, set_value
from training.metrics import EDGE_BINS


@pytest.fixture(scope="module")
def found(tiny_clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> SetEvaluation:
    return evaluate_set(options(tiny_clips, tmp_path_factory.mktemp("out"), "plate,draft", "none,blur:8"))


def score(**changes: object) -> Score:
    plain = {"clip": "a", "focusing": "b", "perturbation": "none", "contender": "c", "identity": "d"}
    return Score.model_validate({**plain, **changes})


def test_the_main_table_has_the_means_over_shots(found: SetEvaluation) -> None:
    header, *rows = main_table(found).rows
    assert header[-4:] == ("SSIM", "PSNR dB", "CPU s/frame", "shots")
    assert [row[0] for row in rows] == ["Plate, no blur", "Rackfocus draft"]
    plain = [s.value("psnr") for s in found.of("Plate, no blur", "none")]
    assert float(rows[0][-3]) == pytest.approx(sum(plain) / len(plain), abs=0.005)
    assert rows[0][-1] == "4"
    assert rows[0][3:5] == ("no weights", "no weights")


def test_no_measured_table_holds_the_papers_numbers(found: SetEvaluation) -> None:
    quoted = {cell for row in PAPER_ROWS[1:] for cell in row[1:]} - {"-"}
    assert not quoted & {cell for table in all_tables(found) for row in table.rows for cell in row}


def test_spoiled_disparity_changes_no_plate_and_costs_a_renderer(found: SetEvaluation) -> None:
    changes = {row[:2]: row[-1] for row in robustness_table(found).rows[1:]}
    assert changes["Plate, no blur", "blur:8"] == "0.00"
    assert changes["Rackfocus draft", "none"] == "-"
    assert float(changes["Rackfocus draft", "blur:8"]) != 0.0


def test_a_count_says_where_a_contender_failed(found: SetEvaluation) -> None:
    gone = found.of("Plate, no blur", "none")[0]
    left = SetEvaluation(
        found.options,
        found.seed,
        found.jobs,
        tuple(s for s in found.scores if s is not gone),
        found.versions,
        (Failure("Plate, no blur", "clip", "a sentence"),),
    )
    assert main_table(left).rows[1][-1] == "3 of 4"
    assert failure_table(left).rows[1] == ("Plate, no blur", "clip", "a sentence")
    assert all_tables(left)[-1].title == "Failed"


def test_a_frechet_distance_is_one_number_of_all_blocks() -> None:
    ours = [
        score(features={"fvd": ((float(i),), (float(i + 1),))}, true_features={"fvd": ((0.0,), (1.0,))}) for i in (0, 1)
    ]
    # Means 1 and 0.5; variances 2/3 and 1/3.
    expected = 0.5**2 + 2 / 3 + 1 / 3 - 2 * math.sqrt(2 / 9)
    assert set_value(ours, "fvd") == pytest.approx(expected)
    assert math.isnan(set_value([score()], "fvd"))


def test_frames_of_one_strength_are_pooled_before_the_logarithm() -> None:
    scores = [
        score(strengths=(8.0, 16.0), squared_errors=(0.01, 0.1)),
        score(strengths=(8.0, 0.0), squared_errors=(0.03, 1)),
    ]
    assert over_strength(scores) == (
        (pytest.approx(8.0), pytest.approx(-10 * math.log10(0.02))),
        (pytest.approx(16.0), pytest.approx(10.0)),
    )


def test_a_bin_of_distance_without_pixels_has_no_point() -> None:
    bins = len(EDGE_BINS) - 1
    errors = ((0.1, 10), *((0.0, 0) for _ in range(bins - 2)), (0.001, 10))
    assert over_distance([score(distance_errors=errors)] * 2) == (
        (0.5, pytest.approx(20.0)),
        (2 * EDGE_BINS[-2], pytest.approx(40.0)),
    )
