"""From the path of a shot to files on disk: patterns, one frame of a sequence, folders, wildcards, ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from engine.errors import MissingFrameError, require
from engine.frames import FrameRange
from engine.media.frame_numbers import has_neighbours, looks_like_frames
from engine.media.listing import Group, Listing, normal, shown
from engine.media.sequence import NUMBER_FORMS, Pattern, is_movie, is_padded, require_text
from engine.notices import Notice

__all__ = ["Found", "find"]

_RANGE: Final = r"-?\d{1,9}--?\d{1,9}(?:[x:]\d{1,6})?"
_BEFORE: Final = re.compile(rf"(?P<prefix>|.*[._ -])(?P<range>{_RANGE})\Z")
_INSTEAD: Final = re.compile(rf"(?P<prefix>|.*[._ -])(?P<open>\[?)(?P<range>{_RANGE})(?(open)\]?)(?P<suffix>\.\w+)")
_BEHIND: Final = re.compile(rf"(?P<name>.*\S)\s+\[?(?P<range>{_RANGE})\]?")
"""A range in place of the number, as Resolve shows clips; before it, as RV writes it; behind the name, as Nuke does."""


@dataclass(frozen=True)
class Found:
    """What a path means on disk.

    Attributes:
        pattern: of the files, with the real names of folder and file; a still's or a movie's own path.
        files: the frames that have a file; none for a still and a movie.
        frames: that the path itself names (``plate.1001-1100#.exr``); None where it names none.
        notices: what should be heard of how the path was read.
    """

    pattern: Pattern
    files: Mapping[int, Path] = field(default_factory=dict)
    frames: FrameRange | None = None
    notices: tuple[Notice, ...] = ()

    def file(self, frame: int) -> Path:
        """The file of a frame, whether or not it is there."""
        return self.files.get(frame, self.pattern.path(frame))

    def heard(self, frames: str | None) -> tuple[Notice, ...]:
        """The notices; whoever said the frames of the shot knows that a sequence is taken."""
        known = frames is not None and self.files
        return tuple(notice for notice in self.notices if not (known and notice.kind.endswith(".sequence")))


def find(path: str, place: str, alone: bool = False) -> Found:
    """Find the files of a path, in whatever way it is written.

    Names match in any Unicode form; in another case, or padded otherwise, where nothing else can be meant.

    Args:
        path: a pattern; one picture; a movie; a folder with one sequence; a name with ``*``; a pattern with a range.
        place: field of the shot, for errors and notices: ``plate.path``.
        alone: whether a picture is only itself, whatever lies beside it.

    Raises:
        MissingFrameError: nothing is there, or several sequences could be meant; says what is there.
        ShotError: the path is no path, or a folder's name has the frame number.
    """
    require_text(path)
    asked = Path(path)
    within = _real(asked)
    if within is not None:
        return _Search(within, place, alone).folder()
    folder = _real(asked.parent)
    if folder is None:
        Pattern.parse(path)  # refuses a number in a folder; such a folder is hardly ever there
        raise _no_folder(asked, place)
    return _Search(folder, place, alone).name(asked.name)


def _real(folder: Path) -> Path | None:
    """The folder as it is on disk, in whatever Unicode form its name is; None where there is none."""
    if folder.is_dir():
        return folder
    parent = None if str(folder).isascii() or folder.parent == folder else _real(folder.parent)
    if parent is None:
        return None
    try:
        alike = (inner for inner in sorted(parent.iterdir()) if normal(inner.name) == normal(folder.name))
        return next((inner for inner in alike if inner.is_dir()), None)
    except OSError:
        return None


def _no_folder(asked: Path, place: str) -> MissingFrameError:
    there = next((parent for parent in asked.parents if parent.is_dir()), Path())
    folders = [shown(name) for name in Listing.of(there, place).folders if not name.startswith(".")]
    inside = f" ({there} has {', '.join(folders[:6])}{' ...' if len(folders) > 6 else ''})" if folders else ""
    return MissingFrameError(f"{place}: the folder {asked.parent} does not exist{inside}; correct the path")


class _Search:
    """The search for one path in its folder, which is listed once and only where it has to be."""

    def __init__(self, folder: Path, place: str, alone: bool) -> None:
        self._folder = folder
        self._place = place
        self._kind = place.partition(".")[0]
        self._alone = alone
        self._listed: Listing | None = None

    @property
    def _listing(self) -> Listing:
        if self._listed is None:
            self._listed = Listing.of(self._folder, self._place)
        return self._listed

    def folder(self) -> Found:
        """The one sequence, movie or picture in the folder."""
        groups = self._listing.groups()
        require(
            bool(groups),
            MissingFrameError,
            f"{self._place}: {self._folder} holds no pictures (it {self._listing.holding('')}); name one sequence, "
            f'such as "{self._folder / "beauty.%04d.exr"}"',
        )
        return self._only(groups, f"names the folder {self._folder}")

    def name(self, name: str) -> Found:
        """What a name in the folder means."""
        if (self._folder / name).is_file():
            return self._one(name)
        real = self._listing.named(name)
        if real is not None:
            return self._one(real)
        for look in (self._pattern, self._range, self._wildcard, self._other_case):
            found = look(name)
            if found is not None:
                return found
        still = Pattern.parse(str(self._folder / name)).is_still
        raise MissingFrameError(
            f"{self._place}: no file is named {shown(name)} in {self._folder}, which {self._listing.holding(name)}; "
            f"correct the path{'' if still else f', with the frame number written as {NUMBER_FORMS}'}"
        )

    def _one(self, name: str) -> Found:
        """A file that is there: a movie, a still, or the sequence that it is a frame of."""
        still = Found(Pattern(self._folder, name, "", None))
        if self._alone or is_movie(name) or not re.search(r"\d", name):
            return still
        group = next((group for group in self._listing.groups() if name in group.files.values()), None)
        if group is None or len(group.files) < 2:
            return still
        if looks_like_frames(group, name):
            number = next(frame for frame, held in group.files.items() if held == name)
            apart = f"set plate.frames to {number}" if self._kind == "plate" else "put it into a folder of its own"
            said = f"names {shown(name)}, and the sequence is taken: {group}; for that file alone {apart}"
            return self._sequence(group, self._notice("sequence", said))
        if has_neighbours(group, name):
            said = f"names {shown(name)}, which is taken alone; if its neighbours {group} are frames, name the pattern"
            return replace(still, notices=(self._notice("sequence", said),))
        return still

    def _pattern(self, name: str) -> Found | None:
        """``plate.%04d.exr`` and the like, and ``plate.1001-1100#.exr`` of RV."""
        pattern = Pattern.parse(str(self._folder / name))
        if pattern.width is None:
            return None
        found = self._matching(pattern)
        ranged = None if found else _BEFORE.fullmatch(pattern.prefix)
        return found if ranged is None else self._ranged(replace(pattern, prefix=ranged["prefix"]), ranged["range"])

    def _range(self, name: str) -> Found | None:
        """``plate.[1001-1100].exr``, ``plate.1001-1100.exr`` and ``plate.%04d.exr 1001-1100``."""
        behind = _BEHIND.fullmatch(name)
        if behind is not None:
            pattern = Pattern.parse(str(self._folder / behind["name"]))
            return self._ranged(pattern, behind["range"])
        instead = _INSTEAD.fullmatch(name)
        if instead is None:
            return None
        first = re.match(r"-?\d+", instead["range"])
        width = 0 if first is None else len(first[0])
        return self._ranged(Pattern(self._folder, instead["prefix"], instead["suffix"], width), instead["range"])

    def _ranged(self, pattern: Pattern, frames: str) -> Found | None:
        found = None if pattern.width is None else self._matching(pattern)
        return None if found is None else replace(found, frames=FrameRange.parse(frames))

    def _wildcard(self, name: str) -> Found | None:
        """``*.png`` and ``plate.*.exr``: the one sequence of all files that are named so."""
        if "*" not in name:
            return None
        form = re.compile(".*".join(re.escape(normal(text)) for text in name.split("*")), re.DOTALL)
        matching = {real for real in self._listing.files if form.fullmatch(normal(real))}
        groups = Listing(self._folder, tuple(sorted(matching)), ()).groups()
        return self._only(groups, f"is {shown(name)}") if groups else None

    def _other_case(self, name: str) -> Found | None:
        """A file whose name differs in capital letters only."""
        alike = [real for real in self._listing.files if normal(real).casefold() == normal(name).casefold()]
        if len(alike) != 1:
            return None
        found = self._one(alike[0])
        return replace(found, notices=(*found.notices, self._case(name, alike[0])))

    def _matching(self, pattern: Pattern) -> Found | None:
        """The files that are named like a pattern: in its own case, else in another one where all have the same."""
        for fold in (False, True):
            members = self._members(pattern, fold)
            if not members:
                continue
            if not fold:
                return self._padded(pattern, members)
            meant = {self._spelling(pattern, *member) for member in members}
            if len(meant) == 1:
                found = self._padded(meant.pop(), members)
                return replace(found, notices=(*found.notices, self._case(pattern.name(1), members[0][1])))
        return None

    def _members(self, pattern: Pattern, fold: bool) -> list[tuple[str, str]]:
        """Digits and real name of each file that a pattern may mean, whatever its padding."""
        prefix, suffix = (
            ".*?".join(re.escape(normal(piece)) for piece in text.split("*"))
            for text in (pattern.prefix, pattern.suffix)
        )
        form = re.compile(f"{prefix}(-?[0-9]+){suffix}", re.DOTALL | (re.IGNORECASE if fold else re.NOFLAG))
        hidden = pattern.prefix.startswith("*") or not pattern.prefix
        found = ((form.fullmatch(normal(name)), name) for name in self._listing.files)
        return [(match[1], name) for match, name in found if match and not (hidden and name.startswith("."))]

    def _spelling(self, pattern: Pattern, digits: str, name: str) -> Pattern:
        """The pattern with its letters as a file's real name has them."""
        if "*" in pattern.prefix + pattern.suffix:
            return pattern
        plain = normal(name)
        start = len(normal(pattern.prefix)) if len(plain) == len(name) else name.rindex(digits)
        return replace(pattern, prefix=name[:start], suffix=name[start + len(digits) :])

    def _padded(self, pattern: Pattern, members: list[tuple[str, str]]) -> Found:
        """Decide by the files which padding is meant: the pattern's own unless another has all its files and more."""
        assert pattern.width is not None
        of_width = {
            width: {name for digits, name in members if is_padded(digits, width)}
            for width in (pattern.width, 0, *sorted({len(digits) for digits, _ in members}))
        }
        width = pattern.width
        for other, names in of_width.items():
            if names > of_width[width]:
                width = other
        taken = [member for member in members if member[1] in of_width[width]]
        left = [member for member in members if member[1] not in of_width[width]]
        notices = []
        meant = replace(pattern, width=width)
        if width != pattern.width and len(of_width[width]) > len(of_width[pattern.width]):
            said = f"is padded otherwise on disk than as {_name(pattern)}, and {_name(meant)} is taken"
            notices.append(self._notice("padding", said))
        files = self._numbered(meant, taken)
        if {int(digits) for digits, _ in left} - files.keys():
            some = f"{', '.join(shown(name) for _, name in left[:2])}{' ...' if len(left) > 2 else ''}"
            said = f"takes {_name(meant)}; {some} with other padding are left out, rename them if they are frames of it"
            notices.append(self._notice("padding", said))
        spelt = self._spelling(meant, *taken[0])
        return self._sequence(Group(spelt.prefix, spelt.suffix, width, files), *notices)

    def _numbered(self, pattern: Pattern, members: list[tuple[str, str]]) -> dict[int, str]:
        """Each frame's file; of two ways to write a negative number the pattern's own."""
        files: dict[int, str] = {}
        for digits, name in members:
            frame = int(digits)
            require(
                frame not in files or "*" not in pattern.prefix + pattern.suffix,
                MissingFrameError,
                f"{self._place}: {_name(pattern)} finds both {shown(files.get(frame, ''))} and {shown(name)} for frame "
                f"{frame} in {self._folder}; write more of the name in place of the *",
            )
            if frame not in files or normal(name) == normal(pattern.name(frame)):
                files[frame] = name
        return dict(sorted(files.items()))

    def _only(self, groups: list[Group], said: str) -> Found:
        """The one sequence of several groups, or the one picture."""
        sequences = [group for group in groups if group.is_sequence] or groups
        if len(sequences) > 1:
            several = f"{', '.join(group.pattern for group in sequences[:6])}{' ...' if len(sequences) > 6 else ''}"
            raise MissingFrameError(
                f"{self._place}: {self._folder} holds several sequences ({shown(several)}); name one sequence, such as "
                f'"{self._folder / sequences[0].pattern}"'
            )
        (group,) = sequences
        others = [str(other) for other in groups if other is not group]
        beside = f", and not {', '.join(others[:3])}{' ...' if len(others) > 3 else ''} beside it" if others else ""
        notice = self._notice("sequence", f"{said}, of which {group} is taken{beside}")
        if group.width is None:
            return Found(Pattern(self._folder, group.prefix, "", None), notices=(notice,))
        return self._sequence(group, notice)

    def _sequence(self, group: Group, *notices: Notice) -> Found:
        files = {frame: self._folder / name for frame, name in group.files.items()}
        return Found(Pattern(self._folder, group.prefix, group.suffix, group.width), files, None, notices)

    def _case(self, asked: str, real: str) -> Notice:
        return self._notice("name", f"says {shown(asked)}, but on disk it is {shown(real)}, which is taken")

    def _notice(self, kind: str, said: str) -> Notice:
        return Notice(f"{self._kind}.{kind}", f"{self._place} {said}")


def _name(pattern: Pattern) -> str:
    """The pattern's name without its folder."""
    return shown(Group(pattern.prefix, pattern.suffix, pattern.width).pattern)
