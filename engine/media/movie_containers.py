"""What a movie's container says of its own length: whether the file ends before its container does.

The container's words are asked only of files that are cut; a whole file's pictures are counted, because headers of
whole files may be wrong too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["has_fragments", "is_cut"]

_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_MXF: Final = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02"
_MOST_BOXES: Final = 1_000_000


def is_cut(path: Path) -> bool:
    """Whether a Matroska, QuickTime, MP4, AVI or MXF file is shorter than it says; False for what says nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith(_EBML):
            end = _end_of_segment(head)
        elif head.startswith(b"RIFF"):
            end = int.from_bytes(head[4:8], "little") + 8
        elif head.startswith(_MXF):
            return _lacks_footer(head, size)
        elif head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
            end = max((start + length for _, start, length in _boxes(file, size)), default=0)
        else:
            return False
    return end > size


def has_fragments(path: Path) -> bool:
    """Whether a QuickTime or MP4 file has pictures in fragments, beside those that its header lists."""
    with path.open("rb") as file:
        return any(name == b"moof" for name, _, _ in _boxes(file, path.stat().st_size))


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int, int]]:
    """Name, place and length of the outermost boxes of a QuickTime or MP4 file."""
    found: list[tuple[bytes, int, int]] = []
    place = 0
    while place + 8 <= size and len(found) < _MOST_BOXES:
        file.seek(place, os.SEEK_SET)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - place
        if length < 8:
            break
        found.append((head[4:8], place, length))
        place += length
    return found


def _end_of_segment(head: bytes) -> int:
    """Where a Matroska file's one segment ends; 0 where it does not say (live recordings)."""
    place = head.find(_SEGMENT)
    if place < 0 or place + 12 > len(head):
        return 0
    first = head[place + 4]
    width = next((n for n in range(1, 9) if first >> (8 - n) & 1), 0)
    if width == 0:
        return 0
    value = int.from_bytes(head[place + 4 : place + 4 + width], "big") & ((1 << (7 * width)) - 1)
    unknown = value == (1 << (7 * width)) - 1
    return 0 if unknown else place + 4 + width + value


def _lacks_footer(head: bytes, size: int) -> bool:
    """Whether the footer that an MXF file's header points at lies behind its end."""
    width = head[16]
    start = 17 + (width & 0x7F if width & 0x80 else 0)
    footer = int.from_bytes(head[start + 24 : start + 32], "big")
    return footer >= size
