"""Files and folders that appear whole or not at all, on every system and on disks that many machines share.

A file is written under a temporary name beside its place, flushed to the disk, and renamed. The ways of the systems
that this module hides:

* Windows flushes only files that are open for writing, and has no flush of folders.
* Windows renames and removes nothing that somebody has open: a virus scanner, an indexer or a viewer has a new file
  open for some tenths of a second, so both are tried again for a while.
* Some network disks refuse to flush (EINVAL, ENOTSUP); what they are given is as safe as they make it.
* A name may have 255 bytes: temporary names repeat only the beginning of a long one.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from engine.errors import OutputWriteError
from engine.processes import is_alive, machine_mark

__all__ = [
    "discard",
    "flush_file",
    "flush_open",
    "move",
    "place_file",
    "reason_of",
    "remove_stale",
    "remove_unfinished",
    "scratch_folder",
    "temporary_path",
    "whole_folder",
    "write_whole",
]

T = TypeVar("T")

ABANDONED: Final = 24 * 3600.0
"""Seconds without a change after which an unfinished file is a leftover, where its process cannot be looked up: that
of another machine, of a container, or of an earlier boot."""

PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.6)
"""Seconds between tries at a file that somebody else has open: two in all."""

NAMED: Final = 120
"""Bytes of a file's own name in its temporary one."""

_SUFFIX: Final = ".partial"
_FORMER: Final = ".former"
_COUNT: Final = itertools.count()
_TEMPORARY: Final = re.compile(
    r"\.(?P<name>.*)\.(?P<mark>\w+)\.(?P<pid>\d+)\.\d+(?P<former>\.former)?\.partial(?:\.\w+)?", re.DOTALL
)
_SCRATCH: Final = re.compile(r"rackfocus-(?P<mark>\w+)-(?P<pid>\d+)-\w+")
_IN_USE: Final = frozenset({5, 32, 33})  # of Windows: access denied, sharing violation, lock violation
_NOT_FLUSHED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_OTHERS: Final = "; close it in other programs, or choose another output"


def temporary_path(path: Path, ending: str = "") -> Path:
    """A hidden name in the same folder, that no other process and no pattern of a sequence takes.

    Args:
        path: of the file or folder that is to be made.
        ending: suffix like ``.exr``, for writers that go by it.
    """
    return path.with_name(f".{_cut(path.name)}.{machine_mark()}.{os.getpid()}.{next(_COUNT)}{_SUFFIX}{ending}")


def place_file(temporary: Path, path: Path) -> None:
    """Rename a finished and flushed file to its place, replacing what is there; if that fails, it goes.

    Raises:
        OutputWriteError: the folder does not let it, or another program keeps the old file open.
    """
    try:
        move(temporary, path)
    except OSError as error:
        discard(temporary)
        remedy = _OTHERS if _is_in_use(error) else "; choose another output"
        raise OutputWriteError(f"{path} cannot be written ({reason_of(error)}){remedy}") from error


def move(source: Path, target: Path) -> None:
    """Rename a file or a folder for good; a file that has the new name is replaced.

    Raises:
        OSError: the folder does not let it, or it is still in use after some tries.
    """
    _patiently(lambda: source.replace(target))
    _flush_folder(target.parent)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a small file: whole and on the disk, or not at all. It keeps the rights of the one that it replaces.

    Args:
        path: of the file; its folder exists.
        content: text is written in UTF-8, with the same bytes on every system.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    temporary = temporary_path(path)
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            flush_open(file)
        with suppress(OSError):  # there is none yet, or the disk keeps no rights
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        move(temporary, path)
    except BaseException:
        discard(temporary)
        raise


def flush_file(path: Path) -> None:
    """Bring to the disk what some library wrote into a file.

    Raises:
        OSError: the disk is full, or went away.
    """
    with _patiently(lambda: path.open("rb+")) as file:  # open for writing: Windows flushes no other
        flush_open(file)


def flush_open(file: IO[Any]) -> None:
    """Bring to the disk what was written into a file that is open for writing.

    Raises:
        OSError: the disk is full, or went away.
    """
    file.flush()
    _flush_descriptor(file.fileno())


def discard(place: Path) -> None:
    """Remove a file or a folder with all that it holds, if it is there and can be removed."""
    with suppress(OSError):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            _patiently(lambda: place.unlink(missing_ok=True))


