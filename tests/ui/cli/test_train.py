"""``rackfocus train`` as a person meets it; what it does is tested in tests/training/stages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.data.making import tiny_set
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]

SHORT = """\
preset = "tiny"
hold_back = 1
data = ["set"]
[stages.0]
size = "64x64"
steps = 1
batch = 1
frames = 1
[stages.1]
size = "64x64"
steps = 20
batch = 1
frames = 2
"""


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's file, beside the set that it names."""
    folder = tmp_path_factory.mktemp("short")
    tiny_set(folder / "set")
    (folder / "run.toml").write_text(SHORT)
    return folder / "run.toml"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "huge"], '--preset cannot be "huge"'),
        (["--stage", "4"], '--stage cannot be "4"'),
        (["--preset", "tiny", "--config", "run.toml"], "--preset or --config"),
        ([], "--data SET"),
    ],
)
def test_a_value_that_cannot_be_is_a_usage_error(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["--data", "nowhere"], 3, "data"),
        (["--config", "nowhere.toml"], 9, "training"),
        (["--resume"], 9, "training"),
        (["--data", "nowhere", "--preset", "full"], 9, "training"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(
    words: list[str], status: int, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate")
    assert run(["train", "--out", str(tmp_path / "run"), *words]) == status
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"rackfocus: error: {code}: ")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_the_step_and_says_how_to_go_on(
    short: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate")
    words = ["train", "--config", str(short), "--out", str(tmp_path / "run"), "--stage", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, ROOT / "rackfocus.py", *words, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "stepped":
                process.send_signal(signal.SIGINT)
                break
        _, said = process.communicate()
    assert process.returncode == 130
    last = said.strip().splitlines()[-1]
    assert last.startswith("rackfocus: error: cancelled: stopped after step ")
    assert "--resume" in last
    assert list((tmp_path / "run" / "checkpoints").glob("stage-1-*.pt"))
    assert run(["train", "--out", str(tmp_path / "run"), "--resume", "--steps", "3"]) == 9
    assert "stages.0.steps = 1, and 3 is asked for now" in capfd.readouterr().err


@pytest.mark.early
def test_a_short_run_from_the_command_line_leaves_weights_that_load(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate")
    from engine.networks.checkpoint import open_weights

    words = ["train", "--config", str(short), "--out", str(tmp_path / "run"), "--steps", "1"]
    assert run([*words, "--stage", "0"]) == 0
    assert "stage 0  step 1/1  loss" in capsys.readouterr().err
    resumed = ["train", "--out", str(tmp_path / "run"), "--resume", "--stage", "1"]
    assert run(resumed) == 0
    assert f"--weights {tmp_path / 'run' / 'weights'}" in capsys.readouterr().err
    assert open_weights(tmp_path / "run" / "weights").size == (128, 64)
