"""Which way is up: stills are read as they are seen, plate, depth and matte alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.frames import Float32Array, Window
from engine.media import DepthReader, MatteReader, PlateReader, describe
from engine.media.orientation import upright, upright_window
from engine.render import render
from engine.render.inputs import Inputs
from engine.shot import Depth, Matte, Plate, shot_from_dict

ALL = range(1, 9)
SUFFIXES = (".tif", ".jpg", ".png", ".exr", ".dpx")


def seen(width: int = 24, height: int = 16) -> Float32Array:
    """A picture that looks different from each side: smooth, so that JPEG keeps it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    grey = (0.1 + 0.5 * x / width + 0.3 * y / height + 0.1 * ((x < 8) & (y < 8))).astype(np.float32)
    return np.repeat(grey[:, :, None], 3, axis=2)


def stored(picture: Float32Array, orientation: int) -> Float32Array:
    """The rows of a file with that orientation, by OpenImageIO's own idea of it."""
    # What brings the picture upright, undone: all but the quarter turns undo themselves.
    back = {6: 8, 8: 6}.get(orientation, orientation)
    buffer = oiio.ImageBuf(np.ascontiguousarray(picture))
    buffer.specmod().attribute("Orientation", back)
    turned = oiio.ImageBufAlgo.reorient(buffer)
    return np.asarray(turned.get_pixels(oiio.FLOAT), np.float32)


def write(path: Path, picture: Float32Array, orientation: int, **entries: float) -> Path:
    lying = path.suffix == ".dpx" and orientation >= 5
    pixels = stored(picture, orientation)
    rows, columns, count = pixels.shape
    spec = oiio.ImageSpec(columns, rows, count, "half" if path.suffix == ".exr" else "uint16")
    if path.suffix == ".jpg":
        spec = oiio.ImageSpec(columns, rows, count, "uint8")
        spec.attribute("compression", "jpeg:100")
        spec.attribute("jpeg:subsampling", "4:4:4")
    if not lying and path.suffix != ".dpx":
        spec.attribute("Orientation", orientation)
    for name, value in entries.items():
        spec.attribute(name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(pixels))
    assert out.close()
    if path.suffix == ".dpx":  # its writer says other orientations than its reader
        data = bytearray(path.read_bytes())
        order = "big" if data[:4] == b"SDPX" else "little"
        data[768:770] = {1: 0, 2: 1, 3: 3, 4: 2, 5: 4, 6: 5, 7: 7, 8: 6}[orientation].to_bytes(2, order)
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_plate_is_read_as_it_is_seen(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = write(tmp_path / f"p{suffix}", seen(), orientation)
    linear = {".exr": None, ".dpx": "Linear Rec.709 (sRGB)"}.get(suffix, "Linear Rec.709 (sRGB)")
    with PlateReader(Plate(path=str(path), colour_space=linear)) as reader:
        found = reader.read(1)
        assert ("turned upright" in reader.taken) == (orientation != 1)
    assert found.window == Window.of_size(24, 16)
    np.testing.assert_allclose(found.image, seen(), atol=0.02 if suffix == ".jpg" else 1e-3)
    part = describe(str(path)).parts[0]
    assert (part.window.display_width, part.window.display_height) == (24, 16)
    assert part.orientation == orientation


@pytest.mark.parametrize("orientation", ALL)
def test_depth_and_matte_are_turned_as_the_plate_is(tmp_path: Path, orientation: int) -> None:
    path = write(tmp_path / "d.tif", seen()[:, :, :1], orientation)
    with DepthReader(Depth(path=str(path)), Plate(path="unused")) as depth:
        np.testing.assert_allclose(depth.read(1).values, seen()[:, :, 0], atol=1e-4)
        assert depth.check(1) == Window.of_size(24, 16)
    with MatteReader(Matte(path=str(path)), Plate(path="unused")) as matte:
        np.testing.assert_allclose(matte.read(1).values, seen()[:, :, 0], atol=1e-4)


@pytest.mark.parametrize("orientation", ALL)
def test_windows_turn_with_the_pixels(orientation: int) -> None:
    window = Window(13, 8, 6, 4, 10, 5, 24, 16)
    full = np.zeros((16, 24, 1), np.float32)
    full[3:7, 3:9] = 1
    turned = upright_window(window, orientation)
    expected = upright(full, orientation)[:, :, 0]
    assert (turned.display_height, turned.display_width) == expected.shape
    rows, columns = np.nonzero(expected)
    assert (rows.min(), columns.min()) == (turned.y - 5, turned.x - 10)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (turned.height, turned.width)


@pytest.mark.parametrize(("orientation", "aspect"), [(1, 2.0), (3, 2.0), (5, 0.5), (6, 0.5), (8, 0.5)])
def test_a_turned_picture_s_pixels_lie_too(tmp_path: Path, orientation: int, aspect: float) -> None:
    path = write(tmp_path / "p.exr", seen(), orientation, PixelAspectRatio=2.0)
    with PlateReader(Plate(path=str(path))) as reader:
        assert reader.info.pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize("orientation", [0, 9, 255, -3])
def test_an_orientation_that_there_is_not_changes_nothing(tmp_path: Path, orientation: int) -> None:
    spec = oiio.ImageSpec(24, 16, 3, "half")
    spec.attribute("Orientation", orientation)
    out = oiio.ImageOutput.create("p.exr")
    assert out.open(str(tmp_path / "p.exr"), spec)
    out.write_image(seen())
    out.close()
    with PlateReader(Plate(path=str(tmp_path / "p.exr"))) as reader:
        np.testing.assert_allclose(reader.read(1).image, seen(), atol=1e-3)


@pytest.mark.parametrize("result", ["tif", "png", "exr", "dpx"])
@pytest.mark.parametrize("orientation", [3, 6, 7, 8])
def test_results_are_written_upright_and_pixel_keys_point_at_what_is_seen(
    tmp_path: Path, orientation: int, result: str
) -> None:
    write(tmp_path / "p.tif", seen(), orientation)
    depth = np.where(np.arange(24) < 8, 1, 0.25).astype(np.float32) * np.ones((16, 1), np.float32)
    write(tmp_path / "d.png", depth[:, :, None], 1)
    document = {
        "plate": {"path": str(tmp_path / "p.tif")},
        "depth": {"path": str(tmp_path / "d.png"), "convention": "near1"},
        "focus": {"keys": [{"frame": 1, "pixel": [3.5, 12.5]}]},
        "blur": {"keys": [{"frame": 1, "value": 0.01}]},
        "output": {"path": str(tmp_path / f"o.{result}")},
    }
    shot = shot_from_dict(document)
    render(shot)
    buffer = oiio.ImageBuf(str(tmp_path / f"o.{result}"))
    assert buffer.spec().get_int_attribute("Orientation", 1) == 1
    assert (buffer.spec().width, buffer.spec().height) == (24, 16)
    with PlateReader(Plate(path=str(tmp_path / f"o.{result}"))) as reader, Inputs(shot) as inputs:
        written, plate = reader.read(1), inputs.read(1).plate
    np.testing.assert_allclose(written.image, plate.image, atol=4e-3)
    header = oiio.ImageBuf(str(tmp_path / f"o.{result}")).spec()
    if result == "exr":
        assert header.get_float_attribute("rackfocus/focus") == pytest.approx(1)
