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
from engine.media.movie_probe import MAY_MOVE, NO_MOVIES, is_animated, looks_like_movie
from engine.media.names import require_own_system

__all__ = ["MOVIE_SUFFIXES", "NUMBER_FORMS", "Pattern", "is_movie", "is_padded", "listed_frames", "require_text"]

_MOVIES: Final = (
    "mov qt mp4 m4v f4v 3gp 3g2 mkv mk3d webm avi divx mxf gxf mts m2ts m2t ts mpg mpeg mpe m1v m2v vob mod tod wmv "
    "asf flv ogv dv dif apng y4m ivf nut h264 264 avc h265 265 hevc obu mjpg mjpeg rm rmvb r3d braw crm ari insv lrv"
)
MOVIE_SUFFIXES: Final = frozenset(f".{suffix}" for suffix in _MOVIES.split())
"""What is a movie by its name; whether it can be decoded is another question."""

NUMBER_FORMS: Final = "%04d, ####, @@@@ or $F4"
"""How the frame number of a pattern is written, for errors; more forms are read."""

_PLACEHOLDERS: Final = tuple(
    re.compile(form)
    for form in (
        # C, Nuke, FFmpeg; Nuke, Blender, After Effects; Houdini.
        r"%0?\.?(?P<digits>\d{1,2})?d|\[(?P<boxed>#+)\]|(?P<signs>#+)"
        r"|\$(?:F(?P<houdini>\d{0,2})|\{F(?P<braced>\d{0,2})\})",
        # Shake and RV, where one alone needs a gap on both sides (photo@2x.png has none); husk and Maya; Python.
        r"(?P<signs>@{2,}|(?<![^._-])@(?![^._-]))|<[Ff](?P<houdini>\d{0,2})>|\{frame(?::0?(?P<digits>\d{1,2})d?)?\}",
    )
)
"""Forms of the frame number; those of the first line are no part of any usual name, and win."""

_LONGEST_SPAN: Final = 1_000_000


def is_movie(path: str) -> bool:
    """Whether a path is a movie's: by its suffix, and by a look into a file whose suffix says nothing.

    Only a single file that exists is looked into, never the files of a pattern.
    """
    suffix = Path(path).suffix.lower()
    if suffix in MOVIE_SUFFIXES:
        return True
    if suffix in NO_MOVIES or _placeholder(Path(path).name) is not None:
        return False
    try:
        return Path(path).is_file() and (is_animated if suffix in MAY_MOVE else looks_like_movie)(Path(path))
    except (OSError, ValueError):  # no name of a file, or one that may not be read: told where it is opened
        return False


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

    The last ``%04d``, ``%d``, ``####``, ``[####]``, ``$F``, ``$F4`` or ``${F4}`` of a file's name is the frame number,
    else the last ``@@@@``, ``<F4>`` or ``{frame:04d}``; the rest is literal. What it means on disk, ``finding`` says.
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
        place = _placeholder(name)
        if place is None or (folder / name).is_file():
            literal = not _PLACEHOLDERS[0].search(str(folder)) or folder.is_dir()
            require(
                literal, ShotError, f'path: "{path}" has the frame number in a folder; put it into the file\'s name'
            )
            return cls(folder, name, "", None)
        return cls(folder, name[: place.start()], name[place.end() :], _width(place))

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
        return int(digits) if is_padded(digits, self.width) else None

    def __str__(self) -> str:
        number = "" if self.width is None else f"%0{self.width}d" if self.width else "%d"
        return str(self.folder / f"{self.prefix}{number}{self.suffix}")


def is_padded(digits: str, width: int) -> bool:
    """Whether a frame number is written as a pattern of that width writes it: padded, or longer than its width."""
    frame = int(digits)
    return digits in {f"{frame:0{width}d}", f"-{-frame:0{width}d}"}


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


def _placeholder(name: str) -> re.Match[str] | None:
    """The last frame number in a pattern's name, of the plainest form that is there."""
    for forms in _PLACEHOLDERS:
        found = list(forms.finditer(name))
        if found:
            return found[-1]
    return None


def _width(place: re.Match[str]) -> int:
    """Digits that a form of the frame number is padded to; 0 where it is not."""
    said = place.groupdict()
    signs = said.get("boxed") or said.get("signs")
    if signs:
        return len(signs)
    return int(said.get("digits") or said.get("houdini") or said.get("braced") or 0)
