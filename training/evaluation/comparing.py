"""Compare a finished shot with its reference, frame by frame, in the memory of one frame."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import ChannelError, FormatError, MediaError, MissingFrameError, require
from engine.frames import Float32Array, FrameRange
from engine.media import DepthReader, PlateReader
from engine.media.encoding import display_image
from engine.media.finding import find
from engine.shot import Depth, Plate
from training.benchmark.table import Rows, finite, number
from training.evaluation.scoring import FrameScore, ShotMeasures
from training.metrics import decibels, paired

__all__ = ["Evaluation", "evaluate", "sequence_in"]

DISPARITY_LAYER = "disparity.Z"
"""The layer in which a result carries its own disparity, where it was asked for."""


@dataclass(frozen=True)
class Evaluation:
    """How near a shot is to its reference; see :mod:`training.metrics` for each measure.

    Attributes:
        frames: each frame, in order.
        psnr, edge_psnr: of the shot, squared errors pooled before the logarithm.
        ssim: mean over the frames.
        temporal: mean over all pairs of neighbouring frames.
    """

    frames: tuple[FrameScore, ...]
    psnr: float
    ssim: float
    edge_psnr: float
    temporal: float

    def rows(self) -> Rows:
        """A header, a row for each frame, and one for the shot."""
        lines = [(str(s.frame), *_cells(s)) for s in self.frames]
        return (("frame", "PSNR dB", "SSIM", "edge PSNR dB", "temporal"), *lines, ("shot", *_cells(self)))

    def to_json(self) -> str:
        """A JSON object of the shot's numbers and a list of the frames'; what is not finite is null."""
        whole = {key: finite(getattr(self, key)) for key in _MEASURES}
        frames = [{"frame": s.frame, **{key: finite(getattr(s, key)) for key in _MEASURES}} for s in self.frames]
        return json.dumps({**whole, "frames": frames}, indent=2)


_MEASURES = ("psnr", "ssim", "edge_psnr", "temporal")


def _cells(scores: FrameScore | Evaluation) -> tuple[str, str, str, str]:
    return (
        number(scores.psnr, 2),
        number(scores.ssim, 4),
        number(scores.edge_psnr, 2),
        number(scores.temporal, 5),
    )


def evaluate(
    result: str | Path, reference: str | Path, disparity: str | Path | None = None, frames: FrameRange | None = None
) -> Evaluation:
    """Compare the frames that two shots have in common.

    Pictures are compared over the display window: overscan does not count, and what a data window leaves out is black.

    Args:
        result, reference: each a folder with one image sequence, a pattern (``%04d``, ``####``, ``$F4``), a single
            picture or a movie. PNG and movies are taken to scene-linear as :mod:`engine.media` does for a plate.
        disparity: the same, of disparity with 1 nearest, for the edge band; the result's own ``disparity.Z`` layer if
            None, and no edge band where it has none.
        frames: those to compare; all in common if None.

    Raises:
        MediaError: a frame is missing or cannot be read, or there is none in common.
        FormatError: two pictures differ in size.
    """
    with ExitStack() as stack:
        ours = stack.enter_context(PlateReader(Plate(path=sequence_in(result)), alone=True))
        truth = stack.enter_context(PlateReader(Plate(path=sequence_in(reference)), alone=True))
        depth = _Disparity(sequence_in(result), None if disparity is None else sequence_in(disparity), stack)
        chosen = frames or FrameRange.of(frame for frame in ours.frames if frame in truth.frames)
        require(
            len(chosen) > 0,
            MissingFrameError,
            f"{result} has frames {ours.frames} and {reference} has {truth.frames}; they need one in common",
        )
        return _score(ours, truth, depth, chosen)


def _score(ours: PlateReader, truth: PlateReader, depth: _Disparity, frames: FrameRange) -> Evaluation:
    measures = ShotMeasures()
    for frame in frames:
        first, second = ours.read(frame), truth.read(frame)
        result, goal = paired(display_image(first.image, first.window), display_image(second.image, second.window))
        measures.add(frame, result, goal, depth.read(frame, result.shape[:2]))
    return Evaluation(
        tuple(measures.frames),
        decibels(measures.squared_error),
        measures.ssim,
        decibels(measures.edge_squared_error),
        measures.motion.mean,
    )


class _Disparity:
    """Where the depth edges of a frame are, if that is known."""

    def __init__(self, result: str, given: str | None, stack: ExitStack) -> None:
        self._given = given
        self._reader: DepthReader | None = None
        depth = Depth(path=given or result, channel=None if given else DISPARITY_LAYER, convention="direct")
        try:
            self._reader = stack.enter_context(DepthReader(depth, Plate(path=given or result), alone=True))
        except MediaError:
            # A result without a disparity layer has no known edges; a disparity that was asked for must be there.
            if given is not None:
                raise

    def read(self, frame: int, shape: tuple[int, ...]) -> Float32Array | None:
        """(H, W), or None where no disparity is known."""
        if self._reader is None:
            return None
        try:
            depth = self._reader.read(frame)
        except ChannelError:
            if self._given is not None:
                raise
            return None
        disparity = display_image(depth.values[:, :, None], depth.window)[:, :, 0]
        require(
            disparity.shape == shape,
            FormatError,
            f"frame {frame}: the disparity is {disparity.shape[1]}x{disparity.shape[0]} but the pictures are "
            f"{shape[1]}x{shape[0]}; give the disparity at their size",
        )
        return np.asarray(np.nan_to_num(disparity), dtype=np.float32)


def sequence_in(place: str | Path) -> str:
    """The pattern of the one image sequence in a folder, or its one movie; a pattern or a file stays as it is.

    Raises:
        MissingFrameError: the folder holds no pictures, or several sequences.
    """
    return str(find(str(place), "path").pattern) if Path(place).is_dir() else str(place)
