"""Whether the number in a file's name is a frame, or numbers something else: a shot, a take, a photograph, a day."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from engine.media.listing import Group

__all__ = ["has_neighbours", "looks_like_frames"]

NEAR: Final = 20
"""Frames between two files of a sequence with holes, at most; plate_1080 and plate_2160 lie farther apart."""

_OTHER_THINGS: Final = frozenset(
    {"v", "ver", "version", "r", "rev", "sh", "shot", "sc", "scn", "scene", "sq", "seq", "ep", "t", "tk", "take", "cut"}
    | {"cam", "camera", "comp", "part", "layer", "lod", "look", "light", "test", "opt", "option", "alt", "wip", "slate"}
    | {"reel", "roll", "day", "udim"}
)
"""What short numbers count where they follow one of these words."""

_CAMERA: Final = re.compile(r"[A-Z0-9_]{4}\d{4}")
"""The names that cameras give their pictures: four signs and four digits (the DCF standard): IMG_1234, DSCF0001."""

_OF_CAMERAS: Final = frozenset(
    {".jpg", ".jpeg", ".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2"}
)

_DAY: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def has_neighbours(group: Group, name: str) -> bool:
    """Whether the file with the number before or after that of ``name`` is in the group."""
    frame = _frame(group, name)
    return frame - 1 in group.files or frame + 1 in group.files


def looks_like_frames(group: Group, name: str) -> bool:
    """Whether a file of a group is one frame of a sequence, as far as names can say it.

    ``plate.1001.exr`` and ``frame0001.png`` are, with others near them; ``sh010.exr``, ``take_2.exr``, ``IMG_1234.JPG``
    and ``still_20240131.png`` are not.
    """
    frame = _frame(group, name)
    digits = name[len(group.prefix) : len(name) - len(group.suffix)] if "*" not in group.suffix else str(frame)
    word = re.sub(r"[._ -]+\Z", "", group.prefix)
    apart = word != group.prefix or not group.prefix
    is_long = len(digits.lstrip("-")) >= 4
    if _DAY.fullmatch(digits) or (_CAMERA.fullmatch(Path(name).stem) and Path(name).suffix.lower() in _OF_CAMERAS):
        return False
    counts = re.search(r"[A-Za-z]*\Z", word)
    if counts is not None and counts[0].lower() in _OTHER_THINGS and not (apart and is_long):
        return False
    if not (apart and is_long):
        return has_neighbours(group, name)
    return any(0 < abs(other - frame) <= NEAR for other in group.files)


def _frame(group: Group, name: str) -> int:
    return next(frame for frame, held in group.files.items() if held == name)
