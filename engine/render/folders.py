"""A render that fails before it wrote anything leaves no empty folders behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["no_empty_folders"]


@contextmanager
def no_empty_folders(path: str) -> Iterator[None]:
    """If the block fails, remove the folders of ``path`` that were made in it and are empty."""
    made = [folder for folder in Path(path).absolute().parents if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in made:  # the innermost comes first
            try:
                folder.rmdir()
            except OSError:
                break  # it holds frames, or was never made
        raise
