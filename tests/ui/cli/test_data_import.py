"""``rackfocus data import``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.data.test_stereo import tartanair
from training.data.clips import ClipSet
from ui.cli.app import run


def test_a_stereo_set_is_imported_told_and_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tartanair(tmp_path / "src", range(3))
    words = ["data", "import", str(tmp_path / "src"), "--layout", "tartanair", "--out", str(tmp_path / "set")]
    assert run([*words, "--frames", "1", "--clips", "2"]) == 0
    said = capsys.readouterr()
    assert "office-Easy-P001-1 there  2/2" in said.err
    assert said.out == f"{tmp_path / 'set'}: 2 clips\n"
    assert len(ClipSet(tmp_path / "set")) == 2
    assert run([*words, "--frames", "1", "--clips", "2", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["clip", "clip", "data"]
    assert lines[-1]["truths"] == 2 * 21
    assert run(["data", "info", str(tmp_path / "set")]) == 0
    assert "2 of 2 clips" in capsys.readouterr().out


def test_what_cannot_be_imported_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "import", str(tmp_path / "src"), "--out", str(tmp_path / "set"), "--layout"]
    assert run([*words, "irs"]) == 3
    assert "there is no folder" in capsys.readouterr().err
    assert run([*words, "kitti"]) == 2
    assert 'there is no layout "kitti"' in capsys.readouterr().err
