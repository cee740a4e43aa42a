"""Compare a result with its reference, frame by frame, in the memory of one frame."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import ChannelError, MediaError, MissingFrameError
from engine.frames import Float32Array, FrameRange
from engine.media import DepthReader, PlateReader
from engine.shot import Depth, Plate
from training.metrics import SquaredError, decibels, edge_band, paired
from training.metrics.similarity import ssim_of_display
from training.metrics.temporal import TemporalError

__all__ = ["FrameScore", "Scores", "compare", "sequence_in"]

PICTURES: Final = (".exr", ".png", ".tif", ".tiff", ".dpx", ".mov", ".mp4")

_NUMBERED = re.compile(r"^(.*?)(-?\d+)(\.[A-Za-z]+)$")


@dataclass(frozen=True)
class FrameScore:
    """PSNR in decibels and SSIM of one frame."""

    frame: int
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Scores:
    """How near a shot is to its truth; see ``training.metrics`` for each measure.

    Attributes:
        rows: each frame.
        psnr: of the whole shot, squared errors pooled, in decibels; infinite for equal pictures.
        ssim: mean over frames.
        edge_band_psnr: within 12 px of a depth edge; NaN where no depth is known or nothing has an edge.
        temporal_error: NaN for a single frame.
    """

    rows: tuple[FrameScore, ...]
    psnr: float
    ssim: float
    edge_band_psnr: float
    temporal_error: float

    def __bool__(self) -> bool:
        return bool(self.rows)


def compare(result: str, reference: str, disparity: str | None = None, frames: str | None = None) -> Scores:
    """Score the frames that both have, or those asked for.

    Args:
        result, reference: image sequence pattern or movie.
        disparity: sequence of disparity with 1 nearest; the result's own ``disparity.Z`` layer when not given.
        frames: range to compare.

    Raises:
        MediaError: a frame cannot be read. FormatError: the pictures differ in size.
    """
    with PlateReader(Plate(path=result)) as first, PlateReader(Plate(path=reference)) as second:
        both = FrameRange.of(f for f in first.frames if f in second.frames)
        asked = both if frames is None else FrameRange.parse(frames)
        depth = _Disparity(result, disparity)
        return _score(first, second, depth, asked)


def _score(first: PlateReader, second: PlateReader, depth: _Disparity, frames: FrameRange) -> Scores:
    whole, band, change = SquaredError(), SquaredError(), TemporalError()
    rows = []
    for frame in frames:
        pictures = paired(first.read(frame).image, second.read(frame).image)
        error = whole.add(*pictures)
        change.add(*pictures)
        plane = depth.read(frame)
        if plane is not None and plane.shape == pictures[0].shape[:2]:
            band.add(*pictures, edge_band(plane))
        rows.append(FrameScore(frame, decibels(error), ssim_of_display(*pictures)))
    ssim = sum(row.ssim for row in rows) / len(rows) if rows else math.nan
    return Scores(tuple(rows), decibels(whole.mean), ssim, decibels(band.mean), change.mean)


class _Disparity:
    """Disparity of a frame, if it is known."""

    def __init__(self, result: str, given: str | None) -> None:
        self._given = given
        path, channel = (result, "disparity.Z") if given is None else (given, None)
        self._reader: DepthReader | None = None
        try:
            self._reader = DepthReader(Depth(path=path, channel=channel, convention="direct"), Plate(path=path))
        except MediaError:
            if given is not None:
                raise

    def read(self, frame: int) -> Float32Array | None:
        if self._reader is None:
            return None
        try:
            return self._reader.read(frame).values
        except ChannelError:
            if self._given is not None:
                raise
            self._reader = None  # the result was written without the layer: no frame has it
            return None


def sequence_in(place: str) -> str:
    """The image sequence or movie in a folder; a pattern or a file is itself.

    Raises:
        MissingFrameError: the folder holds no pictures, or more than one sequence.
    """
    folder = Path(place)
    if not folder.is_dir():
        return place
    found = sorted(
        {_pattern(file.name) for file in folder.iterdir() if file.suffix.lower() in PICTURES and file.name[0] != "."}
    )
    if len(found) != 1:
        what = "holds no pictures" if not found else f"holds more than one sequence ({', '.join(found[:4])})"
        raise MissingFrameError(f"{place} {what}; name one, like {folder / 'result.%04d.exr'}")
    return str(folder / found[0])


def _pattern(name: str) -> str:
    match = _NUMBERED.match(name)
    if match is None or match[3].lower() in (".mov", ".mp4"):
        return name
    return f"{match[1]}%0{len(match[2].lstrip('-'))}d{match[3]}"
