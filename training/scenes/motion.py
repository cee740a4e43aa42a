"""How an element or the camera moves through space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion"]


@dataclass(frozen=True)
class Motion:
    """A straight path in space, at constant speed or from rest to rest, with an optional sway and turn.

    Screen measures are in frame widths from the middle of the frame, x to the right and y downwards.

    Attributes:
        x, y, disparity: the middle of the element at time 0.
        drift: (x, y) speed on screen at time 0, per frame.
        approach: share of the starting distance travelled towards the camera, per frame; negative moves away.
        angle_start: rotation in the plane, in radians, clockwise on screen.
        turn: change of that rotation per frame.
        sway: (x, y) amplitude of a slow swing on screen; ``sway_angle`` is the same for the rotation.
        period: of the swing, in frames.
        phase: of the swing at time 0, in radians.
        eased: frames from rest to rest over which drift, approach and turn go on, each as far as they would have gone
            at constant speed; before and after it stands. 0 is constant speed for ever.
    """

    x: float
    y: float
    disparity: float
    drift: tuple[float, float] = (0.0, 0.0)
    approach: float = 0.0
    angle_start: float = 0.0
    turn: float = 0.0
    sway: tuple[float, float] = (0.0, 0.0)
    sway_angle: float = 0.0
    period: float = 48.0
    phase: float = 0.0
    eased: float = 0.0

    def _travelled(self, time: float) -> float:
        """The time at constant speed that is as far on the way."""
        if self.eased <= 0.0:
            return time
        share = min(max(time / self.eased, 0.0), 1.0)
        return self.eased * share * share * (3.0 - 2.0 * share)

    def _swing(self, time: float) -> float:
        return float(np.sin(2.0 * np.pi * time / self.period + self.phase) - np.sin(self.phase))

    def offset(self, time: float) -> NDArray[np.float64]:
        """(x, y, z) travelled since time 0; x and y in frame widths at disparity 1, z in nearest distances."""
        swing = self._swing(time)
        travelled = self._travelled(time)
        distance = 1.0 / self.disparity
        return np.array(
            [
                (self.drift[0] * travelled + self.sway[0] * swing) * distance,
                (self.drift[1] * travelled + self.sway[1] * swing) * distance,
                -self.approach * travelled * distance,
            ]
        )

    def position(self, time: float, focal_length: float) -> NDArray[np.float64]:
        """(x, y, z) in space, where screen offset q at disparity d is ``(q_x, q_y, focal_length) / d``."""
        start = np.array([self.x, self.y, 1.0]) / self.disparity
        return np.asarray((start + self.offset(time)) * np.array([1.0, 1.0, focal_length]))

    def angle(self, time: float) -> float:
        """Rotation in the plane, in radians."""
        return self.angle_start + self.turn * self._travelled(time) + self.sway_angle * self._swing(time)
