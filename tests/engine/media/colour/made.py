"""Files with colour tags, made by code."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.frames import Float32Array

ORANGE = (200, 120, 60)
"""Eight-bit code values of the pictures here."""


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chroma(*xy: float) -> bytes:
    """A cHRM chunk: x and y of white, red, green, blue."""
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 1e5) for value in xy)))


def profile_chunk(profile: bytes) -> bytes:
    """An iCCP chunk."""
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))


def png(path: Path, *chunks: bytes, code: Sequence[int] = ORANGE) -> Path:
    """An eight-bit PNG of one colour, with chunks before its pixels."""
    rows = b"".join(b"\0" + bytes(code) * 8 for _ in range(8))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    body = b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + body)
    return path


def chunk_names(path: Path) -> set[str]:
    """The names of a PNG's chunks."""
    data, place, names = path.read_bytes(), 8, set()
    while place < len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        names.add(name.decode())
        place += 12 + size
    return names


def picture(path: Path, kind: str, attributes: Mapping[str, object], code: Sequence[float] = ORANGE) -> Path:
    """A picture of one colour of any format of OpenImageIO's; ``bytes`` become arrays of them."""
    spec = oiio.ImageSpec(8, 8, 3, kind)
    for name, value in attributes.items():
        if isinstance(value, bytes):
            spec.attribute(name, oiio.TypeDesc(f"uint8[{len(value)}]"), np.frombuffer(value, np.uint8))
        elif isinstance(value, tuple):
            spec.attribute(name, oiio.TypeDesc(f"float[{len(value)}]"), value)
        else:
            spec.attribute(name, value)
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), spec)
    output.write_image(np.tile(np.array(code, np.float32) / np.float32(255), (8, 8, 1)))
    output.close()
    output.geterror()
    return path


def app_segment(path: Path, data: bytes, marker: int = 0xE1) -> Path:
    """Put a segment at the beginning of a JPEG."""
    whole = path.read_bytes()
    path.write_bytes(whole[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + whole[2:])
    return path


def exif(colour_space: int, interoperability: bytes) -> bytes:
    """The Exif of a camera: its colour space, and the index of interoperability."""
    # Little endian; IFD0 at 8 points to the Exif IFD at 26, that to the interoperability IFD at 56.
    ifd0 = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    inner = struct.pack("<HHHIHHHHIII", 2, 0xA001, 3, 1, colour_space, 0, 0xA005, 4, 1, 56, 0)
    last = struct.pack("<HHHI4sI", 1, 1, 2, 4, interoperability + b"\0", 0)
    return b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + ifd0 + inner + last


def movie(
    path: Path,
    codes: tuple[int, int, int],
    planes: tuple[int, int, int] = (600, 400, 620),
    *,
    full: bool = False,
    codec: str = "prores_ks",
    pixel_format: str = "yuv422p10le",
    size: tuple[int, int] = (64, 48),
    options: Mapping[str, str] | None = None,
) -> Path:
    """A movie of two frames of one colour, tagged with primaries, transfer and matrix (H.273)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        context = stream.codec_context
        context.options = dict(options or {})
        context.color_primaries, context.color_trc, context.colorspace = codes
        context.color_range = 2 if full else 1
        for number in range(2):
            frame = av.VideoFrame(*size, pixel_format)
            for plane, value in zip(frame.planes, planes, strict=True):
                kind = np.uint16 if "10" in pixel_format else np.uint8
                plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, value, kind).tobytes())
            frame.color_primaries, frame.color_trc, frame.colorspace = codes
            frame.color_range = 2 if full else 1
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def patches(seed: int = 1, low: float = 0.1, high: float = 0.9) -> Float32Array:
    """Six patches of random colours, 16 pixels square: code values."""
    random = np.random.default_rng(seed).uniform(low, high, (2, 3, 3)).astype(np.float32)
    return np.repeat(np.repeat(random, 16, axis=0), 16, axis=1)


def centres(image: Float32Array) -> Float32Array:
    """The colours in the middle of the patches, away from chroma that bleeds."""
    return image[7::16, 7::16, :3]
