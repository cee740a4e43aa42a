"""Alpha: a result that holds none shows its colours over black; one that holds it gives back the same light."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
import pytest

from engine.frames import Float32Array, Window
from engine.media import PlateInfo, PlateReader, check_settings, open_writer
from engine.media.colour import CINEON, colour_spaces
from engine.media.images import read_header, read_pixels
from engine.shot import Output, Plate

from .pictures import RGBA, noise, rendered, store

FLOATS = {"data_type": "float"}
LINEAR = "Linear Rec.709 (sRGB)"
RED = np.array([0.8, 0.1, 0.02], np.float32)


def edge(width: int = 64, height: int = 16) -> Float32Array:
    """An element of one colour whose coverage falls from 1 to 0, premultiplied: what blur makes of a cut-out."""
    alpha = np.clip(np.linspace(1.3, -0.3, width), 0, 1).astype(np.float32)
    alpha = np.tile(alpha[None, :, None], (height, 1, 1))
    return np.concatenate([alpha * RED, alpha], axis=2)


def glow() -> Float32Array:
    """Light that was added, beside an element: no coverage of its own."""
    image = edge()
    image[4:8, 56:60, :3] = 0.3
    return image


def info(channels: tuple[str, ...] = RGBA, file_format: str = "openexr", data_type: str = "half") -> PlateInfo:
    return PlateInfo(
        Window.of_size(64, 16), channels, working_space=LINEAR, file_format=file_format, data_type=data_type
    )


def write(path: Path, image: Float32Array, plate: PlateInfo | None = None, **settings: object) -> Path:
    writer = open_writer(Output.model_validate({"path": str(path), **settings}), plate or info())
    writer.write(rendered(1, image), {}, {})
    writer.close()
    return path


def light(path: Path, **plate: object) -> Float32Array:
    with PlateReader(Plate.model_validate({"path": str(path), **plate})) as reader:
        return reader.read(1).image


OVER_BLACK = [
    ("m.mp4", {}, 0.02),
    ("m.mkv", {}, 0.02),
    ("m.mov", {"codec": "h264"}, 0.02),
    ("m.mov", {"codec": "hevc"}, 0.02),
    ("o.dpx", {}, 0.004),
]


@pytest.mark.parametrize(("name", "settings", "tolerance"), OVER_BLACK)
def test_a_result_without_alpha_shows_its_colours_over_black(
    tmp_path: Path, name: str, settings: dict[str, str], tolerance: float
) -> None:
    path = write(tmp_path / name, edge(), **settings)
    found = light(path)
    assert found.shape[2] == 3
    np.testing.assert_allclose(found, edge()[:, :, :3], atol=tolerance)
    kinds = {notice.kind for notice in check_settings(Output.model_validate({"path": str(path), **settings}), info())}
    assert "alpha.over-black" in kinds


@pytest.mark.parametrize("name", ["m.mp4", "m.mov", "o.dpx", "o.png", "o.exr"])
def test_nothing_is_said_where_there_is_no_alpha_or_it_is_kept(tmp_path: Path, name: str) -> None:
    kept = name not in {"m.mp4", "o.dpx"}
    for channels in (RGBA, RGBA[:3]):
        notices = check_settings(Output(path=str(tmp_path / name)), info(channels))
        told = any(notice.kind == "alpha.over-black" for notice in notices)
        assert told == (channels == RGBA and not kept)


KEPT = [
    ("o.png", {}, {}, 2e-4),
    ("o.tif", {}, {}, 2e-4),
    ("o.tif", {"data_type": "float"}, {}, 1e-6),
    ("o.exr", {}, {}, 1e-3),
    ("o.exr", {"data_type": "float"}, {}, 1e-6),
    ("o.png", {"colour_space": CINEON}, {"colour_space": CINEON}, 2e-3),
    ("o.exr", {"data_type": "float", "colour_space": CINEON}, {"colour_space": CINEON}, 1e-3),
    ("o.tif", {"data_type": "float", "colour_space": CINEON}, {"colour_space": CINEON}, 1e-3),
    ("o.exr", {"data_type": "float", "colour_space": "ACEScg"}, {}, 1e-4),
    ("m.mov", {}, {}, 0.01),
    ("m.mkv", {"codec": "prores"}, {}, 0.01),
]


@pytest.mark.parametrize(("name", "written", "read", "tolerance"), KEPT)
def test_reading_back_gives_the_same_light(
    tmp_path: Path, name: str, written: dict[str, str], read: dict[str, str], tolerance: float
) -> None:
    path = write(tmp_path / name, edge(), **written)
    found = light(path, **read)
    with PlateReader(Plate.model_validate({"path": str(path), **read})) as reader:
        spaces = colour_spaces()
        found[:, :, :3] = spaces.convert(found[:, :, :3], reader.info.working_space, LINEAR)
    np.testing.assert_allclose(found, edge(), atol=tolerance)


@pytest.mark.parametrize(
    ("name", "settings"), [("o.exr", {}), ("o.exr", {"data_type": "float"}), ("o.tif", {"data_type": "float"})]
)
def test_light_without_coverage_is_kept_where_files_are_premultiplied(
    tmp_path: Path, name: str, settings: dict[str, str]
) -> None:
    np.testing.assert_allclose(light(write(tmp_path / name, glow(), **settings)), glow(), atol=1e-3)


@pytest.mark.parametrize("name", ["o.png", "o.tif"])
def test_light_without_coverage_that_is_lost_is_told(tmp_path: Path, name: str) -> None:
    for image, told in ((glow(), True), (edge(), False)):
        writer = open_writer(Output(path=str(tmp_path / name)), info())
        writer.write(rendered(1, image), {}, {})
        writer.close()
        assert bool(writer.losses) == told
    assert "16 pixels" in message_of_glow(tmp_path / name)


def message_of_glow(path: Path) -> str:
    writer = open_writer(Output(path=str(path)), info())
    writer.write(rendered(1, glow()), {}, {})
    return writer.losses[0].message


@pytest.mark.parametrize("name", ["o.png", "o.tif", "o.exr", "m.mov", "m.mp4", "o.dpx"])
@pytest.mark.parametrize("alpha", [1.5, -0.5, 1e-7, 1e-30, 0.0, 1.0])
def test_alpha_that_is_no_coverage_makes_no_nonsense(tmp_path: Path, name: str, alpha: float) -> None:
    image = edge()
    image[:, :, 3] = alpha
    found = light(write(tmp_path / name, image))
    assert np.isfinite(found).all()
    assert float(found.max()) <= 1.51
    if alpha >= 1:
        np.testing.assert_allclose(found[:, :, :3], image[:, :, :3], atol=0.02)


def test_alpha_above_one_does_not_darken_what_it_covers(tmp_path: Path) -> None:
    image = edge()
    image[:, :, 3] *= 1.25
    found = light(write(tmp_path / "o.png", image))
    solid = image[:, :, 3] > 1
    np.testing.assert_allclose(found[solid][:, :3], image[solid][:, :3], atol=1e-3)


@pytest.mark.parametrize(("bits", "expected"), [("uint16", 16), ("uint12", 12), ("uint10", 16)])
@pytest.mark.parametrize("transfer", ["Printing density", "Linear", "ITU-R 709-4", "Undefined"])
def test_a_dpx_with_alpha_comes_back_as_it_was(tmp_path: Path, bits: str, expected: int, transfer: str) -> None:
    depth = 2 ** int(bits.removeprefix("uint")) - 1
    codes = np.rint(np.random.default_rng(4).random((16, 63, 4)) * depth) / np.float32(depth)
    plate = store(tmp_path / "a.0001.dpx", codes.astype(np.float32), RGBA, bits, metadata={"dpx:Transfer": transfer})
    stored = read_pixels(plate, 0, RGBA)[1]
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.dpx"))) as reader:
        picture = reader.read(1)
        output = Output(path=str(tmp_path / "b.%04d.dpx"))
        writer = open_writer(output, reader.info)
        writer.write(rendered(1, picture.image), {}, {})
        assert not any(notice.kind == "alpha.over-black" for notice in check_settings(output, reader.info))
    header, found = read_pixels(tmp_path / "b.0001.dpx", 0, RGBA)
    assert header.parts[0].bits == expected
    # Log codes below black and above what a float holds of them differ by the curve alone.
    np.testing.assert_allclose(found, stored, atol=3e-3)


@pytest.mark.parametrize(("bits", "expected"), [("uint8", 10), ("uint10", 10), ("uint12", 12), ("uint16", 16)])
def test_a_dpx_keeps_the_bits_of_its_plate(tmp_path: Path, bits: str, expected: int) -> None:
    image = noise(48, 32, 3)
    store(tmp_path / "a.0001.dpx", image, RGBA[:3], bits, metadata={"dpx:Transfer": "Linear"})
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.dpx"))) as reader:
        writer = open_writer(Output(path=str(tmp_path / "b.%04d.dpx")), reader.info)
        picture = reader.read(1)
        writer.write(rendered(1, picture.image), {}, {})
    header = read_header(tmp_path / "b.0001.dpx")
    assert header.parts[0].bits == expected
    if bits != "uint8":
        _, theirs = read_pixels(tmp_path / "a.0001.dpx", 0, RGBA[:3])
        np.testing.assert_array_equal(read_pixels(tmp_path / "b.0001.dpx", 0, RGBA[:3])[1], theirs)


def test_files_say_how_they_hold_alpha(tmp_path: Path) -> None:
    def unassociated(path: Path) -> int:
        hints = oiio.ImageSpec()
        hints.attribute("oiio:UnassociatedAlpha", 1)
        file = oiio.ImageInput.open(str(path), hints)
        return int(file.spec().get_int_attribute("oiio:UnassociatedAlpha", 0))

    assert unassociated(write(tmp_path / "o.png", edge())) == 1
    assert unassociated(write(tmp_path / "i.tif", edge())) == 1
    assert unassociated(write(tmp_path / "f.tif", edge(), data_type="float")) == 0
    assert unassociated(write(tmp_path / "o.exr", edge())) == 0
    with av.open(str(write(tmp_path / "m.mov", edge()))) as movie:
        assert movie.streams.video[0].codec_context.pix_fmt.startswith("yuva444p")
