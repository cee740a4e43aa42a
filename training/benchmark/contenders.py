"""Who takes part: our own qualities behind the same protocol as the peers."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numba
import numpy as np

from engine.errors import ShotError, require
from engine.frames import Float32Array, PlateFrame
from training.peers import Availability, BlenderDefocus, GeglLensBlur, Peer, Rendering

__all__ = ["CONTENDERS", "OWN", "Rackfocus", "contenders"]


class Rackfocus:
    """The optical renderer in this process.

    Its time is that of the process (``time.process_time``) while the renderer works on frames that lie in memory, on
    one thread, as the peers are measured too: threads that wait for each other would count as work. One frame is
    rendered before the first measurement of each size, so that compilation is out (``warm_up=False`` leaves that
    frame out).
    """

    def __init__(self, quality: Literal["draft", "final"], warm_up: bool = True) -> None:
        self.quality: Literal["draft", "final"] = quality
        self._warm_up = warm_up
        self._warm: set[tuple[int, ...]] = set()

    @property
    def name(self) -> str:
        """As printed in tables."""
        return f"Rackfocus {self.quality}"

    def version(self) -> str:
        """Of this distribution; empty when run from a folder that is not installed."""
        try:
            return version("rackfocus")
        except PackageNotFoundError:
            return ""

    def available(self) -> Availability:
        """Whether this version has the optical renderer."""
        if importlib.util.find_spec("engine.renderers.optical") is None:
            return Availability(False, "this version has no engine.renderers.optical")
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """Render the frames as one shot; each frame is said to have taken the mean of them."""
        from engine.renderers.optical import OpticalRenderer

        if self._warm_up and frames[0].image.shape not in self._warm:
            OpticalRenderer(quality=self.quality).render(frames[0])
            self._warm.add(frames[0].image.shape)
        threads = numba.get_num_threads()
        numba.set_num_threads(1)
        try:
            start = time.process_time()
            rendered = list(map(OpticalRenderer(quality=self.quality).render, frames))
            seconds = (time.process_time() - start) / len(frames)
        finally:
            numba.set_num_threads(threads)
        images: tuple[Float32Array, ...] = tuple(np.asarray(frame.image, dtype=np.float32) for frame in rendered)
        return Rendering(images, (seconds,) * len(frames))


CONTENDERS = ("final", "draft", "gegl", "blender")
"""The names by which contenders are chosen, in the order of the tables."""

OWN = {"Rackfocus final": "final", "Rackfocus draft": "draft"}
"""Those that are ours: the name in tables, and the name to choose it by."""


def contenders(names: Sequence[str] = CONTENDERS, repeats: int = 1) -> tuple[Peer, ...]:
    """The renderers of these names.

    Args:
        names: of :data:`CONTENDERS`.
        repeats: runs of each frame of a peer; the least time counts.

    Raises:
        ShotError: a name is not known.
    """
    unknown = [name for name in names if name not in CONTENDERS]
    require(not unknown, ShotError, f"there is no renderer {', '.join(unknown)}; choose from {', '.join(CONTENDERS)}")
    return tuple(_contender(name, repeats) for name in names)


def _contender(name: str, repeats: int) -> Peer:
    if name == "gegl":
        return GeglLensBlur.measured(repeats)
    if name == "blender":
        return BlenderDefocus.measured(repeats)
    return Rackfocus("draft" if name == "draft" else "final")
