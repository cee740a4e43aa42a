"""Elements and backgrounds from folders that the operator has.

A folder of elements holds any of these, at any depth:

* Pictures with alpha: PNG, EXR or TIFF.
* A folder of pictures beside one of their mattes, as AM-2k and AIM-500 have: ``fg`` or ``original``, and ``mask``.
  Where there are pure colours (``fg``), they are preferred to photographs, whose edges hold their own background.
* The same of movies, or of folders of frames, as VideoMatte240K has: ``fgr/0000.mp4`` and ``pha/0000.mp4``, or
  ``fgr/0000/00000.jpg`` and ``pha/0000/00000.jpg``.

A folder of backgrounds holds pictures of any kind; their alpha is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.errors import DataSetError, require
from engine.frames import Float32Array
from engine.media.sequence import is_movie
from training.data.clips import Asset
from training.data.footage import Footage
from training.data.recipe import AssetFolder
from training.scenes.backdrops import Procedural
from training.scenes.props import Prop, PropSource, Rng

__all__ = ["EVERY", "NOT_STATED", "AssetLibrary", "folder_licence"]

EVERY: Final = 4
"""Every so many frames of a clip are taken, as the authors' script does: neighbours hardly differ."""

NOT_STATED: Final = "not stated"
"""The licence of a folder of which nobody says it."""

COLOURS: Final = ("fgr", "fg", "foreground", "original", "image", "images")
MATTES: Final = ("pha", "alpha", "mask", "masks", "matte")
"""Names of two folders that belong together, the preferred ones first."""

WITH_ALPHA: Final = frozenset({".png", ".exr", ".tif", ".tiff"})
STILLS: Final = WITH_ALPHA | {".jpg", ".jpeg", ".dpx"}

_LICENCE: Final = re.compile(r"(licen[cs]e|copying)([._-].*)?", re.IGNORECASE)


class AssetLibrary:
    """Something to show, drawn from folders; made by code where no folder holds any of that kind.

    The folders are listed at once, and in one order everywhere; files are read when they are drawn.

    Args:
        folders: of elements and of backgrounds. The licence of one that states none is the first line of the
            ``LICENCE`` file in it.
        frames: that a clip gives at most.
        every: takes every so many frames of a clip.
        otherwise: what gives things of which there is no folder; procedures if None.

    Raises:
        DataSetError: a folder is missing or holds nothing of its kind, a picture has no matte, or two assets have one
            name.
    """

    def __init__(
        self, folders: Sequence[AssetFolder], frames: int = 1, every: int = EVERY, otherwise: PropSource | None = None
    ) -> None:
        self._frames = frames
        self._every = every
        self._otherwise = otherwise or Procedural()
        found = [entry for folder in folders for entry in _entries(folder)]
        self._elements = [entry for entry in found if entry.folder.holds == "elements"]
        self._backgrounds = [entry for entry in found if entry.folder.holds == "backgrounds"]
        self._by_name: dict[str, _Entry] = {}
        for entry in found:
            other = self._by_name.setdefault(entry.name, entry)
            require(
                other is entry,
                DataSetError,
                f"assets: {entry.folder.path} and {other.folder.path} both hold {entry.name}; rename one of the two",
            )

    def element(self, rng: Rng, width: int) -> Prop:
        """An element: a picture, or those of a clip from a place of its own on; cropped to what its alpha shows.

        Args:
            rng: decides which.
            width: in pixels that it has at most; larger ones are made smaller.

        Raises:
            DataSetError: the file that was drawn cannot be used; names it.
        """
        if not self._elements:
            return self._otherwise.element(rng, width)
        entry = self._elements[int(rng.integers(len(self._elements)))]
        numbers = _chosen(len(entry.footage), self._frames, self._every, rng)
        return Prop(entry.name, tuple(_at_most(picture, width) for picture in entry.footage.cut_outs(numbers)))

    def background(self, rng: Rng, width: int) -> Prop:
        """A background, opaque; arguments and errors as for :meth:`element`."""
        if not self._backgrounds:
            return self._otherwise.background(rng, width)
        entry = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        return Prop(entry.name, (_at_most(_opaque(entry), width),))

    def asset(self, name: str) -> Asset | None:
        """What a manifest says of the prop of that name; None if it came from no folder."""
        entry = self._by_name.get(name)
        if entry is None:
            return None
        folder = entry.folder
        licence = folder.licence.strip() or folder_licence(Path(folder.path))
        return Asset(name=name, source=folder.path, licence=licence, digest=entry.footage.digest())

    def check(self) -> None:
        """Read all that may be drawn, of clips the first frame.

        Raises:
            DataSetError: something cannot be used; names the first such file.
        """
        for entry in self._elements:
            list(entry.footage.cut_outs([0]))
        for entry in self._backgrounds:
            _opaque(entry)


