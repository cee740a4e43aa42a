"""Files of an evaluation, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from engine.errors import OutputWriteError
from engine.files import reason_of, write_whole

__all__ = ["make_folder", "write_text"]


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OutputWriteError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"{folder}: cannot be made ({error.strerror}); give another --out") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file and its folder.

    Raises:
        OutputWriteError: it cannot be written.
    """
    make_folder(path.parent)
    try:
        write_whole(path, text)
    except OSError as error:
        raise OutputWriteError(f"{path}: cannot be written ({reason_of(error)}); give another --out") from error
