"""Where windows lie over a shot, and what each of them weighs in each frame.

All indices count from the shot's start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

from engine.errors import ShotError, require

__all__ = ["Ramp", "WindowGrid"]

Ramp = Literal["released", "centred"]
"""How weight passes from a window to the next, j frames into an overlap of n: ``released`` is the published code's
``(1 + cos(pi j / n)) / 2``, whose newer window weighs nothing in its first frame; ``centred`` is
``(1 + cos(pi (j + 1/2) / n)) / 2``, which is the same backwards."""


@dataclass(frozen=True)
class WindowGrid:
    """Windows of equal size over ``length`` frames, each overlapping the one before.

    The windows start at 0, ``hop``, ``2 hop`` ...; the last one is shifted back so that it ends on the last frame. A
    shot shorter than a window has one window, whose missing frames repeat the last one. Weight passes from a window to
    the next over the last ``overlap`` frames of the older one, so that no frame is shared by more than two, and a
    frame's weights sum to one (Any-to-Bokeh, equation 5, with both windows on the shot's own frames).

    Attributes:
        length: frames of the shot, 1 or more.
        size: frames of a window.
        overlap: frames over which two windows are blended, at most half of ``size``; 0 leaves hard borders.
        ramp: see ``Ramp``.

    Raises:
        ShotError: the numbers make no windows.
    """

    length: int
    size: int = 8
    overlap: int = 4
    ramp: Ramp = "released"

    def __post_init__(self) -> None:
        require(self.length >= 1, ShotError, f"a shot of {self.length} frames has no windows; give at least one frame")
        usable = self.size >= 1 and 0 <= 2 * self.overlap <= self.size
        found = f"windows of {self.size} frames cannot overlap by {self.overlap}"
        require(usable, ShotError, f"{found}; the overlap is at most half of the window")

    @property
    def hop(self) -> int:
        """Frames from the start of a window to the start of the next."""
        return self.size - self.overlap

    @property
    def count(self) -> int:
        """Number of windows."""
        return max(1, -(-(self.length - self.overlap) // self.hop))

    def start(self, window: int) -> int:
        """First frame of a window."""
        return max(0, min(window * self.hop, self.length - self.size))

    def frames(self, window: int) -> tuple[int, ...]:
        """The ``size`` frames that a window looks at; the last frame is repeated where the shot is shorter."""
        start = self.start(window)
        return tuple(min(frame, self.length - 1) for frame in range(start, start + self.size))

    def weights(self, frame: int) -> tuple[tuple[int, float], ...]:
        """The windows that a frame is made of, older first, with their weights; those that weigh nothing left out."""
        window = min(frame // self.hop, self.count - 1)
        into_overlap = frame - window * self.hop
        if window == 0 or into_overlap >= self.overlap:
            return ((window, 1.0),)
        older = self._falling(into_overlap)
        both = ((window - 1, older), (window, 1.0 - older))
        return tuple((number, weight) for number, weight in both if weight > 0)

    def windows_of(self, frames: Iterable[int]) -> tuple[int, ...]:
        """The windows that must be computed so that ``frames`` can be made, in order."""
        return tuple(sorted({window for frame in frames for window, _ in self.weights(frame)}))

    def reach(self, frames: Iterable[int]) -> tuple[int, ...]:
        """The frames that those windows look at, in order."""
        return tuple(sorted({frame for window in self.windows_of(frames) for frame in self.frames(window)}))

    def _falling(self, step: int) -> float:
        """Weight of the older window, ``step`` frames into the overlap."""
        shift = 0.5 if self.ramp == "centred" else 0.0
        return (1 + cos(pi * (step + shift) / self.overlap)) / 2
