"""The folder of a result: whether it may be written, making it, and clearing it of what killed renders left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.errors import OutputWriteError, require
from engine.files import remove_stale

__all__ = ["check_folder", "open_folder"]


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written; makes nothing.

    Raises:
        OutputWriteError: it is no folder, or it or the one that it is to be made in is read-only.
    """
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    require(there.is_dir(), OutputWriteError, f"output.path: {there} is a file and no folder; choose another output")
    require(
        os.access(there, os.W_OK),
        OutputWriteError,
        f"output.path: the folder {there} is read-only; choose another output",
    )
    space = shutil.disk_usage(there)
    require(
        space.free > 0 or space.total == 0,  # pseudo file systems have no space at all
        OutputWriteError,
        f"output.path: the disk of {there} is full; free some space or choose another output",
    )


def open_folder(folder: Path, path: str) -> None:
    """Make the folder of a result, and clear it of what killed renders left.

    Raises:
        OutputWriteError: it cannot be made or written.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
    except OSError as error:
        raise OutputWriteError(
            f"output.path: the folder of {path} cannot be made ({error.strerror}); choose another output"
        ) from error
