from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.blender.sequences import (
    ExrHeader,
    depth_channel,
    file_number,
    frame_file,
    is_movie,
    pattern_of,
    plate_layer,
)

BLENDER = ("ViewLayer.Combined.R", "ViewLayer.Combined.A", "ViewLayer.Depth.Z")


def write(path: Path, parts: tuple[tuple[str, ...], ...]) -> None:
    specs = []
    for number, channels in enumerate(parts):
        spec = OpenImageIO.ImageSpec(12, 8, len(channels), "float")
        spec.channelnames = channels
        spec.attribute("oiio:subimagename", f"part {number}")
        spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height = 2, 1, 0, 0, 20, 10
        specs.append(spec)
    out = OpenImageIO.ImageOutput.create(str(path))
    assert out.open(str(path), tuple(specs))
    for number, spec in enumerate(specs):
        if number:
            assert out.open(str(path), spec, "AppendSubimage")
        assert out.write_image(np.zeros((8, 12, spec.nchannels), np.float32))
    assert out.close()


@pytest.mark.parametrize("parts", [(BLENDER,), (BLENDER[:2], BLENDER[2:]), (("R", "G", "B"), ("Z",), ("A",))])
def test_the_header_of_an_exr_tells_all_channels_of_all_parts_and_the_display_window(
    tmp_path: Path, parts: tuple[tuple[str, ...], ...]
) -> None:
    file = tmp_path / "a.exr"
    write(file, parts)
    header = ExrHeader.read(str(file))
    assert header is not None
    assert sorted(header.channels) == sorted(name for part in parts for name in part)
    assert header.size == (20, 10)


def test_what_is_no_exr_has_no_header(tmp_path: Path) -> None:
    file = tmp_path / "a.exr"
    write(file, (BLENDER,))
    whole = file.read_bytes()
    assert ExrHeader.read(str(tmp_path / "absent.exr")) is None
    for broken in (b"", b"\x89PNG and so on", whole[:8], whole[:60]):
        file.write_bytes(broken)
        assert ExrHeader.read(str(file)) is None


def test_the_picture_of_a_view_layer_and_its_z_pass_are_found() -> None:
    channels = ("Composite.Combined.R", "Fog.Combined.R", "Fog.Depth.Z", "Set.Combined.R", "Set.Depth.V")
    assert plate_layer(channels) == "Fog.Combined"
    assert plate_layer(channels, "Set") == "Set.Combined"
    assert plate_layer(channels, "Hair") is None
    assert plate_layer(("Composite.Combined.R",)) == "Composite.Combined"
    assert plate_layer(("R", "G", "B", "Z")) is None
    assert depth_channel(channels, "Fog.Combined") == "Fog.Depth.Z"
    assert depth_channel(channels, "Set.Combined") == "Set.Depth.V"
    assert depth_channel(channels, "Composite.Combined") is None
    assert depth_channel(channels, None) is None


def test_a_view_of_a_stereo_render_keeps_to_its_own_depth() -> None:
    channels = ("A.Combined.left.R", "A.Depth.left.Z", "A.Depth.right.Z")
    assert plate_layer(channels) == "A.Combined.left"
    assert depth_channel(channels, "A.Combined.left") == "A.Depth.left.Z"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/a/plate_0007.exr", "/a/plate_####.exr"),
        ("/a/v002/plate_v002.1001.exr", "/a/v002/plate_v002.####.exr"),
        ("C:\\a7\\plate0007_lin.exr", "C:\\a7\\plate####_lin.exr"),
        ("/a/plate_####.exr", "/a/plate_####.exr"),
        ("/a/plate_%04d.exr", "/a/plate_%04d.exr"),
        ("/a/plate_01.mov", "/a/plate_01.mov"),
        ("/a7/plate.exr", "/a7/plate.exr"),
        ("/a/0007", "/a/####"),
    ],
)
def test_a_picture_names_its_sequence(path: str, pattern: str) -> None:
    assert pattern_of(path) == pattern


@given(st.integers(0, 99_999), st.integers(1, 6), st.sampled_from(("plate_", "v02_plate.", "")))
def test_a_file_and_its_pattern_lead_to_each_other(number: int, digits: int, stem: str) -> None:
    path = f"/shots/sh010/{stem}{number:0{digits}d}.exr"
    assert file_number(path) == number
    assert frame_file(pattern_of(path), number) == path
    assert frame_file(f"/shots/{stem}%0{digits}d.exr", number) == f"/shots/{stem}{number:0{digits}d}.exr"


def test_movies_are_known_by_their_names() -> None:
    assert is_movie("/a/b.MOV")
    assert not is_movie("/a/b.exr")
