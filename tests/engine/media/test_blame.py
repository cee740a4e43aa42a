"""Blame the right thing: what is not supported is named with a remedy, and only what is damaged is called so."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.errors import ChannelError, CorruptError, FormatError, MissingFrameError
from engine.frames import Float32Array, Window
from engine.media import DepthReader, PlateReader
from engine.media.blame import NOT_PICTURES
from engine.media.images import read_header
from engine.shot import Depth, Plate

from .luminance_chroma import write_exr, write_luminance_chroma
from .pictures import noise, store

SMOOTH = np.stack([*np.mgrid[0.2:0.8:32j, 0.3:0.7:48j], np.full((32, 48), 0.5)], axis=2).astype(np.float32)


def read(path: Path) -> Float32Array:
    with PlateReader(Plate(path=str(path))) as reader:
        return reader.read(1).image


def save(path: Path, kind: str, channels: int, writer: str | None = None, **entries: int | str) -> Path:
    spec = oiio.ImageSpec(48, 32, channels, kind)
    for name, value in entries.items():
        spec.attribute(name.replace("__", ":"), value)
    if entries.get("tile"):
        spec.tile_width = spec.tile_height = int(entries["tile"])
    out = oiio.ImageOutput.create(writer or str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(noise(channels=channels)), out.geterror()
    assert out.close(), out.geterror()
    return path


@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("window", [Window.of_size(48, 32), Window.of_size(24, 16), Window.of_size(12, 8)], ids=str)
def test_luminance_and_chroma_are_read_as_colour(tmp_path: Path, window: Window, with_alpha: bool) -> None:
    picture = SMOOTH[: window.height, : window.width]
    alpha = np.ones(picture.shape[:2], np.float32) if with_alpha else None
    path = write_luminance_chroma(tmp_path / "p.exr", picture, window, alpha)
    with PlateReader(Plate(path=str(path))) as reader:
        found = reader.read(1)
        assert reader.info.channels == ("R", "G", "B", "A")[: 3 + with_alpha]
    # At the borders OpenEXR's filter for the chroma lacks neighbours.
    np.testing.assert_allclose(found.image[..., :3], picture, atol=0.02)
    assert np.median(np.abs(found.image[..., :3] - picture)) < 2e-3
    assert oiio.get_int_attribute("openexr:core") == 1


@pytest.mark.parametrize(
    "window",
    [
        Window(10, 4, 48, 32, 0, 0, 80, 60),
        Window(-6, -8, 48, 32, -10, -10, 60, 50),
        Window(0, 0, 48, 32, 4, 4, 40, 24),
        Window(2, 2, 48, 32, 2, 2, 48, 32),
    ],
    ids=str,
)
def test_luminance_and_chroma_in_a_window_of_their_own_are_refused_by_the_header(
    tmp_path: Path, window: Window
) -> None:
    path = write_luminance_chroma(tmp_path / "p.exr", SMOOTH, window)
    with pytest.raises(FormatError, match=r"Y, RY, BY.*write it again as R, G, B"):
        read_header(path)


@pytest.mark.parametrize(("channels", "step"), [({"R", "G", "B"}, 2), ({"Z"}, 2), ({"Y"}, 4), ({"Y", "A"}, 2)])
def test_channels_of_other_sizes_are_named_and_not_called_damaged(
    tmp_path: Path, channels: set[str], step: int
) -> None:
    plane = np.ones((32 // step, 48 // step), np.float32)
    path = write_exr(tmp_path / "p.exr", dict.fromkeys(channels, (plane, step)), Window.of_size(48, 32))
    with pytest.raises(FormatError, match=r"less than full size.*every channel at full size"):
        read(path)


def test_an_exr_with_a_compression_that_is_not_known(tmp_path: Path) -> None:
    plane = np.ones((32, 48), np.float32)
    path = write_exr(tmp_path / "p.exr", {"Y": (plane, 1)}, Window.of_size(48, 32), compression=77)
    with pytest.raises(FormatError, match="method 77, which is not known"):
        read(path)


WEB = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
FTYP = struct.pack(">I", 24)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("p.png", WEB, "a web page"),
        ("p.exr", b"<html><body>404</body></html>", "a web page"),
        ("p.exr", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "git lfs pull"),
        ("p.png", b'{"error": "no such key", "status": 404}', "a text"),
        ("p.tif", b"Moved to the archive on tape 12, ask Ann.\n", "a text"),
        ("p.heic", FTYP + b"ftypheic\0\0\0\0mif1heic" + bytes(99), "a HEIC picture.*export it"),
        ("p.jpg", FTYP + b"ftypheic\0\0\0\0mif1heic" + bytes(99), "a HEIC picture.*export it"),
        ("p.avif", FTYP + b"ftypavif\0\0\0\0mif1avif" + bytes(99), "an AVIF picture.*export it"),
        ("p.jpg", FTYP + b"ftypisom\0\0\0\0isommp42" + bytes(99), "a movie.*suffix"),
        ("p.exr", b"\x1a\x45\xdf\xa3" + bytes(99), "a movie.*suffix"),
        ("p.cr3", FTYP + b"ftypcrx \0\0\0\1crx isom" + bytes(99), "raw picture.*developed"),
        ("p.png", b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "raw picture.*developed"),
        ("p.raf", b"FUJIFILMCCD-RAW 0201" + bytes(99), "raw picture.*developed"),
        ("p.pdf", b"%PDF-1.7\n" + bytes(99), "a PDF"),
        ("p.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        ("p.npy", b"\x93NUMPY\1\0" + bytes(99), "a NumPy array.*EXR"),
        ("p.exr", b"PK\3\4" + bytes(99), "an archive.*unpack"),
        ("p.tif", b"\x1f\x8b\x08" + bytes(99), "an archive.*unpack"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=words) as raised:
        read(tmp_path / name)
    assert "damaged" not in str(raised.value)
    with pytest.raises(FormatError, match=words):
        DepthReader(Depth(path=str(tmp_path / name)), Plate(path="unused"))


@pytest.mark.parametrize("suffix", [".dng", ".nef", ".arw", ".3fr", ".NRW"])
def test_the_thumbnail_of_a_camera_s_raw_picture_is_not_taken_for_it(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / "thumb.tif", "uint8", 3).rename(tmp_path / f"p{suffix}")
    with pytest.raises(FormatError, match="developed first"):
        read(tmp_path / f"p{suffix}")


@pytest.mark.parametrize(
    ("name", "kind", "channels", "entries"),
    [
        ("p.webp", "uint8", 3, {}),
        ("p.webp", "uint8", 4, {}),
        ("p.jp2", "uint8", 3, {}),
        ("p.jxl", "uint8", 3, {}),
        ("p.tga", "uint8", 4, {}),
        ("p.bmp", "uint8", 3, {}),
        ("p.hdr", "float", 3, {}),
        ("p.sgi", "uint8", 3, {}),
        ("p.ppm", "uint8", 3, {}),
        ("p.pfm", "float", 3, {}),
        ("p.gif", "uint8", 3, {}),
        ("p.tif", "uint8", 1, {"oiio__BitsPerSample": 1}),
        ("p.tif", "int16", 1, {}),
        ("p.tif", "uint32", 1, {}),
        ("p.tif", "half", 3, {}),
        ("p.tif", "double", 3, {}),
        ("p.tif", "uint8", 4, {"tiff__ColorSpace": "CMYK"}),
        ("p.tif", "uint16", 3, {"tile": 16}),
        ("p.exr", "half", 3, {"tile": 16}),
        ("p.exr", "uint32", 1, {}),
    ],
)
def test_the_kinds_of_still_that_people_have_are_read(
    tmp_path: Path, name: str, kind: str, channels: int, entries: dict[str, int | str]
) -> None:
    image = read(save(tmp_path / name, kind, channels, **entries))
    assert image.shape[:2] == (32, 48)
    assert np.isfinite(image).all()
    assert np.ptp(image[..., 0]) > 0


@pytest.mark.parametrize(
    ("written", "called"), [("png", "exr"), ("exr", "tif"), ("exr", "png"), ("jpg", "png"), ("tif", "exr")]
)
def test_a_wrong_suffix_misleads_nobody(tmp_path: Path, written: str, called: str) -> None:
    kind = "half" if written == "exr" else "uint8"
    assert read(save(tmp_path / f"p.{called}", kind, 3, f"x.{written}")).shape == (32, 48, 3)


def test_of_several_pages_the_first_is_read(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(48, 32, 3, "uint8")
    out = oiio.ImageOutput.create("p.tif")
    assert out.open(str(tmp_path / "p.tif"), (spec, spec))
    out.write_image(np.ones((32, 48, 3), np.float32))
    assert out.open(str(tmp_path / "p.tif"), spec, "AppendSubimage")
    out.write_image(np.zeros((32, 48, 3), np.float32))
    out.close()
    np.testing.assert_allclose(read(tmp_path / "p.tif"), 1, atol=1e-4)


def test_levels_of_a_texture_are_no_parts(tmp_path: Path) -> None:
    buffer = oiio.ImageBuf(oiio.ImageSpec(64, 64, 3, "half"))
    for name in ("p.exr", "p.tx"):
        assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(tmp_path / name))
        assert len(read_header(tmp_path / name).parts) == 1
        assert read(tmp_path / name).shape == (64, 64, 3)


def palette_png() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes(range(48)) for _ in range(32))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 32, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes(range(144)))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_a_png_with_a_palette_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(palette_png())
    assert read(tmp_path / "p.png").shape == (32, 48, 3)


@pytest.mark.parametrize("name", ["p.exr", "p.png", "p.tif", "p.jpg", "p.dpx"])
def test_an_empty_file_is_called_empty_and_a_folder_a_folder(tmp_path: Path, name: str) -> None:
    stem, suffix = name.split(".")
    (tmp_path / name).touch()
    with pytest.raises(CorruptError, match="is empty"):
        read(tmp_path / name)
    (tmp_path / f"{stem}.0001.{suffix}").mkdir()
    with pytest.raises(MissingFrameError, match="is a folder"):
        read_header(tmp_path / f"{stem}.0001.{suffix}")


@pytest.mark.parametrize("name", ["p.exr", "p.png", "p.tif", "p.jpg", "p.webp", "p.jp2", "p.hdr"])
@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
def test_a_file_that_is_cut_off_is_called_damaged(tmp_path: Path, name: str, share: float) -> None:
    kind = {"p.exr": "half", "p.hdr": "float"}.get(name, "uint8")
    data = save(tmp_path / name, kind, 3).read_bytes()
    (tmp_path / name).write_bytes(data[: max(int(len(data) * share), 24)])
    with pytest.raises(CorruptError, match="damaged"):
        read(tmp_path / name)


@pytest.mark.parametrize("place", ["cut", "data", "end"])
def test_a_damaged_png_is_told_by_us_and_not_by_its_library(tmp_path: Path, place: str) -> None:
    path = store(tmp_path / "p.png", noise(channels=3), ("R", "G", "B"), "uint16")
    data = bytearray(path.read_bytes())
    if place == "cut":
        del data[len(data) // 2 :]
    elif place == "end":
        del data[-12:]
    else:
        data[len(data) // 2] ^= 16
    path.write_bytes(data)
    code = f"""
from engine.errors import CorruptError
from engine.media import PlateReader
from engine.shot import Plate
try:
    PlateReader(Plate(path={str(path)!r})).read(1)
except CorruptError as error:
    print(error)
"""
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert "damaged" in ended.stdout
    assert ended.stderr == ""


def test_a_channel_of_another_name_says_what_there_is(tmp_path: Path) -> None:
    path = write_luminance_chroma(tmp_path / "p.exr", SMOOTH, Window.of_size(48, 32))
    with pytest.raises(ChannelError, match="it has R, G, B"):
        DepthReader(Depth(path=str(path), channel="Y"), Plate(path="unused"))


def test_the_page_of_what_is_read_names_all_that_is_refused() -> None:
    page = (Path(__file__).parents[3] / "docs" / "what_is_read.md").read_text(encoding="utf-8")
    for _, said in NOT_PICTURES:
        name = re.split(r"[;,]| or ", said)[0]
        assert name in page, name
