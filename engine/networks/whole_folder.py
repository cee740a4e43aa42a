"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from engine.errors import OutputWriteError
from engine.processes import is_alive

__all__ = ["whole_folder"]

_SUFFIX: Final = ".partial"
_HOST: Final = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:32]
_COUNT: Final = count()


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder``, which gets that name when the block ends well and goes when it does not.

    What had the name before goes when the new one is there. What killed processes of this machine left beside it goes
    too.

    Raises:
        OutputWriteError: for any OSError in the block, too: the disk is full, or may not be written.
    """
    place = folder.expanduser().absolute()
    temporary = place.with_name(f".{place.name}.{_HOST}.{os.getpid()}.{next(_COUNT)}{_SUFFIX}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(place)
        temporary.mkdir()
        yield temporary
        _put_in_place(temporary, place)
    except OSError as error:
        raise OutputWriteError(
            f"{place} cannot be written ({error.strerror}); free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(temporary: Path, place: Path) -> None:
    """Give the finished folder its name; what had it goes when the new one is there, and comes back if it fails."""
    former = temporary.with_suffix(".former" + _SUFFIX)
    if place.exists():
        place.rename(former)
    try:
        temporary.rename(place)
    except OSError:
        if former.exists():
            former.rename(place)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _remove_stale(place: Path) -> None:
    """Remove what killed processes of this machine left unfinished beside the place; live ones' work stays."""
    ours = re.compile(rf"\.{re.escape(place.name)}\.{_HOST}\.(\d+)\.\d+{re.escape(_SUFFIX)}")
    for entry in place.parent.iterdir():
        match = ours.fullmatch(entry.name)
        if match is not None and not is_alive(int(match[1])):
            shutil.rmtree(entry, ignore_errors=True)
