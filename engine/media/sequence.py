"""Image sequences: file name patterns, and which frames of them there are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from engine.errors import MissingFrameError, ShotError, require
from engine.frames import FrameRange
from engine.media.names import require_own_system

__all__ = ["MOVIE_SUFFIXES", "Pattern", "is_movie", "listed_frames", "require_text"]

MOVIE_SUFFIXES: Final = frozenset({".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"})

_PLACEHOLDER: Final = re.compile(r"%(?:0(?P<printf>\d{1,2}))?d|(?P<hashes>#+)|\$F(?P<houdini>\d{0,2})")
_LONGEST_SPAN: Final = 1_000_000


def is_movie(path: str) -> bool:
    """Whether a path is a movie's, by its suffix."""
    return Path(path).suffix.lower() in MOVIE_SUFFIXES


def require_text(path: str) -> None:
    """Refuse a path that OpenImageIO and FFmpeg cannot take, whose names are UTF-8.

    Raises:
        ShotError: it is empty, holds bytes that are no text, or is a path of another system.
    """
    require(bool(path.strip()) and "\0" not in path, ShotError, "path: a file path is needed, but it is empty")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="backslashreplace").decode()
        raise ShotError(
            f'path: "{shown}" has a name that is not UTF-8 text; rename it, or set PYTHONUTF8=1 where it is'
        ) from error
    require_own_system(path)


@dataclass(frozen=True)
class Pattern:
    """The path of a sequence, or of one still.

    The last ``%04d``, ``%d``, ``####``, ``$F`` or ``$F4`` of the file's name is the frame number; the rest is literal.
    Negative numbers are written as C's ``printf`` writes them (``-001`` for ``%04d``); Houdini's ``-0001`` is read too.

    Attributes:
        folder: of the files.
        prefix, suffix: of a file's name, around the number.
        width: digits that the number is padded to; None for a still, whose name has no number.
    """

    folder: Path
    prefix: str
    suffix: str
    width: int | None

    @classmethod
    def parse(cls, path: str) -> Pattern:
        """Read a path like ``/show/sh010.%04d.exr``.

        Raises:
            ShotError: the path is empty, or a folder's name has the frame number.
        """
        require_text(path)
        folder, name = Path(path).parent, Path(path).name
        found = list(_PLACEHOLDER.finditer(name))
        if not found or (folder / name).is_file():
            literal = not _PLACEHOLDER.search(str(folder)) or folder.is_dir()
            require(
                literal, ShotError, f'path: "{path}" has the frame number in a folder; put it into the file\'s name'
            )
            return cls(folder, name, "", None)
        place = found[-1]
        digits = place["printf"] or place["houdini"] or "0"
        width = len(place["hashes"]) if place["hashes"] else int(digits)
        return cls(folder, name[: place.start()], name[place.end() :], width)

    @property
    def is_still(self) -> bool:
        """Whether all frames are one file."""
        return self.width is None

    def name(self, frame: int) -> str:
        """The file's name of a frame."""
        if self.width is None:
            return self.prefix
        return f"{self.prefix}{frame:0{self.width}d}{self.suffix}"

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self.folder / self.name(frame)

    def number(self, name: str) -> int | None:
        """The frame number in a file's name; None where the name is not of this sequence."""
        if self.width is None or not (name.startswith(self.prefix) and name.endswith(self.suffix)):
            return None
        digits = name[len(self.prefix) : len(name) - len(self.suffix)]
        if not re.fullmatch(r"-?[0-9]+", digits):
            return None
        frame = int(digits)
        written = {f"{frame:0{self.width}d}", f"-{-frame:0{self.width}d}"}
        return frame if digits in written else None

    def existing(self) -> dict[int, Path]:
        """The frames that have a file, with their files.

        Raises:
            MissingFrameError: the folder does not exist, or there is no such file in it.
        """
        require(
            self.folder.is_dir(),
            MissingFrameError,
            f"{self}: the folder {self.folder} does not exist; correct the path",
        )
        if self.width is None:
            require(self.path(1).is_file(), MissingFrameError, f"{self}: there is no such file; correct the path")
            return {}
        files: dict[int, Path] = {}
        for entry in sorted(self.folder.iterdir()):
            frame = self.number(entry.name)
            if frame is not None and (frame not in files or entry.name == self.name(frame)):
                files[frame] = entry
        require(
            bool(files),
            MissingFrameError,
            f"{self}: no file has a name of this sequence in {self.folder}; correct the path",
        )
        return files

    def __str__(self) -> str:
        number = "" if self.width is None else f"%0{self.width}d" if self.width else "%d"
        return str(self.folder / f"{self.prefix}{number}{self.suffix}")


def listed_frames(existing: FrameRange, place: str) -> FrameRange:
    """The frames of a shot that names none: all that exist, and the holes between them.

    A sequence on twos stays on twos. A hole in an otherwise regular sequence is a frame of the shot, so that it is
    found missing and not skipped silently.

    Raises:
        MissingFrameError: the numbers lie so far apart that a stray file is likely.
    """
    if len(existing) < 2:
        return existing
    numbers = existing.numbers
    step = math.gcd(*(b - a for a, b in pairwise(numbers)))
    span = (existing.last - existing.first) // step
    require(
        span <= max(_LONGEST_SPAN, 2 * len(existing)),
        MissingFrameError,
        f"{place}: the files run from frame {existing.first} to {existing.last} with great holes; "
        "remove the stray file or set plate.frames",
    )
    return FrameRange(tuple(range(existing.first, existing.last + 1, step)))
