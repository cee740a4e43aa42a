"""The learned renderer behind the benchmark's protocol."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from engine.errors import RackfocusError
from engine.frames import Float32Array, FrameRange, PlateFrame
from engine.renderers.any_to_bokeh import AnyToBokehRenderer
from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions
from training.peers import Availability, Rendering

__all__ = ["LearnedContender"]


class LearnedContender:
    """Any-to-Bokeh in this process, its networks loaded once.

    Its time is that of the process (``time.process_time``) while frames that lie in memory are rendered: the loading of
    the weights is out, work on a GPU does not show in it.

    Args:
        name: as tables have it.
        options: of the shot document, with weights.
        apart: render each window as a shot of its own, so that none overlaps another; the exposure is still the clip's.
    """

    def __init__(self, name: str, options: AnyToBokehOptions, apart: bool = False) -> None:
        self.name = name
        self._options = options
        self._apart = apart
        self._opened: AnyToBokehRenderer | None = None

    def version(self) -> str:
        """What decides the pixels: weights, precision and behaviour; empty where they cannot be opened."""
        try:
            return f"{open_networks(self._options).identity}{' apart' if self._apart else ''}"
        except RackfocusError:
            return ""

    def available(self) -> Availability:
        """Whether the weights and what runs them are here."""
        try:
            open_networks(self._options)
        except RackfocusError as error:
            return Availability(False, error.message)
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """Render the frames as one shot; each frame is said to have taken the mean of them.

        Raises:
            RackfocusError: the networks cannot be opened or run.
        """
        renderer = self._renderer(frames[0])
        plates = {frame.frame: frame for frame in frames}
        renderer.prepare(lambda number: plates[number].image, FrameRange(tuple(plates)))
        window = 2 * self._options.overlap if self._apart else len(frames)
        start = time.process_time()
        images: list[Float32Array] = []
        for first in range(0, len(frames), window):
            part = frames[first : first + window]
            numbers = FrameRange(tuple(frame.frame for frame in part))
            images += [np.asarray(done.image, np.float32) for done in renderer.stream(part, numbers, numbers)]
        seconds = (time.process_time() - start) / len(frames)
        return Rendering(tuple(images), (seconds,) * len(frames))

    def _renderer(self, frame: PlateFrame) -> AnyToBokehRenderer:
        """The renderer, after one frame that does not count: weights are loaded and code is compiled by it."""
        if self._opened is None:
            self._opened = AnyToBokehRenderer(open_networks(self._options), self._options)
            alone = FrameRange((frame.frame,))
            self._opened.prepare(lambda _: frame.image, alone)
            list(self._opened.stream([frame], alone, alone))
        return self._opened
