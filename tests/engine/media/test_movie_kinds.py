"""How movies are seen (turned, with alpha, without fields), which are movies, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import CorruptError, FormatError, FrameSizeError, MediaError
from engine.media import DepthReader, MatteReader, PlateReader, describe
from engine.media.sequence import is_movie
from engine.media.source import open_source
from engine.shot import Depth, Matte, Plate

from .movies import B_FRAMES, HEVC, as_decoded, make, number_of, picture


def stored(path: Path, frame: int = 1, channels: tuple[str, ...] = ("R", "G", "B")) -> np.ndarray:
    """A movie's values as they are read."""
    source = open_source(str(path), "plate.path")
    try:
        return source.pixels(frame, 0, channels)[1]
    finally:
        source.close()


def notices(path: Path, **plate: object) -> dict[str, str]:
    """What is said of a plate."""
    with PlateReader(Plate.model_validate({"path": str(path), **plate})) as reader:
        return {notice.kind: notice.message for notice in reader.notices}


TURNS: dict[str, tuple[Callable[[av.VideoStream], None], Callable[[np.ndarray], np.ndarray]]] = {
    "upright": (lambda stream: stream.set_display_rotation(0), lambda image: image),
    "quarter": (lambda stream: stream.set_display_rotation(90), lambda image: np.rot90(image, 1)),
    "half": (lambda stream: stream.set_display_rotation(180), lambda image: np.rot90(image, 2)),
    "three quarters": (lambda stream: stream.set_display_rotation(270), lambda image: np.rot90(image, 3)),
    "mirrored": (
        lambda stream: stream.set_display_matrix([-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30]),
        lambda image: image[:, ::-1],
    ),
    "on its head and mirrored": (
        lambda stream: stream.set_display_matrix([65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30]),
        lambda image: image[::-1],
    ),
    "quarter and mirrored": (
        lambda stream: stream.set_display_matrix([0, 65536, 0, 65536, 0, 0, 0, 0, 1 << 30]),
        lambda image: image.swapaxes(0, 1),
    ),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("name", "codec", "options"), [("a.mov", "libx264", B_FRAMES), ("a.mp4", "libx265", HEVC)])
def test_a_movie_is_read_as_it_is_seen(
    tmp_path: Path, turn: str, name: str, codec: str, options: dict[str, str]
) -> None:
    prepare, seen = TURNS[turn]
    lying = stored(make(tmp_path / "lying.mov", codec, count=3, options=options), 3)
    path = make(tmp_path / name, codec, count=3, options=options, prepare=lambda _movie, stream: prepare(stream))
    expected = seen(lying)
    np.testing.assert_array_equal(stored(path, 3), expected)
    shape = (expected.shape[1], expected.shape[0])
    window = describe(str(path)).parts[0].window
    assert (window.width, window.height) == shape
    with PlateReader(Plate(path=str(path))) as plate:
        assert plate.read(2).image.shape == expected.shape
    with DepthReader(Depth(path=str(path)), Plate(path=str(path))) as depth:
        assert depth.read(2).values.shape == expected.shape[:2]
    with MatteReader(Matte(path=str(path), channel="G"), Plate(path=str(path))) as matte:
        assert matte.read(2).values.shape == expected.shape[:2]


