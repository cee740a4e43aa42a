"""Tags of the output describe the pixels that were written; what was written reads back as the same colours."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
import pytest

from engine.errors import FormatError
from engine.frames import RenderedFrame, Window
from engine.media import PlateInfo, PlateReader, open_writer
from engine.media.colour import colour_spaces
from engine.shot import Output, Plate

from .made import centres, chunk_names, movie, patches, picture, png, profile_chunk
from .test_tags_of_the_input import AP1, profile

LINEAR = "Linear Rec.709 (sRGB)"
SPACES = (
    *(LINEAR, "ACEScg", "ACES2065-1", "Linear P3-D65", "Linear Rec.2020", "CIE XYZ-D65 - Scene-referred"),
    *("sRGB Encoded Rec.709 (sRGB)", "sRGB - Display", "Rec.1886 Rec.709 - Display", "Gamma 2.4 Encoded Rec.709"),
    *("Gamma 2.2 Encoded Rec.709", "sRGB Encoded P3-D65", "Display P3 - Display", "Gamma 2.2 Encoded AdobeRGB"),
    *("ACEScct", "Cineon", "HLG Encoded Rec.2020", "PQ Encoded Rec.2020", "PQ Encoded P3-D65"),
    *("Gamma 2.4 Encoded Rec.2020", "Gamma 2.4 Encoded P3-D65", "Linear ARRI Wide Gamut 3", "Linear ProPhoto"),
    *("Linear 0.7 0.3 0.2 0.7 0.1 0.05 0.3127 0.329", "Camera Rec.709 Encoded Rec.709", "Raw"),
)
FILES = {
    "a.exr": ({}, 2e-3),
    "a.png": ({}, 1e-3),
    "a.tif": ({}, 1e-3),
    "f.tif": ({"data_type": "float"}, 1e-3),
    "a.dpx": ({}, 2e-3),
    "a.mov": ({}, 6e-3),
    "a.mp4": ({}, 4e-2),
    "b.mp4": ({"codec": "hevc"}, 4e-2),
}
"""Results, and how far their code values are rounded or compressed."""


def written(path: Path, space: str, settings: dict[str, str], info: PlateInfo | None = None) -> list[str]:
    """Write patches whose code values in the space are those of ``patches()``; the kinds of the writer's notices."""
    spaces = colour_spaces()
    codes = patches()
    made = info or PlateInfo(Window.of_size(48, 32), ("R", "G", "B"), working_space=LINEAR, colour_space=LINEAR)
    writer = open_writer(Output.model_validate({"path": str(path), "colour_space": space, **settings}), made)
    light = spaces.convert(codes, spaces.resolve(space, "test"), made.working_space)
    writer.write(RenderedFrame(1, light, ("R", "G", "B"), made.window), {}, {})
    writer.close()
    return [notice.kind for notice in writer.notices]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("space", SPACES)
def test_what_was_written_reads_back_as_the_same_colours(tmp_path: Path, name: str, space: str) -> None:
    settings, step = FILES[name]
    spaces = colour_spaces()
    if name == "a.mp4" and space.startswith(("PQ", "HLG")):
        settings = {"codec": "hevc"}
    said = written(tmp_path / name, space, settings)
    assert set(said) <= {"colour.untold"}
    with PlateReader(Plate(path=str(tmp_path / name))) as reader:
        light = reader.read(1).image
        again = spaces.convert(light, reader.info.working_space, space)
    if "colour.untold" not in said:
        np.testing.assert_allclose(centres(again), centres(patches()), atol=step)


@pytest.mark.parametrize(
    ("name", "spaces"),
    [
        ("a.exr", [LINEAR, "ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear ProPhoto", "ACEScct", "sRGB - Display"]),
        ("a.png", ["sRGB Encoded P3-D65", "Gamma 2.2 Encoded AdobeRGB", "HLG Encoded Rec.2020", "ACEScg"]),
        ("a.tif", ["sRGB Encoded P3-D65", "Gamma 2.4 Encoded Rec.709", "ACEScg", "Linear ProPhoto"]),
        ("a.dpx", ["Cineon", LINEAR, "Gamma 2.4 Encoded Rec.709"]),
        ("a.mov", ["Gamma 2.4 Encoded Rec.709", "HLG Encoded Rec.2020", "PQ Encoded Rec.2020", "sRGB Encoded P3-D65"]),
    ],
)
def test_what_can_be_said_is_said(tmp_path: Path, name: str, spaces: list[str]) -> None:
    for space in spaces:
        assert written(tmp_path / name, space, {}) == []


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("a.exr", "Cineon"),
        ("a.png", "ACEScct"),
        ("a.tif", "PQ Encoded Rec.2020"),
        ("a.dpx", "ACEScg"),
        ("a.dpx", "sRGB Encoded Rec.709 (sRGB)"),
        ("a.mov", "ACEScg"),
        ("a.mp4", "Gamma 2.2 Encoded AdobeRGB"),
    ],
)
def test_what_cannot_be_said_is_told(tmp_path: Path, name: str, space: str) -> None:
    assert written(tmp_path / name, space, {}) == ["colour.untold"]


