"""Renderers that need nothing: one hands back the plate, one is a plain blur, one fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import DependencyError
from engine.frames import PlateFrame
from training.peers import Availability, Rendering


class Sharp:
    """The plate itself, in the place of our own final quality or of a peer."""

    def __init__(self, name: str) -> None:
        self.name = name

    def version(self) -> str:
        return "1"

    def available(self) -> Availability:
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        return Rendering(tuple(frame.image for frame in frames), (0.25,) * len(frames))


class Blurred(Sharp):
    """Every pixel the mean of its neighbourhood, however far it is from focus."""

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        images = []
        for frame in frames:
            moved = [np.roll(frame.image, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
            images.append(np.mean(moved, axis=0, dtype=np.float32))
        return Rendering(tuple(images), (0.5,) * len(frames))


class Failing(Sharp):
    """Found, but stops."""

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        raise DependencyError(f"{self.name} ended with status {len(frames[:1])}")


class Missing(Sharp):
    """Not on this machine."""

    def available(self) -> Availability:
        return Availability(False, "install it with: apt install missing")