def remove_stale(folder: Path) -> None:
    """Remove what ended processes left unfinished in a folder; work of other machines goes when a day old.

    Raises:
        OSError: the folder cannot be read.
    """
    for entry in list(folder.iterdir()):
        match = _TEMPORARY.fullmatch(entry.name)
        if match is not None and not match["former"] and _is_stale(entry, match):
            discard(entry)


def remove_unfinished(folder: Path) -> None:
    """Remove what this process has not finished, after it was told to stop; a thread that still writes fails then."""
    if folder.is_dir():
        for entry in list(folder.iterdir()):
            match = _TEMPORARY.fullmatch(entry.name)
            if match is not None and _is_mine(match):
                with suppress(OSError):  # Windows keeps what a thread has open; the next render removes it
                    entry.unlink()


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder``, which gets that name when the block ends well and goes when it does not.

    What had the name before goes when the new one is there. What killed processes left beside it goes too; if one was
    killed between taking the old folder away and placing the new one, the old one comes back first.

    Raises:
        OutputWriteError: for any OSError in the block, too: the disk is full, or may not be written.
    """
    place = folder.expanduser().absolute()
    temporary = temporary_path(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _recover(place)
        temporary.mkdir()
        yield temporary
        _put_in_place(temporary, place)
    except OSError as error:
        raise OutputWriteError(
            f"{place} cannot be written ({reason_of(error)}); free some space or choose another folder"
        ) from error
    finally:
        discard(temporary)


def scratch_folder() -> Path:
    """A new folder of this process's own where the system keeps what is temporary; what ended processes left goes.

    Raises:
        OSError: none can be made.
    """
    base = Path(tempfile.gettempdir())
    for entry in base.glob("rackfocus-*-*-*"):
        match = _SCRATCH.fullmatch(entry.name)
        if match is not None and _is_stale(entry, match):
            discard(entry)
    return Path(tempfile.mkdtemp(prefix=f"rackfocus-{machine_mark()}-{os.getpid()}-"))


def reason_of(error: OSError | ValueError) -> str:
    """What the system said, in words."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def _put_in_place(temporary: Path, place: Path) -> None:
    """Give the finished folder its name; what had it goes when the new one is there, and comes back if it fails."""
    former = temporary.with_suffix(_FORMER + _SUFFIX)
    if place.exists():
        move(place, former)
    try:
        move(temporary, place)
    except OSError:
        if former.exists():
            move(former, place)
        raise
    discard(former)


def _recover(place: Path) -> None:
    """Put right what killed processes left beside the place; live ones' work stays."""
    for entry in list(place.parent.iterdir()):
        match = _TEMPORARY.fullmatch(entry.name)
        if match is None or match["name"] != _cut(place.name) or not _is_stale(entry, match):
            continue
        if match["former"] and not place.exists():
            move(entry, place)
        else:
            discard(entry)


def _is_stale(entry: Path, match: re.Match[str]) -> bool:
    if match["mark"] == machine_mark():
        return not is_alive(int(match["pid"]))
    return _unchanged_for(entry) > ABANDONED


def _is_mine(match: re.Match[str]) -> bool:
    return match["mark"] == machine_mark() and int(match["pid"]) == os.getpid()


def _unchanged_for(entry: Path) -> float:
    """Seconds since a file, or anything in a folder, changed; none where it cannot be looked at."""
    try:
        inside = entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else ()
        return time.time() - float(max(place.lstat().st_mtime for place in (entry, *inside)))
    except OSError:  # somebody finished or removed it
        return 0.0


def _cut(name: str) -> str:
    if len(os.fsencode(name)) <= NAMED:
        return name
    beginning = os.fsencode(name)[:NAMED].decode("utf-8", "ignore")
    return f"{beginning}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def _patiently(act: Callable[[], T]) -> T:
    """What ``act`` gives, tried again where somebody else has the file open."""
    for pause in PAUSES:
        try:
            return act()
        except OSError as error:
            if not _is_in_use(error):
                raise
        time.sleep(pause)
    return act()


def _is_in_use(error: OSError) -> bool:
    return getattr(error, "winerror", None) in _IN_USE or error.errno == errno.EBUSY


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a loss of power, where the system can."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # it may be written and not read
        return
    try:
        _flush_descriptor(descriptor)
    finally:
        os.close(descriptor)


def _flush_descriptor(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_FLUSHED:
            raise
