"""Renders and previews: prepared in Nuke's main thread, done by the engine, watched from a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nuke

from ..client import Engine, Request, find_engine
from ..errors import EngineError, EngineTimeout
from .inputs import depth_of, inputs_folder, plate_of, write_input
from .knobs import path_of, still
from .paths import has_frames, has_views, of_view
from .shot import limits_known, shot_of

__all__ = ["Task", "engine_command", "engine_of", "output_of", "range_of", "render", "tasks_of", "watch"]

PATIENCE = 0.1
"""Seconds between two looks at whether somebody wants to stop."""

_ENGINES: dict[tuple[str, ...], Engine] = {}


class Task:
    """One view to be rendered.

    Attributes:
        shot: its document.
        frames: first and last that are asked for.
        output: pattern of the result.
    """

    def __init__(self, shot: dict[str, Any], frames: tuple[int, int], output: str) -> None:
        self.shot = shot
        self.frames = frames
        self.output = output


def render(
    node: nuke.Node, first: int | None = None, last: int | None = None, overwrite: bool = False
) -> list[dict[str, Any]]:
    """Render a Rackfocus node and wait for it, with the farm's quality where Nuke has no window.

    For terminals and scripts. Call it in Nuke's main thread; frames that are whole and up to date are skipped.

    Args:
        node: a Rackfocus Group.
        first, last: frames to render; the node's own range where not given. Any split gives the same pixels.
        overwrite: render frames that are there already.

    Returns:
        For each view what the engine says: ``written``, ``skipped``, ``seconds``, ``output``, ``warnings``.

    Raises:
        EngineError: what went wrong, as a sentence.
    """
    engine = engine_of(node)
    quality = str(still(node, "viewer_quality" if nuke.GUI else "farm_quality", range_of(node)[0]))
    found = []
    for task in tasks_of(node, quality, (first, last)):
        request = engine.render(task.shot, "{}-{}".format(*task.frames), overwrite, _print_progress)
        found.append(request.wait())
    return found


def tasks_of(
    node: nuke.Node, quality: str, frames: tuple[int | None, int | None] = (None, None), preview: bool = False
) -> list[Task]:
    """What is to be rendered, with plate and depth on the disk; one for each view where the output tells views apart.

    Only the frames that are needed are written: all of the shot where the engine looks at more than one at a time.

    Args:
        node: of ours.
        quality: ``draft`` or ``final``.
        frames: first and last that are asked for, None for the shot's own.
        preview: limits of depth that are not given may be those of the frames asked for.

    Raises:
        EngineError: the node cannot be rendered.
    """
    shot_range = range_of(node)
    asked = tuple(own if given is None else given for own, given in zip(shot_range, frames))
    if not preview and not shot_range[0] <= asked[0] <= asked[1] <= shot_range[1]:
        raise EngineError(
            "nuke.knob",
            f"{node.name()}: frames {asked[0]}-{asked[1]} were asked for, but the shot has "
            f"{shot_range[0]}-{shot_range[1]}; correct first and last frame",
        )
    alone = still(node, "renderer", asked[0]) == "optical" and limits_known(node, asked[0])
    span = (asked[0], asked[1]) if alone or preview else shot_range
    output = output_of(node)
    views: list[str | None] = list(nuke.views()) if has_views(output) else [None]
    found = []
    for view in views:
        path = output if view is None else of_view(output, view)
        folder = inputs_folder(path)
        plate, depth = plate_of(node, span, folder, view), depth_of(node, span, folder, view)
        # Looked at before anything is written, so that a wrong knob costs no time.
        shot = shot_of(node, plate=plate.part, depth=depth.part, frames=span, output=path, quality=quality, view=view)
        for source in (plate, depth):
            write_input(node, source, span, view)
        found.append(Task(shot, (asked[0], asked[1]), path))
    return found


def range_of(node: nuke.Node) -> tuple[int, int]:
    """First and last frame of the shot."""
    first, last = (round(still(node, name, 0)) for name in ("first", "last"))
    if first > last:
        raise EngineError(
            "nuke.knob", f"{node.name()}: the first frame, {first}, comes after the last, {last}; correct them"
        )
    return first, last


def output_of(node: nuke.Node) -> str:
    """Pattern of the result, with its views still open.

    Raises:
        EngineError: it is no image sequence with a whole path.
    """
    path = path_of(node, "output")
    if not Path(path).is_absolute():
        raise EngineError(
            "nuke.output", f'{node.name()}: the output is "{path}"; save the script first, or give a whole path'
        )
    if not has_frames(path):
        raise EngineError(
            "nuke.output",
            f"{node.name()}: {path} has no place for frame numbers; give an image sequence like result_v001.####.exr",
        )
    return path


def engine_command(node: nuke.Node) -> list[str]:
    """The engine's command line, by the node's setting first.

    Raises:
        EngineMissing: it is not there.
    """
    return find_engine(path_of(node, "engine") or None)


def engine_of(node: nuke.Node) -> Engine:
    """The engine, one for all nodes, kept while Nuke runs.

    Raises:
        EngineMissing: it is not there.
    """
    command = tuple(engine_command(node))
    if command not in _ENGINES:
        _ENGINES[command] = Engine(command, host=f"Nuke {nuke.NUKE_VERSION_STRING}")
    return _ENGINES[command]


def watch(
    title: str,
    requests: list[Request],
    heard: Callable[[dict[str, Any]], None],
    done: Callable[[list[dict[str, Any]], EngineError | None], None],
) -> threading.Thread:
    """Show the progress of requests until the last one ends; returns at once.

    Args:
        title: of the progress bar.
        requests: in the order in which the engine does them; cancelling stops those that are left.
        heard: called in Nuke's main thread with each event that is no mere progress (``limits``, ``warned``).
        done: called in Nuke's main thread with the answers so far, and the reason if one failed.
    """
    thread = threading.Thread(target=_watch, name="rackfocus-watch", args=(title, requests, heard, done), daemon=True)
    thread.start()
    return thread


def _watch(
    title: str,
    requests: list[Request],
    heard: Callable[[dict[str, Any]], None],
    done: Callable[[list[dict[str, Any]], EngineError | None], None],
) -> None:
    # The bar lives as long as this name.
    task = nuke.ProgressTask(title)
    answers: list[dict[str, Any]] = []
    failure: EngineError | None = None
    try:
        for at, request in enumerate(requests):
            answers.append(_answer(request, task, (at, len(requests)), heard))
    except EngineError as error:
        failure = error
    except Exception as error:  # noqa: BLE001  whoever pressed must be told, or the node would seem busy for ever
        failure = EngineError("nuke.internal", f"{type(error).__name__}: {error}; this is a fault of the plugin")
    finally:
        del task
        for request in requests:
            request.cancel()  # those that are over do not mind
        nuke.executeInMainThread(done, (answers, failure))


def _answer(
    request: Request, task: nuke.ProgressTask, place: tuple[int, int], heard: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    stopping = False
    while True:
        over = request.done()
        for event in request.poll():
            if event.get("event") in ("limits", "warned"):
                nuke.executeInMainThread(heard, (event,))
            _show(task, event, place)
        if over:
            return request.wait()
        if task.isCancelled() and not stopping:
            stopping = True
            request.cancel()
        try:
            request.wait(PATIENCE)
        except EngineTimeout:
            continue  # not done yet; once it is, the next round raises what it ended with


def _show(task: nuke.ProgressTask, event: dict[str, Any], place: tuple[int, int]) -> None:
    kind, total = event.get("event"), event.get("total")
    if kind == "searching":
        task.setMessage(f"Looking for depth limits: {event.get('done')} of {total} frames")
    elif kind == "started":
        task.setMessage(f"{total} frames to render")
    elif kind == "written" and total:
        done = event.get("done", 0)
        task.setMessage(f"Frame {event.get('frame')} ({done} of {total})")
        task.setProgress(int(100 * (place[0] + done / total) / place[1]))


def _print_progress(event: dict[str, Any]) -> None:
    if event.get("event") == "written":
        print(f"Frame {event.get('frame')} ({event.get('done')} of {event.get('total')})", flush=True)
    elif event.get("event") == "warned":
        print(f"rackfocus: warning: {event.get('message')}", flush=True)
