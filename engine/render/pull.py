"""The focus pull: d_f and K of every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.depth import DepthLimits, focus_curve
from engine.optics import screen_width, strength_curve
from engine.render.inputs import Inputs
from engine.shot import Shot

__all__ = ["FocusPull"]


@dataclass(frozen=True)
class FocusPull:
    """Focal disparity and blur strength, as functions of the frame number.

    Attributes:
        focus: d_f of a frame.
        strength: K of a frame, in rows (pixels of height) of the full-size plate.
    """

    focus: Callable[[float], float]
    strength: Callable[[float], float]

    @classmethod
    def of(cls, shot: Shot, inputs: Inputs, limits: DepthLimits) -> FocusPull:
        """Evaluate the shot's keys; pixel keys read the depth of their own frames.

        Raises:
            KeysError, OpticsError: the keys make no curve, or the lens is none.
            MediaError: the frame of a pixel key cannot be read.
        """
        focus = focus_curve(shot, limits, inputs.sampler(limits))
        width = screen_width(inputs.plate.info.window, inputs.plate.info.pixel_aspect)
        return cls(focus, strength_curve(shot, width, limits, focus))
