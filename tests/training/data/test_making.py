"""Sets of clips: the same bytes however they are made, whole or not there, and never mixed with something else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest

from engine.errors import DataSetError, OutputWriteError
from engine.frames import FrameRange
from engine.render import render
from engine.shot import load_shot
from tests.training.data.making import tiny_recipe
from training.data.clips import CLIP, ClipSet
from training.data.making import Made, make_set
from training.metrics import decibels
from training.peers.exr import read_exr

ROOT = Path(__file__).resolve().parents[3]

QUICK = {"frames": 2, "rays": 16, "plate_samples": 2, "focusings_per_clip": 1}

MAKE = """
import sys
from tests.training.data.making import tiny_recipe
from training.data.making import make_set
make_set(tiny_recipe(clips=3, frames=2, rays=16, plate_samples=2, focusings_per_clip=1), sys.argv[1])
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of two frames, made in one go; read it only."""
    folder = tmp_path_factory.mktemp("sets") / "three"
    make_set(tiny_recipe(clips=3, **QUICK), folder)
    return folder


def test_two_processes_make_the_same_bytes_as_one(three: Path, tmp_path: Path) -> None:
    told: list[Made] = []
    made = make_set(tiny_recipe(clips=3, **QUICK), tmp_path / "set", workers=2, say=told.append)
    assert len(made) == 3
    assert contents(made.folder) == contents(three)
    assert [(m.done, m.made) for m in told] == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(three: Path, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path / "set")], cwd=ROOT)
    try:
        patience = time.monotonic() + 60.0
        while not (tmp_path / "set/clip-00001" / CLIP).is_file():
            assert process.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    kept = contents(tmp_path / "set/clip-00001")
    # What a kill in the middle of a clip leaves.
    shutil.copytree(three / "clip-00002", tmp_path / "set/.clip-00002.unfinished", dirs_exist_ok=True)
    told: list[Made] = []
    make_set(tiny_recipe(clips=3, **QUICK), tmp_path / "set", say=told.append)
    assert told[0].done >= 1
    assert contents(tmp_path / "set/clip-00001") == kept
    assert contents(tmp_path / "set") == contents(three)


def test_a_set_grows_and_keeps_what_it_has(three: Path, tmp_path: Path) -> None:
    make_set(tiny_recipe(clips=1, **QUICK), tmp_path / "set")
    told: list[Made] = []
    make_set(tiny_recipe(clips=3, **QUICK), tmp_path / "set", say=told.append)
    assert told[0].done == 1
    assert contents(tmp_path / "set") == contents(three)


def test_a_set_of_another_recipe_is_not_touched(three: Path) -> None:
    before = contents(three)
    with pytest.raises(DataSetError, match="differs in seed, rays;"):
        make_set(tiny_recipe(clips=3, **{**QUICK, "seed": 6, "rays": 17}), three)
    with pytest.raises(DataSetError, match="is a set of 3 clips, and 2 are asked for"):
        make_set(tiny_recipe(clips=2, **QUICK), three)
    assert contents(three) == before


def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataSetError, match=r"holds no set of clips \(there is notes\.txt\); choose another folder"):
        make_set(tiny_recipe(), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match=r"manifest\.json cannot be written"):
        make_set(tiny_recipe(), tmp_path / "file" / "set")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_takes_no_more_leaves_no_half_clip(tmp_path: Path) -> None:
    limited = f"from tests.small_disk import small_disk\nwith small_disk(6000):\n{indent(MAKE, '    ')}"
    done = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path / "set")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OutputWriteError: output.write:" in done.stderr
    assert [entry.name for entry in (tmp_path / "set").iterdir()] == ["manifest.json"]


def test_a_clip_holds_what_its_document_says(tiny_clips: ClipSet) -> None:
    assert len(tiny_clips) == 2
    for opened in tiny_clips:
        clip = opened.clip
        focused = np.array([(*focusing.focus, *focusing.strength) for focusing in clip.focusings])
        assert focused[:, : clip.frames].min() >= 0.0
        assert focused[:, : clip.frames].max() <= 1.0
        assert focused.min() >= 0.0
        middles = np.array([element.disparity for element in clip.elements])
        assert np.all(np.diff(middles, axis=0) < 0.0)
        assert {element.asset for element in clip.elements} <= {asset.name for asset in clip.assets}
        assert {asset.licence for asset in clip.assets} == {"CC0-1.0"}
        for index in range(clip.frames):
            assert opened.plate(index).shape == (clip.height, clip.width, 3)
            assert 0.0 < opened.disparity(index).max() <= 1.0
            for element in range(1, len(clip.elements) + 1):
                assert 0.0 <= opened.matte(element, index).max() <= 1.0
    assert set(tiny_clips.manifest.assets) == {asset for opened in tiny_clips for asset in opened.clip.assets}


def test_a_focusing_is_a_shot_that_renders_near_its_truth(tiny_clips: ClipSet, tmp_path: Path) -> None:
    opened = next(iter(tiny_clips))
    focusing = opened.clip.focusings[0]
    shot = load_shot(opened.folder / focusing.name / "shot.json")
    pattern = str(tmp_path / "r.%04d.exr")
    render(
        shot.model_copy(update={"output": shot.output.model_copy(update={"path": pattern})}), FrameRange.parse("1003")
    )
    shown = [
        np.clip(i[..., :3], 0.0, 1.0) ** (1.0 / 2.2)
        for i in (read_exr(tmp_path / "r.1003.exr"), opened.bokeh(focusing.name, 2))
    ]
    assert decibels(float(np.mean((shown[0] - shown[1]) ** 2))) > 26.0