def header(path: Path) -> oiio.ImageSpec:
    opened = oiio.ImageInput.open(str(path))
    spec = oiio.ImageSpec(opened.spec())
    opened.close()
    return spec


@pytest.mark.parametrize(
    ("tags", "space", "interop", "red"),
    [
        ({"chromaticities": AP1}, LINEAR, "lin_rec709_scene", 0.64),
        ({"chromaticities": AP1}, None, "lin_ap1_scene", 0.713),
        ({"colorInteropID": "lin_ap1_scene"}, "ACEScg", "lin_ap1_scene", 0.713),
        ({"colorInteropID": "lin_p3d65_scene"}, "ACES2065-1", "lin_ap0_scene", 0.7347),
        ({"colorInteropID": "lin_ap1_scene", "chromaticities": AP1}, "ACEScct", "ocio:acescct_ap1_scene", None),
        ({"colorInteropID": "lin_ap1_scene", "chromaticities": AP1}, "Cineon", "", None),
        ({}, "ACEScg", "lin_ap1_scene", 0.713),
        ({}, None, "", None),
    ],
)
def test_tags_of_the_output_describe_the_pixels_exr(
    tmp_path: Path, tags: dict[str, object], space: str | None, interop: str, red: float | None
) -> None:
    picture(tmp_path / "p.exr", "half", tags)
    with PlateReader(Plate(path=str(tmp_path / "p.exr"))) as reader:
        image = reader.read(1)
        writer = open_writer(Output(path=str(tmp_path / "o.exr"), colour_space=space), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
    spec = header(tmp_path / "o.exr")
    assert spec.get_string_attribute("colorInteropID") == interop
    chromaticities = spec.getattribute("chromaticities")
    assert chromaticities is None if red is None else abs(chromaticities[0] - red) < 1e-4


def test_a_plate_of_primaries_that_are_not_known_keeps_its_numbers(tmp_path: Path) -> None:
    camera = (0.70, 0.30, 0.20, 0.75, 0.12, 0.02, 0.3127, 0.3290)
    picture(tmp_path / "p.exr", "half", {"chromaticities": camera})
    with PlateReader(Plate(path=str(tmp_path / "p.exr"))) as reader:
        image = reader.read(1)
        writer = open_writer(Output(path=str(tmp_path / "o.exr")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
    np.testing.assert_allclose(header(tmp_path / "o.exr").getattribute("chromaticities"), camera, atol=1e-6)


@pytest.mark.parametrize(
    ("space", "there", "absent"),
    [
        ("sRGB Encoded Rec.709 (sRGB)", {"sRGB"}, {"iCCP", "cICP"}),
        ("sRGB Encoded P3-D65", {"iCCP"}, {"sRGB", "gAMA"}),
        ("Gamma 2.4 Encoded Rec.709", {"iCCP"}, {"sRGB"}),
        ("HLG Encoded Rec.2020", {"cICP"}, {"sRGB", "iCCP"}),
        ("PQ Encoded P3-D65", {"cICP"}, {"sRGB", "iCCP"}),
        ("ACEScg", {"iCCP"}, {"sRGB"}),
        ("Cineon", set(), {"sRGB", "iCCP", "cICP", "gAMA"}),
    ],
)
def test_tags_of_the_output_describe_the_pixels_png(
    tmp_path: Path, space: str, there: set[str], absent: set[str]
) -> None:
    written(tmp_path / "a.png", space, {})
    names = chunk_names(tmp_path / "a.png")
    assert there <= names
    assert not absent & names


@pytest.mark.parametrize(
    ("space", "codes"),
    [
        ("Gamma 2.4 Encoded Rec.709", (1, 1, 1)),
        ("sRGB Encoded Rec.709 (sRGB)", (1, 13, 1)),
        ("Rec.1886 Rec.709 - Display", (1, 1, 1)),
        ("Gamma 2.4 Encoded Rec.2020", (9, 14, 9)),
        ("HLG Encoded Rec.2020", (9, 18, 9)),
        ("PQ Encoded Rec.2020", (9, 16, 9)),
        ("Rec.2100-PQ - Display", (9, 16, 9)),
        ("Gamma 2.4 Encoded P3-D65", (12, 1, 1)),
        ("Gamma 2.4 Encoded Rec.601 NTSC", (6, 6, 6)),
        ("ACEScg", (2, 2, 1)),
    ],
)
@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_tags_of_the_output_describe_the_pixels_movies(
    tmp_path: Path, name: str, space: str, codes: tuple[int, int, int]
) -> None:
    written(tmp_path / name, space, {})
    with av.open(str(tmp_path / name)) as container:
        frame = next(container.decode(video=0))
        found = frame.color_primaries, frame.color_trc, frame.colorspace
        assert tuple(int(code) for code in found) == codes
        assert int(frame.color_range) == 1
        assert "10" in frame.format.name or not space.startswith(("HLG", "PQ", "Rec.2100"))


@pytest.mark.parametrize(
    ("codes", "planes"),
    [
        ((9, 18, 9), (600, 480, 580)),
        ((9, 16, 9), (500, 500, 560)),
        ((12, 1, 1), (600, 400, 620)),
        ((9, 14, 9), (400, 540, 480)),
        ((6, 6, 6), (500, 560, 470)),
        ((1, 1, 1), (940, 512, 512)),
    ],
)
@pytest.mark.parametrize("name", ["o.mov", "o.mp4", "o.exr"])
def test_wide_and_high_range_clips_have_a_way_in_and_out(
    tmp_path: Path, codes: tuple[int, int, int], planes: tuple[int, int, int], name: str
) -> None:
    """A movie, or EXR, of such a clip has the clip's own colours when it is read again, with no settings."""
    movie(tmp_path / "p.mov", codes, planes)
    with PlateReader(Plate(path=str(tmp_path / "p.mov"))) as reader:
        image = reader.read(1)
        info = reader.info
        writer = open_writer(Output(path=str(tmp_path / name)), info)
        assert {notice.kind for notice in writer.notices} <= {"picture.bits"}
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
        writer.close()
    with PlateReader(Plate(path=str(tmp_path / name))) as again:
        spaces = colour_spaces()
        assert again.info.colour_space == (info.working_space if name == "o.exr" else info.colour_space)
        found, wanted = (
            spaces.convert(light[20:21, 20:21], info.working_space, info.colour_space)
            for light in (again.read(1).image, image.image)
        )
    np.testing.assert_allclose(found, wanted, atol={"o.exr": 1e-3, "o.mov": 2e-3, "o.mp4": 1e-2}[name])


def test_the_white_of_high_range_clips_is_one() -> None:
    spaces = colour_spaces()
    hlg, pq = (np.full((1, 1, 3), code, np.float32) for code in (0.75, 0.58068888))
    np.testing.assert_allclose(spaces.convert(hlg, "HLG Encoded Rec.2020", "Linear Rec.2020"), 1, rtol=1e-4)
    np.testing.assert_allclose(spaces.convert(pq, "PQ Encoded Rec.2020", "Linear Rec.2020"), 1, rtol=1e-3)


def test_high_range_in_eight_bits_is_refused_with_remedies_that_work(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="hevc"):
        written(tmp_path / "a.mp4", "Rec.2100-HLG", {"codec": "h264"})
    assert written(tmp_path / "a.mp4", "Rec.2100-HLG", {"codec": "hevc"}) == []
    assert written(tmp_path / "a.mov", "Rec.2100-HLG", {}) == []
    assert written(tmp_path / "a.mp4", "Gamma 2.4 Encoded Rec.709", {"codec": "h264"}) == []


@pytest.mark.parametrize("name", ["o.png", "o.dpx", "o.mp4", "o.tif"])
def test_highlights_that_are_cut_off_are_told(tmp_path: Path, name: str) -> None:
    movie(tmp_path / "p.mov", (9, 18, 9))
    with PlateReader(Plate(path=str(tmp_path / "p.mov"))) as reader:
        space = "Gamma 2.4 Encoded Rec.709" if name == "o.mp4" else None
        writer = open_writer(Output(path=str(tmp_path / name), colour_space=space), reader.info)
        kinds = [notice.kind for notice in writer.notices]
        assert ("colour.range" in kinds) == (name != "o.dpx")  # of which log holds them


def test_an_untagged_exr_is_told_only_where_it_is_converted(tmp_path: Path) -> None:
    picture(tmp_path / "p.exr", "half", {})
    with PlateReader(Plate(path=str(tmp_path / "p.exr"))) as reader:
        for name, kinds in (("o.exr", []), ("o.png", ["colour.untagged"]), ("o.mov", ["colour.untagged"])):
            writer = open_writer(Output(path=str(tmp_path / name)), reader.info)
            assert [notice.kind for notice in writer.notices] == kinds


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_still_keeps_the_space_of_its_profile(tmp_path: Path, suffix: str) -> None:
    png(tmp_path / "p.png", profile_chunk(profile("sRGB", "P3-D65")))
    with PlateReader(Plate(path=str(tmp_path / "p.png"))) as reader:
        image = reader.read(1)
        writer = open_writer(Output(path=str(tmp_path / f"o.{suffix}")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
    with PlateReader(Plate(path=str(tmp_path / f"o.{suffix}"))) as again:
        assert again.info.colour_space == "sRGB Encoded P3-D65"
        np.testing.assert_allclose(again.read(1).image, image.image, atol=1e-4)
