"""``rackfocus data make`` and ``rackfocus data info``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import CancelledError
from training.data.clips import ClipSet
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[3]

RECIPE = """
size = "32x32"
frames = 2
rays = 9
plate_samples = 2
focusings = ["held"]
focusings_per_clip = 1
[scenes]
elements = 1
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return ["data", "make", "--out", str(tmp_path / "set"), "--recipe", str(tmp_path / "recipe.toml"), "--workers", "1"]


def test_a_set_is_made_told_and_looked_into(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--clips", "2", "--seed", "4"]) == 0
    said = capsys.readouterr()
    assert "clip-00002 made  2/2" in said.err
    assert said.out.startswith(f"{tmp_path / 'set'}: 2 clips; 2 made in ")
    assert said.out.endswith(" a minute\n")
    assert ClipSet(tmp_path / "set").manifest.seed == 4
    assert run([*words, "--clips", "3", "--seed", "4", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line.get("done")) for line in lines] == [("clip", 2), ("clip", 3), ("data", None)]
    assert run(["data", "info", str(tmp_path / "set")]) == 0
    said = capsys.readouterr()
    assert "3 of 3 clips" in said.out
    assert "held: 3" in said.out
    assert "(procedural), CC0-1.0, in " in said.out


def test_what_cannot_be_made_is_one_sentence(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--preset", "huge"]) == 2
    assert 'there is no preset "huge"; choose tiny, small, full' in capsys.readouterr().err
    (tmp_path / "recipe.toml").write_text("clip = 3")
    assert run(words) == 3
    assert "recipe.toml: clip is not known; did you mean clips?" in capsys.readouterr().err
    assert run(["data", "info", str(tmp_path)]) == 3
    assert "is no set of clips" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no interrupt to one process")
def test_an_interrupt_keeps_what_is_whole_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("32x32", "320x320"))
    command = [sys.executable, "-m", "rackfocus", "data", "make", "--out", str(tmp_path / "set"), "--clips", "400"]
    process = subprocess.Popen(
        [*command, "--recipe", str(tmp_path / "recipe.toml"), "--workers", "2"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "made  1/400" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()  # ends when the last process that holds it ends
    assert process.wait() == CancelledError.exit_status
    assert said.splitlines()[-1].endswith("the same command makes the rest")
    assert not list((tmp_path / "set").glob(".*.unfinished"))
    assert len(ClipSet(tmp_path / "set")) >= 1
