"""Files that appear whole or not at all: written under another name beside their place, then renamed."""

from __future__ import annotations

import itertools
import os
import re
import socket
from pathlib import Path
from typing import Final

from engine.errors import OutputWriteError
from engine.processes import is_alive

__all__ = ["place_file", "remove_stale", "remove_unfinished", "temporary_path"]

_SUFFIX: Final = ".partial"
_HOST: Final = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:32]
_COUNT: Final = itertools.count()


def temporary_path(path: Path) -> Path:
    """A hidden name in the same folder, that no other process and no pattern of a sequence takes."""
    return path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.{next(_COUNT)}{_SUFFIX}")


def place_file(temporary: Path, path: Path) -> None:
    """Rename a finished file to its place, replacing what is there.

    Raises:
        OutputWriteError: the folder does not let it.
    """
    try:
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputWriteError(f"{path} cannot be written ({error.strerror}); choose another output") from error


def remove_stale(folder: Path) -> None:
    """Remove what killed processes of this machine left behind; files of other machines and of live ones stay."""
    ours = re.compile(rf"\..*\.{_HOST}\.(\d+)\.\d+{re.escape(_SUFFIX)}")
    for entry in folder.iterdir():
        match = ours.fullmatch(entry.name)
        if match is not None and not is_alive(int(match[1])):
            entry.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what this process has not finished, after it was told to stop; a thread that still writes fails then."""
    if folder.is_dir():
        for entry in folder.glob(f".*.{_HOST}.{os.getpid()}.*{_SUFFIX}"):
            entry.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the rename last through a loss of power, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
