"""Look at a shot as a render would, without rendering: every header, every key, the lens, the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.depth import DepthLimits, frame_of
from engine.errors import RackfocusError
from engine.frames import FrameRange, Window
from engine.media import FrameWriter, check_output, plan_writer
from engine.media.movie_writing import even_size, require_one_size
from engine.media.sequence import is_movie
from engine.notices import Notice
from engine.render.inputs import Inputs
from engine.render.pull import FocusPull
from engine.render.report import EdgesMeasured
from engine.render.resume import require_ours
from engine.renderers import open_renderer
from engine.shot import Shot

__all__ = ["Findings", "check", "implausible"]


@dataclass
class Findings:
    """What a check found.

    Attributes:
        problems: everything that would stop a render, not only the first.
        notices: what a render would say before its first frame, each kind once.
        opened: which channels of which files are taken; empty where they cannot be opened.
        frames: how many frames were looked at.
        finds_limits: whether a render has to find the depth limits first.
        edges: how good the depth's edges are, and what a render does to them; None where it has none.
    """

    problems: list[RackfocusError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    opened: str = ""
    frames: int = 0
    finds_limits: bool = False
    edges: EdgesMeasured | None = None

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep an error instead of letting it out; the same one only once."""
        try:
            yield
        except RackfocusError as error:
            if str(error) not in {str(problem) for problem in self.problems}:
                self.problems.append(error)


def check(
    shot: Shot, watch: Callable[[int, int], None] = lambda _done, _total: None, *, overwrite: bool = False
) -> Findings:
    """Validate everything that can be validated without rendering: what passes here renders, as far as the files'
    headers and their number decide it.

    Reads the header of every frame, and a few frames whole to measure the depth's edges.

    Args:
        shot: as loaded; the document itself is valid.
        watch: called with the number of frames done and their total.
        overwrite: whether the render will be allowed to replace what is there.
    """
    findings = Findings()
    with findings.collecting(), Inputs(shot) as inputs:
        with findings.collecting():
            check_output(shot.output, shot.plate, shot.depth, inputs.frames, shot.matte)
        with findings.collecting():
            open_renderer(shot)
        writer: FrameWriter | None = None
        with findings.collecting():
            writer = plan_writer(shot.output, inputs.plate.info, inputs.frames)
            findings.notices += writer.notices
            if not overwrite:
                writer.check_kept(inputs.frames)
        findings.opened = str(inputs.opened())
        findings.notices += inputs.notices()
        _check_frames(shot, inputs, findings, watch)
        if writer is not None and not overwrite:
            _check_kept(writer, inputs.frames, findings)
        with findings.collecting():
            limits = DepthLimits.given(shot.depth)
            findings.finds_limits = limits is None
            if limits is not None:
                _check_pull(FocusPull.of(shot, inputs, limits), inputs.frames, findings)
            else:
                _check_points(shot, inputs, findings)
        if not findings.problems:
            with findings.collecting():
                findings.edges = inputs.edges_measured()
                findings.notices += implausible(shot, inputs)
    if not findings.opened:  # the files could not be opened; the renderer is looked at all the same
        with findings.collecting():
            open_renderer(shot)
    return findings


def _check_frames(shot: Shot, inputs: Inputs, findings: Findings, watch: Callable[[int, int], None]) -> None:
    first: Window | None = None
    for done, frame in enumerate(inputs.frames):
        watch(done, len(inputs.frames))
        window = inputs.check(frame, findings.collecting)
        first = first or window
        if is_movie(shot.output.path) and window is not None and first is not None:
            with findings.collecting():
                require_one_size(frame, Path(shot.output.path), even_size(window), even_size(first))
        findings.frames += 1


def _check_kept(writer: FrameWriter, frames: FrameRange, findings: Findings) -> None:
    for frame in frames:
        with findings.collecting():
            require_ours(writer, frame)


def _check_points(shot: Shot, inputs: Inputs, findings: Findings) -> None:
    """Look where the pixel keys point; their depth means nothing before the limits are found."""
    for key in shot.focus.keys:
        if key.pixel is not None:
            with findings.collecting():
                inputs.check_point(frame_of(key), *key.pixel)


def implausible(shot: Shot, inputs: Inputs) -> tuple[Notice, ...]:
    """What can hardly be meant, by a few frames of the shot; see ``engine.render.plausible``.

    Raises:
        RackfocusError: the limits, or the focal point of a pixel key, are not to be found.
    """
    limits = inputs.likely_limits
    return inputs.implausible(limits, FocusPull.of(shot, inputs, limits))


def _check_pull(pull: FocusPull, frames: FrameRange, findings: Findings) -> None:
    """Evaluate the curves; of many frames with the same fault only the first is told."""
    for curve in (pull.focus, pull.strength):
        with findings.collecting():
            for frame in frames:
                curve(frame)
