"""Writing still image files through OpenImageIO; beside ``images`` and ``attributes`` the only one that knows its ways.

Encoding happens in OpenImageIO's threads and lets go of Python's interpreter lock (3.2.2, measured).

Seen in OpenImageIO 3.2.2: an unknown compression silently becomes zip; on a full disk the PNG writer returns success
from every call and only leaves an error message, TIFF and DPX fail at closing, and the EXR writer fails at
``write_image`` or, for small files, at closing; a DPX of 10 bits with alpha is written wrongly (differences of 0.6).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
from numpy.typing import NDArray

from engine.errors import FormatError, OutputWriteError, RackfocusError, require
from engine.files import flush_file
from engine.frames import Window
from engine.media.attributes import own_metadata, set_values
from engine.media.images import read_header, read_pixels

__all__ = ["FILE_FORMATS", "LOSSY", "NewPart", "check_compression", "save_image", "whole_metadata"]

FILE_FORMATS: Final = {
    ".exr": "openexr",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".dpx": "dpx",
}
"""Still formats that are written, by suffix."""

LOSSY: Final = frozenset({"dwaa", "dwab", "b44", "b44a", "pxr24"})
"""Compressions that change values; pxr24 only those of floats."""

_FALSE_ALARM: Final = "failed TIFFWriteCustomDirectory() of the Exif data"
"""Said by the TIFF writer of 3.2.2 after every file that is not sRGB, though the file is whole."""

NEARLY_FULL: Final = 1 << 20
"""Bytes left, below which a write that failed is taken to have failed for want of space."""

_HALF_MOST: Final = 65504.0
_COMPRESSIONS: Final = {
    "openexr": ("none", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab", "htj2k256", "htj2k32"),
    "tiff": ("none", "lzw", "zip", "packbits"),
}
_LEVELS: Final = {"dwaa": (0.0, 1e6), "dwab": (0.0, 1e6), "zip": (1.0, 9.0), "zips": (1.0, 9.0)}


@dataclass(frozen=True, eq=False)
class NewPart:
    """One part of a file to be written.

    Attributes:
        image: (H, W, C) float32, as it is to be stored: integers from 0..1; or uint32, for ``uint``.
        channels: C names.
        formats: C data types: ``half``, ``float``, ``uint``, ``uint8``, ``uint10``, ``uint12``, ``uint16``.
        window: data and display window.
        pixel_aspect: width of a pixel over its height.
        compression: checked by ``check_compression``; None for the format's own.
        name: of the part, where there are several.
        metadata: entries of the header.
        straight: whether R, G and B are not multiplied by A.
        exact: channels whose every value is stored as it is, infinity too.
    """

    image: NDArray[Any]
    channels: tuple[str, ...]
    formats: tuple[str, ...]
    window: Window
    pixel_aspect: float = 1.0
    compression: str | None = None
    name: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    straight: bool = False
    exact: frozenset[str] = frozenset()


def check_compression(name: str, file_format: str) -> str:
    """A compression's name as the writer takes it, like ``zips``, ``zip:4`` or ``dwaa:45``.

    Raises:
        FormatError: the file format has no such compression, or its level is out of range.
    """
    kind, colon, level = name.strip().lower().partition(":")
    known = _COMPRESSIONS.get(file_format, ())
    if kind not in known:
        choice = f"use one of {', '.join(known)}" if known else "leave it out"
        raise FormatError(f'output.compression: "{name}" is not a compression of {_spoken(file_format)}; {choice}')
    if colon:
        least, most = _LEVELS.get(kind, (1.0, 0.0)) if file_format == "openexr" else (1.0, 0.0)
        try:
            value = float(level)
        except ValueError:
            value = float("nan")
        require(
            least <= value <= most,
            FormatError,
            f'output.compression: "{name}" has a level that {kind} does not take; write it like zip:4 or dwaa:45',
        )
    return kind + colon + level


def save_image(path: Path, file_format: str, parts: Sequence[NewPart], place: str) -> None:
    """Write a file under ``path``, whatever its suffix, make sure of it, and flush it to the disk.

    Args:
        path: a temporary name; nothing is renamed here.
        file_format: a value of ``FILE_FORMATS``.
        parts: several for EXR, else one.
        place: how errors name the file.

    Raises:
        OutputWriteError: it cannot be written: full disk, read-only folder.
    """
    specs = [_spec(part, file_format, len(parts) > 1) for part in parts]
    output = oiio.ImageOutput.create(file_format)
    require(
        output is not None, FormatError, f"{place}: this build of OpenImageIO writes no {_spoken(file_format)} files"
    )
    assert output is not None
    opened = output.open(str(path), tuple(specs) if len(specs) > 1 else specs[0])
    if not opened:
        raise _failed(place, path, output.geterror())
    written = True
    for number, (part, spec) in enumerate(zip(parts, specs, strict=True)):
        if number:
            written = written and output.open(str(path), spec, "AppendSubimage")
        written = written and output.write_image(_storable(part, file_format))
    said = output.geterror()
    closed = output.close()
    said = said or output.geterror()
    if said.strip() == _FALSE_ALARM and written and closed and whole_metadata(path) is not None:
        said = ""
    if said or not (written and closed):
        raise _failed(place, path, said)
    _flush(path, place)
    _check_written(path, place)


def whole_metadata(path: Path) -> dict[str, Any] | None:
    """The header's entries of a file whose every pixel decodes; None where it is missing or damaged."""
    try:
        header = read_header(path)
        for part in header.parts:
            if part.deep:
                return None
            read_pixels(path, part.number, part.channels)
    except RackfocusError:
        return None
    return dict(header.parts[0].metadata)


