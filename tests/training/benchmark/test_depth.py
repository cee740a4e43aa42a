from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ShotError
from tests.training.benchmark.stand_ins import Blurred, Failing, Missing, Sharp
from training.benchmark import DepthOptions, DepthReport, aligned, run_depth
from training.benchmark.composed import composed_shot
from training.benchmark.contenders import DEPTH_CONTENDERS, NAMES, contenders
from training.benchmark.depth import compare_ways, score_depth
from training.benchmark.depth_sets import SETS, DepthShot, depth_shots
from training.benchmark.shapes import TUNE_PICTURES
from training.benchmark.spoiling import choose_ways
from training.peers import Rendering


def small(focus: str) -> DepthShot:
    known = composed_shot(TUNE_PICTURES[1], focus, 2, 64, 12.0)
    return DepthShot(known.name, "composed", lambda *_: known)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> DepthReport:
    peers = [Sharp("Rackfocus final"), Blurred("Soft peer"), Failing("Failing peer"), Missing("Missing peer")]
    options = DepthOptions(pictures=tmp_path_factory.mktemp("pictures"))
    return compare_ways([small("near"), small("far")], choose_ways(("exact", "soft-3")), peers, options)


def test_every_shot_and_way_is_scored_for_every_renderer_that_ran(report: DepthReport) -> None:
    assert [(s.shot, s.way, s.renderer) for s in report.scores] == [
        (shot, way, renderer)
        for shot in ("textured-near", "textured-far")
        for way in ("exact", "soft-3")
        for renderer in ("Rackfocus final", "Soft peer")
    ]
    assert report.skipped["Missing peer"] == "install it with: apt install missing"
    assert report.skipped["Failing peer"].startswith("textured-near, exact: ")


def test_the_tables_fit_and_say_what_each_way_costs(report: DepthReport) -> None:
    rows, cells = report.rows(), report.cells()
    assert len({len(row) for row in rows}) == len({len(row) for row in cells}) == 1
    assert [row[:3] for row in rows[1:]] == [
        ("composed", way, name) for way in ("exact", "soft-3") for name in ("Rackfocus final", "Soft peer")
    ]
    # Neither of the two looks at depth.
    assert {row[4] for row in rows[1:]} == {"0.00"}
    assert len(cells) == 5
    assert all(row[3].endswith(" / -") and row[3].count("/") == 2 for row in cells[1:])
    assert aligned(rows).count("\n") == 5


def test_the_report_is_json_for_machines(report: DepthReport) -> None:
    read = json.loads(report.to_json())
    assert len(read["shots"]) == 8
    assert len(read["means"]) == 4
    assert read["ways"]["soft-3"] == "Gaussian of 3 px"


def test_where_another_is_better_is_named(report: DepthReport) -> None:
    means = {(m.way, m.renderer): m for m in report.means()}
    for found in report.behind():
        ours, other = (means[found.way, name] for name in ("Rackfocus final", "Soft peer"))
        assert found.renderer == "Rackfocus final"
        assert (found.value, found.best) == (getattr(ours, found.measure), getattr(other, found.measure))
    named = {(found.way, found.measure) for found in report.behind()}
    for way in ("exact", "soft-3"):
        ours, other = means[way, "Rackfocus final"], means[way, "Soft peer"]
        assert ((way, "psnr") in named) == (ours.psnr < other.psnr)
        assert ((way, "speckle") in named) == (ours.speckle > other.speckle)


def test_pictures_lie_in_the_folder_when_they_are_asked_for(report: DepthReport) -> None:
    assert report.pictures is not None
    names = {path.name for path in report.pictures.iterdir()}
    assert {"textured-near.soft-3.png", "textured-near.soft-3.crop.png", "textured-far.exact.truth.png"} <= names


def test_the_truth_has_no_blemish() -> None:
    known = composed_shot(TUNE_PICTURES[5], "both", 2, 96, 8.0)
    score = score_depth(known, "composed", "exact", "truth", Rendering(tuple(known.truth), (0.0, 0.0)))
    assert (score.psnr, score.edge_psnr) == (np.inf, np.inf)
    assert (score.speckle, score.flicker, score.faint_flicker) == (0.0, 0.0, 0.0)


def test_our_own_qualities_and_the_scatter_take_part() -> None:
    names = ("final", "scatter", "final-unrepaired")
    run = compare_ways([small("near")], choose_ways(("exact",)), contenders(names), DepthOptions())
    assert list(run.versions) == ["Rackfocus final", "plain scatter", "Rackfocus final unrepaired"]
    scores = {score.renderer: score.psnr for score in run.scores}
    assert scores["Rackfocus final"] > scores["plain scatter"] + 10.0
    assert set(DEPTH_CONTENDERS) < set(NAMES)


def test_a_way_a_shot_or_a_renderer_that_does_not_exist_is_refused_before_any_work() -> None:
    with pytest.raises(ShotError, match="there is no way foggy"):
        run_depth(DepthOptions(ways=("foggy",)))
    with pytest.raises(ShotError, match="there is no shot nowhere in this set; choose from disc-near"):
        run_depth(DepthOptions(shots=("nowhere",), width=64))
    with pytest.raises(ShotError, match="there is no renderer photoshop"):
        run_depth(DepthOptions(renderers=("photoshop",), shots=("disc",), ways=("exact",), width=64))


def test_the_two_sets_share_no_shot_and_a_picture_stands_for_its_three() -> None:
    tune, held = ({shot.name for shot in depth_shots(which, 96, 2)} for which in SETS)
    assert not tune & held
    assert [shot.name for shot in depth_shots("tune", 96, 2, ("disc",))] == ["disc-near", "disc-far", "disc-both"]
    assert {"ring-near", "comb-far", "leaves-both", "terrace-middle"} < held


@pytest.mark.parametrize("name", ["random-90211", "terrace-near"])
def test_a_held_shot_is_traced_at_any_width_and_has_the_frames_asked_for(name: str, tmp_path: Path) -> None:
    (shot,) = depth_shots("held", 96, 2, (name,))
    known = shot.load(tmp_path, lambda _: None)
    assert known.truth.shape == (2, 54, 96, 3)
    assert known.filtered[0].shape == known.frames[0].disparity.shape == (54, 96)
    again = shot.load(tmp_path, pytest.fail)
    assert np.array_equal(again.filtered, known.filtered)
