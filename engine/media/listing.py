"""What lies in a folder: pictures grouped into sequences, as a person sees them in a file browser."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from engine.errors import MissingFrameError
from engine.frames import FrameRange
from engine.media.sequence import is_movie, is_padded

__all__ = ["Group", "Listing", "normal", "shown", "spoken"]

PICTURES: Final = frozenset(
    {".exr", ".sxr", ".png", ".tif", ".tiff", ".tx", ".dpx", ".cin", ".jpg", ".jpeg", ".jpe", ".jp2", ".j2k", ".jxl"}
    | {".webp", ".heic", ".heif", ".avif", ".tga", ".bmp", ".hdr", ".rgbe", ".pfm", ".ppm", ".pgm", ".pnm", ".sgi"}
    | {".rgb", ".rgba", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}
)
"""Suffixes by which pictures are known in a folder; a file that is named may have any."""

NAMED: Final = 4
"""Sequences that an error names."""

_NUMBER: Final = re.compile(r"\d+")
_VALUE: Final = re.compile(r"\d+(\.\d+(e-?\d+)?)?")
_VERSION: Final = re.compile(r"(^|[^A-Za-z])v(er(sion)?)?[._-]?$", re.IGNORECASE)
_LEADING: Final = re.compile(r"(\d+)(\D.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Group:
    """Files that are one sequence, or one file that is none.

    Attributes:
        prefix, suffix: of the files' names around the number; a ``*`` stands for text that differs from file to file.
        width: digits that the number is padded to; None for a file without a number, whose name is ``prefix``.
        files: the real name of each frame.
    """

    prefix: str
    suffix: str = ""
    width: int | None = None
    files: Mapping[int, str] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """The name with ``%04d`` for the number."""
        number = "" if self.width is None else f"%0{self.width}d" if self.width else "%d"
        return f"{self.prefix}{number}{self.suffix}"

    @property
    def is_sequence(self) -> bool:
        """Whether it is more than one picture."""
        return len(self.files) > 1 or is_movie(self.pattern)

    def __str__(self) -> str:
        return shown(f"{self.pattern} {spoken(self.files)}" if self.files else self.pattern)


@dataclass(frozen=True)
class Listing:
    """The names in a folder.

    Attributes:
        folder: that was read.
        files: names of all but folders, in order.
        folders: names of the folders in it, in order.
    """

    folder: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path, place: str) -> Listing:
        """Read a folder.

        Raises:
            MissingFrameError: it may not be read, or cannot be reached.
        """
        try:
            with os.scandir(folder) as entries:
                kinds = [(entry.name, entry.is_dir()) for entry in entries]
        except OSError as error:
            raise MissingFrameError(
                f"{place}: the folder {folder} cannot be listed ({error.strerror}); check its permissions"
            ) from error
        kinds.sort()
        return cls(
            folder, *(tuple(name for name, is_folder in kinds if is_folder is wanted) for wanted in (False, True))
        )

    def named(self, name: str) -> str | None:
        """The real name of the file that is called ``name``, in whatever Unicode form either of them is."""
        if name in self.files:
            return name
        return next((real for real in self.files if normal(real) == normal(name)), None)

    def groups(self) -> list[Group]:
        """Pictures and movies as sequences and single files; hidden files and those of other kinds are none of them."""
        return group(name for name in self.files if _is_media(name))

    def holding(self, asked: str) -> str:
        """What is there, for an error: the sequences and files whose names are most like the one that was asked for."""
        there = [str(found) for found in self.groups()]
        there = there or [shown(name) for name in self.files if not name.startswith(".")]
        there += [f"the folder {shown(name)}" for name in self.folders if not name.startswith(".")] if not there else []
        if not there:
            return "is empty"
        likeness = {name: SequenceMatcher(None, asked.lower(), name.lower()).ratio() for name in there[:200]}
        nearest = sorted(likeness, key=lambda name: -likeness[name])[:NAMED]
        more = len(there) - len(nearest)
        return f"holds {', '.join(nearest)}{f' and {more} more' if more else ''}"


def normal(name: str) -> str:
    """A name in the one Unicode form in which names are compared: macOS and its archives write another one."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def shown(name: str) -> str:
    """A name from a disk as a line of text can hold it."""
    text = name.encode(errors="backslashreplace").decode()
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def spoken(frames: Iterable[int]) -> str:
    """Frame numbers for a person: all of them where that is short."""
    there = FrameRange.of(frames)
    text = str(there)
    return text if len(text) < 80 else f"{there.first} to {there.last} with holes"


