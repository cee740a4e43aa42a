"""The movie has every frame, and the contact sheet shows them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import CorruptError, MediaError, MissingFrameError
from engine.frames import FrameRange
from engine.shot import Shot, shot_from_dict
from plugin.farm import assemble
from plugin.farm.assembling import GAP, THUMB
from tests.engine.media.clips import Sound, clicks_in, make_clip
from tests.engine.render.shots import read_exr, shot_data, write_exr

FRAMES = FrameRange.parse("1001-1006")


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """A shot whose result is there: flat frames, each brighter than the one before."""
    (tmp_path / "out").mkdir()
    for place, frame in enumerate(FRAMES):
        image = np.full((32, 64, 3), 0.02 * 2**place, dtype=np.float32)
        write_exr(tmp_path / "out" / f"out.{frame}.exr", image, ("R", "G", "B"), "half")
    return shot_from_dict(shot_data(tmp_path), "test")


def test_the_movie_has_every_frame_once(shot: Shot, tmp_path: Path) -> None:
    files = assemble(shot, FRAMES, movie=True)
    assert files == (tmp_path / "out" / "out_contact_sheet.png", tmp_path / "out" / "out.mp4")
    with av.open(str(files[1])) as movie:
        brightness = [frame.to_ndarray(format="gray").mean() for frame in movie.decode(video=0)]
    assert len(brightness) == len(FRAMES)
    assert brightness == sorted(brightness)


def test_the_sheet_shows_every_frame_in_reading_order(shot: Shot) -> None:
    (sheet,) = assemble(shot, FRAMES)
    pixels = read_exr(sheet)
    height = THUMB // 2
    step = (pixels.shape[0] - GAP) // 2
    middles = [
        pixels[GAP + r * step + height // 2, GAP + c * (THUMB + GAP) + THUMB // 2, 0] for r in (0, 1) for c in range(3)
    ]
    assert middles == sorted(middles)
    assert len(set(middles)) == len(FRAMES)


def test_a_second_assembly_replaces_the_first(shot: Shot, tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in assemble(shot, FRAMES, movie=True)}
    assert {path: path.read_bytes() for path in assemble(shot, FRAMES, movie=True)}.keys() == first.keys()
    assert not [file for file in (tmp_path / "out").iterdir() if "partial" in file.name]


def test_a_frame_that_is_missing_is_named_and_nothing_is_left(shot: Shot, tmp_path: Path) -> None:
    (tmp_path / "out" / "out.1004.exr").unlink()
    with pytest.raises(MissingFrameError, match="1004"):
        assemble(shot, FRAMES, movie=True)
    assert not [file for file in (tmp_path / "out").iterdir() if file.suffix != ".exr"]


def test_a_frame_that_is_damaged_is_named(shot: Shot, tmp_path: Path) -> None:
    (tmp_path / "out" / "out.1004.exr").write_bytes(b"not a picture")
    with pytest.raises((CorruptError, MediaError), match="1004"):
        assemble(shot, FRAMES)


def test_a_single_frame_makes_a_sheet(shot: Shot) -> None:
    (sheet,) = assemble(shot, FrameRange.of([1003]))
    assert read_exr(sheet).shape[1] == THUMB + 2 * GAP


def test_the_movie_has_the_rate_and_the_sound_of_the_plates_own_movie(shot: Shot, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "plate.mov", Sound("pcm_s16le"), rate=Fraction(25), frames=12)
    plate = shot.plate.model_copy(update={"path": str(clip), "frames": "999-1010"})
    filmed = shot.model_copy(update={"plate": plate})
    path = assemble(filmed, FRAMES, movie=True)[1]
    with av.open(str(path)) as movie:
        assert movie.streams.video[0].average_rate == 25
    heard = clicks_in(path)
    assert heard == pytest.approx([0.06 + 0.25 - 2 / 25], abs=0.02)
    output = shot.output.model_copy(update={"sound": "none"})
    path = assemble(filmed.model_copy(update={"output": output}), FRAMES, movie=True)[1]
    with av.open(str(path)) as movie:
        assert not movie.streams.audio