def folder_licence(folder: Path) -> str:
    """The first line of the ``LICENCE`` file in a folder, and the file's name; ``not stated`` if there is none."""
    for path in _listed(folder):
        if _LICENCE.fullmatch(path.name) and path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            said = next((line.strip() for line in lines if line.strip()), NOT_STATED)
            return f"{said[:120]} ({path.name})"
    return NOT_STATED


@dataclass(frozen=True, eq=False)
class _Entry:
    """One asset; its name is its path from the folder on, with the folder's own name before it."""

    name: str
    folder: AssetFolder
    footage: Footage


def _entries(folder: AssetFolder) -> list[_Entry]:
    root = Path(folder.path)
    require(root.is_dir(), DataSetError, f"assets: there is no folder {root}; correct its path")
    elements = folder.holds == "elements"
    found = list(_cut_out_footage(root) if elements else ((path, Footage((path,))) for path in _stills(root)))
    wanted = (
        "pictures with alpha (PNG, EXR, TIFF), or a folder of pictures beside one of mattes" if elements else "pictures"
    )
    require(bool(found), DataSetError, f"assets: {root} holds no {folder.holds}; put {wanted} there")
    return [_Entry(f"{root.resolve().name}/{path.relative_to(root).as_posix()}", folder, f) for path, f in found]


def _stills(root: Path, suffixes: frozenset[str] = STILLS) -> Iterator[Path]:
    for path in _listed(root):
        if path.is_dir():
            yield from _stills(path, suffixes)
        elif path.suffix.lower() in suffixes:
            yield path


def _cut_out_footage(folder: Path) -> Iterator[tuple[Path, Footage]]:
    """Pairs where there are two folders that belong together, else pictures with alpha, here and below."""
    inside = {path.name.lower(): path for path in _listed(folder) if path.is_dir()}
    colours, mattes = (next((inside[n] for n in names if n in inside), None) for names in (COLOURS, MATTES))
    if colours is not None and mattes is not None:
        yield from _pairs(colours, mattes)
        return
    for path in _listed(folder):
        if path.is_dir():
            yield from _cut_out_footage(path)
        elif path.suffix.lower() in WITH_ALPHA:
            yield path, Footage((path,))


def _pairs(colours: Path, mattes: Path) -> Iterator[tuple[Path, Footage]]:
    """What lies in one folder with what is called alike in the other."""
    alpha = {path.stem: path for path in _listed(mattes) if _is_footage(path)}
    for path in filter(_is_footage, _listed(colours)):
        require(
            path.stem in alpha,
            DataSetError,
            f"{path} has no matte; put one called {path.stem} into {mattes}, or take the picture away",
        )
        yield path, Footage(_files(path), _files(alpha[path.stem]))


def _is_footage(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in STILLS or is_movie(path.name)


def _files(path: Path) -> tuple[Path, ...]:
    """A file, or the frames in a folder."""
    if path.is_file():
        return (path,)
    frames = tuple(file for file in _listed(path) if file.suffix.lower() in STILLS)
    require(bool(frames), DataSetError, f"{path} holds no frames; put pictures there, or take it away")
    return frames


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, in the order of names that every system has; nothing hidden."""
    try:
        return sorted((path for path in folder.iterdir() if path.name[:1] != "."), key=lambda path: path.name)
    except OSError as error:
        raise DataSetError(f"assets: {folder} cannot be read ({error.strerror}); check its permissions") from error


def _chosen(there: int, frames: int, every: int, rng: Rng) -> list[int]:
    """Numbers of frames, ``every`` apart, from a random one on; as many as there are room for."""
    step = min(every, max(there // max(frames, 1), 1))
    count = min(frames, -(-there // step))
    start = int(rng.integers(there - (count - 1) * step))
    return [start + k * step for k in range(count)]


def _opaque(entry: _Entry) -> Float32Array:
    (image,) = entry.footage.colours([0])
    return np.concatenate([image, np.ones((*image.shape[:2], 1), np.float32)], axis=2)


def _at_most(picture: Float32Array, width: int) -> Float32Array:
    """The picture, made smaller by the mean over areas if it is wider."""
    height, there = picture.shape[:2]
    if there <= width:
        return np.ascontiguousarray(picture)
    size = oiio.ROI(0, width, 0, max(1, round(height * width / there)), 0, 1, 0, picture.shape[2])
    small = oiio.ImageBufAlgo.resize(oiio.ImageBuf(np.ascontiguousarray(picture)), filtername="box", roi=size)
    made = np.asarray(small.get_pixels(oiio.FLOAT), np.float32)
    # The filter's weights sum to one but for rounding.
    made[..., 3] = np.clip(made[..., 3], 0.0, 1.0)
    return made
