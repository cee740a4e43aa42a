"""A shot that is being looked at: opened once, with its depth limits, and the last frame at the size it is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.depth import DepthLimits, condition, focus_curve
from engine.errors import ShotError, require
from engine.frames import Float32Array, Window, count_colours
from engine.media import DepthImage, fit_depth
from engine.optics import screen_width, strength_curve
from engine.render import Inputs, Report
from engine.render.inputs import RawFrame
from engine.render.limits import shot_limits
from engine.render.pull import FocusPull
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.shot import Depth, LensSettings, Matte, Plate, Shot

__all__ = ["OpenShot", "Proxy"]

MOST_PICKS: Final = 10_000
"""Points whose depth is remembered."""


@dataclass(frozen=True, eq=False)
class Proxy:
    """A frame, made smaller.

    Attributes:
        image: (h, w, C) float32, each pixel the mean of the area that it covers.
        channels: C names.
        disparity: (h, w) float32, of one surface or the other where two meet.
        coverage: (h, w) float32, the matte made smaller; None where the shot has none.
        window: of the full-size frame.
        pixel_aspect: width of a pixel over its height.
        scale: pixels of the proxy for one of the plate, across.
    """

    image: Float32Array
    channels: tuple[str, ...]
    disparity: Float32Array
    coverage: Float32Array | None
    window: Window
    pixel_aspect: float
    scale: float

    @property
    def row_scale(self) -> float:
        """Pixels of the proxy for one of the plate, down."""
        return float(self.image.shape[0] / self.window.height)


class OpenShot:
    """The inputs of a shot, and what was found out about them; shots with the same plate, depth and matte share it.

    Args:
        shot: its plate, depth and matte.

    Raises:
        MediaError: nothing can be read there.
    """

    def __init__(self, shot: Shot) -> None:
        self._sources = _sources(shot)
        self._inputs = Inputs(shot.model_copy(update={"plate": self._sources[0]}))
        self._limits: DepthLimits | None = None
        self._files: dict[int, tuple[str, ...]] = {}
        self._picks: dict[tuple[tuple[str, ...], int, float, float, int], float] = {}
        self._shown: tuple[int, float, Proxy] | None = None

    def close(self) -> None:
        """Let go of the files."""
        self._inputs.close()

    def serves(self, shot: Shot, frame: int) -> bool:
        """Whether the shot has the same plate, depth and matte, and the frame's files are what they were."""
        if _sources(shot) != self._sources or frame not in self._inputs.frames:
            return False
        files = self._inputs.identities(frame)
        return self._files.setdefault(frame, files) == files

    def limits(self, shot: Shot, report: Report, stop: threading.Event) -> DepthLimits:
        """The shot's depth limits; one pass over all frames where they are not given, once.

        Raises:
            DepthRangeError: the depth is all equal, or the limits leave no range.
            CancelledError: ``stop`` was set.
        """
        if self._limits is None:
            self._limits = shot_limits(shot, self._inputs, report, stop)
        return self._limits

    def pull(self, shot: Shot, limits: DepthLimits) -> FocusPull:
        """The shot's focus pull; a pixel key that was read before is not read again.

        Raises:
            KeysError, OpticsError, MediaError: as ``FocusPull.of``.
        """
        focus = focus_curve(shot, limits, self.sampler(limits))
        info = self._inputs.plate.info
        width = screen_width(info.window, info.pixel_aspect)
        return FocusPull(focus, strength_curve(shot, width, limits, focus))

    def sampler(self, limits: DepthLimits) -> Callable[[int, float, float, int], float]:
        """Reads the disparity under a pixel of the display window."""
        read = self._inputs.sampler(limits)

        def sample(frame: int, x: float, y: float, radius: int) -> float:
            files = self._inputs.identities(frame) if frame in self._inputs.frames else ()
            place = (files, frame, x, y, radius)
            found = self._picks.get(place)
            if found is None:
                if len(self._picks) >= MOST_PICKS:
                    self._picks.clear()
                found = self._picks[place] = read(frame, x, y, radius)
            return found

        return sample

    def proxy(self, frame: int, scale: float, limits: DepthLimits, check: Callable[[], None]) -> Proxy:
        """A frame at a scale; the last one is kept.

        Args:
            frame: of the shot.
            scale: up to 1.
            limits: of the shot's depth.
            check: called between steps; it may raise to stop.

        Raises:
            ShotError: the frame is not in the shot.
            MediaError, DepthError: it cannot be read.
        """
        require(
            frame in self._inputs.frames,
            ShotError,
            f"frame: {frame} is not in the shot, which has {self._inputs.frames}; ask for a frame of the shot",
        )
        if self._shown is None or self._shown[:2] != (frame, scale):
            self._shown = None  # its memory goes before the next one's comes
            raw = self._inputs.read(frame)
            check()
            disparity, _ = self._inputs.disparity(raw, limits)
            check()
            plan = self._inputs.edge_plan(limits)
            if plan is not None:
                # By this frame alone: a preview does not read the frames around it.
                disparity = condition(raw.plate.image, count_colours(raw.plate.channels), disparity, plan)
                check()
            disparity = self._inputs.cut_by_matte(disparity, raw.matte)
            self._shown = frame, scale, _reduced(raw, disparity, scale)
        return self._shown[2]


def _sources(shot: Shot) -> tuple[Plate, Depth, Matte | None, LensSettings | None]:
    """What is read, and the lens where distances along the ray are read by its field of view."""
    lens = shot.lens if shot.depth.measured == "ray" else None
    picture = {"extra_layers": (), "light_layers": (), "data_layers": ()}
    return shot.plate.model_copy(update=picture), shot.depth, shot.matte, lens


def _reduced(raw: RawFrame, disparity: Float32Array, scale: float) -> Proxy:
    plate, window = raw.plate, raw.plate.window
    width, height = max(round(window.width * scale), 1), max(round(window.height * scale), 1)
    fit = Fit(window.width, window.height, width, height, width, height, 0, 0)
    own = Window.of_size(window.width, window.height)
    small = fit_depth(DepthImage(disparity, own), Window.of_size(width, height), "scale", raw.frame)
    return Proxy(
        image=fit.shrink(plate.image),
        channels=plate.channels,
        disparity=np.ascontiguousarray(small),
        coverage=None if raw.matte is None else fit.shrink(raw.matte),
        window=window,
        pixel_aspect=plate.pixel_aspect,
        scale=width / window.width,
    )
