"""Conversions: light of further layers, code values with alpha, what stays finite, processors that are kept."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from engine.frames import Float32Array, RenderedFrame, Window
from engine.media import PlateInfo, PlateReader, open_writer
from engine.media.colour import CINEON, colour_spaces
from engine.media.colour.curves import from_light, spelt, to_light
from engine.media.colour.encodings import Encoding
from engine.media.colour.primaries import KNOWN, REC709, Primaries, matrix
from engine.media.images import read_header, read_pixels
from engine.media.light_layers import layers_converted, light_triples
from engine.media.rates import exact_rate, frame_rate_of
from engine.media.saving import NewPart, save_image
from engine.shot import Output, Plate

LINEAR = "Linear Rec.709 (sRGB)"
CURVES = ("sRGB", "Gamma 1.8", "Gamma 2.2", "Gamma 2.4", "Gamma 2.8", "Camera Rec.709", "PQ", "HLG", "ST 428", CINEON)
WIDE = ("R", "G", "B", "A", "diffuse.R", "diffuse.G", "diffuse.B", "id.x", "grey.Y", "motion.x", "motion.y")


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_goes_there_and_back(curve: str) -> None:
    assert spelt(curve.lower()) == curve
    codes = np.linspace(0, 1, 1024, dtype=np.float32)
    np.testing.assert_allclose(from_light(to_light(codes, curve), curve), codes, atol=3e-6)
    assert (np.diff(to_light(codes, curve)) > -1e-9).all()


@pytest.mark.parametrize("curve", [*CURVES, "Linear", "Gamma 4"])
def test_finite_in_finite_out(curve: str) -> None:
    strange = np.array([[[-3e38, -1e10, -1.0]], [[0.0, 1e-42, 1.0]], [[2.0, 1e4, 3e38]]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(to_light(strange, curve)).all()
        assert np.isfinite(from_light(strange, curve)).all()


@pytest.mark.parametrize(
    "space",
    ["sRGB Encoded Rec.709 (sRGB)", "ACEScct", "ACEScg", CINEON, "Rec.2100-PQ", "Rec.2100-HLG", "Linear S-Gamut3"],
)
def test_finite_in_finite_out_of_every_conversion(space: str) -> None:
    spaces = colour_spaces()
    strange = np.array([[[-3e38, 3e38, -1.0], [0.0, 1e-42, 1.0], [2.0, 1e4, 3e38]]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(spaces.convert(strange, spaces.resolve(space, "test"), LINEAR)).all()
        assert np.isfinite(spaces.convert(strange, LINEAR, spaces.resolve(space, "test"))).all()


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: str(known.name))
def test_white_stays_white_between_primaries(known: Primaries) -> None:
    white = np.ones(3, np.float32)
    there = matrix(REC709, known)
    if known.name != "CIE XYZ":  # which is stored as it is measured
        np.testing.assert_allclose(there @ white, white, atol=1e-6)
    np.testing.assert_allclose(matrix(known, REC709) @ there, np.eye(3), atol=2e-5)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("name", ["Rec.709", "Rec.2020", "0.7 0.3 0.2 0.7 0.1 0.05 0.3127 0.329"])
def test_the_name_of_an_encoding_says_all_of_it(curve: str, name: str) -> None:
    primaries = Primaries.of([float(word) for word in name.split()]) if name[0] == "0" else None
    primaries = primaries or next(known for known in KNOWN if known.name == name)
    encoding = Encoding(curve, REC709 if curve == CINEON else primaries)
    assert Encoding.parse(encoding.name) == encoding


@pytest.mark.parametrize(
    ("ours", "config"),
    [("ACEScg", "Linear Rec.2020"), ("Linear P3-D65", LINEAR), ("ACES2065-1", LINEAR), (LINEAR, "Linear AdobeRGB")],
)
def test_our_matrices_are_the_configurations(ours: str, config: str) -> None:
    spaces = colour_spaces()
    source, target = spaces.encoding(ours), spaces.encoding(config)
    assert source is not None
    assert target is not None
    light = np.random.default_rng(1).random((4, 4, 3), np.float32)
    np.testing.assert_allclose(
        spaces.convert(light, ours, config), light @ matrix(source.primaries, target.primaries).T, atol=1e-6
    )


def stored(path: Path, image: Float32Array, names: tuple[str, ...], kind: str, **metadata: object) -> Path:
    window = Window.of_size(image.shape[1], image.shape[0])
    file_format = {".exr": "openexr", ".dpx": "dpx", ".tif": "tiff", ".png": "png"}[path.suffix]
    straight = "A" in names and file_format in {"png", "tiff"}
    part = NewPart(image, names, (kind,) * len(names), window, metadata=metadata, straight=straight)
    save_image(path, file_format, [part], "test")
    return path


def same_colour() -> tuple[Float32Array, tuple[str, ...]]:
    """A picture of premultiplied light whose beauty and diffuse layer are the same."""
    light = np.random.default_rng(5).uniform(0.1, 0.9, (6, 6, 3)).astype(np.float32)
    grey = np.full((6, 6, 1), 0.25, np.float32)
    rest = np.full((6, 6, 1), 7, np.float32)
    alpha = np.ones((6, 6, 1), np.float32)
    return np.concatenate([light, alpha, light, rest, grey, rest, rest], axis=2), WIDE


@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.2020", "Linear S-Gamut3", "ACEScct", "Rec.2100-PQ", CINEON])
def test_layers_of_light_are_converted_with_the_beauty(tmp_path: Path, space: str) -> None:
    """Written in another space, and read from it, a layer of the beauty's colours keeps them; data keeps its bits."""
    image, names = same_colour()
    info = PlateInfo(Window.of_size(6, 6), names, working_space=LINEAR, colour_space=LINEAR)
    writer = open_writer(Output(path=str(tmp_path / "o.exr"), colour_space=space, data_type="float"), info)
    writer.write(RenderedFrame(1, image, names, info.window), {}, {})
    _, pixels = read_pixels(tmp_path / "o.exr", 0, names)
    np.testing.assert_array_equal(pixels[:, :, :3], pixels[:, :, 4:7])
    assert abs(pixels[:, :, :3] - image[:, :, :3]).max() > 0.02
    np.testing.assert_array_equal(pixels[:, :, [3, 7, 9, 10]], image[:, :, [3, 7, 9, 10]])
    plate = Plate(path=str(tmp_path / "o.exr"), colour_space=space, extra_layers=("diffuse", "id", "grey", "motion"))
    with PlateReader(plate) as reader:
        found = reader.read(1)
        places = [found.channels.index(name) for name in names]
        np.testing.assert_array_equal(found.image[:, :, :3], found.image[:, :, places[4:7]])
        np.testing.assert_array_equal(found.image[:, :, places[7]], 7)
        back = colour_spaces().convert(found.image[:, :, :3], reader.info.working_space, LINEAR)
    np.testing.assert_allclose(back, image[:, :, :3], atol=2e-3)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("spec.R", "spec.G", "spec.B"), [(0, 1, 2)]),
        (("spec.blue", "spec.green", "spec.red"), [(2, 1, 0)]),
        (("N.X", "N.Y", "N.Z"), []),
        (("motion.x", "motion.y"), []),
        (("ao.Y", "ao.A"), [(0, 0, 0)]),
        (("a.R", "b.R", "a.G", "b.G", "a.B", "b.B"), [(0, 2, 4), (1, 3, 5)]),
        (("crypto.r", "crypto.g", "crypto.b", "crypto.a"), [(0, 1, 2)]),
    ],
)
def test_light_is_known_by_its_three_letters(names: tuple[str, ...], found: list[tuple[int, int, int]]) -> None:
    assert light_triples(names) == found
    assert light_triples(names, data=names) == []
    image = np.ones((1, 1, len(names)), np.float32)
    made = layers_converted(image, names, lambda light: light * np.float32(2))
    assert (made == 2).sum() == len({place for triple in found for place in triple})