def test_a_turn_swaps_the_aspect_of_pixels(tmp_path: Path) -> None:
    def wide(_movie: object, stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        stream.set_display_rotation(90)

    path = make(tmp_path / "a.mov", count=2, prepare=wide)
    with PlateReader(Plate(path=str(path))) as reader:
        assert reader.info.pixel_aspect == 0.5


def test_an_odd_angle_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mov", count=2, prepare=lambda _movie, stream: stream.set_display_rotation(100))
    assert "nearest quarter turn" in notices(path)["movie.turned"]
    window = describe(str(path)).parts[0].window
    assert (window.width, window.height) == (64, 96)


def covered(number: int) -> np.ndarray:
    """A picture with alpha: opaque on the left, half on the right."""
    alpha = np.full((64, 96, 1), 255, np.uint8)
    alpha[:, 48:] = 128
    return np.concatenate([picture(number), alpha], axis=2)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.webm", "libvpx-vp9", "yuva420p", {}),
        ("b.webm", "libvpx", "yuva420p", {"auto-alt-ref": "0"}),
        ("c.mov", "prores_ks", "yuva444p10le", {"profile": "4444"}),
        ("d.mov", "qtrle", "argb", {}),
        ("e.mov", "png", "rgba", {}),
        ("f.mkv", "ffv1", "bgra", {}),
        ("g.mkv", "ffv1", "yuva444p", {}),
        ("h.apng", "apng", "rgba", {}),
    ],
)
def test_alpha_of_a_movie_is_read(
    tmp_path: Path, name: str, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    path = make(tmp_path / name, codec, pixel_format, 10, options=options, images=covered)
    for frame in (7, 2, 9):
        image = stored(path, frame, ("R", "G", "B", "A"))
        assert number_of(image) == frame - 1
        np.testing.assert_allclose(image[:, :40, 3], 1, atol=0.02)
        np.testing.assert_allclose(image[:, 56:, 3], 128 / 255, atol=0.02)
    assert "movie.alpha" not in notices(path)


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("ffv1", "gray"),
        ("ffv1", "gray16le"),
        ("ffv1", "yuv410p"),
        ("ffv1", "yuv411p"),
        ("ffv1", "yuv440p"),
        ("ffv1", "yuv420p16le"),
        ("ffv1", "gbrp12le"),
        ("ffv1", "rgb48le"),
        ("ffv1", "ya8"),
        ("rawvideo", "uyvy422"),
        ("rawvideo", "nv12"),
        ("rawvideo", "rgb555le"),
        ("rawvideo", "bgr0"),
        ("v210", "yuv422p10le"),
        ("r210", "gbrp10le"),
        ("cfhd", "yuv422p10le"),
        ("huffyuv", "rgb24"),
        ("utvideo", "gbrp"),
        ("jpeg2000", "rgb24"),
    ],
)
def test_pixel_formats_of_old_and_new_cameras_are_read(tmp_path: Path, codec: str, pixel_format: str) -> None:
    name = "a.mov" if codec in {"cfhd", "v210", "r210"} else "a.nut"
    path = make(tmp_path / name, codec, pixel_format, 3)
    assert [number_of(stored(path, frame)) for frame in (3, 1, 2)] == [2, 0, 1]


def test_odd_sizes_are_read(tmp_path: Path) -> None:
    for codec, pixel_format, name in (
        ("ffv1", "yuv420p", "a.mkv"),
        ("png", "rgb24", "a.mov"),
        ("libvpx-vp9", "yuv420p", "a.webm"),
    ):
        path = make(tmp_path / name, codec, pixel_format, 3, size=(63, 95))
        assert stored(path, 2).shape == (63, 95, 3)


def fields(number: int) -> np.ndarray:
    """Two moments in one picture: a bar that moves from field to field."""
    image = np.full((128, 192, 3), 40, np.uint8)
    for field in (0, 1):
        left = 8 + 6 * (2 * number + field)
        image[field::2, left : left + 40] = 210
    return image


INTERLACED = {
    "x264.mp4": ("libx264", {"x264-params": "interlaced=1:tff=1", "g": "6"}),
    "x264.ts": ("libx264", {"x264-params": "interlaced=1:bff=1", "g": "6"}),
    "mpeg2.mxf": ("mpeg2video", {"flags": "+ildct+ilme", "g": "6", "b": "20M"}),
    "mpeg2.ts": ("mpeg2video", {"flags": "+ildct+ilme", "g": "6", "bf": "2", "b": "20M"}),
    "prores.mov": ("prores_ks", {"flags": "+ildct"}),
}


def interlaced(folder: Path, kind: str) -> Path:
    codec, options = INTERLACED[kind]
    pixel_format = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    return make(folder / kind, codec, pixel_format, 16, options=options, images=fields, size=(128, 192))


def combed(image: np.ndarray) -> float:
    """How much a line differs from the mean of the lines around it."""
    return float(np.abs(image[1:-1] - (image[:-2] + image[2:]) / 2)[8:-8].max())


@pytest.mark.parametrize("kind", INTERLACED)
def test_interlaced_pictures_are_told(tmp_path: Path, kind: str) -> None:
    path = interlaced(tmp_path, kind)
    told = notices(path)["movie.interlaced"]
    assert "plate.fields" in told
    assert "deinterlace" in told
    assert notices(path, fields="progressive").keys() <= {"colour.untagged"}
    assert notices(path, fields="deinterlace").keys() <= {"colour.untagged"}
    assert "movie.interlaced" not in notices(make(tmp_path / "p.mp4", count=3))


