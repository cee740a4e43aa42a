from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import OutputWriteError, ShotError
from tests.training.benchmark.stand_ins import Blurred, Failing, Missing, Sharp
from training.benchmark import OpticalOptions, OpticalReport, aligned, run_optical
from training.benchmark.optical import MEASURES, compare, score
from training.benchmark.truth import known_shot
from training.metrics import psnr
from training.scenes import SceneShot, benchmark_shots

WIDTH, HEIGHT = 96, 54


@pytest.fixture(scope="module")
def shots() -> tuple[SceneShot, ...]:
    return benchmark_shots(WIDTH, HEIGHT)[:2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="module")
def report(shots: tuple[SceneShot, ...], cache: Path, tmp_path_factory: pytest.TempPathFactory) -> OpticalReport:
    peers = [Sharp("Rackfocus final"), Blurred("Soft peer"), Failing("Failing peer"), Missing("Missing peer")]
    options = OpticalOptions(cache=cache, pictures=tmp_path_factory.mktemp("pictures"))
    return compare(shots, peers, options)


def test_every_shot_is_scored_for_every_renderer_that_ran(report: OpticalReport, shots: tuple[SceneShot, ...]) -> None:
    names = [(score.shot, score.renderer) for score in report.scores]
    assert names == [(shot.name, name) for shot in shots for name in ("Rackfocus final", "Soft peer")]


def test_a_renderer_that_is_missing_or_fails_is_skipped_with_its_reason(report: OpticalReport) -> None:
    assert report.skipped["Missing peer"] == "install it with: apt install missing"
    assert report.skipped["Failing peer"].endswith("Failing peer ended with status 1")


def test_the_means_and_the_difference_to_the_best_peer_follow_from_the_scores(report: OpticalReport) -> None:
    ours, peer = report.means()
    assert ours.psnr == pytest.approx(np.mean([s.psnr for s in report.scores if s.renderer == ours.renderer]))
    (difference,) = report.against_best_peer()
    assert difference.psnr == pytest.approx(ours.psnr - peer.psnr)
    assert difference.cpu_seconds == pytest.approx(0.25 - 0.5)


def test_the_table_holds_shots_means_and_differences(report: OpticalReport) -> None:
    rows = report.rows()
    assert rows[0] == ("shot", "renderer", *(m.title for m in MEASURES))
    assert [row[0] for row in rows[1:]] == [s.shot for s in report.scores] + ["mean", "mean", "less best peer"]
    assert len({len(row) for row in rows}) == 1
    assert aligned(report.summary_rows()).count("\n") == 4


def test_the_report_is_json_for_machines(report: OpticalReport) -> None:
    said = json.loads(report.to_json())
    assert len(said["shots"]) == 4
    assert said["versions"] == {"Rackfocus final": "1", "Soft peer": "1"}


def test_pictures_of_every_shot_lie_in_the_folder(report: OpticalReport, shots: tuple[SceneShot, ...]) -> None:
    names = {path.name for path in report.pictures.iterdir()}
    for shot in shots:
        assert {f"{shot.name}.png", f"{shot.name}.truth.png", f"{shot.name}.soft-peer.error.png"} <= names


def test_the_truth_scores_best_of_all(shots: tuple[SceneShot, ...], cache: Path) -> None:
    known = known_shot(shots[0], cache)

    class Truth(Sharp):
        pass

    rendering = Truth("truth").render(known.frames)
    perfect = score(known, "truth", type(rendering)(tuple(known.truth), (0.0,) * len(known.truth)))
    assert perfect.psnr == np.inf
    assert perfect.ssim == pytest.approx(1.0, abs=1e-6)
    assert perfect.temporal == 0.0


def test_the_second_time_the_truth_comes_from_the_cache(shots: tuple[SceneShot, ...], cache: Path) -> None:
    first = known_shot(shots[0], cache)
    said: list[str] = []
    again = known_shot(shots[0], cache, said.append)
    assert not said
    assert np.array_equal(again.truth, first.truth)
    assert again.frames[0].strength == shots[0].strength[0]
    assert psnr(again.truth, first.truth) == np.inf


def test_only_a_shot_with_transparency_is_rendered_with_alpha(cache: Path) -> None:
    tiny = {shot.name: shot for shot in benchmark_shots(64, 36)}
    channels = {name: known_shot(tiny[name], cache).frames[0].channels for name in ("cutout-middle", "floor-middle")}
    assert channels == {"cutout-middle": ("R", "G", "B", "A"), "floor-middle": ("R", "G", "B")}


def test_a_changed_shot_is_traced_anew_and_replaces_the_old_one(shots: tuple[SceneShot, ...], tmp_path: Path) -> None:
    shot = shots[0]
    short = SceneShot(shot.name, shot.scene, shot.frames[:1], shot.focus[:1], shot.strength[:1])
    other = SceneShot(shot.name, shot.scene, shot.frames[:1], (0.2,), shot.strength[:1])
    known_shot(short, tmp_path)
    said: list[str] = []
    known_shot(other, tmp_path, said.append)
    assert said == [f"{shot.name}: tracing the truth of frame 1 of 1"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_named(shots: tuple[SceneShot, ...], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    shot = SceneShot("one", shots[0].scene, shots[0].frames[:1], shots[0].focus[:1], shots[0].strength[:1])
    with pytest.raises(OutputWriteError, match="the truth cannot be kept"):
        known_shot(shot, blocked)


def test_a_shot_or_renderer_that_does_not_exist_is_refused_before_any_work() -> None:
    with pytest.raises(ShotError, match="there is no shot nowhere; choose from"):
        run_optical(OpticalOptions(shots=("nowhere",)))
    with pytest.raises(ShotError, match="there is no renderer photoshop; choose from final, draft, gegl, blender"):
        run_optical(OpticalOptions(renderers=("photoshop",)))
