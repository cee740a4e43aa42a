"""A shot's plate, depth and matte, opened: from files to frames that a renderer takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from engine.cancelling import Cancel
from engine.depth import (
    DepthLimits,
    EdgePlan,
    EdgeQuality,
    clean_edges,
    condition,
    cut_by_matte,
    find_limits,
    sample_disparity,
    to_disparity,
)
from engine.errors import DepthError, KeysError, MediaError, require
from engine.frames import Float32Array, FrameRange, PlateFrame, Window, count_colours
from engine.media import (
    DepthImage,
    DepthReader,
    MatteImage,
    MatteReader,
    PlateReader,
    fit_depth,
    fit_matte,
)
from engine.media.overwriting import takes_one_picture
from engine.media.windows import laid_on, placed_beside
from engine.notices import Notice
from engine.render.digest import file_identity
from engine.render.keys import keys_outside, require_inside
from engine.render.looked import Looked, look_over, spread
from engine.render.plausible import Facts, implausible
from engine.render.raw_frame import RawFrame, alpha_of, have_one_size, unseen_places
from engine.render.report import EdgesMeasured, Opened
from engine.render.stages import waited
from engine.shot import Shot

if TYPE_CHECKING:
    from engine.render.pull import FocusPull

__all__ = ["Inputs", "RawFrame"]

T = TypeVar("T")


class Inputs:
    """Plate, depth and matte of a shot; a context manager that closes them.

    Args:
        shot: whose they are.
        cancel: ends the reads of the calling thread early, all but ``read`` itself; they are waited for when not given.

    Attributes:
        frames: of the shot.
        plate, depth: the two readers.
        matte: the reader of the matte; None where the shot has none.

    Raises:
        MediaError: nothing can be read there.
    """

    def __init__(self, shot: Shot, cancel: Cancel | None = None) -> None:
        self._shot = shot
        self._cancel = cancel
        with ExitStack() as opened:
            alone = takes_one_picture(shot.output, shot.plate)
            looks_at_several = shot.renderer.name == "any-to-bokeh"
            self.plate = opened.enter_context(PlateReader(shot.plate, alone, one_window=looks_at_several))
            self.depth = opened.enter_context(DepthReader(shot.depth, shot.plate, alone, shot.lens))
            self.matte = None
            if shot.matte is not None:
                self.matte = opened.enter_context(MatteReader(shot.matte, shot.plate, alone))
            self._opened = opened.pop_all()
        self.frames: FrameRange = self.plate.frames
        self._looked: Looked | None = None

    def __enter__(self) -> Inputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._opened.close()

    def opened(self) -> Opened:
        """Which channels of which files are taken for what."""
        depth = self.depth.taken if self._shot.depth.path else f"{self.depth.taken} beside it"
        taken = [f"plate: {self.plate.taken}", f"depth: {depth}"]
        taken += [] if self.matte is None else [f"matte: {self.matte.taken}"]
        return Opened("; ".join(taken))

    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of these files before the first frame."""
        found = [*self.plate.notices, *self.depth.notices, *self.depth.apart(self.frames)]
        if self.matte is not None:
            found += [*self.matte.notices, *self.matte.apart(self.frames)]
        return (*found, *keys_outside(self._shot, self.frames))

    def read(self, frame: int) -> RawFrame:
        """Decode one frame; no Numba runs here, so that it can happen while another frame is rendered.

        Raises:
            MediaError, DepthSizeError, MatteError: the frame's files are missing, damaged, or do not fit each other.
        """
        plate = self.plate.read(frame)
        depth = self.depth.read(frame)
        theirs, ours = placed_beside(depth.window, plate.stored), plate.window
        values = fit_depth(replace(depth, window=theirs), ours, self._shot.depth.fit, frame)
        beside = None if depth.alpha is None or not have_one_size(theirs, ours) else laid_on(depth.alpha, theirs, ours)
        alpha = alpha_of(plate) if beside is None else beside
        empty = unseen_places(plate, theirs)
        raw = RawFrame(frame, plate, values, alpha, depth.held, empty=empty, zeros=depth.zeros)
        if self.matte is None:
            return raw
        matte = self.matte.read(frame)
        coverage = fit_matte(replace(matte, window=placed_beside(matte.window, plate.stored)), ours, frame)
        return replace(raw, matte=coverage, matte_repaired=matte.repaired, matte_held=matte.held)

    def check(self, frame: int, apart: Callable[[], AbstractContextManager[None]] = nullcontext[None]) -> Window | None:
        """Look at one frame's headers; gives the plate's windows, None where ``apart`` kept its error.

        Args:
            frame: of the shot.
            apart: makes the context in which each of plate, depth and matte is looked at; it may keep errors.

        Raises:
            MediaError, DepthSizeError, MatteError: what ``read`` would raise for them.
            FrameSizeError: the plate has another size than the first, and the renderer looks at both.
        """
        plate: Window | None = None
        with apart():
            plate = self.plate.check(frame)
        with apart():
            window = self.depth.check(frame)
            if plate is not None and self._shot.depth.fit != "scale":
                window = placed_beside(window, plate)
                fit_depth(DepthImage(_zeros(window), window), plate, self._shot.depth.fit, frame)
        if self.matte is not None:
            with apart():
                window = self.matte.check(frame)
                if plate is not None:
                    window = placed_beside(window, plate)
                    fit_matte(MatteImage(_zeros(window), window), plate, frame)
        return plate

    def files(self, frame: int) -> tuple[Path, ...]:
        """The files that are read for a frame: the plate's, the depth's, and the matte's where there is one.

        Raises:
            MissingFrameError: the frame has no file, and nothing is to stand for it.
        """
        files = self.plate.path(frame), self.depth.path(frame)
        return files if self.matte is None else (*files, self.matte.path(frame))

    def identities(self, frame: int) -> tuple[str, ...]:
        """What tells the frame's files from others, see ``file_identity``.

        Raises:
            MissingFrameError: the frame has no file, and nothing is to stand for it.
        """
        return tuple(file_identity(file) for file in self.files(frame))

    def picture(self, frame: int) -> Float32Array:
        """The plate of a frame alone, (H, W, C) scene-linear, for a renderer that looks before it starts."""
        return self._waited(lambda: self.plate.read(frame)).image

    def depths(self, watch: Callable[[int], None]) -> Iterator[tuple[int, Float32Array, Float32Array | None]]:
        """The depth channel's values of every frame of the shot, and alpha where it counts, in order, one at a time.

        Args:
            watch: called with the number of frames done, before each is read; it may raise to stop.
        """
        for done, frame in enumerate(self.frames):
            watch(done)
            yield (frame, *self._depth_alone(frame))

    def disparity(self, raw: RawFrame, limits: DepthLimits) -> tuple[Float32Array, int]:
        """Disparity of a decoded frame, (H, W) float32 in 0..1, and how many values had to be repaired."""
        settings = self._shot.depth
        depth = raw.depth if raw.empty is None else np.where(raw.empty, np.float32(limits.far), raw.depth)
        found = to_disparity(depth, settings, limits, raw.alpha, frame=raw.frame)
        if raw.empty is not None:
            found.values[raw.empty] = 0
        values = clean_edges(found.values) if settings.clean_edges else found.values
        return values, found.repaired

    def edge_quality(self, limits: DepthLimits) -> EdgeQuality:
        """How good the edges of the shot's depth are; measured once, over a few frames of the whole shot."""
        return self._look(limits, edges=True).survey.quality()

    def implausible(self, limits: DepthLimits, pull: FocusPull | None) -> tuple[Notice, ...]:
        """What should be heard of depth, focus and plate that can hardly be meant, by a few frames of the whole shot.

        Args:
            limits: of the depth.
            pull: d_f and K of a frame; None where they are not known.
        """
        looks = self._look(limits, edges=False).looks
        return implausible(Facts(self._shot, looks, limits, self.frames, pull, self.depth.bits))

    def _look(self, limits: DepthLimits, *, edges: bool) -> Looked:
        """Read a few frames, once for all that is measured in them."""
        known = self._looked
        if known is None or known.limits != limits or (edges and not known.has_edges):
            known = self._looked = look_over(
                self._read_waited, self.disparity, spread(self.frames), limits, edges=edges
            )
        return known

    def edge_plan(self, limits: DepthLimits) -> EdgePlan | None:
        """What is done to the depth's edges in every frame; None where they are left as they are."""
        settings = self._shot.depth
        if settings.edges == "exact" or settings.edge_strength == 0:
            return None
        renderer = self._shot.renderer
        half = renderer.name == "optical" and renderer.quality == "draft"
        return EdgePlan.of(self.edge_quality(limits), settings, half=half)

    def edges_measured(self, limits: DepthLimits | None = None) -> EdgesMeasured | None:
        """What there is to say of the depth's edges, and of what a render does to them; None where it has none.

        Args:
            limits: of the depth; where they are not known yet, those of the frames that are looked at stand for them.

        Raises:
            DepthRangeError: there is no limit to be found in those frames.
        """
        known = limits or self.likely_limits
        quality = self.edge_quality(known)
        if not quality.crossings:
            return None
        return EdgesMeasured(quality.sentence(), repaired=self.edge_plan(known) is not None)

    @cached_property
    def likely_limits(self) -> DepthLimits:
        """The limits that are given, else those of a few frames: near enough to measure by, never to render with.

        Raises:
            DepthRangeError: there are no limits to be found in those frames.
        """
        return DepthLimits.given(self._shot.depth) or find_limits(self._depths_of_looks(), self._shot.depth)

    def _depths_of_looks(self) -> Iterator[tuple[int, Float32Array, Float32Array | None]]:
        for frame in spread(self.frames):
            with suppress(MediaError, DepthError):
                yield (frame, *self._depth_alone(frame))

    def prepare(self, raw: RawFrame, disparity: Float32Array, focus: float, strength: float) -> PlateFrame:
        """What a renderer takes."""
        plate = raw.plate
        return PlateFrame(
            frame=raw.frame,
            image=plate.image,
            channels=plate.channels,
            disparity=disparity,
            focus=focus,
            strength=strength,
            window=plate.window,
            pixel_aspect=plate.pixel_aspect,
            metadata=plate.metadata,
            coverage=raw.matte,
            stored=plate.stored,
        )

    def cut_by_matte(self, disparity: Float32Array, coverage: Float32Array | None) -> Float32Array:
        """Disparity whose edge of the subject is the matte's; as it is where there is no matte.

        Args:
            disparity: (H, W), with its edges conditioned.
            coverage: (H, W), the matte of the same frame.
        """
        matte = self._shot.matte
        return disparity if matte is None or coverage is None else cut_by_matte(disparity, coverage, matte.disparity)

    def sampler(self, limits: DepthLimits) -> Callable[[int, float, float, int], float]:
        """Reads the disparity under a pixel of the display window, as pixel keys of the focus need it.

        Of depth whose edges are repaired, the repaired one: a person points at what the plate shows.
        """
        plan = self.edge_plan(limits)

        def sample(frame: int, x: float, y: float, radius: int) -> float:
            self._require_frame(frame)
            raw = self._read_waited(frame)
            left, top = require_inside(raw.plate.window, frame, x, y)
            values, _ = self.disparity(raw, limits)
            if plan is not None:
                values = condition(raw.plate.image, count_colours(raw.plate.channels), values, plan)
            values = self.cut_by_matte(values, raw.matte)
            return sample_disparity(values, x - left, y - top, radius)

        return sample

    def check_point(self, frame: int, x: float, y: float) -> None:
        """Look whether a pixel key points at something, without its depth.

        Raises:
            KeysError: the frame is not in the shot, or the point not in its picture.
            MediaError: the frame cannot be read.
        """
        self._require_frame(frame)
        require_inside(self.plate.read(frame).window, frame, x, y)

    def _waited(self, read: Callable[[], T]) -> T:
        """What a read gives; where a person may stop, he is served though a server does not answer."""
        return read() if self._cancel is None else waited(read, self._cancel)

    def _read_waited(self, frame: int) -> RawFrame:
        return self._waited(partial(self.read, frame))

    def _require_frame(self, frame: int) -> None:
        require(
            frame in self.frames,
            KeysError,
            f"focus.keys: the key at frame {frame} picks a pixel, but the shot has only {self.frames}; "
            "move the key into the shot or give it a disparity",
        )

    def _depth_alone(self, frame: int) -> tuple[Float32Array, Float32Array | None]:
        """Depth and alpha; the plate is read only where depth cannot be understood without its alpha."""
        depth = self._waited(lambda: self.depth.read(frame))
        if self._shot.depth.unpremultiply and depth.alpha is None:
            raw = self._read_waited(frame)
            return raw.depth, raw.alpha
        return depth.values, depth.alpha


def _zeros(window: Window) -> Float32Array:
    """One zero, seen as many: of a header only the size is looked at."""
    return np.broadcast_to(np.zeros(1, np.float32), (window.height, window.width))
