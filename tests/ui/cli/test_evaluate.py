"""``rackfocus evaluate``, its two ways of being called."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.data.making import tiny_set
from training.data.clips import FIRST_FRAME, ClipSet
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return tiny_set(tmp_path_factory.mktemp("sets") / "tiny")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "a", "--out", "b", "--result", "c"], "--result compares two shots, and --set evaluates a set"),
        (["--set", "a", "--out", "b", "--frames", "1-2"], "--frames compares two shots"),
        (["--result", "a", "--reference", "b", "--jobs", "2"], "--jobs belongs to a set of clips; give --set too"),
        (["--result", "a", "--reference", "b", "--keep"], "--keep belongs to a set of clips"),
        (["--result", "a"], "give --reference to compare two shots"),
        ([], "give --result and --reference to compare two shots (or give --set and --out)"),
        (["--set", "a"], "give --out to evaluate a set"),
    ],
)
def test_the_two_ways_are_not_mixed(arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *arguments]) == 2
    said = capfd.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["--renderers", "luxor"], 2, "shot"),
        (["--perturb", "shake"], 2, "shot"),
        (["--networks", "fvd=nowhere"], 6, "weights.missing"),
        (["--renderers", "plate", "--focusings", "luck"], 3, "data"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    clips: ClipSet, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], status: int, code: str
) -> None:
    assert run(["evaluate", "--set", str(clips.folder), "--out", str(tmp_path / "out"), *arguments]) == status
    said = capfd.readouterr().err
    assert said.startswith(f"rackfocus: error: {code}: ")
    assert said.count("\n") == 1


def test_a_folder_that_is_no_set_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--set", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    assert "is no set of clips" in capfd.readouterr().err


def test_a_set_gives_tables_and_a_page(clips: ClipSet, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--set", str(clips.folder), "--out", str(tmp_path), "--renderers", "plate,draft"]
    assert run([*command, "--clips", "1"]) == 0
    heard = capfd.readouterr()
    assert "Rackfocus draft" in heard.out
    assert "The paper's own numbers" in heard.out
    assert heard.out.rstrip().endswith("report.html")
    assert len(heard.err.splitlines()) == 4
    assert run([*command, "--clips", "1", "--json"]) == 0
    again = capfd.readouterr()
    assert again.err == ""
    assert {row["contender"] for row in json.loads(again.out)["set"]} == {"Plate, no blur", "Rackfocus draft"}


def test_the_status_tells_that_something_has_no_score(
    clips: ClipSet, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    absent = f"plate,any-to-bokeh:weights={tmp_path / 'none'}"
    command = ["evaluate", "--set", str(clips.folder), "--out", str(tmp_path), "--renderers", absent]
    assert run([*command, "--clips", "1"]) == 1
    heard = capfd.readouterr()
    assert "Any-to-Bokeh does not take part" in heard.err
    assert "Failed" in heard.out


def test_two_shots_are_compared_as_before(clips: ClipSet, capfd: pytest.CaptureFixture[str]) -> None:
    clip = next(iter(clips))
    truth = str(clip.folder / clip.clip.focusings[0].name / "bokeh.%04d.exr")
    plate, depth = str(clip.folder / "plate"), str(clip.folder / "disparity")
    assert run(["evaluate", "--result", plate, "--reference", truth, "--disparity", depth, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["frames"][0]["frame"] == FIRST_FRAME
    assert told["edge_psnr"] > 0


def test_ctrl_c_says_how_to_go_on(clips: ClipSet, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rackfocus", "evaluate", "--set", str(clips.folder), "--out", str(tmp_path)]
    process = subprocess.Popen([*command, "--renderers", "draft"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read().splitlines()
    if process.wait() == 0:
        pytest.skip("it was done before the signal came")
    assert process.returncode == 130
    assert said[-1].endswith(f"cancelled: stopped; scores are kept in {tmp_path}, and the same command goes on")