def group(names: Iterable[str]) -> list[Group]:
    """Names of files as sequences and single files, in order.

    The number of a name is the one by which it has most neighbours, the last one of several; a version (``_v002``) is
    no frame. Names that begin with a number, each with its own, and go on with text that changes are one sequence too
    (``00000_zf_0.53367.png``).
    """
    rest = sorted(names)
    found: list[Group] = []
    for members in _by_skeleton(rest).values():
        leading = _led(members)
        if leading is not None:
            found.append(leading)
            rest = sorted(set(rest) - set(members))
    return sorted([*found, *_numbered(rest)], key=lambda one: one.pattern)


def _is_media(name: str) -> bool:
    known = is_movie(name) or Path(name).suffix.lower() in PICTURES
    return known and not name.startswith(".") and shown(name) == name


def _by_skeleton(names: list[str]) -> dict[str, list[str]]:
    """Names that are equal but for their numbers."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[_VALUE.sub("0", name)].append(name)
    return found


def _led(names: list[str]) -> Group | None:
    """Names whose first number is each one's own, and whose other numbers change with it."""
    matches = [match for name in names if (match := _LEADING.match(name)) is not None]
    rests = {match[2] for match in matches}
    numbers = {match[1]: match.string for match in matches}
    if len(names) < 2 or len(numbers) < len(names) or len({int(digits) for digits in numbers}) < len(names):
        return None
    width = _common_width(list(numbers))
    if len(rests) == 1 or width is None or is_movie(names[0]):
        return None
    head = re.sub(r"[0-9.+-]+\Z", "", _common_start(min(rests), max(rests)))
    tail = Path(names[0]).suffix
    return Group("", f"{head}*{tail}", width, {int(digits): name for digits, name in numbers.items()})


def _common_start(first: str, last: str) -> str:
    """What the first and the last of some texts in order begin with, and so all of them."""
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:same]


def _numbered(names: list[str]) -> list[Group]:
    """Names by the number that has most neighbours."""
    places = {name: [] if is_movie(name) else _places(name) for name in names}
    count = Counter((prefix, suffix) for found in places.values() for prefix, _, suffix in found)
    members: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    found: list[Group] = []
    for name, several in places.items():
        # A number that nobody shares is a frame only where the suffix follows it.
        likely = [place for place in several if count[place[0], place[2]] > 1] or [
            place for place in several[-1:] if "." not in place[2][1:]
        ]
        if not likely:
            found.append(Group(name))
            continue
        prefix, digits, suffix = max(reversed(likely), key=lambda place: count[place[0], place[2]])
        members[prefix, suffix].append((digits, name))
    for (prefix, suffix), held in members.items():
        found += _by_width(prefix, suffix, held)
    return found


def _places(name: str) -> list[tuple[str, str, str]]:
    """Each number of a name that may be a frame: what is before it, its digits, what is behind it.

    A hyphen is a sign where the number begins a part of the name: ``a.-001.exr`` is frame -1 of ``a.%04d.exr``, but
    ``shot-001.exr`` is frame 1 of ``shot-%03d.exr``.
    """
    stem = name[: len(name) - len(Path(name).suffix)]
    found = []
    for match in _NUMBER.finditer(stem):
        start = match.start()
        if _VERSION.search(stem[:start]):
            continue
        if stem[:start] == "-" or stem[:start].endswith((".-", "_-")):
            start -= 1
        found.append((name[:start], name[start : match.end()], name[match.end() :]))
    return found


def _by_width(prefix: str, suffix: str, members: list[tuple[str, str]]) -> list[Group]:
    """Files of one name as sequences of one padding each: nearly always one."""
    found: list[Group] = []
    rest = members
    while rest:
        width = _common_width([digits for digits, _ in rest])
        if width is None:
            width = max(len(digits) for digits, _ in rest if _has_zeros(digits))
        taken = {int(digits): name for digits, name in rest if is_padded(digits, width)}
        found.append(Group(prefix, suffix, width, dict(sorted(taken.items()))))
        left = [(digits, name) for digits, name in rest if name not in taken.values()]
        rest = left if len(left) < len(rest) else []
    return found


def _common_width(numbers: list[str]) -> int | None:
    """The padding with which all of these numbers are written; 0 where they have none, None where they differ."""
    lengths = {len(digits) for digits in numbers}
    if len(lengths) == 1:
        only = lengths.pop()
        return only if only > 1 else 0
    padded = {len(digits) for digits in numbers if _has_zeros(digits)}
    width = max(padded, default=0)
    return width if all(is_padded(digits, width) for digits in numbers) else None


def _has_zeros(digits: str) -> bool:
    return len(digits.lstrip("-")) > 1 and digits.lstrip("-").startswith("0")
