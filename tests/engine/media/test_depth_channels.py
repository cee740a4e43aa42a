"""Depth is never guessed: a channel known by its name, of the colour's own layer, view and part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ChannelError
from engine.frames import Window
from engine.media import DepthReader, describe
from engine.media.channels import find_colour
from engine.media.depth_channels import find_depth
from engine.media.depth_names import KNOWN, names_table
from engine.media.images import Header, Part
from engine.media.saving import NewPart, save_image
from engine.shot import Depth, Plate

from .pictures import noise, store

RGBA = ("R", "G", "B", "A")
COMBINED = tuple(f"ViewLayer.Combined.{c}" for c in "RGBA")


def part(channels: tuple[str, ...], number: int = 0, name: str = "", **metadata: Any) -> Part:  # noqa: ANN401
    kinds = ("half",) * len(channels)
    return Part(number, name, channels, kinds, 0, Window.of_size(8, 4), 1.0, "zips", False, metadata)


def header(*parts: Part, file_format: str = "openexr") -> Header:
    return Header(Path("a.exr"), file_format, parts)


def taken(head: Header, *, layer: str | None = None, plate_part: str | None = None, channel: str | None = None) -> str:
    colour = find_colour(head, plate_part, layer, "a")
    found = find_depth(head, None, channel, False, "a", colour)
    names = [p.name for p in head.parts if p.number == found.part.number]
    return f"{names[0]}/{found.channels[0]}" if len(head.parts) > 1 else found.channels[0]


@pytest.mark.parametrize("name", sorted({name for _, names in KNOWN for name in names}))
def test_a_depth_is_known_by_its_whole_name_or_its_layers(name: str) -> None:
    assert taken(header(part((*RGBA, name)))) == name


@pytest.mark.parametrize(
    ("channels", "depth"),
    [
        (("VRayNormals.X", "VRayNormals.Y", "VRayNormals.Z", "VRayZDepth.Z"), "VRayZDepth.Z"),
        (("N.X", "N.Y", "N.Z", "P.X", "P.Y", "P.Z", "Z"), "Z"),
        (("Px", "Py", "Pz", "depth.Z"), "depth.Z"),
        (("volume_Z", "ZBack", "Z"), "Z"),
        (("CryptoObject00.R", "CryptoObject00.G", "disparity.Z", "zdepth"), "zdepth"),
        (("depth.Z", "Z"), "Z"),
        (tuple(f"Queue_WorldDepth.{c}" for c in "RGBA"), "Queue_WorldDepth.R"),
        (("Mist.Z", "Depth 001.Z"), "Depth 001.Z"),
        (("Z Depth.R", "Z Depth.G", "Z Depth.B"), "Z Depth.R"),
    ],
)
def test_the_depth_is_found_among_vectors_and_ids(channels: tuple[str, ...], depth: str) -> None:
    assert taken(header(part((*RGBA, *channels)))) == depth


@pytest.mark.parametrize(
    "channels",
    [
        ("P.X", "P.Y", "P.Z"),
        ("Normal.X", "Normal.Y", "Normal.Z"),
        ("motion.x", "motion.y", "motion.z"),
        ("Px", "Py", "Pz"),
        ("Pref.Z",),
        ("disparity.Z",),
        ("Mist.Z",),
        ("volume_Z",),
        ("zback",),
        ("CryptoMaterial00.Z",),
        ("X", "Y", "Z"),
        ("depth_of_field.R",),
    ],
)
def test_a_file_without_a_depth_says_so_and_lists_what_it_has(channels: tuple[str, ...]) -> None:
    with pytest.raises(ChannelError, match=rf"no depth channel.*{channels[-1]}.*--depth-channel"):
        taken(header(part((*RGBA, *channels))))


@pytest.mark.parametrize(
    "channels", [("depth.Z", "VRayZDepth.R"), ("Z", "z"), ("Depth1.R", "Depth2.R"), ("Pz", "depth"), ("a.Z.R", "b.Z.R")]
)
def test_several_that_are_equally_near_are_asked_for(channels: tuple[str, ...]) -> None:
    with pytest.raises(ChannelError, match=rf"several.*{channels[0]}, {channels[1]}.*--depth-channel"):
        taken(header(part((*RGBA, *channels))))


def test_the_depth_of_the_colours_own_view_layer_is_taken() -> None:
    other = tuple(c.replace("ViewLayer", "Sky") for c in COMBINED)
    both = header(part((*COMBINED, *other, "ViewLayer.Depth.Z", "Sky.Depth.Z")))
    assert taken(both, layer="ViewLayer.Combined") == "ViewLayer.Depth.Z"
    assert taken(both, layer="Sky.Combined") == "Sky.Depth.Z"
    with pytest.raises(ChannelError, match=r"no depth.*ViewLayer\.Depth\.Z"):
        taken(header(part((*COMBINED, *other, "ViewLayer.Depth.Z"))), layer="Sky.Combined")
    whole = tuple(c.replace("ViewLayer", "Composite") for c in COMBINED)
    assert taken(header(part((*whole, *COMBINED, "ViewLayer.Depth.Z"))), layer="Composite.Combined")


def test_the_depth_of_the_colours_own_view_is_taken() -> None:
    one = header(part((*RGBA, "Z", *(f"right.{c}" for c in "RGBA"), "right.Z"), multiView=("left", "right")))
    assert taken(one) == "Z"
    assert taken(one, layer="right") == "right.Z"
    unsaid = header(part((*RGBA, "Z", *(f"right.{c}" for c in "RGBA"), "right.Z")))
    assert taken(unsaid) == "Z"
    assert taken(unsaid, layer="right") == "right.Z"
    assert taken(header(part((*RGBA, "left.depth.Z")))) == "left.depth.Z"
    parts = [("rgba.left", RGBA, "left"), ("rgba.right", RGBA, "right")]
    parts += [("depth.left", ("Z",), "left"), ("depth.right", ("Z",), "right")]
    split = header(*(part(c, n, name, view=view) for n, (name, c, view) in enumerate(parts)))
    assert taken(split, plate_part="rgba.right") == "depth.right/Z"
    assert taken(split, plate_part="rgba.left") == "depth.left/Z"
    assert taken(split, plate_part="rgba.right", channel="Z") == "depth.right/Z"


@pytest.mark.parametrize(
    ("parts", "depth"),
    [
        ([("rgba", RGBA), ("depth", ("Z",))], "depth/Z"),
        ([("C", RGBA), ("Pz", ("Pz",))], "Pz/Pz"),
        ([("beauty", (*RGBA, "Z")), ("other", (*RGBA, "Z"))], "beauty/Z"),
        ([("rgba", RGBA), ("depth", ("depth.Z",))], "depth/depth.Z"),
        ([("rgba", RGBA), ("N", ("X", "Y", "Z")), ("VRayZDepth", ("R", "G", "B"))], "VRayZDepth/R"),
        ([("ViewLayer.Combined", COMBINED), ("ViewLayer.Depth", ("ViewLayer.Depth.Z",))], None),
    ],
)
def test_parts_are_layers(parts: list[tuple[str, tuple[str, ...]]], depth: str | None) -> None:
    head = header(*(part(channels, n, name) for n, (name, channels) in enumerate(parts)))
    layer = None if depth else "ViewLayer.Combined"
    assert taken(head, layer=layer) == (depth or "ViewLayer.Depth/ViewLayer.Depth.Z")


def test_a_layer_of_one_channel_may_be_named() -> None:
    head = header(part((*RGBA, "mist.V", "N.X", "N.Y", "N.Z", "far.R", "far.G", "far.B")))
    assert taken(head, channel="mist") == "mist.V"
    assert taken(head, channel="mist.v") == "mist.V"
    assert find_depth(head, None, "far", False, "a").channels == ("far.R", "far.G", "far.B")
    with pytest.raises(ChannelError, match=r'"N" has N.X, N.Y, N.Z'):
        taken(head, channel="N")
    with pytest.raises(ChannelError, match=r'no channel "nil".*mist.V'):
        taken(head, channel="nil")


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        (("Y",), ("Y",)),
        (("Y", "A"), ("Y",)),
        (("far.X",), ("far.X",)),
        (("B", "G", "R"), ("R", "G", "B")),
        (RGBA, ("R", "G", "B")),
        ((*RGBA, "Pz"), ("Pz",)),
    ],
)
def test_a_file_of_one_channel_or_three_is_a_depth_map(channels: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert find_depth(header(part(channels)), None, None, True, "a").channels == found


@pytest.mark.parametrize(
    "further", [("N.X", "N.Y", "N.Z"), ("ao.R",), ("diffuse.R", "diffuse.G", "diffuse.B"), ("id",)]
)
def test_of_a_file_with_more_nothing_is_guessed(further: tuple[str, ...]) -> None:
    with pytest.raises(ChannelError, match="no depth channel"):
        find_depth(header(part((*RGBA, *further))), None, None, True, "a")


def test_a_multi_channel_render_may_be_named_as_plate_and_as_depth(tmp_path: Path) -> None:
    image = noise(channels=8, seed=3)
    names = (*RGBA, "VRayNormals.X", "VRayNormals.Y", "VRayNormals.Z", "VRayZDepth.R")
    path = str(store(tmp_path / "a.0001.exr", image, names)).replace("0001", "%04d")
    with DepthReader(Depth(path=path), Plate(path=path)) as reader:
        np.testing.assert_array_equal(reader.read(1).values, image[:, :, 7])
        assert reader.taken == f"VRayZDepth.R of {path}"
    assert describe(path).depth == "VRayZDepth.R"


def test_the_part_of_the_depth_is_told(tmp_path: Path) -> None:
    window = Window.of_size(48, 32)
    parts = [
        NewPart(noise(), RGBA, ("half",) * 4, window, name="rgba"),
        NewPart(noise(channels=1), ("Z",), ("float",), window, name="depth"),
    ]
    save_image(tmp_path / "a.0001.exr", "openexr", parts, "test")
    path = str(tmp_path / "a.%04d.exr")
    with DepthReader(Depth(), Plate(path=path)) as reader:
        assert reader.taken == 'Z of part "depth"'
    assert describe(path).depth == "Z of part depth"


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ((*RGBA, "Z"), "Z"),
        ((*RGBA, "N.X", "N.Y", "N.Z"), "none would be taken"),
        (RGBA, "none beside the colour"),
        ((*RGBA, "Z", "z"), "several"),
        (("Y",), "Y as a depth map of its own"),
    ],
)
def test_info_says_which_depth_would_be_taken(tmp_path: Path, channels: tuple[str, ...], said: str) -> None:
    path = store(tmp_path / "a.0001.exr", noise(channels=len(channels)), channels)
    assert said in describe(str(path)).depth


def test_the_pages_table_of_names_is_the_codes() -> None:
    page = Path(__file__).parents[3] / "docs" / "what_is_read.md"
    assert names_table() in page.read_text(encoding="utf-8")