@pytest.mark.parametrize("kind", INTERLACED)
def test_deinterlaced_pictures_are_the_same_in_any_order(tmp_path: Path, kind: str) -> None:
    path = interlaced(tmp_path, kind)
    plate = Plate(path=str(path), fields="deinterlace")
    with PlateReader(plate) as reader, PlateReader(Plate(path=str(path))) as raw:
        assert len(reader.frames) == 16
        forwards = {frame: reader.read(frame).image for frame in reader.frames}
        for frame in (16, 1, 9, 4, 5, 15, 2, 8, 10):
            np.testing.assert_array_equal(reader.read(frame).image, forwards[frame])
        assert combed(raw.read(8).image) > 0.3
        assert combed(forwards[8]) < 0.5 * combed(raw.read(8).image)
        # Where nothing moves, nothing changes.
        np.testing.assert_allclose(forwards[8][:, 170:], raw.read(8).image[:, 170:], atol=0.02)


def test_a_plate_that_is_not_flagged_is_deinterlaced_where_that_is_asked_for(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", "ffv1", count=6, images=fields, size=(128, 192))
    with PlateReader(Plate(path=str(path), fields="deinterlace")) as reader, PlateReader(Plate(path=str(path))) as raw:
        assert combed(reader.read(3).image) < 0.5 * combed(raw.read(3).image)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "00001.MTS",
            "a.m2ts",
            "a.ts",
            "a.qt",
            "a.3gp",
            "a.webm",
            "a.mpg",
            "a.MPEG",
            "a.wmv",
            "a.flv",
            "a.vob",
            "a.dv",
        ),
        *("a.gif", "a.apng", "a.ogv", "a.mxf", "a.F4V", "a.y4m"),
    ],
)
def test_what_ffmpeg_opens_is_a_movie_by_its_name(tmp_path: Path, name: str) -> None:
    assert is_movie(name) or name.endswith(".gif")
    suffix = Path(name).suffix.lower()
    form, codec, pixel_format = {
        ".mts": ("mpegts", "libx264", "yuv420p"),
        ".m2ts": ("mpegts", "libx264", "yuv420p"),
        ".ts": ("mpegts", "libx264", "yuv420p"),
        ".qt": ("mov", "libx264", "yuv420p"),
        ".f4v": ("mp4", "libx264", "yuv420p"),
        ".3gp": ("3gp", "mpeg4", "yuv420p"),
        ".webm": ("webm", "libvpx-vp9", "yuv420p"),
        ".mpg": ("mpeg", "mpeg2video", "yuv420p"),
        ".mpeg": ("mpeg", "mpeg2video", "yuv420p"),
        ".vob": ("vob", "mpeg2video", "yuv420p"),
        ".wmv": ("asf", "wmv2", "yuv420p"),
        ".flv": ("flv", "flv", "yuv420p"),
        ".gif": ("gif", "gif", "rgb8"),
        ".apng": ("apng", "apng", "rgb24"),
        ".ogv": ("ogg", "libvpx", "yuv420p"),
        ".mxf": ("mxf", "mpeg2video", "yuv420p"),
        ".y4m": ("yuv4mpegpipe", "rawvideo", "yuv420p"),
        ".dv": ("dv", "dvvideo", "yuv420p"),
    }[suffix]
    size = (576, 720) if suffix == ".dv" else (64, 96)
    path = make(tmp_path / name, codec, pixel_format, 6, form=form, size=size)
    assert is_movie(str(path))
    with PlateReader(Plate(path=str(path))) as reader:
        assert len(reader.frames) == 6
        assert [number_of(stored(path, frame)) for frame in (6, 2)] == [5, 1]


@pytest.mark.parametrize("name", ["clip.dat", "clip", "clip.camera", "clip.001", "clip.MP4_backup"])
def test_a_movie_of_an_unknown_suffix_is_looked_into(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, count=4, form="mp4")
    assert is_movie(str(path))
    assert len(describe(str(path)).frames) == 4


def test_what_is_no_movie_is_none(tmp_path: Path) -> None:
    assert not is_movie(str(tmp_path / "absent"))
    assert not is_movie(str(tmp_path))
    (tmp_path / "words").write_text("these are words\n" * 100)
    (tmp_path / "empty").touch()
    make(tmp_path / "still.gif", "gif", "rgb8", 1)
    for name in ("words", "empty", "still.gif", "a.%04d.gif", "a.####", "a.exr", "nul\0"):
        assert not is_movie(str(tmp_path / name)), name


