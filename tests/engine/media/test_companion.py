"""Depth and mattes beside a plate: paired by number, and a word where the numbers or the counts do not go together."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import MissingFrameError
from engine.frames import FrameRange
from engine.media import DepthReader
from engine.media.companion import Companion
from engine.shot import Depth, Plate
from tests.engine.render.shots import write_exr


def pictures(folder: Path, form: str, frames: range) -> str:
    folder.mkdir(exist_ok=True)
    for frame in frames:
        write_exr(folder / (form % frame), np.full((4, 6, 1), frame, np.float32), ("Z",))
    return str(folder / form)


def movie(path: Path, frames: int) -> str:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for index in range(frames):
            grey = np.full((16, 32, 3), 20 * index + 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    return str(path)


def check_all(depth: Depth, plate: Plate, frames: range) -> None:
    with DepthReader(depth, plate) as reader:
        for frame in frames:
            reader.check(frame)


@pytest.mark.parametrize(
    ("plates", "depths", "offset"),
    [
        (range(1001, 1005), range(4), -1001),
        (range(1001, 1005), range(1, 5), -1000),
        (range(4), range(1001, 1005), 1001),
        (range(1001, 1005), range(1002, 1006), 1),
        (range(1001, 1005), range(86400, 86410), 85399),
    ],
)
def test_numbers_that_do_not_go_together_suggest_the_offset_that_helps(
    tmp_path: Path, plates: range, depths: range, offset: int
) -> None:
    plate = Plate(path=pictures(tmp_path / "p", "p.%04d.exr", plates))
    depth = Depth(path=pictures(tmp_path / "d", "d.%04d.exr", depths))
    with pytest.raises(MissingFrameError, match=rf"set depth\.frame_offset to {offset}, "):
        check_all(depth, plate, plates)
    with DepthReader(depth.model_copy(update={"frame_offset": offset}), plate) as reader:
        first = reader.read(plates[0]).values[0, 0]
        assert first in (depths[0], depths[-1] - len(plates) + 1)


def test_no_offset_is_suggested_where_none_helps(tmp_path: Path) -> None:
    plate = Plate(path=pictures(tmp_path / "p", "p.%04d.exr", range(1, 9)))
    depth = Depth(path=pictures(tmp_path / "d", "d.%04d.exr", range(1, 5)))
    with DepthReader(depth, plate) as reader, pytest.raises(MissingFrameError, match=r"there are 1-4.*on_missing"):
        reader.check(5)


@pytest.mark.parametrize(
    ("frames", "depths", "said"),
    [
        (None, range(1001, 1005), None),
        (None, range(1001, 1010), r"has 9 frames \(1001-1009\) and the plate 4 \(1001-1004\)"),
        (None, range(1001, 1003), r"has 2 frames .* of which 2 have the numbers"),
        (None, range(4), r"of which 0 have .*set depth\.frame_offset to -1001"),
        ("1001-1004", range(1001, 1010), None),
        ("1001-1004", range(1001, 1004), r"has 3 frames"),
    ],
)
def test_another_count_of_frames_is_told(tmp_path: Path, frames: str | None, depths: range, said: str | None) -> None:
    plate = Plate(path=pictures(tmp_path / "p", "p.%04d.exr", range(1001, 1005)), frames=frames, on_missing="hold")
    files = Companion(pictures(tmp_path / "d", "d.%04d.exr", depths), 0, plate, "depth.path")
    told = files.apart(FrameRange(tuple(range(1001, 1005))))
    files.close()
    if said is None:
        assert told == ()
    else:
        (notice,) = told
        assert notice.kind == "depth.frames"
        assert re.search(said, notice.message)


def test_a_still_goes_with_every_frame_without_a_word(tmp_path: Path) -> None:
    plate = Plate(path=pictures(tmp_path / "p", "p.%04d.exr", range(1001, 1005)))
    files = Companion(pictures(tmp_path / "d", "depth.exr%.0s", range(1)).replace("%.0s", ""), 0, plate, "depth.path")
    assert files.apart(FrameRange((1001, 1002))) == ()
    assert files.number(1003) == 1003
    files.close()


def test_a_movie_starts_with_a_plate_that_names_no_frames(tmp_path: Path) -> None:
    plate = Plate(path=pictures(tmp_path / "p", "p.%04d.exr", range(1001, 1005)))
    files = Companion(movie(tmp_path / "depth.mp4", 4), 0, plate, "depth.path")
    assert str(files.frames()) == "1001-1004"
    assert files.apart(FrameRange((1001, 1002, 1003, 1004))) == ()
    files.close()


def test_any_to_bokeh_depth_is_paired_by_its_number(tmp_path: Path) -> None:
    plate = Plate(path=pictures(tmp_path / "videos", "%05d.exr", range(3)))
    folder = tmp_path / "disp"
    folder.mkdir()
    for frame in range(3):
        depth = np.full((4, 6, 1), frame / 10, np.float32)
        write_exr(folder / f"{frame:05d}_zf_{0.5 + frame / 100}.exr", depth, ("Z",))
    for path in ("", "%05d_zf_*.exr", "00001_zf_0.51.exr", "*.exr"):
        with DepthReader(Depth(path=str(folder / path)), plate) as reader:
            assert [reader.read(frame).values[0, 0] for frame in range(3)] == pytest.approx([0.0, 0.1, 0.2])
