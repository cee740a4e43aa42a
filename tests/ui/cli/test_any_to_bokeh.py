"""``rackfocus render --renderer any-to-bokeh``, as a person or a farm uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.media import PlateReader
from engine.runtime import extras
from engine.shot import Plate
from tests.engine.render.shots import FIRST, make_plates, outputs, shot_data, write_exr
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 14


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    assert run(["weights", "init", "--preset", "tiny", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A shot whose depth limits are to be found, so that every split has to find the same."""
    make_plates(tmp_path, FRAMES, 48, 32)
    file = tmp_path / "shot.json"
    file.write_text(json.dumps(shot_data(tmp_path, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})))
    return file


def command(document: Path, weights: Path, *more: str) -> list[str]:
    learned = ["--renderer", "any-to-bokeh", "--weights", str(weights), "--network-size", "64x64"]
    return ["render", str(document), *learned, "--json", *more]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rackfocus", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def wait_for_frames(process: subprocess.Popen[str], count: int) -> None:
    """Read events until ``count`` frames are written, or the end."""
    assert process.stdout is not None
    seen = 0
    while seen < count and (line := process.stdout.readline()):
        seen += json.loads(line)["event"] == "frame"


def whole(folder: Path, document: Path, weights: Path) -> dict[str, bytes]:
    """What one run in this process writes; the folder is empty afterwards."""
    text = document.read_text()
    assert run(command(document, weights)) == 0
    found = outputs(folder)
    assert len(found) == FRAMES
    for file in (folder / "out").iterdir():
        file.unlink()
    document.write_text(text)
    return found


def told(capfd: pytest.CaptureFixture[str], arguments: list[str], status: int, code: str) -> str:
    """The one line of an error."""
    capfd.readouterr()
    assert run(arguments) == status
    said = capfd.readouterr().err
    (line,) = [line for line in said.splitlines() if "error" in line]
    assert line.startswith(f"rackfocus: error: {code}: "), said
    return line


def test_from_init_to_pictures(
    tmp_path: Path, document: Path, weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(document)]) == 0
    capfd.readouterr()
    assert run(command(document, weights)) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["frame"] for event in events if event["event"] == "frame"] == list(range(FIRST, FIRST + FRAMES))
    assert (events[-1]["written"], events[-1]["skipped"], events[-1]["warnings"]) == (FRAMES, 0, [])
    assert len(outputs(tmp_path)) == FRAMES
    assert run(command(document, weights, "--device", "cpu")) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["skipped"] == FRAMES


def test_two_processes_on_halves_of_the_shot_give_what_one_gives(tmp_path: Path, document: Path, weights: Path) -> None:
    expected = whole(tmp_path, document, weights)
    halves = [f"{FIRST}-{FIRST + 6}", f"{FIRST + 7}-{FIRST + FRAMES - 1}"]
    tasks = [start(command(document, weights, "--frames", half)) for half in halves]
    said = [task.communicate()[1] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], said
    assert outputs(tmp_path) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_leaves_whole_frames_and_no_more(
    tmp_path: Path, document: Path, weights: Path, number: signal.Signals
) -> None:
    make_plates(tmp_path, 60, 48, 32)
    process = start(command(document, weights, "--near", "2"))
    wait_for_frames(process, 1)
    process.send_signal(number)
    sent = time.monotonic()
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert time.monotonic() - sent < 30
    assert said.splitlines()[-1].startswith("rackfocus: error: cancelled: ")
    assert "Traceback" not in said
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == [f"out.{frame}.exr" for frame in range(FIRST, FIRST + len(names))]
    assert 0 < len(names) < 60
    assert len(outputs(tmp_path)) == len(names)


def test_a_movie_is_an_output_like_any_other(tmp_path: Path, document: Path, weights: Path) -> None:
    movie = tmp_path / "out.mov"
    assert run(command(document, weights, "--out", str(movie), "--frame-rate", "24")) == 0
    with PlateReader(Plate(path=str(movie))) as reader:
        assert len(reader.frames) == FRAMES
        assert reader.read(1).image.shape[:2] == (32, 48)


def test_check_finds_the_folder_that_cannot_be_rendered_with(
    tmp_path: Path, document: Path, weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved.json"
    for place, status in ((weights, 0), (tmp_path / "plate", 6)):
        data = json.loads(document.read_text())
        data["renderer"] = {"name": "any-to-bokeh", "any_to_bokeh": {"weights": str(place)}}
        saved.write_text(json.dumps(data))
        assert run(["check", str(saved)]) == status
    assert capfd.readouterr().err.startswith("rackfocus: error: weights.missing: ")


def test_what_is_wrong_is_one_sentence_each(
    tmp_path: Path, document: Path, weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    none = ["render", str(document), "--renderer", "any-to-bokeh"]
    assert "--weights DIR" in told(capfd, none, 6, "weights.missing")
    assert str(tmp_path / "nowhere") in told(capfd, command(document, tmp_path / "nowhere"), 6, "weights.missing")
    assert "unet/config.json" in told(capfd, command(document, tmp_path / "plate"), 6, "weights.missing")
    other = tmp_path / "other"
    assert run(["weights", "init", "--preset", "tiny", "--out", str(other)]) == 0
    configuration = other / "unet" / "unet" / "config.json"
    wider = json.loads(configuration.read_text()) | {"block_out_channels": [64, 64, 64, 64]}
    configuration.write_text(json.dumps(wider))
    assert "of another shape" in told(capfd, command(document, other), 6, "weights.shape")
    (other / "unet" / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\0" * 100)
    told(capfd, command(document, other), 6, "weights.corrupt")
    assert "--device" in told(capfd, command(document, weights, "--device", "cuda:9"), 5, "device")
    write_exr(tmp_path / "plate" / "plate.1002.exr", np.ones((48, 32, 4), np.float32), ("R", "G", "B", "A"))
    write_exr(tmp_path / "depth" / "depth.1002.exr", np.full((48, 32, 1), 3, np.float32), ("Z",))
    line = told(capfd, command(document, weights), 3, "media.size")
    assert "frame 1002: the plate is 32x48, but the shot began with 48x32" in line
    assert not (tmp_path / "out").exists()


def test_without_the_extra_the_command_that_installs_it_is_told(
    document: Path, weights: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "TORCH_PACKAGES", ("no_such_package_anywhere", "json"))
    line = told(capfd, command(document, weights), 5, "install")
    assert "pip install -c constraints.txt '.[torch]'" in line