def test_an_animated_picture_is_a_movie(tmp_path: Path) -> None:
    moving = make(tmp_path / "moving.png", "apng", "rgb24", 5, form="apng")
    assert len(describe(str(moving)).frames) == 5
    assert as_decoded(moving) == list(range(5))
    make(tmp_path / "moving.webp", "libwebp_anim", "yuv420p", 5)
    with pytest.raises(FormatError, match="animated WebP"):
        describe(str(tmp_path / "moving.webp"))


def test_stills_and_lists_under_the_name_of_a_movie_are_told(tmp_path: Path) -> None:
    still = make(tmp_path / "a.mov", "libsvtav1", count=1, form="avif")
    with pytest.raises(FormatError, match="AVIF still"):
        describe(str(still))
    (tmp_path / "b.mov").write_text("ffconcat version 1.0\nfile a.mov\n")
    with pytest.raises(FormatError, match="concat"):
        describe(str(tmp_path / "b.mov"))
    (tmp_path / "c.ts").write_text("#EXTM3U\n#EXTINF:9.0,\na.mov\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError, match=r"c\.ts"):
        describe(str(tmp_path / "c.ts"))


def test_sizes_beyond_reason_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    head = b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\nFRAME\n"
    for number, (width, height) in enumerate(((60000, 60000), (16384, 16384), (30000, 9000))):
        path = tmp_path / f"{number}.y4m"
        path.write_bytes(head % (width, height) + bytes(1000))
        with pytest.raises(CorruptError):
            describe(str(path))
    drawn = bytearray(make(tmp_path / "a.gif", "gif", "rgb8", 5).read_bytes())
    drawn[6:10] = b"\xff" * 4
    (tmp_path / "b.gif").write_bytes(drawn)
    with pytest.raises(MediaError, match=r"b\.gif"):
        describe(str(tmp_path / "b.gif"))


@pytest.mark.parametrize(
    ("name", "options", "entries"),
    [
        ("a.mkv", {}, {"stereo_mode": "left_right"}),
        ("b.mkv", {}, {"stereo_mode": "top_bottom"}),
        ("c.mp4", {"x264-params": "frame-packing=3"}, {}),
        ("d.mp4", {"x264-params": "frame-packing=4"}, {}),
        ("e.ts", {"x264-params": "frame-packing=5"}, {}),
    ],
)
def test_the_other_eye_is_told(tmp_path: Path, name: str, options: dict[str, str], entries: dict[str, str]) -> None:
    path = make(
        tmp_path / name, count=8, options=options, prepare=lambda _movie, stream: stream.metadata.update(entries)
    )
    assert "one picture" in notices(path)["movie.stereo"]


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("codec", "pixel_format", "old", "new"),
    [
        ("prores_ks", "yuv422p10le", b"apch", b"brxq"),
        ("prores_ks", "yuv422p10le", b"apch", b"ARRI"),
        ("libx264", "yuv420p", b"avc1", b"zz99"),
        ("mjpeg", "yuvj420p", b"jpeg", b"CRAW"),
        ("png", "rgb24", b"png ", b"R3DC"),
    ],
)
def test_a_codec_without_decoder_is_named_with_a_remedy(
    tmp_path: Path, codec: str, pixel_format: str, old: bytes, new: bytes
) -> None:
    path = renamed(make(tmp_path / "a.mov", codec, pixel_format, 3), old, new)
    with pytest.raises(FormatError, match=new.decode()) as told:
        describe(str(path))
    assert "ProRes 422 HQ" in told.value.message
    with pytest.raises(FormatError):
        PlateReader(Plate(path=str(path)))


def test_protected_movies_are_told_apart_from_damaged_ones(tmp_path: Path) -> None:
    locks = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    locked = make(tmp_path / "a.mp4", count=5, container=locks)
    with pytest.raises(FormatError, match="protected"):
        describe(str(locked))
    bought = renamed(make(tmp_path / "b.mov", count=3), b"avc1", b"drmi")
    with pytest.raises(FormatError, match="protected"):
        describe(str(bought))


def test_sound_alone_is_no_plate(tmp_path: Path) -> None:
    for name, codec in (("a.mp4", "aac"), ("a.mkv", "aac"), ("a.mov", "pcm_s16le")):
        with av.open(str(tmp_path / name), "w") as movie:
            sound = movie.add_stream(codec, rate=48000)
            assert isinstance(sound, av.AudioStream)
            sound.layout = "mono"
            kind = "s16" if codec == "pcm_s16le" else "fltp"
            values = np.zeros((1, 1024), np.int16 if kind == "s16" else np.float32)
            silence = av.AudioFrame.from_ndarray(values, kind, "mono")
            silence.sample_rate, silence.pts = 48000, 0
            movie.mux(sound.encode(silence))
            movie.mux(sound.encode(None))
        with pytest.raises(FormatError, match="no video"):
            describe(str(tmp_path / name))