def _spec(part: NewPart, file_format: str, several: bool) -> oiio.ImageSpec:
    window = part.window
    types = [_type(kind) for kind in part.formats]
    spec = oiio.ImageSpec(window.width, window.height, len(part.channels), types[0])
    spec.channelnames = part.channels
    if len(set(part.formats)) > 1:
        spec.channelformats = tuple(types)
    spec.x, spec.y = window.x, window.y
    spec.full_x, spec.full_y = window.display_x, window.display_y
    spec.full_width, spec.full_height = window.display_width, window.display_height
    spec.alpha_channel = part.channels.index("A") if "A" in part.channels else -1
    set_values(spec, own_metadata(part.metadata, file_format))
    if part.compression is not None:
        spec.attribute("compression", part.compression)
    if part.formats[0] in {"uint10", "uint12"}:
        spec.attribute("oiio:BitsPerSample", int(part.formats[0].removeprefix("uint")))
    if part.straight:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    if several:
        spec.attribute("oiio:subimagename", part.name)
    spec.attribute("PixelAspectRatio", float(part.pixel_aspect))
    return spec


def _type(kind: str) -> oiio.TypeDesc:
    return oiio.TypeDesc({"uint10": "uint16", "uint12": "uint16"}.get(kind, kind))


def _storable(part: NewPart, file_format: str) -> NDArray[Any]:
    """What the file's types can hold: halves end at 65504 and would become infinite above it."""
    image = part.image
    if image.dtype == np.uint32:
        return np.ascontiguousarray(image)
    clipped = zip(part.formats, part.channels, strict=True)
    halves = [i for i, (kind, name) in enumerate(clipped) if kind == "half" and name not in part.exact]
    if file_format == "openexr" and halves:
        if len(halves) == len(part.formats):
            image = np.clip(image, -_HALF_MOST, _HALF_MOST)
        else:
            image = image.copy()
            image[:, :, halves] = np.clip(image[:, :, halves], -_HALF_MOST, _HALF_MOST)
    return np.ascontiguousarray(image, dtype=np.float32)


def _flush(path: Path, place: str) -> None:
    try:
        flush_file(path)
    except OSError as error:
        raise _failed(place, path, error.strerror or str(error)) from error


def _check_written(path: Path, place: str) -> None:
    """Open what was written; a header or an end that never reached the disk shows here."""
    try:
        read_header(path)
    except RackfocusError as error:
        raise _failed(place, path, error.message) from error


def _failed(place: str, path: Path, said: str) -> OutputWriteError:
    folder = path.parent
    if not folder.is_dir():
        return OutputWriteError(f"{place} cannot be written, because its folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        return OutputWriteError(
            f"{place} cannot be written, because the folder {folder} is read-only; choose another output"
        )
    if _is_full(folder):
        return OutputWriteError(
            f"{place} cannot be written, because the disk is full; free some space or choose another output"
        )
    reason = (said.strip().splitlines() or ["the disk went away"])[0].replace(path.name, "it")
    space = "" if "denied" in reason else "free some space or "
    return OutputWriteError(f"{place} cannot be written ({reason}); {space}choose another output")


def _is_full(folder: Path) -> bool:
    """Whether less than a small picture's space is left; pseudo file systems have no blocks at all."""
    if not hasattr(os, "statvfs"):
        return False
    found = os.statvfs(folder)
    return found.f_blocks > 0 and found.f_bavail * found.f_frsize < NEARLY_FULL


def _spoken(file_format: str) -> str:
    return {"openexr": "EXR", "movie": "a movie"}.get(file_format, file_format.upper())
