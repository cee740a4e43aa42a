"""The streaming loop: shot in, finished frames on disk."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from engine.cancelling import NEVER, Cancel
from engine.depth import DepthLimits, EdgePlan, conditioned, reach_of
from engine.errors import CancelledError, ShotError
from engine.files import remove_unfinished
from engine.frames import FrameRange, PlateFrame, RenderedFrame, Window
from engine.media import FrameWriter, check_output, open_writer
from engine.media.data_layers import DataLayers
from engine.notices import Notice
from engine.optics import Defocus
from engine.render.data_window import cut_to_data, window_of_result
from engine.render.digest import DIGEST, FrameFacts, frame_digest, settings_of
from engine.render.folders import no_empty_folders
from engine.render.inputs import Inputs, RawFrame
from engine.render.layers import output_layers
from engine.render.limits import shot_limits
from engine.render.pull import FocusPull
from engine.render.report import Report, Started, Summary, Warned, Warnings, Written, ignore
from engine.render.resume import finished_frames
from engine.render.stages import Assembly
from engine.renderers import Renderer, open_renderer
from engine.shot import Shot

__all__ = ["asked_frames", "render"]

VERSION: Final = "0.1.0"


def render(
    shot: Shot,
    frames: FrameRange | str | None = None,
    *,
    report: Report = ignore,
    overwrite: bool = False,
    cancel: Cancel = NEVER,
    renderer: Renderer | None = None,
) -> Summary:
    """Render a shot, or some of its frames, and write them.

    Any split gives the same pixels: a frame depends on the shot and on nothing that another call does. A frame whose
    file is whole and was made by the same settings is skipped. Memory does not grow with the number of frames.

    Args:
        shot: what to render; depth limits that it does not give are found first, in one pass over all its frames.
        frames: of the shot, a range or its text like ``1001-1024``; all when not given.
        report: called in this thread with each event.
        overwrite: render frames that are there already, whoever made them.
        cancel: set it from a signal handler or another thread, and the call ends within a second with CancelledError.
        renderer: in place of the one that ``shot.renderer`` names.

    Raises:
        RackfocusError: any of its causes, see ``engine.errors``; frames that were finished before stay.
    """
    begin = time.monotonic()
    with Inputs(shot, cancel) as inputs, no_empty_folders(shot.output.path):
        asked = asked_frames(frames, inputs.frames)
        check_output(shot.output, shot.plate, shot.depth, asked, shot.matte)
        renderer = renderer or open_renderer(shot)
        with closing(open_writer(shot.output, inputs.plate.info, asked)) as writer:
            try:
                if not overwrite:
                    writer.check_kept(asked)
                report(inputs.opened())
                notices = _told((*inputs.notices(), *writer.notices), report)
                job = _Job.of(shot, inputs, renderer, report, cancel)
                notices += _told(inputs.implausible(job.limits, job.pull), report)
                todo = job.find_work(asked, None if overwrite else writer, report)
                report(Started(len(todo), len(asked) - len(todo)))
                with closing(job.run(todo, writer)) as written:
                    for event in written:
                        report(event)
            except BaseException as error:
                writer.abort()
                if isinstance(error, CancelledError):
                    # A disk so slow that it was not waited for: its file must not stay half written.
                    remove_unfinished(writer.path(asked.first).parent)
                raise
    made = (*job.warnings.told(), *(Warned(loss.kind, loss.message, 0) for loss in writer.losses))
    for warning in made:
        report(warning)
    warnings = (*notices, *made)
    summary = Summary(len(todo), len(asked) - len(todo), time.monotonic() - begin, shot.output.path, warnings)
    report(summary)
    return summary


def _told(notices: Iterable[Notice], report: Report) -> tuple[Warned, ...]:
    """Say each kind of notice once, before the first frame."""
    warnings = {notice.kind: Warned(notice.kind, notice.message, 0) for notice in notices}
    for warning in warnings.values():
        report(warning)
    return tuple(warnings.values())


def asked_frames(frames: FrameRange | str | None, shot_frames: FrameRange) -> FrameRange:
    """The frames to render.

    Raises:
        ShotError: the text is no range, or some of it lies outside the shot.
    """
    if frames is None:
        return shot_frames
    asked = FrameRange.parse(frames) if isinstance(frames, str) else frames
    outside = FrameRange.of(f for f in asked if f not in shot_frames)
    if outside.numbers:
        raise ShotError(f"frames: {outside} are not in the shot, which has {shot_frames}; ask for frames of the shot")
    return asked


@dataclass(frozen=True)
class _Made:
    """A rendered frame with all that is written beside it."""

    rendered: RenderedFrame
    layers: DataLayers


class _Job:
    """One call of ``render``: what is constant while its frames pass through."""

    def __init__(
        self,
        shot: Shot,
        inputs: Inputs,
        renderer: Renderer,
        limits: DepthLimits,
        pull: FocusPull,
        plan: EdgePlan | None,
        cancel: Cancel,
    ) -> None:
        self._shot = shot
        self._inputs = inputs
        self._renderer = renderer
        self.limits = limits
        self._plan = plan
        self._settings = settings_of(shot, limits, renderer.identity, plan)
        self._known: dict[int, FrameFacts] = {}
        self._defocus = Defocus.of(shot)
        self._cancel = cancel
        self.pull = pull
        self.warnings = Warnings()

    @classmethod
    def of(cls, shot: Shot, inputs: Inputs, renderer: Renderer, report: Report, cancel: Cancel) -> _Job:
        limits = shot_limits(shot, inputs, report, cancel)
        renderer.prepare(inputs.picture, inputs.frames)
        plan = inputs.edge_plan(limits)
        measured = None if shot.depth.edges == "exact" else inputs.edges_measured(limits)
        if measured is not None:
            report(measured)
        return cls(shot, inputs, renderer, limits, FocusPull.of(shot, inputs, limits), plan, cancel)

    def find_work(self, asked: FrameRange, writer: FrameWriter | None, report: Report) -> FrameRange:
        """The frames that have to be made: all, or those without a whole file of the same digest in ``writer``.

        Raises:
            MissingFrameError: a frame that is needed has no file, told before anything is rendered.
            OutputExistsError: a file is there that Rackfocus did not make.
        """
        digests: dict[int, str] = {}
        for frame in asked:
            if self._cancel.is_set():
                raise CancelledError("stopped while looking for frames that are done; nothing was written")
            digests[frame] = self.digest(frame)
        finished = frozenset() if writer is None else finished_frames(digests, writer, report, self._cancel)
        return FrameRange.of(frame for frame in asked if frame not in finished)

    def digest(self, frame: int) -> str:
        """The settings digest of a frame."""
        return frame_digest(self._settings, [self._facts(f) for f in self._needed(FrameRange.of([frame]))])

    def run(self, todo: FrameRange, writer: FrameWriter) -> Generator[Written, None, None]:
        """Read ahead, render, write behind."""
        if not todo.numbers:
            return
        needed = self._needed(todo)

        def source() -> Iterable[RawFrame]:
            return (self._inputs.read(frame) for frame in needed)

        def sink(made: _Made) -> Written:
            frame = made.rendered.frame
            focus, strength = self.pull.focus(frame), self.pull.strength(frame)
            repaired = writer.write(made.rendered, made.layers, self._metadata(frame, focus, strength))
            self.warnings.note("result.repaired", repaired)
            return Written(frame, str(writer.path(frame)), focus, strength)

        stages = Assembly(source, lambda raws: self._render(raws, todo), sink, self._renderer.cancel)
        yield from stages.run(self._cancel)

    def _needed(self, frames: FrameRange) -> FrameRange:
        """The frames to read so that some can be rendered: what the renderer looks at, and what their edges hear."""
        within = self._inputs.frames
        return reach_of(self._renderer.reach(frames, within), within, self._plan)

    def _render(self, raws: Iterable[RawFrame], todo: FrameRange) -> Iterator[_Made]:
        asked = self._shot.output.layers
        waiting: dict[int, PlateFrame] = {}  # as many as the renderer holds back, and only where layers need them
        windows: dict[int, Window] = {}
        passed: dict[int, DataLayers] = {}

        within = self._inputs.frames
        looked_at = self._renderer.reach(todo, within)

        def prepared() -> Iterator[PlateFrame]:
            for raw in raws:
                if raw.plate.data and raw.frame in todo:
                    passed[raw.frame] = raw.plate.data
                yield self._prepare(raw)

        def plates() -> Iterator[PlateFrame]:
            for held in conditioned(prepared(), looked_at, within, self._plan):
                plate = replace(held, disparity=self._inputs.cut_by_matte(held.disparity, held.coverage))
                if asked and plate.frame in todo:
                    waiting[plate.frame] = plate
                if plate.frame in todo:
                    windows[plate.frame] = window_of_result(plate, self._defocus)
                yield plate

        for rendered in self._renderer.stream(plates(), todo, within):
            for kind in rendered.notes:
                self.warnings.note(kind, 1)
            plate = waiting.pop(rendered.frame, None)
            layers: DataLayers = passed.pop(rendered.frame, {})
            if plate is not None:
                layers = {**layers, **output_layers(asked, plate, rendered, self._defocus)}
            yield _Made(*cut_to_data(rendered, layers, windows.pop(rendered.frame, rendered.window)))

    def _prepare(self, raw: RawFrame) -> PlateFrame:
        disparity, repaired = self._inputs.disparity(raw, self.limits)
        self.warnings.note("plate.repaired", raw.plate.repaired)
        self.warnings.note("plate.limited", raw.plate.limited)
        self.warnings.note("layers.repaired", raw.plate.data_repaired)
        self.warnings.note("plate.substituted", int(raw.plate.source != raw.frame))
        self.warnings.note("depth.substituted", int(raw.depth_held))
        self.warnings.note("depth.repaired", repaired)
        self.warnings.note("matte.substituted", int(raw.matte_held))
        self.warnings.note("matte.repaired", raw.matte_repaired)
        # A frame may be flat by right, a title on black; a whole shot is refused where its limits are looked for.
        flat = disparity.min() == disparity.max() and not (raw.empty is not None and raw.empty.all())
        self.warnings.note("depth.flat", int(flat))
        return self._inputs.prepare(raw, disparity, self.pull.focus(raw.frame), self.pull.strength(raw.frame))

    def _facts(self, frame: int) -> FrameFacts:
        """Looked up once: a window's neighbours ask for the same frames again, and files may lie on a slow server."""
        if frame not in self._known:
            facts = self.pull.focus(frame), self.pull.strength(frame), self._inputs.identities(frame)
            self._known[frame] = FrameFacts(frame, *facts)
        return self._known[frame]

    def _metadata(self, frame: int, focus: float, strength: float) -> dict[str, object]:
        return {
            DIGEST: self.digest(frame),
            "rackfocus/version": VERSION,
            "rackfocus/renderer": f"{self._shot.renderer.name} {self._shot.renderer.quality}",
            "rackfocus/focus": float(focus),
            "rackfocus/blur": float(strength),
        }
