"""Pictures of the operator's own: a movie, a still, or the stills of a clip, with or without mattes beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from engine.errors import DataSetError, MediaError, require
from engine.frames import Float32Array
from engine.media import PlateReader
from engine.media.sequence import is_movie
from engine.media.source import open_source
from engine.shot import Plate

__all__ = ["Footage"]

CHUNK: Final = 1 << 20
"""Bytes that are read at once for a digest."""


@dataclass(frozen=True, eq=False)
class Footage:
    """Frames, counted from 0. What cannot be read becomes a ``DataSetError`` that names the file.

    Attributes:
        files: one movie, one still, or the stills of a clip in order.
        mattes: the same of their alpha; empty where the pictures have it themselves, or none.
    """

    files: tuple[Path, ...]
    mattes: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return _count(self.files)

    def digest(self) -> str:
        """SHA-256 of all files, one after the other."""
        total = sha256()
        for path in (*self.files, *self.mattes):
            try:
                with path.open("rb") as file:
                    while chunk := file.read(CHUNK):
                        total.update(chunk)
            except OSError as error:
                raise DataSetError(f"asset {path} cannot be read ({error.strerror}); copy it again") from error
        return total.hexdigest()

    def colours(self, frames: Sequence[int]) -> list[Float32Array]:
        """(H, W, 3) of some frames: scene-linear R, G, B, alpha multiplied in where the files have it."""
        return [image[..., :3] for image in _each(self.files, frames, _linear)]

    def cut_outs(self, frames: Sequence[int]) -> list[Float32Array]:
        """(H, W, 4) of some frames, of one size: scene-linear, premultiplied.

        Raises:
            DataSetError: a file cannot be read, there is no alpha, or sizes or lengths differ.
        """
        images = _each(self.files, frames, _linear)
        made = self._with_mattes(images, frames) if self.mattes else images
        require(
            all(image.shape[2] == 4 for image in made),
            DataSetError,
            f"{self.files[0]} has no alpha; give it one, or a matte in a folder beside its own",
        )
        sizes = sorted({_size(image) for image in made})
        require(
            len(sizes) == 1,
            DataSetError,
            f"{self.files[0]}: its frames are {' and '.join(sizes)}; give all of a clip in one size",
        )
        return made

    def _with_mattes(self, images: list[Float32Array], frames: Sequence[int]) -> list[Float32Array]:
        there = _count(self.mattes)
        require(
            there == len(self),
            DataSetError,
            f"{self.files[0]} has {len(self)} frames but its matte {self.mattes[0]} has {there}; copy both again",
        )
        made = []
        for image, alpha in zip(images, _each(self.mattes, frames, _as_they_are), strict=True):
            require(
                image.shape[:2] == alpha.shape[:2],
                DataSetError,
                f"{self.files[0]} is {_size(image)} but its matte {self.mattes[0]} is {_size(alpha)}; "
                "give both in one size",
            )
            made.append(np.concatenate([image[..., :3] * alpha, alpha], axis=2))
        return made


def _each(
    files: tuple[Path, ...], frames: Sequence[int], read: Callable[[Path, list[int]], list[Float32Array]]
) -> list[Float32Array]:
    """Frames in the order asked for, each file opened once and read forwards."""
    wanted = sorted(set(frames))
    if len(files) == 1:
        found = dict(zip(wanted, read(files[0], wanted), strict=True))
    else:
        found = {frame: read(files[frame], [0])[0] for frame in wanted}
    return [found[frame] for frame in frames]


def _linear(path: Path, frames: list[int]) -> list[Float32Array]:
    """(H, W, C) each, as the engine takes a plate: scene-linear, premultiplied where there is alpha."""
    with _told(path), PlateReader(Plate(path=str(path))) as reader:
        return [reader.read(reader.frames.numbers[frame]).image for frame in frames]


def _as_they_are(path: Path, frames: list[int]) -> list[Float32Array]:
    """(H, W, 1) each: a matte's one channel, which no curve may touch."""
    with _told(path), closing(open_source(str(path), "asset")) as source:
        numbers = source.frames(None, "asset").numbers
        channels = source.header(numbers[0]).parts[0].channels
        grey = "Y" if "Y" in channels else channels[0]
        return [np.clip(source.pixels(numbers[frame], 0, [grey])[1], 0.0, 1.0) for frame in frames]


def _count(files: tuple[Path, ...]) -> int:
    if len(files) > 1 or not is_movie(str(files[0])):
        return len(files)
    with _told(files[0]), closing(open_source(str(files[0]), "asset")) as source:
        return len(source.frames(None, "asset"))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of reading as those of a data set."""
    try:
        yield
    except MediaError as error:
        raise DataSetError(f"asset {path} cannot be used: {error.message}") from error


def _size(image: Float32Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
