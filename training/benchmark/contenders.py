"""Who takes part: our own qualities behind the same protocol as the peers."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numba
import numpy as np

from engine.depth import EdgePlan, EdgeSurvey, clean_edges
from engine.depth import conditioned as stream_conditioned
from engine.errors import ShotError, require
from engine.frames import Float32Array, FrameRange, PlateFrame, count_colours
from engine.shot import Depth
from training.peers import Availability, BlenderDefocus, GeglLensBlur, Peer, PlainScatter, Rendering

__all__ = [
    "CONTENDERS",
    "DEPTH_CONTENDERS",
    "NAMES",
    "OWN",
    "Edges",
    "Rackfocus",
    "conditioned",
    "contenders",
    "edge_plan",
]

Edges = Literal["auto", "exact"]
"""Whether depth edges are conditioned before rendering, as users have it, or taken as they are."""

LOOKS = 5
"""Frames in which the edges are measured, as in a render."""


def edge_plan(frames: Sequence[PlateFrame], edges: Edges, *, half: bool = False) -> EdgePlan | None:
    """What a render would do to the edges of a shot's depth; None leaves them."""
    if edges == "exact":
        return None
    survey = EdgeSurvey()
    for frame in frames[:: max(len(frames) // LOOKS, 1)]:
        survey.add(frame.image, count_colours(frame.channels), frame.disparity)
    return EdgePlan.of(survey.quality(), Depth(), half=half)


def conditioned(frames: Sequence[PlateFrame], plan: EdgePlan | None) -> Iterator[PlateFrame]:
    """The frames with conditioned depth, as a render's stream gives them."""
    numbers = FrameRange.of(frame.frame for frame in frames)
    return stream_conditioned(frames, numbers, numbers, plan)


class Rackfocus:
    """The optical renderer in this process.

    Its time is that of the process (``time.process_time``) while the renderer works on frames that lie in memory, on
    one thread, as the peers are measured too: threads that wait for each other would count as work. One frame is
    rendered before the first measurement of each size, so that compilation is out (``warm_up=False`` leaves that
    frame out). Conditioning the depth is a part of the work and of its time; cleaning its antialiased edges, and
    measuring the shot, which a render does once, are not.
    """

    def __init__(self, quality: Literal["draft", "final"], warm_up: bool = True, edges: Edges = "auto") -> None:
        self.quality: Literal["draft", "final"] = quality
        self.edges: Edges = edges
        self._warm_up = warm_up
        self._warm: set[tuple[tuple[int, ...], bool]] = set()

    @property
    def name(self) -> str:
        """As printed in tables."""
        return f"Rackfocus {self.quality}" + (" unrepaired" if self.edges == "exact" else "")

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

        frames = [replace(frame, disparity=clean_edges(frame.disparity)) for frame in frames]
        plan = edge_plan(frames, self.edges, half=self.quality == "draft")
        if self._warm_up and (frames[0].image.shape, plan is None) not in self._warm:
            OpticalRenderer(quality=self.quality).render(next(conditioned(frames[:1], plan)))
            self._warm.add((frames[0].image.shape, plan is None))
        threads = numba.get_num_threads()
        numba.set_num_threads(1)
        try:
            start = time.process_time()
            rendered = list(map(OpticalRenderer(quality=self.quality).render, conditioned(frames, plan)))
            seconds = (time.process_time() - start) / len(frames)
        finally:
            numba.set_num_threads(threads)
        images: tuple[Float32Array, ...] = tuple(np.asarray(frame.image, dtype=np.float32) for frame in rendered)
        return Rendering(images, (seconds,) * len(frames))


CONTENDERS = ("final", "draft", "gegl", "blender")
"""The names by which contenders are chosen, in the order of the tables."""

DEPTH_CONTENDERS = ("final", "draft", "scatter", "gegl", "blender")
"""Those that are measured on spoiled depth when none are named."""

NAMES = (*CONTENDERS, "scatter", "final-unrepaired", "draft-unrepaired")
"""All that can be asked for."""

OWN = {
    "Rackfocus final": "final",
    "Rackfocus draft": "draft",
    "Rackfocus final unrepaired": "final-unrepaired",
    "Rackfocus draft unrepaired": "draft-unrepaired",
}
"""Those that are ours: the name in tables, and the name to choose it by."""


def contenders(names: Sequence[str] = CONTENDERS, repeats: int = 1) -> tuple[Peer, ...]:
    """The renderers of these names.

    Args:
        names: of :data:`NAMES`.
        repeats: runs of each frame of an outside program; the least time counts.

    Raises:
        ShotError: a name is not known.
    """
    unknown = [name for name in names if name not in NAMES]
    require(not unknown, ShotError, f"there is no renderer {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    return tuple(_contender(name, repeats) for name in names)


def _contender(name: str, repeats: int) -> Peer:
    if name == "gegl":
        return GeglLensBlur.measured(repeats)
    if name == "blender":
        return BlenderDefocus.measured(repeats)
    if name == "scatter":
        return PlainScatter()
    quality, _, unrepaired = name.partition("-")
    return Rackfocus("draft" if quality == "draft" else "final", edges="exact" if unrepaired else "auto")