def codes_with_alpha() -> Float32Array:
    """Log or video codes, none of them small, beside alpha of 0, of hardly anything, and of 1."""
    random = np.random.default_rng(3)
    image = random.uniform(0.1, 1, (8, 8, 4)).astype(np.float32)
    image[:, :, 3] = random.choice(np.array([0, 1 / 65535, 0.001, 0.5, 1], np.float32), (8, 8))
    return image


@pytest.mark.parametrize("transfer", ["User defined", "Printing density", "ITU-R 709-4", "Linear", "Logarithmic"])
def test_code_values_are_never_divided_by_alpha(tmp_path: Path, transfer: str) -> None:
    """A DPX with alpha, written by Nuke: light of no more than the curve's white, and back to the same codes."""
    codes = codes_with_alpha()
    path = stored(tmp_path / "p.dpx", codes, ("R", "G", "B", "A"), "uint16", **{"dpx:Transfer": transfer})
    with PlateReader(Plate(path=str(path))) as reader:
        image = reader.read(1)
        assert np.isfinite(image.image).all()
        assert image.image.max() < 14
        np.testing.assert_allclose(image.image[:, :, 3], codes[:, :, 3], atol=1e-5)
        writer = open_writer(Output(path=str(tmp_path / "o.dpx")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
    header, again = read_pixels(tmp_path / "o.dpx", 0, ("R", "G", "B", "A"))
    assert header.parts[0].formats[0] == "uint16"
    np.testing.assert_allclose(again, codes, atol=3e-4)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("space", [None, "Gamma 2.4 Encoded Rec.709", "sRGB Encoded P3-D65"])
def test_straight_alpha_is_multiplied_into_light_and_divided_out_of_it(
    tmp_path: Path, suffix: str, space: str | None
) -> None:
    codes = codes_with_alpha()
    path = stored(tmp_path / f"p.{suffix}", codes, ("R", "G", "B", "A"), "uint16")
    with PlateReader(Plate(path=str(path), colour_space=space)) as reader:
        image = reader.read(1)
        straight = colour_spaces().convert(codes[:, :, :3], reader.info.colour_space, reader.info.working_space)
        np.testing.assert_allclose(image.image[:, :, :3], straight * codes[:, :, 3:], atol=2e-4)
        writer = open_writer(Output(path=str(tmp_path / f"o.{suffix}")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata), {}, {})
    _, again = read_pixels(tmp_path / f"o.{suffix}", 0, ("R", "G", "B", "A"))
    seen = codes[:, :, 3] > 0.01
    np.testing.assert_allclose(again[seen], codes[seen], atol=3e-4)


@pytest.mark.parametrize("space", ["ACEScct", CINEON, "sRGB Encoded Rec.709 (sRGB)", "Rec.2100-HLG", "ACEScg"])
def test_premultiplied_files_of_any_curve_come_back_as_they_were(tmp_path: Path, space: str) -> None:
    codes = codes_with_alpha()
    path = stored(tmp_path / "p.exr", codes, ("R", "G", "B", "A"), "float")
    with PlateReader(Plate(path=str(path), colour_space=space)) as reader:
        image = reader.read(1)
        assert np.isfinite(image.image).all()
        writer = open_writer(Output(path=str(tmp_path / "o.exr")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window), {}, {})
    _, again = read_pixels(tmp_path / "o.exr", 0, ("R", "G", "B", "A"))
    np.testing.assert_allclose(again, codes, atol=1e-3)


def test_a_dpx_without_alpha_stays_of_ten_bits(tmp_path: Path) -> None:
    stored(tmp_path / "p.dpx", codes_with_alpha()[:, :, :3], ("R", "G", "B"), "uint10")
    with PlateReader(Plate(path=str(tmp_path / "p.dpx"))) as reader:
        image = reader.read(1)
        writer = open_writer(Output(path=str(tmp_path / "o.dpx")), reader.info)
        writer.write(RenderedFrame(1, image.image, image.channels, image.window), {}, {})
    part = read_header(tmp_path / "o.dpx").parts[0]
    assert (part.bits, part.channels) == (10, ("R", "G", "B"))


RATES = {
    23.976: "24000/1001",
    23.98: "24000/1001",
    23.97602: "24000/1001",
    29.97: "30000/1001",
    59.94: "60000/1001",
    119.88: "120000/1001",
    47.952: "48000/1001",
    47.95: "48000/1001",
    23.976024627685547: "24000/1001",
    24.0: "24",
    24.0001: "24",
    25: "25",
    24.975: "999/40",
    12.5: "25/2",
    60: "60",
    15: "15",
}


@pytest.mark.parametrize("said", RATES)
def test_rates_are_the_trades(said: float) -> None:
    exact = RATES[said]
    assert str(exact_rate(said)) == exact
    assert str(frame_rate_of({"dpx:FrameRate": float(np.float32(said))})) == exact
    assert str(frame_rate_of({"framesPerSecond": (round(said * 1000), 1000)})) in {exact, str(exact_rate(said))}


@pytest.mark.parametrize(
    ("pair", "exact"),
    [((2997, 100), "30000/1001"), ((23976, 1000), "24000/1001"), ((24000, 1001), "24000/1001"), ((0, 1), "None")],
)
def test_rates_of_headers_are_the_trades(pair: tuple[int, int], exact: str) -> None:
    assert str(frame_rate_of({"framesPerSecond": pair})) == exact


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1.0, 1e30, "24", None])
def test_no_rate_is_none(rate: object) -> None:
    assert frame_rate_of({"dpx:FrameRate": rate}) is None
    assert str(frame_rate_of({"dpx:FrameRate": rate, "dpx:TemporalFrameRate": 25.0})) == "25"


