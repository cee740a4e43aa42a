from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import CorruptError, FormatError, MissingFrameError, OutputExistsError, OutputWriteError
from engine.frames import Float32Array, FrameRange, Window
from engine.media import DepthReader, PlateInfo, PlateReader, describe, open_writer
from engine.media.video_planes import decoded, encoded
from engine.shot import Depth, Output, Plate

from .pictures import rendered

LINEAR = "Linear Rec.709 (sRGB)"
SIZE = (64, 96)


def flat(frame: int, channels: int = 3) -> Float32Array:
    """A frame whose grey tells its number."""
    return np.full((*SIZE, channels), 0.05 + 0.9 * (frame % 50) / 50, np.float32)


def info(rate: Fraction | None = Fraction(24000, 1001), channels: int = 3) -> PlateInfo:
    return PlateInfo(Window.of_size(SIZE[1], SIZE[0]), tuple("RGBA"[:channels]), frame_rate=rate, working_space=LINEAR)


def write(path: Path, count: int, channels: int = 3, **settings: object) -> Path:
    writer = open_writer(Output.model_validate({"path": str(path), **settings}), info(channels=channels))
    for frame in range(count):
        entries = {"smpte:TimeCode": (0x01000000, 0)}
        image = flat(frame, channels)
        if channels == 4:
            image[:, :, 3] = 0.5
            image[:, :, :3] *= 0.5
        writer.write(rendered(frame, image, metadata=entries), {}, {})
    writer.close()
    return path


@pytest.mark.parametrize("name", ["m.mp4", "m.mov", "m.mkv"])
def test_a_movie_of_others_or_with_more_frames_is_kept(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, 3, metadata={"title": "take 3"})
    again = open_writer(Output(path=str(path)), info())
    again.check_kept(FrameRange.of(range(3)))
    if name != "m.mkv":  # which does not say how many frames it has
        with pytest.raises(OutputExistsError, match="has 3 frames and would be replaced by 2"):
            again.check_kept(FrameRange.of(range(2)))
    path.write_bytes(path.read_bytes().replace(b"Rackfocus", b"Elsewhere"))
    with pytest.raises(OutputExistsError, match="not made by Rackfocus"):
        again.check_kept(FrameRange.of(range(3)))
    path.write_bytes(b"no movie at all")
    with pytest.raises(OutputExistsError, match="not made by Rackfocus"):
        again.check_kept(FrameRange.of(range(3)))


@pytest.mark.parametrize(("name", "codec"), [("m.mp4", "h264"), ("m.mov", "prores"), ("m.mkv", "h264")])
def test_a_movie_keeps_light_rate_and_count(tmp_path: Path, name: str, codec: str) -> None:
    path = write(tmp_path / name, 40)
    with PlateReader(Plate(path=str(path))) as reader:
        assert reader.frames == FrameRange.of(range(1, 41))
        assert reader.info.frame_rate == Fraction(24000, 1001)
        for frame in (1, 2, 3, 40, 17, 18, 1):
            np.testing.assert_allclose(reader.read(frame).image, flat(frame - 1), atol=0.012)
    assert describe(str(path)).parts[0].compression == codec
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_movie_says_that_it_is_rec709_in_video_range(tmp_path: Path) -> None:
    for name in ("m.mp4", "m.mov"):
        with av.open(str(write(tmp_path / name, 2))) as movie:
            frame = next(movie.decode(video=0))
            tags = (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc)
            assert [int(tag) for tag in tags] == [1, 1, 1, 1]


def test_the_first_frame_of_a_movie_is_the_first_of_the_shot(tmp_path: Path) -> None:
    path = write(tmp_path / "m.mov", 10)
    with PlateReader(Plate(path=str(path), frames="1001-1009x2")) as reader:
        np.testing.assert_allclose(reader.read(1005).image, flat(4), atol=0.01)
        assert reader.read(1005).metadata["smpte:TimeCode"] == (0x01000004, 0)


def test_frames_outside_a_movie_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "m.mov", 3)
    with PlateReader(Plate(path=str(path), frames="1-9")) as reader, pytest.raises(MissingFrameError, match="1-3"):
        reader.check(4)
    with PlateReader(Plate(path=str(path), frames="1-9", on_missing="hold")) as reader:
        np.testing.assert_allclose(reader.read(9).image, flat(2), atol=0.01)


