"""How rendered stereo sets lie on the disk: left pictures and their depth, in runs of consecutive frames.

* TartanAir: ``<place>/<level>/P000/image_left/000000_left.png`` beside ``depth_left/000000_left_depth.npy``, metres
  along the optical axis, 10000 or so for the sky (castacks/tartanair_tools, data_type.md).
* IRS: ``<kind>/<scene>/l_00001.png`` beside ``d_00001.exr``, disparity in pixels, which is one over the distance but
  for a factor (HKBU-HPML/IRS, its lists and loaders).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from engine.errors import DataSetError, MediaError, require
from engine.frames import Float32Array
from engine.media.images import read_header, read_pixels

__all__ = ["LAYOUTS", "Layout", "Pair", "Run", "runs_in"]

Layout = Literal["irs", "tartanair"]


@dataclass(frozen=True)
class _Names:
    """Where a layout has its files, from the folder of a run on.

    Attributes:
        image, depth: patterns of the paths, with the number as a group.
        convention: of the depth, as the shot document names it.
    """

    image: re.Pattern[str]
    depth: str
    convention: Literal["distance", "inverse"]


LAYOUTS: Final[dict[Layout, _Names]] = {
    "tartanair": _Names(
        re.compile(r"(?P<run>(?:.*/)?)image_left/(?P<number>\d+)_left\.png"),
        "{run}depth_left/{number}_left_depth.npy",
        "distance",
    ),
    "irs": _Names(re.compile(r"(?P<run>(?:.*/)?)l_(?P<number>\d+)\.png"), "{run}d_{number}.exr", "inverse"),
}


@dataclass(frozen=True)
class Pair:
    """A frame: its number, its left picture and its depth."""

    number: int
    image: Path
    depth: Path

    def values(self) -> Float32Array:
        """(H, W) float32, as the file has them.

        Raises:
            DataSetError: the file is missing, damaged, or no map.
        """
        require(self.depth.is_file(), DataSetError, f"{self.image} has no depth {self.depth}; copy it again")
        try:
            values = _read_array(self.depth) if self.depth.suffix == ".npy" else _read_channel(self.depth)
        except (MediaError, OSError, ValueError, EOFError) as error:
            raise DataSetError(f"{self.depth} cannot be read ({error}); copy it again") from error
        require(values.ndim == 2, DataSetError, f"{self.depth} has the shape {values.shape}, which is no map of depth")
        return values.astype(np.float32)


@dataclass(frozen=True)
class Run:
    """Frames without a gap, of one folder.

    Attributes:
        name: of the folder below the set's, with hyphens; empty for the set's own.
        pairs: in order.
    """

    name: str
    pairs: tuple[Pair, ...]


def runs_in(source: Path, layout: Layout) -> list[Run]:
    """All runs of a set, by name and number.

    Raises:
        DataSetError: there is no such folder, or nothing of this layout in it.
    """
    require(source.is_dir(), DataSetError, f"there is no folder {source}; correct its path")
    names = LAYOUTS[layout]
    found: dict[str, list[Pair]] = {}
    for path in source.rglob("*.png"):
        match = names.image.fullmatch(path.relative_to(source).as_posix())
        if match is not None:
            depth = source / names.depth.format(**match.groupdict())
            found.setdefault(match["run"], []).append(Pair(int(match["number"]), path, depth))
    require(
        bool(found),
        DataSetError,
        f"{source} holds no set in the layout {layout}, which has pictures like {_EXAMPLES[layout]}; "
        "give its top folder, or another layout",
    )
    return [
        Run(name.strip("/").replace("/", "-"), pairs)
        for name in sorted(found)
        for pairs in _without_gaps(sorted(found[name], key=lambda pair: pair.number))
    ]


_EXAMPLES: Final[dict[Layout, str]] = {
    "tartanair": "P000/image_left/000000_left.png",
    "irs": "Home/scene/l_00001.png",
}


def _without_gaps(pairs: list[Pair]) -> Iterator[tuple[Pair, ...]]:
    begin = 0
    for end in range(1, len(pairs) + 1):
        if end == len(pairs) or pairs[end].number != pairs[end - 1].number + 1:
            yield tuple(pairs[begin:end])
            begin = end


def _read_array(path: Path) -> Float32Array:
    return np.asarray(np.load(path, allow_pickle=False), np.float32)


def _read_channel(path: Path) -> Float32Array:
    channels = read_header(path).parts[0].channels
    return read_pixels(path, 0, ["R" if "R" in channels else channels[0]])[1][..., 0]