@pytest.mark.parametrize(
    ("pixel_format", "words"),
    [("bayer_rggb8", "raw mosaic"), ("bayer_bggr16le", "raw mosaic"), ("xyz12le", "cinema package")],
)
def test_pixels_that_are_no_picture_yet_are_refused(tmp_path: Path, pixel_format: str, words: str) -> None:
    path = tmp_path / "a.nut"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("rawvideo", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixel_format
        frame = av.VideoFrame(96, 64, pixel_format)
        frame.pts = 0
        movie.mux(stream.encode(frame))
        movie.mux(stream.encode(None))
    with pytest.raises(FormatError, match=words):
        describe(str(path))


def test_a_movie_without_a_picture_is_told(tmp_path: Path) -> None:
    for name, data in (("a.mov", b""), ("b.mp4", b"\0" * 5000), ("c.ts", b"G" * 5000), ("d.mkv", b"no movie at all")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CorruptError, match=name):
            describe(str(tmp_path / name))


def test_a_picture_of_another_size_in_the_middle_is_told(tmp_path: Path) -> None:
    small = make(tmp_path / "a.ts", count=6)
    large = make(tmp_path / "b.ts", count=6, size=(128, 96))
    (tmp_path / "c.ts").write_bytes(small.read_bytes() + large.read_bytes())
    source = open_source(str(tmp_path / "c.ts"), "plate.path")
    for frame in range(1, 7):
        assert source.pixels(frame, 0, ("R",))[1].shape == (64, 96, 1)
    with pytest.raises(FrameSizeError, match="frame 7"):
        source.pixels(7, 0, ("R",))
    source.close()


def test_one_stream_of_several_is_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as movie:
        streams = []
        for size in ((32, 48), (64, 96)):
            stream = movie.add_stream("libx264", rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            streams.append(stream)
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for number in range(4):
            for stream, size in zip(streams, ((32, 48), (64, 96)), strict=True):
                frame = av.VideoFrame.from_ndarray(picture(number, size), "rgb24")
                frame.pts = number
                movie.mux(stream.encode(frame))
        for stream in streams:
            movie.mux(stream.encode(None))
    window = describe(str(path)).parts[0].window
    assert (window.width, window.height) == (96, 64)
    assert [number_of(stored(path, frame)) for frame in (3, 1)] == [2, 0]
    assert "2 video streams" in notices(path)["movie.streams"]


@pytest.mark.parametrize(
    ("rate", "code", "later"),
    [
        (Fraction(50), "10:00:00:48", (0x10000024, 0x10000100)),
        (Fraction(60), "01:00:59:58", (0x01005929, 0x01010000)),
        (Fraction(60000, 1001), "01:00:59;58", (0x01005969, 0x01010042)),
        (Fraction(30000, 1001), "01:00:59;28", (0x01005968, 0x01010042)),
        (Fraction(25), "10:11:12:13", (0x10111213, 0x10111215)),
    ],
)
def test_time_code_is_counted_at_every_rate(tmp_path: Path, rate: Fraction, code: str, later: tuple[int, int]) -> None:
    def coded(movie: av.container.OutputContainer, _stream: object) -> None:
        movie.metadata["timecode"] = code

    path = make(tmp_path / "a.mov", count=4, rate=rate, prepare=coded)
    with PlateReader(Plate(path=str(path), frames="101-104")) as reader:
        found = [reader.read(frame).metadata["smpte:TimeCode"][0] & ~0x8000 for frame in (101, 103)]
        assert tuple(found) == later
        assert "movie.timecode" not in {notice.kind for notice in reader.notices}


def test_a_time_code_of_another_rate_is_left_out_and_told(tmp_path: Path) -> None:
    for number, code in enumerate(("01:00:00:29", "-01:00:00:00", "about noon")):
        entries = {"timecode": code}

        def coded(movie: av.container.OutputContainer, _stream: object, entries: dict[str, str] = entries) -> None:
            movie.metadata.update(entries)

        path = make(tmp_path / f"{number}.mkv", count=2, prepare=coded)
        assert code in notices(path)["movie.timecode"]
        with PlateReader(Plate(path=str(path))) as reader:
            assert "smpte:TimeCode" not in reader.read(1).metadata
