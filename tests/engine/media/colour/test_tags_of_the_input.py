"""Tags of the input are believed, or their lack or strangeness is told."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import FormatError
from engine.media import PlateReader, describe
from engine.media.colour import believe, colour_spaces
from engine.media.colour.encodings import Encoding
from engine.media.colour.icc import profile_of
from engine.media.colour.primaries import KNOWN
from engine.shot import Plate

from .made import app_segment, chroma, chunk, exif, movie, picture, png, profile_chunk

D65 = (0.3127, 0.3290)
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)


def taken(path: Path) -> tuple[str, list[str]]:
    """The space that a plate is read in, and the kinds of what is said of it."""
    with PlateReader(Plate(path=str(path))) as reader:
        assert describe(str(path)).colour_space == reader.info.colour_space
        assert describe(str(path)).notices == reader.notices
        assert np.isfinite(reader.read(reader.frames.first).image).all()
        return reader.info.colour_space, [notice.kind for notice in reader.notices]


@pytest.mark.parametrize("primaries", KNOWN, ids=lambda known: known.name)
def test_tags_of_the_input_are_believed_chromaticities(tmp_path: Path, primaries: object) -> None:
    known = next(candidate for candidate in KNOWN if candidate is primaries)
    path = picture(tmp_path / "a.exr", "half", {"chromaticities": known.xy})
    space, said = taken(path)
    assert space == colour_spaces().named(Encoding("Linear", known))
    assert said == []


@pytest.mark.parametrize(
    ("interop", "space"),
    [
        ("lin_ap1_scene", "ACEScg"),
        ("lin_ap0_scene", "ACES2065-1"),
        ("lin_p3d65_scene", "Linear P3-D65"),
        ("lin_rec2020_scene", "Linear Rec.2020"),
        ("lin_adobergb_scene", "Linear AdobeRGB"),
        ("lin_ciexyzd65_scene", "CIE XYZ-D65 - Scene-referred"),
        ("srgb_rec709_scene", "sRGB Encoded Rec.709 (sRGB)"),
        ("srgb_p3d65_scene", "sRGB Encoded P3-D65"),
        ("srgb_ap1_scene", "sRGB Encoded AP1"),
        ("g22_ap1_scene", "Gamma 2.2 Encoded AP1"),
        ("g18_rec709_scene", "Gamma 1.8 Encoded Rec.709"),
        ("g24_rec709_scene", "Gamma 2.4 Encoded Rec.709"),
        ("ocio:acescct_ap1_scene", "ACEScct"),
        ("unknown", "Linear Rec.709 (sRGB)"),
    ],
)
def test_tags_of_the_input_are_believed_interop_ids(tmp_path: Path, interop: str, space: str) -> None:
    assert taken(picture(tmp_path / "a.exr", "half", {"colorInteropID": interop})) == (space, [])


def test_primaries_that_are_not_known_are_converted_by_their_numbers(tmp_path: Path) -> None:
    camera = (0.70, 0.30, 0.20, 0.75, 0.12, 0.02, *D65)
    path = picture(tmp_path / "a.exr", "float", {"chromaticities": camera}, (127.5, 127.5, 127.5))
    space, said = taken(path)
    assert space == "Linear 0.7 0.3 0.2 0.75 0.12 0.02 0.3127 0.329"
    assert said == []
    spaces = colour_spaces()
    grey = spaces.convert(np.full((1, 1, 3), 0.5, np.float32), space, spaces.linear)
    np.testing.assert_allclose(grey, 0.5, atol=1e-5)  # white stays white
    red = spaces.convert(np.array([[[1, 0, 0]]], np.float32), space, spaces.linear)
    assert red[0, 0, 0] > 1.2
    assert red[0, 0, 1] < 0


@pytest.mark.parametrize(
    ("attributes", "kind", "space"),
    [
        ({"chromaticities": (0.0,) * 8}, "primaries", "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (0.64, 0.33, 0.64, 0.33, 0.64, 0.33, *D65)}, "primaries", "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (*AP1[:7], 0.0)}, "primaries", "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (float("nan"),) * 8}, "primaries", "Linear Rec.709 (sRGB)"),
        ({"colorInteropID": "lin_bogus_scene"}, "interop", "Linear Rec.709 (sRGB)"),
        ({"colorInteropID": "data"}, "data", "Linear Rec.709 (sRGB)"),
        ({"colorInteropID": "lin_rec709_scene", "chromaticities": AP1}, "conflict", "Linear Rec.709 (sRGB)"),
    ],
)
def test_strange_tags_of_exr_are_told(tmp_path: Path, attributes: dict[str, object], kind: str, space: str) -> None:
    assert taken(picture(tmp_path / "a.exr", "half", attributes)) == (space, [f"colour.{kind}"])


def test_an_aces_container_is_aces() -> None:
    """OpenImageIO writes none that is not one in all respects, so that the header is made up here."""
    assert believe(colour_spaces(), "openexr", True, {"acesImageContainerFlag": 1}).space == "ACES2065-1"


def profile(curve: str, name: str) -> bytes:
    made = profile_of(Encoding(curve, next(known for known in KNOWN if known.name == name)), f"{curve} {name}")
    assert made is not None
    return made


REC709_CHROMA = chroma(*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_CHROMA = chroma(*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 1e5)))


@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([], "sRGB Encoded Rec.709 (sRGB)"),
        ([chunk(b"sRGB", b"\0")], "sRGB Encoded Rec.709 (sRGB)"),
        ([gamma(0.45455), REC709_CHROMA], "sRGB Encoded Rec.709 (sRGB)"),
        ([gamma(0.45455)], "Gamma 2.2 Encoded Rec.709"),
        ([gamma(1.0)], "Linear Rec.709 (sRGB)"),
        ([gamma(0.45455), P3_CHROMA], "sRGB Encoded P3-D65"),
        ([chunk(b"cICP", bytes([12, 13, 0, 1]))], "sRGB Encoded P3-D65"),
        ([chunk(b"cICP", bytes([9, 16, 0, 1]))], "PQ Encoded Rec.2020"),
        ([chunk(b"cICP", bytes([9, 18, 0, 1])), chunk(b"sRGB", b"\0")], "HLG Encoded Rec.2020"),
        ([profile_chunk(profile("sRGB", "P3-D65"))], "sRGB Encoded P3-D65"),
        ([profile_chunk(profile("Gamma 2.19921875", "AdobeRGB"))], "Gamma 2.2 Encoded AdobeRGB"),
        ([profile_chunk(profile("Gamma 1.8", "ProPhoto"))], "Gamma 1.8 Encoded ProPhoto"),
        ([profile_chunk(profile("Camera Rec.709", "Rec.2020"))], "Camera Rec.709 Encoded Rec.2020"),
        ([profile_chunk(profile("sRGB", "Rec.709"))], "sRGB Encoded Rec.709 (sRGB)"),
    ],
)
def test_tags_of_the_input_are_believed_png(tmp_path: Path, chunks: list[bytes], space: str) -> None:
    assert taken(png(tmp_path / "a.png", *chunks)) == (space, [])


@pytest.mark.parametrize("suffix", ["tif", "jpg", "png"])
@pytest.mark.parametrize("name", ["P3-D65", "Rec.2020", "AP1", "S-Gamut3"])
def test_tags_of_the_input_are_believed_icc(tmp_path: Path, suffix: str, name: str) -> None:
    path = picture(tmp_path / f"a.{suffix}", "uint8", {"ICCProfile": profile("sRGB", name)})
    assert taken(path) == (f"sRGB Encoded {name}", [])


def test_an_icc_profile_by_the_pictures_own_numbers_gives_its_colours(tmp_path: Path) -> None:
    """The same colour, stored in sRGB and in Display P3, is the same light."""
    spaces = colour_spaces()
    code = np.array([[ORANGE_P3]], np.float32) / 255
    path = picture(tmp_path / "a.tif", "uint16", {"ICCProfile": profile("sRGB", "P3-D65")}, ORANGE_P3)
    with PlateReader(Plate(path=str(path))) as reader:
        light = spaces.convert(reader.read(1).image, reader.info.working_space, spaces.linear)
    np.testing.assert_allclose(light[0, 0], spaces.convert(code, "sRGB Encoded P3-D65", spaces.linear)[0, 0], atol=1e-4)


ORANGE_P3 = (190, 123, 70)


def profile_without_matrix(model: bytes) -> bytes:
    plain = bytearray(profile("sRGB", "Rec.709").replace(b"rXYZ", b"A2B0"))
    plain[16:20] = model
    return bytes(plain)


@pytest.mark.parametrize(
    "data",
    [
        profile_without_matrix(b"RGB "),
        profile_without_matrix(b"CMYK"),
        profile_without_matrix(b"Lab "),
        profile("sRGB", "P3-D65")[:150],
        profile("sRGB", "P3-D65")[:200] + b"\xff" * 400,
    ],
    ids=["tables", "cmyk", "lab", "cut", "garbled"],
)
def test_a_profile_that_is_not_followed_is_told(tmp_path: Path, data: bytes) -> None:
    space, said = taken(png(tmp_path / "a.png", profile_chunk(data)))
    assert (space, said) == ("sRGB Encoded Rec.709 (sRGB)", ["colour.profile"])


@pytest.mark.parametrize(
    ("colour_space", "index", "space"),
    [
        (65535, b"R03", "Gamma 2.2 Encoded AdobeRGB"),
        (2, b"R98", "Gamma 2.2 Encoded AdobeRGB"),
        (1, b"R98", "sRGB Encoded Rec.709 (sRGB)"),
        (1, b"R03", "sRGB Encoded Rec.709 (sRGB)"),
        (65535, b"R98", "sRGB Encoded Rec.709 (sRGB)"),
    ],
)
def test_a_cameras_adobe_rgb_is_known(tmp_path: Path, colour_space: int, index: bytes, space: str) -> None:
    path = app_segment(picture(tmp_path / "a.jpg", "uint8", {}), exif(colour_space, index))
    assert taken(path)[0] == space


@pytest.mark.parametrize(
    "word",
    [
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><a hdrgm:Version="1.0"/></x:xmpmeta>',
        b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0",
        b"http://ns.adobe.com/xap/1.0/\0urn:com:apple:photos:2020:aux:hdrgainmap",
    ],
)
def test_gain_maps_are_told(tmp_path: Path, word: bytes) -> None:
    assert taken(app_segment(picture(tmp_path / "a.jpg", "uint8", {}), word))[1] == ["colour.gain_map"]


@pytest.mark.parametrize(
    ("codes", "space"),
    [
        ((1, 1, 1), "Gamma 2.4 Encoded Rec.709"),
        ((1, 13, 1), "sRGB Encoded Rec.709 (sRGB)"),
        ((1, 4, 1), "Gamma 2.2 Encoded Rec.709"),
        ((5, 6, 5), "Gamma 2.4 Encoded Rec.601 PAL"),
        ((5, 5, 5), "Gamma 2.8 Encoded Rec.601 PAL"),
        ((6, 6, 6), "Gamma 2.4 Encoded Rec.601 NTSC"),
        ((9, 14, 9), "Gamma 2.4 Encoded Rec.2020"),
        ((9, 15, 9), "Gamma 2.4 Encoded Rec.2020"),
        ((9, 16, 9), "PQ Encoded Rec.2020"),
        ((9, 18, 9), "HLG Encoded Rec.2020"),
        ((11, 17, 1), "ST 428 Encoded P3-DCI"),
        ((12, 1, 1), "Gamma 2.4 Encoded P3-D65"),
        ((12, 13, 1), "sRGB Encoded P3-D65"),
        ((12, 16, 9), "PQ Encoded P3-D65"),
        ((1, 8, 1), "Linear Rec.709 (sRGB)"),
    ],
)
def test_tags_of_the_input_are_believed_movies(tmp_path: Path, codes: tuple[int, int, int], space: str) -> None:
    path = movie(tmp_path / "a.mp4", codes, codec="libx264", pixel_format="yuv420p10le")
    assert taken(path) == (space, [])


@pytest.mark.parametrize("codes", [(2, 2, 2), (9, 2, 9), (2, 1, 1), (2, 13, 2), (1, 2, 1)])
def test_a_movie_that_does_not_say_its_colours_is_told(tmp_path: Path, codes: tuple[int, int, int]) -> None:
    path = movie(tmp_path / "a.mp4", codes, codec="libx264", pixel_format="yuv420p10le")
    with PlateReader(Plate(path=str(path))) as reader:
        (notice,) = reader.notices
    assert notice.kind == "colour.untagged"
    assert "plate.colour_space" in notice.message
    assert "S-Log3" in notice.message
    assert taken(path)[0].startswith({9: "Gamma 2.4 Encoded Rec.2020"}.get(codes[0], ""))


def test_the_camera_spaces_that_notices_name_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    for name in ("S-Log3 S-Gamut3.Cine", "V-Log V-Gamut", "Apple Log", "ARRI LogC4", "D-Log D-Gamut"):
        assert colour_spaces().resolve(name, "plate.colour_space") == name


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("full", [False, True])
def test_tags_of_the_input_are_believed_matrix_and_range(tmp_path: Path, matrix: int, full: bool) -> None:
    """Grey has no chroma in any matrix; its level is the range's. Colour is what the matrix's formula gives."""
    options = {"qp": "1", "preset": "ultrafast"}
    kept = {"codec": "libx264", "pixel_format": "yuv444p10le", "options": options, "full": full}
    with PlateReader(Plate(path=str(movie(tmp_path / "g.mp4", (1, 8, matrix), (502, 512, 512), **kept)))) as reader:  # type: ignore[arg-type]
        np.testing.assert_allclose(reader.read(1).image, 502 / 1023 if full else (502 - 64) / 876, atol=2e-3)
    with PlateReader(Plate(path=str(movie(tmp_path / "c.mp4", (1, 8, matrix), (502, 512, 600), **kept)))) as reader:  # type: ignore[arg-type]
        red, green, blue = (float(value) for value in reader.read(1).image[20, 20])
    grey, difference = (502 / 1023, 88 / 1023) if full else (438 / 876, 88 / 896)
    if matrix == 8:
        expected = (grey + difference, grey, grey - difference)
    else:
        weight = {1: 0.2126, 4: 0.30, 5: 0.299, 6: 0.299, 7: 0.212, 9: 0.2627}[matrix]
        shares = {1: 0.7152, 4: 0.59, 5: 0.587, 6: 0.587, 7: 0.701, 9: 0.678}[matrix]
        rise = 2 * (1 - weight) * difference
        expected = (grey + rise, grey - weight * rise / shares, grey)
    np.testing.assert_allclose((red, green, blue), expected, atol=4e-3)


@pytest.mark.parametrize("matrix", [11, 14])
def test_matrices_that_are_not_read_are_refused_with_a_remedy(tmp_path: Path, matrix: int) -> None:
    path = movie(tmp_path / "a.mp4", (9, 16, matrix), codec="libx264", pixel_format="yuv420p10le")
    with pytest.raises(FormatError, match="bt2020nc"):
        PlateReader(Plate(path=str(path)))
    assert describe(str(path)).colour_space is None


def test_constant_luminance_is_told(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mp4", (9, 14, 10), codec="libx264", pixel_format="yuv420p10le")
    assert taken(path)[1] == ["colour.matrix"]


@pytest.mark.parametrize(
    ("transfer", "space", "said"),
    [
        ("Linear", "Linear Rec.709 (sRGB)", []),
        ("Printing density", "Cineon", []),
        ("Logarithmic", "Cineon", []),
        ("ITU-R 709-4", "Gamma 2.4 Encoded Rec.709", []),
        ("User defined", "Cineon", ["colour.untagged"]),
        ("Unspecified video", "Cineon", ["colour.untagged"]),
    ],
)
def test_tags_of_the_input_are_believed_dpx(tmp_path: Path, transfer: str, space: str, said: list[str]) -> None:
    assert taken(picture(tmp_path / "a.dpx", "uint16", {"dpx:Transfer": transfer})) == (space, said)


def test_a_name_that_is_given_is_the_last_word(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mp4", (2, 2, 2), codec="libx264", pixel_format="yuv420p10le")
    with PlateReader(Plate(path=str(path), colour_space="Rec.2100-HLG")) as reader:
        assert (reader.info.colour_space, reader.notices) == ("HLG Encoded Rec.2020", ())


@pytest.mark.parametrize(("name", "codec", "kind"), [("a.gif", "gif", "rgb8"), ("a.mov", "png", "rgb24")])
def test_moving_pictures_of_screens_are_srgb(tmp_path: Path, name: str, codec: str, kind: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = kind
        for number in range(2):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), "rgb24").reformat(format=kind)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert taken(tmp_path / name) == ("sRGB Encoded Rec.709 (sRGB)", [])
