"""Files of image sequences: their pattern, their numbers, and what an EXR of Blender holds."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ExrHeader", "depth_channel", "file_number", "frame_file", "is_movie", "pattern_of", "plate_layer"]

MOVIES = {
    *(".mov", ".qt", ".mp4", ".m4v", ".3gp", ".3g2", ".f4v", ".mkv", ".webm", ".avi", ".divx", ".mxf", ".gxf", ".mts"),
    *(".m2ts", ".m2t", ".ts", ".mpg", ".mpeg", ".m2v", ".vob", ".mod", ".tod", ".wmv", ".asf", ".flv", ".ogv", ".dv"),
}
MAGIC = 20000630
MULTIPART = 0x1000
HEADER_BYTES = 4 << 20
NUMBER = re.compile(r"\d+(?=\D*$)")
PLACEHOLDER = re.compile(r"#+|%0?(\d*)d")
COMBINED = re.compile(r"(?:(?P<view_layer>.+)\.)?Combined(?:\.[^.]+)?(?=\.R$)")


@dataclass(frozen=True)
class ExrHeader:
    """Names of all channels of all parts, and the size of the display window."""

    channels: tuple[str, ...]
    size: tuple[int, int]

    @classmethod
    def read(cls, path: str) -> ExrHeader | None:
        """The header of an EXR; None if it is none, or is not there."""
        try:
            with Path(path).open("rb") as file:
                data = file.read(HEADER_BYTES)
            magic, version = struct.unpack_from("<ii", data)
            if magic != MAGIC:
                return None
            return cls._parts(data, bool(version & MULTIPART))
        except (OSError, struct.error, ValueError, IndexError):
            return None

    @classmethod
    def _parts(cls, data: bytes, several: bool) -> ExrHeader:
        at, channels, size = 8, [], (0, 0)
        while data[at] != 0:
            while data[at] != 0:
                name, at = _text(data, at)
                _kind, at = _text(data, at)
                (length,) = struct.unpack_from("<i", data, at)
                value, at = data[at + 4 : at + 4 + length], at + 4 + length
                if name == "channels":
                    channels += _channels(value)
                elif name == "displayWindow" and size == (0, 0):
                    left, top, right, bottom = struct.unpack("<4i", value)
                    size = (right - left + 1, bottom - top + 1)
            at += 1
            if not several:
                break
        return cls(tuple(channels), size)


def plate_layer(channels: Iterable[str], view_layer: str = "") -> str | None:
    """The layer that holds the picture: ``ViewLayer.Combined`` of a multilayer EXR of Blender.

    Args:
        channels: names of the file's channels.
        view_layer: whose picture; the first one's when empty, and before what the compositor made.

    Returns:
        None where the file is no multilayer EXR of Blender, or does not hold that view layer.
    """
    found: dict[str, str] = {}
    for channel in channels:
        match = COMBINED.match(channel)
        if match:
            found.setdefault(match["view_layer"] or "", match[0])
    if view_layer:
        return found.get(view_layer)
    rendered = [layer for owner, layer in found.items() if owner != "Composite"]
    return next(iter([*rendered, *found.values()]), None)


def depth_channel(channels: Iterable[str], layer: str | None) -> str | None:
    """The Z pass beside a layer ``ViewLayer.Combined``; None where there is none, and the engine looks for itself."""
    if layer is None:
        return None
    stem, _, view = layer.partition("Combined")
    wanted = [f"{stem}Depth{view}.{letter}" for letter in "ZVR"]
    there = set(channels)
    return next((name for name in wanted if name in there), None)


def is_movie(path: str) -> bool:
    """Whether the file's name is that of a movie."""
    return Path(path).suffix.lower() in MOVIES


def pattern_of(path: str) -> str:
    """The pattern of the sequence that a file belongs to: ``shot_####.exr`` of ``shot_0007.exr``.

    A pattern, a movie and a name without a number stay as they are.
    """
    folder, name = _split(path)
    if PLACEHOLDER.search(name) or is_movie(path):
        return path
    stem, dot, ending = name.rpartition(".")
    stem = NUMBER.sub(lambda match: "#" * len(match[0]), stem if dot else name, count=1)
    return folder + stem + dot + (ending if dot else "")


def file_number(path: str) -> int | None:
    """The frame number in a file's name."""
    match = NUMBER.search(Path(path).stem)
    return int(match[0]) if match else None


def frame_file(pattern: str, number: int) -> str:
    """The file of one frame of a pattern."""
    folder, name = _split(pattern)
    return folder + PLACEHOLDER.sub(
        lambda match: str(number).zfill(int(match[1] or 1) if match[1] is not None else len(match[0])), name, count=1
    )


def _split(path: str) -> tuple[str, str]:
    at = max(path.rfind("/"), path.rfind("\\")) + 1
    return path[:at], path[at:]


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode("utf-8", "replace"), end + 1


def _channels(value: bytes) -> list[str]:
    names, at = [], 0
    while value[at] != 0:
        name, at = _text(value, at)
        names.append(name)
        at += 16  # type, linear, sampling
    return names
