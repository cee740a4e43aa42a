"""Pictures of the operator's own: a movie, a still, or the stills of a clip, with or without mattes beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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

SHOWN: Final = 0.02
"""Alpha above which a picture is kept when it is cropped: compressed mattes have noise below it."""


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

    def colours(self, frames: Sequence[int]) -> Iterator[Float32Array]:
        """(H, W, 3) of some frames: scene-linear R, G, B, alpha multiplied in where the files have it.

        Args:
            frames: in rising order.
        """
        yield from (image[..., :3] for image in _read(self.files, frames, _linear))

    def cut_outs(self, frames: Sequence[int]) -> Iterator[Float32Array]:
        """(h, w, 4) of some frames: scene-linear, premultiplied, cropped to what alpha shows on any of them.

        Args:
            frames: in rising order.

        Raises:
            DataSetError: a file cannot be read, there is no alpha or it shows nothing, or sizes or lengths differ.
        """
        images: Iterable[Float32Array] = _read(self.files, frames, _linear)
        if not self.mattes:
            images = list(images)
            require(
                all(image.shape[2] == 4 for image in images),
                DataSetError,
                f"{self.files[0]} has no alpha; give it one, or a matte in a folder beside its own",
            )
            box = self._box([image[..., 3:] for image in images])
            yield from (image[box] for image in images)
            return
        alphas = self._alphas(frames)
        box = self._box(alphas)
        size = _size(alphas[0])
        cropped = [alpha[box] for alpha in alphas]
        del alphas  # before the pictures come, which are four times as large
        for image, alpha in zip(images, cropped, strict=True):
            require(
                _size(image) == size,
                DataSetError,
                f"{self.files[0]} is {_size(image)} but its matte {self.mattes[0]} is {size}; give both in one size",
            )
            yield np.concatenate([image[box][..., :3] * alpha, alpha], axis=2)

    def _alphas(self, frames: Sequence[int]) -> list[Float32Array]:
        there = _count(self.mattes)
        require(
            there == len(self),
            DataSetError,
            f"{self.files[0]} has {len(self)} frames but its matte {self.mattes[0]} has {there}; copy both again",
        )
        return list(_read(self.mattes, frames, _as_they_are))

    def _box(self, alphas: Sequence[Float32Array]) -> tuple[slice, slice]:
        """Rows and columns in which any of (H, W, 1) pictures of alpha shows something."""
        sizes = sorted({_size(alpha) for alpha in alphas})
        require(
            len(sizes) == 1,
            DataSetError,
            f"{self.files[0]}: its frames are {' and '.join(sizes)}; give all of a clip in one size",
        )
        most = np.maximum.reduce(alphas)[..., 0]
        require(
            float(most.max()) > 0.5,
            DataSetError,
            f"{self.files[0]}: its alpha shows nothing; take it away, or give it another matte",
        )
        rows, columns = (np.flatnonzero((most > SHOWN).any(axis=axis)) for axis in (1, 0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _read(
    files: tuple[Path, ...], frames: Sequence[int], read: Callable[[Path, Sequence[int]], Iterator[Float32Array]]
) -> Iterator[Float32Array]:
    """Frames as they are asked for; a movie is opened once and read forwards."""
    if len(files) == 1:
        yield from read(files[0], frames)
    else:
        for frame in frames:
            yield from read(files[frame], [0])


def _linear(path: Path, frames: Sequence[int]) -> Iterator[Float32Array]:
    """(H, W, C) each, as the engine takes a plate: scene-linear, premultiplied where there is alpha."""
    with _told(path), PlateReader(Plate(path=str(path)), alone=True) as reader:
        for frame in frames:
            yield reader.read(reader.frames.numbers[frame]).image


def _as_they_are(path: Path, frames: Sequence[int]) -> Iterator[Float32Array]:
    """(H, W, 1) each: a matte's one channel, which no curve may touch."""
    with _told(path), closing(open_source(str(path), "asset", alone=True)) as source:
        numbers = source.frames(None, "asset").numbers
        channels = source.header(numbers[0]).parts[0].channels
        grey = "Y" if "Y" in channels else channels[0]
        for frame in frames:
            yield np.clip(source.pixels(numbers[frame], 0, [grey])[1], 0.0, 1.0)


def _count(files: tuple[Path, ...]) -> int:
    if len(files) > 1 or not is_movie(str(files[0])):
        return len(files)
    with _told(files[0]), closing(open_source(str(files[0]), "asset", alone=True)) as source:
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
