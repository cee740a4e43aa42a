"""A clip's folder is whole or not there, and what is written has the same bytes at any hour."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from engine.errors import OutputWriteError
from training.data.clips import MANIFEST, Manifest
from training.data.writing import new_clip, program, write_manifest, write_picture
from training.peers.exr import read_exr


def test_a_clip_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    with new_clip(tmp_path, "one") as folder:
        (folder / "file").write_text("new")
        assert not (tmp_path / "one").exists()
    assert (tmp_path / "one/file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_clip_that_fails_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    def half_done() -> None:
        with new_clip(tmp_path, "one") as folder:
            (folder / "file").write_text("half")
            raise failure

    with pytest.raises(failure):
        half_done()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_told_by_the_clip_s_name(tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError, match=r"one cannot be written \(No space left"), new_clip(tmp_path, "one"):
        raise OSError(28, "No space left on device")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputWriteError, match="taken"), new_clip(tmp_path / "taken", "one"):
        pass
    with pytest.raises(OutputWriteError, match=r"taken/manifest\.json cannot be written"):
        write_manifest(Manifest(made_by=program(), seed=0, recipe={}, clips=()), tmp_path / "taken")


def test_a_picture_has_the_same_bytes_a_second_later(tmp_path: Path) -> None:
    image = np.random.default_rng(1).random((20, 30, 3), np.float32)
    for name in ("a", "b"):
        write_picture(tmp_path / name, "plate", 0, image)
        time.sleep(1.1)
    first, later = (tmp_path / name / "plate.1001.exr" for name in ("a", "b"))
    assert first.read_bytes() == later.read_bytes()
    assert np.array_equal(read_exr(first), image.astype(np.float16).astype(np.float32))


def test_a_manifest_replaces_the_one_before_at_once(tmp_path: Path) -> None:
    for clips in (("a",), ("a", "b")):
        write_manifest(Manifest(made_by=program(), seed=0, recipe={}, clips=clips), tmp_path / "set")
    assert Manifest.model_validate_json((tmp_path / "set" / MANIFEST).read_bytes()).clips == ("a", "b")
    assert [path.name for path in (tmp_path / "set").iterdir()] == [MANIFEST]
