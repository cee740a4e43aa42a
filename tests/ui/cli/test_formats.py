"""Renders into every kind of file, and what starting again does to each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.media import PlateReader
from engine.shot import Plate
from tests.engine.render.shots import make_plates, shot_data
from ui.cli.app import run


def rendered(folder: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, int]:
    assert run(["render", str(folder / "shot.json"), "--json", *arguments]) == 0, capfd.readouterr().err
    summary = json.loads(capfd.readouterr().out.splitlines()[-1])
    return {name: summary[name] for name in ("written", "skipped")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_plates(tmp_path, 4, 64, 36)
    (tmp_path / "shot.json").write_text(json.dumps(shot_data(tmp_path)))
    return tmp_path


@pytest.mark.parametrize("suffix", ["exr", "png", "tif", "dpx"])
def test_a_sequence_of_any_format_goes_on_where_it_stopped(
    suffix: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(folder / "out" / f"r.%04d.{suffix}")]
    assert rendered(folder, capfd, *out, "--frames", "1001-1002") == {"written": 2, "skipped": 0}
    assert rendered(folder, capfd, *out) == {"written": 2, "skipped": 2}
    assert rendered(folder, capfd, *out, "--blur", "1001=9") == {"written": 4, "skipped": 0}
    assert rendered(folder, capfd, *out, "--blur", "1001=9", "--overwrite") == {"written": 4, "skipped": 0}


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_movie_goes_in_and_out_and_is_made_whole(
    suffix: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    movie = folder / f"a.{suffix}"
    assert rendered(folder, capfd, "--out", str(movie), "--frame-rate", "24") == {"written": 4, "skipped": 0}
    depth = ["--depth", str(folder / "depth" / "depth.%04d.exr"), "--depth-offset", "1000"]
    flags = ["--plate", str(movie), *depth, "--near", "2", "--focus", "1=0.5", "--blur", "1=3"]
    again = folder / f"b.{suffix}"
    assert run(["render", *flags, "--out", str(again), "--json"]) == 0
    with PlateReader(Plate(path=str(again))) as reader:
        assert list(reader.frames) == [1, 2, 3, 4]
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_a_movie_over_its_own_plate_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    movie = str(folder / "a.mp4")
    rendered(folder, capfd, "--out", movie)
    depth = ["--depth", str(folder / "depth" / "depth.%04d.exr"), "--depth-offset", "1000", "--near", "2"]
    assert run(["render", "--plate", movie, *depth, "--focus", "1=0.5", "--blur", "1=3", "--out", movie]) == 4
    assert "output.exists" in capfd.readouterr().err
