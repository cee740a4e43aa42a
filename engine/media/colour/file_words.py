"""What PNG and JPEG files say of their colours that OpenImageIO (3.2.2) passes over or makes its own sense of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

__all__ = ["file_words"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST: Final = 1 << 20
"""Bytes looked at: tags stand before the pixels."""

_GAIN_MAPS: Final = (b"hdrgm:Version", b"urn:iso:std:iso:ts:21496", b"apple:photos:2020:aux:hdrgainmap")


def file_words(path: Path, file_format: str) -> dict[str, Any]:
    """Entries beside OpenImageIO's: ``png:cicp``, ``png:icc``, ``png:srgb``, ``png:gamma``, ``png:chroma``;
    ``jpeg:adobe_rgb`` and ``jpeg:gain_map``. Empty for other formats and for files that cannot be read.
    """
    try:
        if file_format == "png":
            with path.open("rb") as file:
                return dict(_png(file))
        if file_format == "jpeg":
            with path.open("rb") as file:
                return _jpeg(file.read(_MOST))
    except (OSError, struct.error, zlib.error):
        return {}
    return {}


def _png(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    if file.read(8) != _SIGNATURE:
        return
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if name in {b"IDAT", b"IEND"} or size > 1 << 26:
            return
        data = file.read(size)
        file.read(4)
        if name == b"cICP" and size >= 4:
            yield "png:cicp", tuple(data[:4])
        elif name == b"sRGB":
            yield "png:srgb", True
        elif name == b"gAMA" and size == 4:
            yield "png:gamma", struct.unpack(">I", data)[0] / 100_000
        elif name == b"cHRM" and size == 32:
            white, red, green, blue = ((a / 1e5, b / 1e5) for a, b in struct.iter_unpack(">II", data))
            yield "png:chroma", (*red, *green, *blue, *white)
        elif name == b"iCCP":
            yield "png:icc", zlib.decompressobj().decompress(data.partition(b"\0")[2][1:], 1 << 24)


def _jpeg(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if any(word in data for word in _GAIN_MAPS):
        found["jpeg:gain_map"] = True
    start = data.find(b"Exif\0\0")
    # Interoperability index R03 is a camera's way to say Adobe RGB (DCF 2.0), beside a colour space of 65535.
    if start >= 0 and b"R03\0" in data[start : start + 65536]:
        found["jpeg:adobe_rgb"] = True
    return found
