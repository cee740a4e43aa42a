"""``rackfocus weights``, as a person or a script uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.runtime import extras
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs the torch extra")


def make(folder: Path, *more: str) -> int:
    return run(["weights", "init", "--preset", "tiny", "--seed", "3", "--out", str(folder), *more])


@needs_torch
def test_a_folder_is_made_and_looked_into(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "weights") == 0
    assert "make no picture worth looking at" in capfd.readouterr().out
    assert run(["weights", "inspect", str(tmp_path / "weights")]) == 0
    said = capfd.readouterr().out
    assert said.splitlines()[0].endswith("weights: fits")
    assert "tensors: 253 (253 fp32), 1,618,682 parameters, 0 unused" in said
    assert "made for: 256x128" in said
    assert "never trained: --mpi-masks off is the faithful mode" in said
    assert "weaker evidence" in said
    assert "mid_block.attentions.0: +0.0000, +0.0000" in said
    assert "skip_conv_4: 1e-05, 1e-05, 1e-05" in said


@needs_torch
def test_machines_get_one_object(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "weights", "--dtype", "fp16", "--json") == 0
    made = json.loads(capfd.readouterr().out)
    assert (made["event"], made["preset"], made["seed"], made["dtype"]) == ("weights", "tiny", 3, "fp16")
    assert run(["weights", "inspect", str(tmp_path / "weights"), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["fits"] is True
    assert found["networks"][0]["dtypes"] == {"fp16": 1160}
    assert found["planes"]["verdict"] == "never trained"


@needs_torch
def test_the_image_encoder_may_lie_elsewhere_or_be_missing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "a" / "weights") == 0
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "weights" / "image_encoder").rename(tmp_path / "b" / "image_encoder")
    capfd.readouterr()
    assert run(["weights", "inspect", str(tmp_path / "a" / "weights")]) == 6
    said = capfd.readouterr().out
    assert "cannot be rendered with" in said
    assert "no image encoder was found" in said
    assert run(["weights", "inspect", str(tmp_path / "a" / "weights"), "--image-encoder", str(tmp_path / "b")]) == 0


@needs_torch
def test_errors_are_sentences_with_their_status(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "inspect", str(tmp_path / "nowhere")]) == 6
    assert capfd.readouterr().err.startswith("rackfocus: error: weights.missing: ")
    assert make(tmp_path / "weights") == 0
    assert make(tmp_path / "weights") == 4
    assert "output.exists" in capfd.readouterr().err
    assert make(tmp_path / "weights", "--overwrite") == 0


@pytest.mark.parametrize("flags", [["--preset", "huge"], ["--dtype", "int4"], ["--seed", "-1"]])
def test_choices_that_there_are_not_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert run(["weights", "init", "--out", str(tmp_path / "weights"), *flags]) == 2
    assert capfd.readouterr().err.startswith("rackfocus: error: usage: ")
    assert list(tmp_path.iterdir()) == []


def test_without_torch_the_command_that_installs_it_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "TORCH_PACKAGES", ("no_such_package_anywhere", "json"))
    for command in (["inspect", str(tmp_path)], ["init", "--out", str(tmp_path / "weights")]):
        assert run(["weights", *command]) == 5
        said = capfd.readouterr().err
        assert said.startswith("rackfocus: error: install: ")
        assert "needs no_such_package_anywhere; install" in said
        assert "pip install -c constraints.txt '.[torch]'" in said


@needs_torch
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "rackfocus.py", "weights", "init", "--preset", "small", "--out", str(tmp_path / "w")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not any(tmp_path.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.startswith("rackfocus: error: cancelled: ")
    assert list(tmp_path.iterdir()) == []
