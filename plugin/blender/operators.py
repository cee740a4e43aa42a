"""What can be done: render, preview, put the result back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import bpy

from ..client import EngineError, Request
from . import placing
from .jobs import Job, Status, Work, until_done
from .kinds import Context, Event, Scene
from .session import close_engine, engine
from .shots import SceneShot, shot_of
from .sources import SettingsError
from .versions import scene_of

__all__ = ["JobOperator", "place", "preview_work", "register", "render_work", "unregister"]

PREVIEW = "Rackfocus Preview"


def render_work(context: Context) -> Work:
    """Render a scene, and put the result back."""
    scene = scene_of(context)
    name = scene.name
    shot = yield from shot_of(context)
    request = engine().render(shot.document, shot.frames, overwrite=scene.rackfocus.overwrite)
    try:
        yield Status("Starting the engine", waiting=True)
        told: list[str] = []
        while not request.done():
            for event in request.poll():
                if event["event"] == "warned":
                    told.append(str(event["message"]))
                else:
                    yield _status(event)
            yield Status(_status(request.progress or {}).text, _share(request), waiting=True)
        result = request.wait()
    finally:
        request.cancel()
    # An undo meanwhile has put another scene in this one's place.
    scene = bpy.data.scenes.get(name)
    placed = place(scene, shot) if scene is not None else ""
    warned = "".join(f"; {warning['message']}" for warning in result.get("warnings", ()))
    kept = f", {result['skipped']} were there already" if result["skipped"] else ""
    return f"{result['written']} frames in {result['seconds']:.1f} s{kept}: {shot.output}{placed}{warned}"


def preview_work(context: Context) -> Work:
    """Render the current frame small, into an image."""
    scene = scene_of(context)
    frame = scene.frame_current
    shot = yield from shot_of(context, [frame])
    path = str(Path(bpy.app.tempdir) / "rackfocus_preview.exr")
    request = engine().preview(shot.document, frame + shot.plate.shift, scale=scene.rackfocus.preview_scale, path=path)
    try:
        yield from until_done(request.done, f"Preview of frame {frame}")
        result = request.wait()
    finally:
        request.cancel()
    placing.show_image(PREVIEW, result["path"])
    size = f"{result['width']} x {result['height']}"
    return f"frame {frame}, {size} in {result['seconds']:.2f} s: the image {PREVIEW}"


def place(scene: Scene, shot: SceneShot) -> str:
    """Put a result where the settings want it; what was done, in words.

    Raises:
        SettingsError: the result is not there.
    """
    done = []
    if "COMPOSITOR" in scene.rackfocus.place:
        placing.place_in_compositor(scene, shot)
        done.append("an image node")
    if "SEQUENCER" in scene.rackfocus.place:
        placing.place_in_sequencer(scene, shot)
        done.append("a strip")
    return f", now {' and '.join(done)}" if done else ""


def _status(event: Mapping[str, Any]) -> Status:
    kind, total = event.get("event"), event.get("total") or 1
    if kind == "searching":
        return Status(f"Looking through the depth, {event['done']} of {total}", event["done"] / total)
    if kind == "written":
        return Status(f"Frame {event['frame']}, {event['done']} of {total}", event["done"] / total)
    return Status("Rendering", 0.0)


def _share(request: Request) -> float | None:
    return _status(request.progress).share if request.progress else None


class JobOperator(bpy.types.Operator):
    """Runs a job: from the interface beside all other work, with Esc to stop it; from a script to its end."""

    running: ClassVar[dict[str, Job]] = {}
    """The jobs of the interface, one of a kind; while one waits for the engine another may begin."""

    def work(self, context: Context) -> Work:
        """What is to be done."""
        del context
        yield Status("")
        return ""

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """From a button."""
        if bpy.app.background:
            return self.execute(context)
        if self._refused():
            return {"CANCELLED"}
        self._begin(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        """From the interface, again and again."""
        job = JobOperator.running.get(type(self).__name__)
        if job is None or event.type == "ESC":
            self._stop(context)
            return self._say(context, "stopped; what is rendered stays, and is not rendered again", "WARNING")
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if job.step():
                self._stop(context)
                return self._say(context, job.message)
        except (EngineError, SettingsError) as error:
            self._stop(context)
            return self._fail(context, error)
        except BaseException:
            self._stop(context)
            raise
        self._show(context, job.status)
        return {"RUNNING_MODAL"}

    def cancel(self, context: Context) -> None:
        """Called by Blender when it is quit, or another file is opened."""
        self._stop(context)

    def execute(self, context: Context) -> set[str]:
        """From a script."""
        if self._refused("ERROR"):
            return {"CANCELLED"}
        job = Job(self.work(context))
        try:
            return self._say(context, job.run())
        except (EngineError, SettingsError) as error:
            return self._fail(context, error)
        finally:
            job.cancel()

    def _refused(self, kind: str = "WARNING") -> bool:
        """Say why it may not begin, where it may not.

        This is no ``poll``: a button that Blender has greyed stays grey for as long as the pointer is on it.
        """
        others = JobOperator.running
        why = ""
        if type(self).__name__ in others:
            why = "this is under way; Esc stops it"
        elif not all(job.status.waiting for job in others.values()):
            # It goes from frame to frame, and must not be looked at.
            why = "the scene is being read; try again in a moment"
        if why:
            self.report({kind}, f"Rackfocus: {why}")
        return bool(why)

    def _begin(self, context: Context) -> None:
        JobOperator.running[type(self).__name__] = Job(self.work(context))
        self._timer = context.window_manager.event_timer_add(0.05, window=context.window)
        context.window_manager.progress_begin(0, 100)

    def _show(self, context: Context, status: Status) -> None:
        scene_of(context).rackfocus.message = status.text
        if status.share is not None:
            context.window_manager.progress_update(int(100 * status.share))
        context.workspace.status_text_set(f"Rackfocus: {status.text}   (Esc stops)")
        _redraw(context)

    def _stop(self, context: Context) -> None:
        job = JobOperator.running.pop(type(self).__name__, None)
        if job is not None:
            job.cancel()
        if getattr(self, "_timer", None) is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            context.window_manager.progress_end()
            context.workspace.status_text_set(None)

    def _say(self, context: Context, message: str, kind: str = "INFO") -> set[str]:
        scene_of(context).rackfocus.message = message
        self.report({kind}, f"Rackfocus: {message}")
        _redraw(context)
        return {"FINISHED"} if kind == "INFO" else {"CANCELLED"}

    def _fail(self, context: Context, error: Exception) -> set[str]:
        code = f" ({error.code})" if isinstance(error, EngineError) else ""
        return self._say(context, f"{error}{code}", "ERROR")


class RenderShot(JobOperator):
    """Render the scene's plate with the lens's depth of field; frames that are there already are kept."""

    bl_idname = "rackfocus.render"
    bl_label = "Render"

    def work(self, context: Context) -> Work:
        """What is to be done."""
        return render_work(context)


class PreviewFrame(JobOperator):
    """Render the current frame small, into the image Rackfocus Preview."""

    bl_idname = "rackfocus.preview"
    bl_label = "Preview Frame"

    def work(self, context: Context) -> Work:
        """What is to be done."""
        return preview_work(context)


class PlaceResult(JobOperator):
    """Put the result that is on disk back into the compositor or the sequencer."""

    bl_idname = "rackfocus.place"
    bl_label = "Place Result"
    bl_options = frozenset({"REGISTER", "UNDO"})

    def work(self, context: Context) -> Work:
        """What is to be done."""
        scene = scene_of(context)
        shot = yield from shot_of(context)
        return f"{shot.output}{place(scene, shot)}"


class RestartEngine(bpy.types.Operator):
    """End the engine; the next render starts it again."""

    bl_idname = "rackfocus.restart"
    bl_label = "Restart Engine"

    def execute(self, _context: Context) -> set[str]:
        """End it."""
        close_engine()
        return {"FINISHED"}


CLASSES = (RenderShot, PreviewFrame, PlaceResult, RestartEngine)


def register() -> None:
    """Make the operators known."""
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    """Stop what runs, and take them back."""
    for job in JobOperator.running.values():
        job.cancel()
    JobOperator.running.clear()
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)


def _redraw(context: Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
