from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import DataSetError, OutputWriteError
from tests.training.evaluation.sets import copy_of, options
from training.data.clips import FIRST_FRAME, ClipSet
from training.evaluation import evaluate, evaluate_set, jobs
from training.evaluation.jobs import Score
from training.evaluation.report import as_json

ROOT = Path(__file__).resolve().parents[3]


def test_a_clip_has_the_numbers_of_the_single_comparison(tiny_clips: ClipSet, tmp_path: Path) -> None:
    found = evaluate_set(options(tiny_clips, tmp_path, "draft", keep=True, most_clips=1))
    assert len(found.scores) == 2
    for job, score in zip(found.jobs, found.scores, strict=True):
        truth = job.clip.folder / job.focusing.name / "bokeh.%04d.exr"
        alone = evaluate(job.render_folder, truth, job.clip.folder / "disparity")
        assert score.value("psnr") == pytest.approx(alone.psnr, abs=1e-6)
        assert score.value("ssim") == pytest.approx(alone.ssim, abs=1e-9)
        assert score.value("edge_psnr") == pytest.approx(alone.edge_psnr, abs=1e-6)
        assert score.value("rm") == pytest.approx(alone.temporal, rel=1e-6)
        assert score.cpu_seconds > 0


def test_where_blur_is_large_a_renderer_is_nearer_to_the_truth_than_the_plate(
    tiny_clips: ClipSet, tmp_path: Path
) -> None:
    found = evaluate_set(options(tiny_clips, tmp_path, "draft,plate"))
    pairs = list(zip(found.of("Rackfocus draft", "none"), found.of("Plate, no blur", "none"), strict=True))
    ours, plain = max(pairs, key=lambda pair: sum(pair[0].strengths))
    assert ours.value("psnr") > plain.value("psnr") + 3


def test_a_second_call_renders_nothing_again(
    tiny_clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate_set(options(tiny_clips, tmp_path))
    monkeypatch.setattr(jobs, "plate_frames", lambda *_: pytest.fail("rendered again"))
    assert as_json(evaluate_set(options(tiny_clips, tmp_path))) == as_json(first)


def test_a_killed_evaluation_goes_on_and_reports_the_same(tiny_clips: ClipSet, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rackfocus", "evaluate", "--set", str(tiny_clips.folder), "--renderers", "plate"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "cut")], cwd=ROOT, stderr=subprocess.DEVNULL)
    scores = tmp_path / "cut" / "scores"
    while process.poll() is None and not list(scores.rglob("*.json")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = len(list(scores.rglob("*.json")))
    cut = evaluate_set(options(tiny_clips, tmp_path / "cut"))
    whole = evaluate_set(options(tiny_clips, tmp_path / "whole"))
    assert 1 <= left <= 4
    assert as_json(cut) == as_json(whole)


def test_several_processes_find_what_one_does(tiny_clips: ClipSet, tmp_path: Path) -> None:
    one = evaluate_set(options(tiny_clips, tmp_path / "one"))
    two = evaluate_set(options(tiny_clips, tmp_path / "two", jobs=2))
    assert as_json(one) == as_json(two)


def test_a_damaged_frame_costs_its_clip_and_no_other(tiny_clips: ClipSet, tmp_path: Path) -> None:
    folder = copy_of(tiny_clips, tmp_path / "set")
    clip = next(iter(tiny_clips))
    focusing = clip.clip.focusings[0].name
    broken = folder / clip.clip.name / focusing / f"bokeh.{FIRST_FRAME + 2}.exr"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    found = evaluate_set(options(folder, tmp_path / "out"))
    assert [(f.contender, f.shot) for f in found.failures] == [("Plate, no blur", f"{clip.clip.name} {focusing} none")]
    assert str(broken) in found.failures[0].sentence
    assert len(found.scores) == len(found.jobs) - 1
    broken.write_bytes(whole)
    assert not evaluate_set(options(folder, tmp_path / "out")).failures


def test_a_damaged_clip_document_is_named_and_the_others_go_on(tiny_clips: ClipSet, tmp_path: Path) -> None:
    folder = copy_of(tiny_clips, tmp_path / "set")
    name = tiny_clips.finished[0]
    (folder / name / "clip.json").write_text('{"name": "half')
    found = evaluate_set(options(folder, tmp_path / "out"))
    assert [(f.contender, f.shot) for f in found.failures] == [("all", name)]
    assert {score.clip for score in found.scores} == set(tiny_clips.finished[1:])


def test_a_contender_that_is_not_here_says_so(tiny_clips: ClipSet, tmp_path: Path) -> None:
    found = evaluate_set(options(tiny_clips, tmp_path, f"plate,any-to-bokeh:weights={tmp_path / 'none'}"))
    assert len(found.failures) == 1
    assert "none" in found.failures[0].sentence
    assert len(found.scores) == len(found.jobs)


def test_a_clip_that_was_made_again_is_rendered_again(tiny_clips: ClipSet, tmp_path: Path) -> None:
    folder = copy_of(tiny_clips, tmp_path / "set")
    job = evaluate_set(options(folder, tmp_path / "out", most_clips=1)).jobs[0]
    assert job.finished() is not None
    document = folder / job.clip.clip.name / "clip.json"
    document.write_text(document.read_text() + "\n")
    assert job.finished() is None


def test_a_score_that_is_damaged_does_not_count(tiny_clips: ClipSet, tmp_path: Path) -> None:
    job = evaluate_set(options(tiny_clips, tmp_path, most_clips=1)).jobs[0]
    text = job.score_file.read_text()
    job.score_file.write_text(text[: len(text) // 2])
    assert job.finished() is None


def test_focusings_are_chosen_by_kind_name_or_pattern(tiny_clips: ClipSet, tmp_path: Path) -> None:
    clip = next(iter(tiny_clips)).clip
    chosen = clip.focusings[1]
    found = evaluate_set(options(tiny_clips, tmp_path, most_clips=1, focusings=(chosen.name,)))
    assert [job.focusing for job in found.jobs] == [chosen]
    with pytest.raises(DataSetError, match=r"--focusings asks for \(luck\); there are "):
        evaluate_set(options(tiny_clips, tmp_path, focusings=("luck",)))


def test_a_folder_that_cannot_be_written_ends_it(tiny_clips: ClipSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match="give another --out"):
        evaluate_set(options(tiny_clips, tmp_path / "file"))


def test_a_score_survives_json_with_values_that_are_not_finite(tiny_clips: ClipSet, tmp_path: Path) -> None:
    score = evaluate_set(options(tiny_clips, tmp_path, most_clips=1)).scores[0]
    perfect = score.model_copy(update={"squared_errors": (0.0,) * len(score.frames), "edge_squared_error": None})
    again = Score.model_validate_json(perfect.model_dump_json())
    assert again.value("psnr") == float("inf")
    assert json.loads(perfect.model_dump_json())["edge_squared_error"] is None
