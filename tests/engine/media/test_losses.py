"""Losses are said once: what a result cannot keep of its plate is told before the first frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.frames import Window
from engine.media import PlateInfo, PlateReader, check_settings
from engine.media.attributes import Aggregate
from engine.shot import Output, Plate

from .clips import Sound, make_clip, render_plainly
from .pictures import RGBA, noise, store

LINEAR = "Linear Rec.709 (sRGB)"


def told(path: Path, info: PlateInfo, **settings: object) -> dict[str, str]:
    notices = check_settings(Output.model_validate({"path": str(path), **settings}), info)
    kinds = [notice.kind for notice in notices]
    assert len(kinds) == len(set(kinds))
    return {notice.kind: notice.message for notice in notices}


def plate(width: int = 64, height: int = 32, **rest: object) -> PlateInfo:
    return PlateInfo(Window.of_size(width, height), RGBA[:3], working_space=LINEAR, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("width", "height", "even"), [(63, 32, "64x32"), (64, 31, "64x32"), (33, 21, "34x22"), (64, 32, "")]
)
@pytest.mark.parametrize("name", ["m.mp4", "m.mov", "o.png", "o.exr"])
def test_a_size_that_is_made_even_is_told(tmp_path: Path, name: str, width: int, height: int, even: str) -> None:
    said = told(tmp_path / name, plate(width, height))
    movie = name.startswith("m.")
    assert ("size.even" in said) == (movie and bool(even))
    assert not (movie and even) or even in said["size.even"]


@pytest.mark.parametrize(
    ("data_type", "codec", "lost"),
    [
        ("uint10", "h264", True),
        ("uint16", "h264", True),
        ("uint12", "h264", True),
        ("uint8", "h264", False),
        ("half", "h264", False),
        ("uint10", "hevc", False),
        ("uint10", "prores", False),
    ],
)
def test_bits_that_are_lost_are_told(tmp_path: Path, data_type: str, codec: str, lost: bool) -> None:
    said = told(tmp_path / "m.mov", plate(data_type=data_type), codec=codec)
    assert ("picture.bits" in said) == lost
    assert not lost or data_type.removeprefix("uint") in said["picture.bits"]


ENTRIES = {
    "cameraModel": "Alexa",
    "isoSpeed": 800.0,
    "worldToNDC": Aggregate(tuple(float(n) for n in range(16)), "matrix"),
    "show/shot": "sh010",
    "lensSerial": 7,
}


@pytest.mark.parametrize(
    ("name", "lost"),
    [("o.exr", 0), ("o.png", 3), ("o.tif", 5), ("o.dpx", 5), ("m.mov", 5), ("m.mp4", 5)],
)
def test_header_entries_that_are_lost_are_told(tmp_path: Path, name: str, lost: int) -> None:
    said = told(tmp_path / name, plate(metadata=ENTRIES))
    assert ("metadata.dropped" in said) == (lost > 0)
    assert not lost or said["metadata.dropped"].startswith(f"{lost} entries")
    assert lost < 5 or "and 1 more" in said["metadata.dropped"]


@pytest.mark.parametrize("name", ["o.exr", "o.png", "o.tif", "o.dpx"])
def test_what_is_said_of_header_entries_is_true(tmp_path: Path, name: str) -> None:
    store(tmp_path / "a.0001.exr", noise(channels=3), RGBA[:3], metadata=ENTRIES)
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.exr"))) as reader:
        said = told(tmp_path / name, reader.info).get("metadata.dropped", "")
    render_plainly(tmp_path / "a.%04d.exr", tmp_path / name.replace("o", "o.%04d"))
    with PlateReader(Plate(path=str(tmp_path / name.replace("o", "o.%04d")))) as reader:
        kept = set(reader.info.metadata or {})
    if not said:
        assert set(ENTRIES) <= kept
    for entry in said.partition("(")[2].partition(")")[0].partition(" and ")[0].split(", "):
        assert entry not in kept


def test_tracks_that_no_result_takes_over_are_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "plain.mp4", Sound(), frames=4)
    with_text = tmp_path / "text.mkv"
    with av.open(str(clip)) as source, av.open(str(with_text), "w") as movie:
        streams = {s.index: movie.add_stream_from_template(s) for s in source.streams}
        text = movie.add_mux_stream("subrip")
        text.metadata["language"] = "eng"
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                movie.mux(packet)
        line = av.Packet(b"hello")
        line.pts = line.dts = 0
        line.time_base, line.duration, line.stream = Fraction(1, 1000), 100, text
        movie.mux(line)
    for name in ("b.mov", "b.mp4", "b.mkv", "b.%04d.png"):
        copied = render_plainly(with_text, tmp_path / name)
        assert "subtitles" in copied.said("tracks.dropped")
        assert "tracks.dropped" not in render_plainly(clip, tmp_path / name).kinds


def test_time_code_is_no_lost_track(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound(), frames=3, tags={"timecode": "01:00:00:00"})
    assert "tracks.dropped" not in render_plainly(clip, tmp_path / "b.mov").kinds


def test_words_about_a_movie_are_kept_or_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=3, tags={"title": "Take 3", "MAKE": "ARRI", "LOCATION": "+52+13/"})
    for ending in (".mov", ".mp4", ".mkv"):
        copied = render_plainly(clip, tmp_path / f"b{ending}")
        assert copied.said("metadata.dropped").startswith("2 tags")
        with av.open(str(copied.path)) as movie:
            assert movie.metadata.get("title") == "Take 3"


def test_high_range_that_comes_with_the_pictures_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hdr.mp4"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx265", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
        stream.codec_context.options = {
            "x265-params": f"log-level=none:bframes=0:master-display={display}:max-cll=1000,400:hdr10=1"
        }
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 60, np.uint8), format="rgb24")
            frame.pts = number
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode(None))
    said = render_plainly(path, tmp_path / "b.mov").said("hdr.dropped")
    assert "mastering display" in said
    assert "content light level" in said


@pytest.mark.parametrize("name", ["b.mov", "b.mp4", "b.mkv", "b.%04d.exr"])
def test_nothing_is_said_of_a_plain_clip(tmp_path: Path, name: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    assert render_plainly(clip, tmp_path / name).kinds <= {"colour.untold"}
