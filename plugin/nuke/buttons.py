"""What a person presses. Each says in a sentence what went wrong; none waits for the engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import nuke

from ..errors import EngineError
from . import farm as farms
from . import picking, results, running
from .knobs import hold_still, is_ours, knob, path_of, say, still
from .paths import existing, with_version

__all__ = [
    "create",
    "find_limits",
    "make_read",
    "pick_focus",
    "send_to_farm",
    "start_preview",
    "start_render",
    "take_camera",
    "version_up",
]

NODE = Path(__file__).with_name("rackfocus.nk")
PREVIEW = 0.25
"""Size of a preview where Nuke is not in proxy mode."""

_busy: set[str] = set()


def _told(press: Callable[[nuke.Node], None]) -> Callable[[nuke.Node], None]:
    """Show a failure to the person who pressed."""

    @wraps(press)
    def pressed(node: nuke.Node) -> None:
        try:
            press(node)
        except EngineError as error:
            if error.code != "cancelled":
                nuke.message(error.message)

    return pressed


def create() -> nuke.Node | None:
    """A new Rackfocus node below what is selected, with the range of its plate."""
    node = nuke.nodePaste(str(NODE))
    if node is None or not is_ours(node):
        nuke.message(f"{NODE} cannot be read; run rackfocus install nuke again")
        return None
    hold_still(node)
    plate = node.input(0)
    root = nuke.root()
    first = root["first_frame"].value() if plate is None else plate.firstFrame()
    last = root["last_frame"].value() if plate is None else plate.lastFrame()
    knob(node, "first").setValue(int(first))
    knob(node, "last").setValue(int(last))
    node.showControlPanel()
    return node


@_told
def start_render(node: nuke.Node) -> None:
    """Render in the background and show the result."""
    name, back = _take(node), _way_back(node)
    try:
        engine = running.engine_of(node)
        first, last = running.range_of(node)
        tasks = running.tasks_of(node, str(still(node, "viewer_quality", first)))
        requests = [engine.render(task.shot, "{}-{}".format(*task.frames)) for task in tasks]
    except Exception:
        _busy.discard(name)
        raise
    output = running.output_of(node)
    say(node, f"rendering {first}-{last}")

    def done(answers: list[dict[str, Any]], failure: EngineError | None) -> None:
        _busy.discard(name)
        there = back()
        if there is None:
            print(f"Rackfocus: {name} is no longer in this script; what was rendered is at {output}", flush=True)
            return
        if failure is not None:
            _tell(there, failure)
            return
        results.show_result(there, output, (first, last))
        written, skipped = (sum(int(answer.get(what, 0)) for answer in answers) for what in ("written", "skipped"))
        say(there, f"{written} frames rendered, {skipped} were up to date")

    running.watch(f"Rackfocus {node.name()}", requests, _hearing(back), done)


@_told
def start_preview(node: nuke.Node) -> None:
    """Render the current frame, small, in the background, and show it; a newer preview takes an older one's place."""
    back = _way_back(node)
    engine = running.engine_of(node)
    root = nuke.root()
    frame = int(root["frame"].value())
    scale = float(root["proxy_scale"].value()) if root["proxy"].value() else PREVIEW
    quality = str(still(node, "viewer_quality", frame))
    (task, *_) = running.tasks_of(node, quality, (frame, frame), preview=True)
    request = engine.preview(task.shot, frame, min(max(scale, 0.01), 1.0))

    def done(answers: list[dict[str, Any]], failure: EngineError | None) -> None:
        there = back()
        if there is None:
            return
        if failure is not None:
            _tell(there, failure)
            return
        results.show_preview(there, str(answers[0]["path"]), frame, float(answers[0].get("scale", scale)))
        say(there, f"preview of frame {frame}")

    running.watch(f"Rackfocus {node.name()}: frame {frame}", [request], _hearing(back), done)


@_told
def find_limits(node: nuke.Node) -> None:
    """Look for the depth limits of the whole shot in the background, and fill them in."""
    back = _way_back(node)
    engine = running.engine_of(node)
    (task, *_) = running.tasks_of(node, "draft")
    task.shot["depth"].pop("near", None)  # what was given before is looked for anew

    def done(answers: list[dict[str, Any]], failure: EngineError | None) -> None:
        there = back()
        if there is None:
            return
        if failure is not None:
            _tell(there, failure)
            return
        _fill_in(there, answers[0]["limits"])
        say(there, "depth limits found")

    request = engine.sample(task.shot, task.frames[0], 0.5, 0.5)
    running.watch(f"Rackfocus {node.name()}: depth limits", [request], lambda _event: None, done)
    say(node, "looking for depth limits")


@_told
def send_to_farm(node: nuke.Node) -> None:
    """Write plate and depth, then a job bundle beside the output."""
    command = running.engine_command(node)
    tasks = running.tasks_of(node, str(still(node, "farm_quality", running.range_of(node)[0])))
    back = _way_back(node)

    def done(folders: list[str], trouble: str) -> None:
        there = back()
        if trouble:
            nuke.message(f"No job was made: {trouble}")
        elif there is not None:
            say(there, "job: " + ", ".join(folders))

    farms.bundle(command, tasks, done)
    say(node, "writing the job")


@_told
def pick_focus(node: nuke.Node) -> None:
    """Focus on what is under the focal point."""
    picking.pick(node)


@_told
def take_camera(node: nuke.Node) -> None:
    """Take the lens of the camera input."""
    picking.take_camera(node)


@_told
def make_read(node: nuke.Node) -> None:
    """A Read of the result beside the node."""
    results.make_read(node)


@_told
def version_up(node: nuke.Node) -> None:
    """Give the output the next version that has no frames on the disk; Tcl in the path stays as it is."""
    output = knob(node, "output")
    while True:
        output.setValue(with_version(str(output.value())))
        if not existing(path_of(node, "output")):
            break
    say(node, f"output: {Path(path_of(node, 'output')).name}")


def _take(node: nuke.Node) -> str:
    name = node.fullName()
    if name in _busy:
        raise EngineError("nuke.busy", f"{node.name()} is rendering already; cancel that first, or wait")
    _busy.add(name)
    return name


def _way_back(node: nuke.Node) -> Callable[[], nuke.Node | None]:
    """Finds the node again once the engine is done; it may be deleted by then, or be another script's namesake."""
    name, script = node.fullName(), nuke.root().name()

    def back() -> nuke.Node | None:
        found = nuke.toNode(name)
        return found if is_ours(found) and nuke.root().name() == script else None

    return back


def _hearing(back: Callable[[], nuke.Node | None]) -> Callable[[dict[str, Any]], None]:
    """Fills in limits of depth that a render has found, and shows warnings."""

    def heard(event: dict[str, Any]) -> None:
        node = back()
        if node is None:
            return
        if event.get("event") == "warned":
            say(node, str(event.get("message")))
        elif not knob(node, "depth_near").value() and still(node, "depth_kind", 0) in ("distance", "inverse"):
            _fill_in(node, event)

    return heard


def _fill_in(node: nuke.Node, limits: dict[str, Any]) -> None:
    for name, end in (("depth_near", "near"), ("depth_far", "far")):
        knob(node, name).setValue(limits.get(end) or 0)  # None is infinite, which 0 says here


def _tell(node: nuke.Node, failure: EngineError) -> None:
    if failure.code == "cancelled":
        if not failure.data.get("replaced"):
            say(node, "stopped")
    else:
        say(node, failure.message)
        nuke.message(failure.message)
