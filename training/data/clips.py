"""A set of clips on the disk.

    SET/manifest.json                      how the set was made, and of what
    SET/<clip>/clip.json                   written last: a clip that has it is whole
    SET/<clip>/plate/plate.1001.exr        all in focus, scene-linear, R G B, half
    SET/<clip>/disparity/disparity.1001.exr  Z, float: 1 nearest to 0 farthest, of the frontmost surface
    SET/<clip>/matte-1/matte.1001.exr      A, half: all of element 1 (the nearest), also what others hide
    SET/<clip>/<focusing>/bokeh.1001.exr   the truth for one course of focus and blur, R G B, half
    SET/<clip>/<focusing>/shot.json        a shot document that renders the same

Every picture of a clip is equally large, and files are lossless.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from engine.errors import DataSetError, MissingFrameError, require
from engine.frames import Float32Array
from engine.shot.part import DocumentPart
from training.peers.exr import read_exr

__all__ = ["FIRST_FRAME", "MANIFEST", "Asset", "Clip", "ClipSet", "Focusing", "Manifest", "Matte", "OpenClip"]

MANIFEST: Final = "manifest.json"
CLIP: Final = "clip.json"
FIRST_FRAME: Final = 1001

Document = TypeVar("Document", bound=DocumentPart)


class Asset(DocumentPart):
    """Something that a clip shows.

    Attributes:
        name: of the file below its folder, or of the procedure.
        source: ``procedural``, or the folder that the operator gave.
        licence: what the operator says of the folder; ours are CC0-1.0.
        digest: SHA-256 of the file; empty for a procedure, which the seed tells.
    """

    name: str
    source: str
    licence: str
    digest: str = ""


class Matte(DocumentPart):
    """An element of a clip, by what is known of it.

    Attributes:
        asset: name of the asset that it shows.
        disparity: of its middle, on each frame.
    """

    asset: str
    disparity: tuple[float, ...]


class Focusing(DocumentPart):
    """One course of focus and blur over a clip; it has a folder of its own name.

    Attributes:
        name: like ``element-2-k16`` or ``near-to-far-k12``.
        kind: focus held on an element, swept from the nearest to the farthest or back, or K that changes with the
            focus held.
        element: the element that is in focus, from 1, the nearest; None where it is swept, or on the background.
        focus: d_f on each frame.
        strength: K on each frame, in pixels of the plate.
    """

    name: str
    kind: Literal["held", "near-to-far", "far-to-near", "breathing"]
    element: int | None = None
    focus: tuple[float, ...]
    strength: tuple[float, ...]


class Clip(DocumentPart):
    """One clip: its size, its length, its elements and its focusings.

    Attributes:
        name: of its folder.
        width, height: in pixels.
        frames: how many; numbered from 1001.
        elements: before the background, nearest first.
        focusings: at least one.
        assets: of all that is seen.
    """

    name: str
    width: int = Field(ge=16)
    height: int = Field(ge=16)
    frames: int = Field(ge=1)
    elements: tuple[Matte, ...] = ()
    focusings: tuple[Focusing, ...] = Field(min_length=1)
    assets: tuple[Asset, ...] = ()

    @model_validator(mode="after")
    def _of_one_length(self) -> Clip:
        courses = [e.disparity for e in self.elements] + [c for f in self.focusings for c in (f.focus, f.strength)]
        if any(len(course) != self.frames for course in courses):
            raise ValueError(f"disparity, focus and strength must have one value for each of the {self.frames} frames")
        return self


class Manifest(DocumentPart):
    """How a set was made.

    Attributes:
        format: of the set; 1 today.
        made_by: program and version.
        seed: of everything random.
        recipe: all settings, as given.
        clips: names, in order; those without a ``clip.json`` are not made yet.
        assets: of the whole set.
    """

    format: Literal[1] = 1
    made_by: str
    seed: int
    recipe: dict[str, object]
    clips: tuple[str, ...]
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True)
class OpenClip:
    """A clip and its folder. Indices of frames count from 0.

    Every reader raises ``MissingFrameError`` where there is no file, and ``CorruptError`` where it cannot be read.
    """

    folder: Path
    clip: Clip

    def plate(self, index: int) -> Float32Array:
        """(H, W, 3) float32, scene-linear, all in focus."""
        return self._read("plate", "plate", index)

    def disparity(self, index: int) -> Float32Array:
        """(H, W) float32, 1 nearest to 0 farthest."""
        return self._read("disparity", "disparity", index)[..., 0]

    def matte(self, element: int, index: int) -> Float32Array:
        """(H, W) float32, 0 to 1; elements count from 1, the nearest."""
        return self._read(f"matte-{element}", "matte", index)[..., 0]

    def bokeh(self, focusing: str, index: int) -> Float32Array:
        """(H, W, 3) float32, scene-linear: the truth."""
        return self._read(focusing, "bokeh", index)

    def _read(self, folder: str, stem: str, index: int) -> Float32Array:
        path = self.folder / folder / f"{stem}.{FIRST_FRAME + index}.exr"
        require(path.is_file(), MissingFrameError, f"{path}: there is no such file; make the clip again")
        return read_exr(path)


class ClipSet:
    """A folder of clips, opened.

    Args:
        folder: with a ``manifest.json``.

    Raises:
        DataSetError: it is no set, or its manifest cannot be read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / MANIFEST
        require(
            path.is_file(),
            DataSetError,
            f"{self.folder} is no set of clips, since it has no {MANIFEST}; make one with rackfocus data make",
        )
        self.manifest = _read_document(Manifest, path)

    def __len__(self) -> int:
        return len(self.finished)

    def __iter__(self) -> Iterator[OpenClip]:
        for name in self.finished:
            yield self.open(name)

    @property
    def finished(self) -> tuple[str, ...]:
        """Names of the clips that are whole."""
        return tuple(name for name in self.manifest.clips if (self.folder / name / CLIP).is_file())

    def open(self, name: str) -> OpenClip:
        """A clip by its name.

        Raises:
            DataSetError: it is not in the set, or not whole.
        """
        path = self.folder / name / CLIP
        require(path.is_file(), DataSetError, f"{self.folder} has no finished clip {name}; it has {len(self)} others")
        return OpenClip(path.parent, _read_document(Clip, path))


def _read_document(kind: type[Document], path: Path) -> Document:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataSetError(f"{path}: cannot be read ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataSetError(f"{path}: {place or 'the document'}: {first['msg']}; make the set again") from error