def test_threads_may_convert_at_once() -> None:
    spaces = colour_spaces()
    image = np.random.default_rng(2).random((64, 64, 3), np.float32)
    wanted = spaces.convert(image, "sRGB Encoded Rec.709 (sRGB)", "ACEScg")
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            if not np.array_equal(spaces.convert(image, "sRGB Encoded Rec.709 (sRGB)", "ACEScg"), wanted):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_second_configuration_converts_by_its_own_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(2).random((8, 8, 3), np.float32)
    first = colour_spaces().convert(image, "ACEScg", LINEAR)
    monkeypatch.setenv("OCIO", "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    log = colour_spaces().convert(image, "S-Log3 S-Gamut3.Cine", "ACEScg")
    assert np.isfinite(log).all()
    np.testing.assert_allclose(colour_spaces().convert(image, "ACEScg", LINEAR), first, atol=1e-6)


def test_an_operators_configuration_works_with_our_encodings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One with ACES 1.x's names: HLG is read through the linear light that it knows."""
    config = tmp_path / "old.ocio"
    config.write_text(OLD, encoding="utf-8")
    monkeypatch.setenv("OCIO", str(config))
    spaces = colour_spaces()
    assert spaces.linear == "ACES - ACEScg"
    assert spaces.default("png", False) == "Utility - sRGB - Texture"
    assert spaces.working("HLG Encoded Rec.2020") == "ACES - ACEScg"
    white = spaces.convert(np.full((1, 1, 3), 0.75, np.float32), "HLG Encoded Rec.2020", spaces.linear)
    np.testing.assert_allclose(white, 1, atol=1e-3)
    back = spaces.convert(white, spaces.linear, "HLG Encoded Rec.2020")
    np.testing.assert_allclose(back, 0.75, atol=1e-4)


OLD = """ocio_profile_version: 1
strictparsing: true
roles:
  scene_linear: ACES - ACEScg
  default: Utility - Raw
displays:
  sRGB:
    - !<View> {name: Raw, colorspace: Utility - Raw}
active_displays: [sRGB]
active_views: [Raw]
colorspaces:
  - !<ColorSpace>
    name: ACES - ACEScg
    isdata: false
  - !<ColorSpace>
    name: Utility - sRGB - Texture
    isdata: false
    to_reference: !<ExponentTransform> {value: [2.2, 2.2, 2.2, 1]}
  - !<ColorSpace>
    name: Utility - Raw
    isdata: true
"""
