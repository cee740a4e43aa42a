"""A movie's frames are the pictures that decoding gives, each once and in order."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.frames import FrameRange
from engine.media import DepthReader, PlateReader, describe
from engine.media.movie_index import index_of
from engine.media.source import open_source
from engine.shot import Depth, Plate

from .movies import B_FRAMES, KINDS, as_decoded, copied, make, make_kind, number_of, with_edits


def numbers(path: Path, order: list[int] | None = None) -> list[int]:
    """What the pictures of a movie spell, read in an order of frames; all in order when none is given."""
    source = open_source(str(path), "plate.path")
    try:
        frames = order or list(source.frames(None, "plate.frames"))
        return [number_of(source.pixels(frame, 0, ("R", "G", "B"))[1]) for frame in frames]
    finally:
        source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_read_once_and_in_order(tmp_path: Path, kind: str) -> None:
    path = make_kind(tmp_path, kind)
    assert numbers(path) == as_decoded(path) == list(range(30))
    assert describe(str(path)).frames == FrameRange.of(range(1, 31))


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_of_reading_gives_the_same_pixels(tmp_path: Path, kind: str) -> None:
    source = open_source(str(make_kind(tmp_path, kind, 24)), "plate.path")
    forwards = [source.pixels(frame, 0, ("R", "G", "B"))[1] for frame in range(1, 25)]
    order = list(range(1, 25))
    random.Random(kind).shuffle(order)
    for frame in order:
        np.testing.assert_array_equal(source.pixels(frame, 0, ("R", "G", "B"))[1], forwards[frame - 1])
    source.close()
    alone = open_source(str(tmp_path / kind), "plate.path")
    np.testing.assert_array_equal(alone.pixels(17, 0, ("R", "G", "B"))[1], forwards[16])
    alone.close()


@pytest.mark.parametrize("kind", ["phone.mp4", "iphone.mov", "editor.mov", "ffmpeg.mkv", "camcorder.mts", "av1.mp4"])
@pytest.mark.parametrize("kept", ["head", "tail", "middle"])
def test_a_trim_without_re_encoding_shows_what_is_decoded(tmp_path: Path, kind: str, kept: str) -> None:
    whole = make_kind(tmp_path, kind)
    first, last = {"head": (0, 17), "tail": (11, 99), "middle": (11, 19)}[kept]
    seen = [0]

    def keep(_packet: object) -> bool:
        seen[0] += 1
        return first < seen[0] <= last

    form = {"camcorder.mts": ".ts"}.get(kind, Path(kind).suffix)
    path = copied(whole, tmp_path / f"trimmed{form}", keep)
    assert numbers(path) == as_decoded(path)


@pytest.mark.parametrize("kind", ["phone.mp4", "iphone.mov", "editor.mov", "animation.mov", "phone.3gp"])
def test_what_an_edit_list_hides_is_no_frame(tmp_path: Path, kind: str) -> None:
    """A clip that starts in the middle of a group of pictures: what lies before is stored and not shown."""
    whole = make_kind(tmp_path, kind)
    with av.open(str(whole)) as theirs, av.open(str(tmp_path / "cut.mov"), "w") as ours:
        stream = ours.add_stream_from_template(theirs.streams.video[0], opaque=True)
        tick = round(Fraction(1, 25) / (theirs.streams.video[0].time_base or 1))
        for packet in theirs.demux(theirs.streams.video[0]):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - 5 * tick, packet.dts - 5 * tick
                packet.stream = stream
                ours.mux(packet)
    path = tmp_path / "cut.mov"
    shown = as_decoded(path)
    assert numbers(path) == shown
    assert len(shown) < 30


EDITS = {
    "two pieces": [(10, 2), (8, 15)],
    "the same twice": [(6, 4), (6, 4)],
    "the end first": [(6, 20), (6, 3)],
    "black first": [(5, -1), (12, 3)],
    "longer than the clip": [(50, 7)],
}


@pytest.mark.parametrize("edits", EDITS)
@pytest.mark.parametrize("kind", ["phone.mp4", "iphone.mov", "editor.mov", "animation.mov", "phone.3gp", "av1.mp4"])
def test_edit_lists_of_every_shape_show_what_is_decoded(tmp_path: Path, kind: str, edits: str) -> None:
    path = with_edits(make_kind(tmp_path, kind), tmp_path / f"edited{Path(kind).suffix}", EDITS[edits])
    shown = as_decoded(path)
    assert numbers(path) == shown
    assert numbers(path, list(range(len(shown), 0, -1))) == shown[::-1]


def patched(path: Path, name: bytes, offset: int, value: bytes) -> Path:
    """Change a number that stands at an offset behind a name."""
    data = bytearray(path.read_bytes())
    place = data.index(name) + len(name) + offset
    data[place : place + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "name", "offset", "value"),
    [
        ("old.avi", b"avih", 4 + 16, (1000).to_bytes(4, "little")),
        ("old.avi", b"vids", 28, (2).to_bytes(4, "little")),
        ("phone.mp4", b"mdhd", 16, (0).to_bytes(4, "big")),
        ("phone.mp4", b"mvhd", 16, (1 << 30).to_bytes(4, "big")),
        ("iphone.mov", b"mdhd", 16, (100).to_bytes(4, "big")),
        ("editor.mov", b"mdhd", 16, (1 << 30).to_bytes(4, "big")),
        ("ffmpeg.mkv", b"\x44\x89\x88", 0, np.float64(9000).byteswap().tobytes()),
        ("ffmpeg.mkv", b"\x44\x89\x88", 0, bytes(8)),
    ],
)
def test_wrong_counts_and_durations_of_headers_change_nothing(
    tmp_path: Path, kind: str, name: bytes, offset: int, value: bytes
) -> None:
    path = patched(make_kind(tmp_path, kind), name, offset, value)
    assert numbers(path) == list(range(30))


def test_a_file_that_starts_between_key_pictures_begins_with_the_first_that_can_be_decoded(tmp_path: Path) -> None:
    for kind in ("camcorder.mts", "broadcast.ts", "hevc.ts"):
        whole = make_kind(tmp_path, kind)
        data = whole.read_bytes()
        path = tmp_path / f"late_{Path(kind).stem}.ts"
        path.write_bytes(data[: 188 * 3] + data[len(data) // 4 // 188 * 188 :])
        assert numbers(path) == as_decoded(path)


@pytest.mark.parametrize("form", ["mp4", "mov", "mkv", "ts", "webm"])
def test_sound_longer_than_the_picture_adds_no_frames(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"sound.{form}"
    with av.open(str(path), "w") as movie:
        vp9 = form == "webm"
        video = movie.add_stream("libvpx-vp9" if vp9 else "libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = movie.add_stream("libopus" if vp9 else "aac", rate=48000)
        sound.layout = "mono"
        from .movies import picture

        for number in range(10):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
            frame.pts = number
            movie.mux(video.encode(frame))
        movie.mux(video.encode(None))
        for block in range(100):
            kind = "flt" if vp9 else "fltp"
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), kind, "mono")
            silence.sample_rate, silence.pts = 48000, 960 * block
            movie.mux(sound.encode(silence))
        movie.mux(sound.encode(None))
    assert numbers(path) == list(range(10))
    assert describe(str(path)).frame_rate == 25


@pytest.mark.parametrize("form", ["mp4", "mkv", "mov", "webm", "ts"])
def test_a_pause_is_one_picture(tmp_path: Path, form: str) -> None:
    moments = [n if n < 8 else n + 50 for n in range(16)]
    codec = "libvpx-vp9" if form == "webm" else "libx264"
    path = make(tmp_path / f"pause.{form}", codec, count=16, moments=moments, base=Fraction(1, 25), options={"g": "5"})
    assert numbers(path) == list(range(16))
    with PlateReader(Plate(path=str(path))) as reader:
        times = reader.info.times
        assert times is not None
        assert [round(times[frame] * 25) for frame in reader.frames] == moments
        assert reader.info.frame_rate == 25
        told = [notice.message for notice in reader.notices if notice.kind == "movie.rate-varies"]
        assert len(told) == 1
        assert "16 pictures" in told[0]


PHONE = [0, 1, 2, 3, 5, 7, 9, 11, 12, 13, 14, 16, 17, 18, 19, 20]


@pytest.mark.parametrize(
    "moments",
    [
        PHONE,
        [0, 2, 4, 5, 6, 7, 8, 9, 10],
        [0, 1, 2, 40, 41, 42],
        [round(n * 1.5) for n in range(20)],
        [0, *range(3, 20)],
    ],
)
def test_pictures_of_a_varying_rate_keep_their_own_times(tmp_path: Path, moments: list[int]) -> None:
    ticks = [moment * 20 for moment in moments]
    path = make(tmp_path / "phone.mp4", count=len(moments), moments=ticks, base=Fraction(1, 600), options=B_FRAMES)
    with PlateReader(Plate(path=str(path), frames=f"101-{100 + len(moments)}")) as reader:
        times = reader.info.times
        assert times is not None
        assert [times[frame] for frame in reader.frames] == [Fraction(moment, 30) for moment in moments]
        assert len(times) == len(moments)
        assert [number_of(reader.read(frame).image) for frame in reader.frames] == list(range(len(moments)))
    with PlateReader(Plate(path=str(path), frame_rate=30)) as reader:
        assert reader.info.times is None
        assert {notice.kind for notice in reader.notices} <= {"colour.untagged"}


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        (Fraction(24000, 1001), "a.mkv"),
        (Fraction(24), "a.mkv"),
        (Fraction(30000, 1001), "a.mp4"),
        (Fraction(30000, 1001), "a.ts"),
        (Fraction(60000, 1001), "a.webm"),
        (Fraction(60000, 1001), "a.mkv"),
        (Fraction(50), "a.mov"),
        (Fraction(12), "a.mp4"),
        (Fraction(15), "a.avi"),
        (Fraction(10), "a.gif"),
    ],
)
def test_the_rate_is_the_trades(tmp_path: Path, rate: Fraction, name: str) -> None:
    codec, kind = {".webm": ("libvpx-vp9", "yuv420p"), ".gif": ("gif", "rgb8"), ".avi": ("mpeg4", "yuv420p")}.get(
        Path(name).suffix, ("libx264", "yuv420p")
    )
    path = make(tmp_path / name, codec, kind, rate=rate, count=25)
    with PlateReader(Plate(path=str(path))) as reader:
        assert reader.info.frame_rate == rate
        assert reader.info.times is None
        assert {notice.kind for notice in reader.notices} <= {"colour.untagged"}


def test_depth_pairs_with_a_plate_of_varying_rate_by_its_number(tmp_path: Path) -> None:
    ticks = [moment * 20 for moment in PHONE]
    plate = make(tmp_path / "phone.mp4", count=16, moments=ticks, base=Fraction(1, 600))
    depth = make(tmp_path / "depth.mp4", count=16, rate=Fraction(30))
    shot = Plate(path=str(plate))
    with DepthReader(Depth(path=str(depth)), shot) as reader, PlateReader(shot) as pictures:
        assert reader.frames == pictures.frames
        for frame in reader.frames:
            values = reader.read(frame).values
            assert number_of(np.repeat(values[:, :, None], 3, axis=2)) == frame - 1


def test_time_stamps_that_start_again_are_counted_on(tmp_path: Path) -> None:
    """Recordings that were joined as bytes: the second one's clock starts at nothing again."""
    for name, codec in (("a.ts", "libx264"), ("b.ts", "mpeg2video"), ("c.m2v", "mpeg2video")):
        whole = make(tmp_path / name, codec, count=12, options=B_FRAMES).read_bytes()
        path = tmp_path / f"joined_{name}"
        path.write_bytes(whole + whole)
        shown = as_decoded(path)
        assert numbers(path) == shown
        backwards = list(range(len(shown), 0, -3))
        assert numbers(path, backwards) == [shown[frame - 1] for frame in backwards]


def test_a_recording_that_just_ends_is_no_damage(tmp_path: Path) -> None:
    for kind in ("camcorder.mts", "broadcast.ts", "hevc.ts", "disc.mpg", "flash.flv"):
        whole = make_kind(tmp_path, kind)
        data = whole.read_bytes()
        path = tmp_path / f"stopped_{kind}"
        path.write_bytes(data[: int(len(data) * 0.7)])
        found = numbers(path)
        assert 10 < len(found) < 30
        assert found == as_decoded(path)[: len(found)]


def test_a_movie_is_counted_once_for_plate_depth_and_info(tmp_path: Path) -> None:
    path = make_kind(tmp_path, "phone.mp4")
    assert index_of(path, "a") is index_of(path, "b")
    make(path, count=12)
    assert len(index_of(path, "a")) == 12


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "covered.mp4"
    with av.open(str(path), "w") as movie:
        cover = movie.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        video = movie.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        from .movies import picture

        still = av.VideoFrame(32, 32, "yuvj420p")
        still.pts = 0
        movie.mux(cover.encode(still))
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
            frame.pts = number
            movie.mux(video.encode(frame))
        movie.mux(video.encode(None))
    assert numbers(path) == list(range(5))
