"""Turns at Numba's kernels.

Numba's ``workqueue`` threading layer, the only one where no OpenMP is found, ends the process when two threads start
parallel kernels at the same time (Numba 0.61). There a render and a preview take turns, a frame at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame
from engine.renderers import Renderer

__all__ = ["Kernels", "RenderTurn"]


class Kernels:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._turn = threading.Lock()

    def turn(self) -> AbstractContextManager[object]:
        """A turn, where turns are taken."""
        return self._turn if self.take_turns else nullcontext()

    @property
    def take_turns(self) -> bool:
        """Whether only one thread at a time may run kernels."""
        with self._asking:  # the layer is known after the first kernel, and two threads must not both run that
            return self._take_turns

    @cached_property
    def _take_turns(self) -> bool:
        import numba
        import numpy as np

        from engine.depth import clean_edges

        clean_edges(np.zeros((8, 8), np.float32))
        return bool(numba.threading_layer() == "workqueue")  # type: ignore[attr-defined]


class RenderTurn:
    """A render's turns: the first lasts until it starts its first frame, then there is one for each frame."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._lock = threading.Lock()
        self._opening: AbstractContextManager[object] | None = None

    def __enter__(self) -> RenderTurn:
        opening = self._kernels.turn()
        opening.__enter__()
        self._opening = opening
        return self

    def __exit__(self, *_: object) -> None:
        self.started()

    def started(self) -> None:
        """End the first turn."""
        with self._lock:
            opening, self._opening = self._opening, None
        if opening is not None:
            opening.__exit__(None, None, None)

    def taken_by(self, renderer: Renderer) -> Renderer:
        """The renderer, which takes a turn for each frame."""
        return _TakingTurns(renderer, self._kernels) if self._kernels.take_turns else renderer


class _TakingTurns:
    def __init__(self, renderer: Renderer, kernels: Kernels) -> None:
        self._renderer = renderer
        self._kernels = kernels

    @property
    def identity(self) -> str:
        return self._renderer.identity

    def prepare(self, look: Callable[[int], Float32Array], within: FrameRange) -> None:
        self._renderer.prepare(look, within)

    def reach(self, frames: FrameRange, within: FrameRange) -> FrameRange:
        return self._renderer.reach(frames, within)

    def cancel(self) -> None:
        self._renderer.cancel()

    def stream(self, plates: Iterable[PlateFrame], frames: FrameRange, within: FrameRange) -> Iterator[RenderedFrame]:
        rendered = iter(self._renderer.stream(plates, frames, within))
        while True:
            with self._kernels.turn():
                made = next(rendered, None)
            if made is None:
                return
            yield made
