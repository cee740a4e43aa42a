from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import MissingFrameError
from engine.frames import FrameRange, Window
from engine.media import describe
from engine.media.description import ChannelDescription
from engine.media.saving import NewPart, save_image

from .pictures import RGBA, noise, store


def test_a_sequence_is_described_with_its_parts_and_holes(tmp_path: Path) -> None:
    window = Window(-2, 0, 48, 32, 0, 0, 44, 32)
    parts = [
        NewPart(noise(), RGBA, ("half",) * 4, window, 2.0, "dwaa:45", "rgba", {"framesPerSecond": (25, 1), "take": 7}),
        NewPart(noise(channels=1), ("Z",), ("float",), window, 2.0, "zips", "depth"),
    ]
    for frame in (1001, 1003):
        save_image(tmp_path / f"a.{frame}.exr", "openexr", parts, "test")
    store(tmp_path / "a.1002.exr", noise())
    (tmp_path / "a.1002.exr").rename(tmp_path / "a.1004.exr")
    found = describe(str(tmp_path / "a.%04d.exr"))
    assert (found.frames, found.missing) == (FrameRange.of([1001, 1003, 1004]), FrameRange.of([1002]))
    assert (found.file_format, found.frame_rate, found.described_frame) == ("openexr", Fraction(25), 1001)
    assert found.colour_space == "Linear Rec.709 (sRGB)"
    colour, depth = found.parts
    assert (colour.name, colour.window, colour.pixel_aspect, colour.compression) == ("rgba", window, 2.0, "dwaa")
    assert colour.metadata["take"] == 7
    assert depth.channels == (ChannelDescription("Z", "float"),)


def test_a_still_is_described_as_one_frame(tmp_path: Path) -> None:
    store(tmp_path / "a.dpx", noise(channels=3), ("R", "G", "B"), "uint10")
    found = describe(str(tmp_path / "a.dpx"))
    assert found.frames == FrameRange.of([1])
    assert found.parts[0].channels[0].data_type == "uint10"
    assert found.colour_space == "Cineon"


def test_nothing_cannot_be_described(tmp_path: Path) -> None:
    with pytest.raises(MissingFrameError):
        describe(str(tmp_path / "a.%04d.exr"))
