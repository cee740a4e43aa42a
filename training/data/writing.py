"""Put a set of clips on the disk: a clip's folder that is whole or not there, its pictures, and the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from engine.errors import OutputWriteError
from engine.files import discard, move, write_whole
from engine.frames import Float32Array, Window
from engine.media.saving import NewPart, save_image
from training.data.clips import FIRST_FRAME, MANIFEST, Manifest

__all__ = ["UNFINISHED", "new_clip", "program", "write_manifest", "write_picture", "write_text"]

UNFINISHED: Final = ".unfinished"
"""Suffix of a clip's folder until it is whole."""


NO_DATE: Final = {"DateTime": "1970:01:01 00:00:00"}
"""OpenImageIO 3.2.2 writes the time of day into an EXR that has no date, which would make every run's bytes differ."""


@contextmanager
def new_clip(folder: Path, name: str) -> Iterator[Path]:
    """A folder to write a clip into; it takes its place at the end of the block, and goes if the block fails.

    Raises:
        OutputWriteError: full disk, read-only folder.
    """
    place, unfinished = folder / name, folder / f".{name}{UNFINISHED}"
    try:
        for old in (unfinished, place):
            discard(old)
        unfinished.mkdir(parents=True)
        yield unfinished
        move(unfinished, place)
    except OSError as error:
        raise OutputWriteError(
            f"{place} cannot be written ({error.strerror}); check the folder and its disk's space"
        ) from error
    finally:
        discard(unfinished)


def write_picture(
    folder: Path, stem: str, index: int, image: Float32Array, channels: str = "RGB", data_type: str = "half"
) -> None:
    """Write (H, W, C) as the frame of an index from 0, lossless; the folder is made with its first one.

    Raises:
        OutputWriteError: full disk, read-only folder.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}.{FIRST_FRAME + index}.exr"
    height, width, count = image.shape
    part = NewPart(
        image,
        tuple(channels),
        (data_type,) * count,
        Window.of_size(width, height),
        compression="zip",
        metadata=NO_DATE,
    )
    save_image(path, "openexr", [part], str(path))


def write_text(path: Path, text: str) -> None:
    """Write text with the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write a set's manifest at once; its folder is made if need be.

    Raises:
        OutputWriteError: full disk, read-only folder.
    """
    path = folder / MANIFEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, manifest.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise OutputWriteError(
            f"{path} cannot be written ({error.strerror}); check the folder and its disk's space"
        ) from error


def program() -> str:
    """What made a set: our name and version."""
    try:
        return f"rackfocus {version('rackfocus')}"
    except PackageNotFoundError:
        return "rackfocus"
