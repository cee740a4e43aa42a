"""The measures of one shot, a frame at a time, in the memory of one frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.frames import Float32Array
from training.benchmark.table import mean
from training.metrics import SquaredError, TemporalError, decibels, edge_band, ssim_of_display

__all__ = ["FrameScore", "ShotMeasures"]


@dataclass(frozen=True)
class FrameScore:
    """One frame. NaN where a measure is not defined.

    Attributes:
        frame: its number.
        squared_error, edge_squared_error: mean over the frame, and near its depth edges, of display values.
        ssim: see :mod:`training.metrics`.
        temporal: error from the frame before it to this one.
    """

    frame: int
    squared_error: float
    edge_squared_error: float
    ssim: float
    temporal: float

    @property
    def psnr(self) -> float:
        """Decibels; infinite for equal pictures."""
        return decibels(self.squared_error)

    @property
    def edge_psnr(self) -> float:
        """Decibels near depth edges."""
        return decibels(self.edge_squared_error)


class ShotMeasures:
    """Running measures of a shot, fed in its order.

    Attributes:
        frames: the scores so far.
        motion: between neighbouring frames.
    """

    def __init__(self) -> None:
        self.frames: list[FrameScore] = []
        self.motion = TemporalError()
        self._whole, self._edges = SquaredError(), SquaredError()

    def add(self, frame: int, result: Float32Array, goal: Float32Array, disparity: Float32Array | None) -> FrameScore:
        """Add a frame.

        Args:
            frame: its number.
            result, goal: (H, W, C) in display values, of one size.
            disparity: (H, W), 1 nearest, of the truth; None where no depth edges are known.
        """
        near = None if disparity is None else edge_band(disparity)
        score = FrameScore(
            frame,
            squared_error=self._whole.add(result, goal),
            edge_squared_error=math.nan if near is None else self._edges.add(result, goal, near),
            ssim=ssim_of_display(result, goal),
            temporal=self.motion.add(result, goal),
        )
        self.frames.append(score)
        return score

    @property
    def squared_error(self) -> float:
        """Of the shot, pooled over frames, pixels and channels."""
        return self._whole.mean

    @property
    def edge_squared_error(self) -> float:
        """The same near depth edges; NaN where none are known."""
        return self._edges.mean

    @property
    def ssim(self) -> float:
        """Mean over the frames."""
        return mean(score.ssim for score in self.frames)