def test_prores_4444_carries_alpha(tmp_path: Path) -> None:
    path = write(tmp_path / "m.mov", 2, channels=4)
    with PlateReader(Plate(path=str(path))) as reader:
        image = reader.read(2).image
    np.testing.assert_allclose(image[:, :, 3], 0.5, atol=1e-3)
    np.testing.assert_allclose(image[:, :, 0], flat(1)[:, :, 0] * 0.5, atol=5e-3)


def test_odd_sizes_and_windows_are_made_to_fit(tmp_path: Path) -> None:
    writer = open_writer(Output(path=str(tmp_path / "m.mp4")), info())
    window = Window(-2, 0, 35, 21, 0, 0, 33, 21)
    writer.write(rendered(1, np.full((21, 35, 3), 0.5, np.float32), window), {}, {})
    writer.close()
    assert describe(str(tmp_path / "m.mp4")).parts[0].window == Window.of_size(34, 22)


def test_an_aborted_movie_leaves_nothing_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = write(tmp_path / "m.mp4", 2)
    before = path.read_bytes()
    writer = open_writer(Output(path=str(path)), info())
    writer.write(rendered(1, flat(1)), {}, {})
    assert writer.is_whole(1) is None
    writer.abort()
    writer.close()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.mp4"]


def test_a_frame_of_another_size_cannot_join(tmp_path: Path) -> None:
    writer = open_writer(Output(path=str(tmp_path / "m.mp4")), info())
    writer.write(rendered(1, flat(1)), {}, {})
    with pytest.raises(OutputWriteError, match="frame 2"):
        writer.write(rendered(2, flat(1)[:32]), {}, {})
    writer.abort()


@pytest.mark.parametrize("settings", [{"codec": "prores"}, {"compression": "zips"}, {"data_type": "half"}])
def test_what_an_mp4_cannot_hold_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        open_writer(Output.model_validate({"path": str(tmp_path / "m.mp4"), **settings}), info())


@pytest.mark.parametrize(
    ("name", "share"), [("m.mov", 0.0), ("m.mov", 0.3), ("m.mov", 0.8), ("m.mkv", 0.5), ("m.mp4", 0.7)]
)
def test_a_truncated_movie_is_told(tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, 20)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CorruptError, match=name):
        read_all(path)


def read_all(path: Path) -> None:
    with PlateReader(Plate(path=str(path))) as reader:
        for frame in reader.frames:
            reader.read(frame)


def test_depth_of_a_movie_is_its_luma(tmp_path: Path) -> None:
    path = write(tmp_path / "d.mov", 3, colour_space="Raw")
    with DepthReader(Depth(path=str(path)), Plate(path="unused", frames="11-13")) as reader:
        np.testing.assert_allclose(reader.read(12).values, flat(1)[:, :, 0], atol=2e-3)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuva444p10le"])
def test_colours_survive_the_matrix(pixel_format: str) -> None:
    patches = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0], [0.2, 0.5, 0.8]], np.float32)
    for patch in patches:
        image = np.concatenate([np.tile(patch, (16, 16, 1)), np.ones((16, 16, 1), np.float32)], axis=2)
        found, _ = decoded(encoded(image, pixel_format))
        np.testing.assert_allclose(found[:, :, :3], image[:, :, :3], atol=0.006 if "10" not in pixel_format else 0.002)


def test_full_range_is_not_taken_for_video_range() -> None:
    for name, grey in (("yuvj420p", 255), ("yuv420p", 235), ("gray", 235), ("yuvj444p", 255)):
        frame = av.VideoFrame(16, 16, name)
        for number, plane in enumerate(frame.planes):
            plane.update(bytes([grey if number == 0 else 128]) * plane.buffer_size)
        frame.color_range = 2 if name.startswith("yuvj") else 1
        found, luma = decoded(frame)
        np.testing.assert_allclose(found, 1, atol=1e-3)
        np.testing.assert_allclose(luma, 1, atol=1e-3)
