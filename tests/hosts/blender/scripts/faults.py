"""What goes wrong: each is said in Blender, and none blocks it or brings it down."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from stage import FOLDER, Struct, changed, complaint, enable, module, tell

FRAMES = (1, 30)


def main() -> None:
    """All of it, in one Blender."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FRAMES
    settings = enable(scene)
    settings.plate_source, settings.plate_path = "FILES", str(FOLDER / "files" / "plate.0001.exr")
    settings.focus_distance, settings.strength = 3.0, 12.0
    render = bpy.ops.rackfocus.render
    os.environ["RACKFOCUS"] = str(FOLDER / "nowhere" / "rackfocus")
    tell(missing=complaint(render))
    del os.environ["RACKFOCUS"]
    with changed(settings, depth_channel="nothing.Z"):
        tell(channel=complaint(render))
    with changed(settings, depth_source="FILES", depth_path=str(FOLDER / "files" / "small.0001.exr")):
        tell(size=complaint(render))
    with changed(settings, depth_source="FILES", depth_path=str(FOLDER / "files" / "absent.0001.exr")):
        tell(absent=complaint(render))
    with changed(settings, output_path="//out/out_####.exr"):
        tell(unsaved=complaint(render))
    with changed(settings, focus_source="OBJECT"):
        tell(no_camera=complaint(render))
    with changed(scene, frame_start=31, frame_end=31):
        tell(no_file=complaint(render))
    tell(modal=modal())
    tell(cancelled=cancel(), killed=kill(), hung=hang())
    tell(after=[complaint(render), settings.message])


def job() -> Struct:
    """A render as the interface has it, to be moved on step by step."""
    return module("blender.jobs").Job(module("blender.operators").render_work(bpy.context))


def until_written(work: Struct, count: int) -> None:
    """Go on until so many frames are there."""
    while len(list((FOLDER / "out").glob("*.exr"))) < count:
        assert not work.step(), "it was finished too early to be interrupted"


def modal() -> dict[str, Any]:
    """The operator as a window drives it: a timer, other events, Esc. Blender has no windows here; window.py has."""
    operators = module("blender.operators")
    names = ("modal", "work", "_refused", "_show", "_stop", "_say", "_fail")
    said: list[Any] = []
    kind = type(
        "Operator",
        (),
        {name: operators.RenderShot.__dict__.get(name) or operators.JobOperator.__dict__[name] for name in names},
    )
    operator = kind()
    operator.report = lambda how, text: said.append([*how, text])
    context, running = bpy.context, operators.JobOperator

    def send(event: str) -> list[str]:
        return list(operator.modal(context, SimpleNamespace(type=event)))

    running.running["Operator"] = job()
    answers = [send("TIMER"), send("MOUSEMOVE"), [str(operator._refused())], send("ESC"), [str(len(running.running))]]
    running.running["Operator"] = job()
    while send("TIMER") == ["RUNNING_MODAL"]:
        pass
    with changed(context.scene.rackfocus, depth_channel="nothing.Z"):
        running.running["Operator"] = job()
        while send("TIMER") == ["RUNNING_MODAL"]:
            pass
    for file in (FOLDER / "out").glob("*"):
        file.unlink()
    return {"answers": answers, "said": said, "idle": not operator._refused()}


def cancel() -> list[Any]:
    """Stop it as Esc does, then wait for the engine to say that it is idle."""
    work = job()
    until_written(work, 3)
    work.cancel()
    module("blender.session").engine().restart()
    return [len(list((FOLDER / "out").glob("*"))), bpy.context.scene.frame_current]


def kill() -> str:
    """End the engine's process in the middle of a render."""
    work = job()
    before = len(list((FOLDER / "out").glob("*.exr")))
    pid = module("blender.session").engine().start()["pid"]
    until_written(work, before + 2)
    os.kill(pid, signal.SIGKILL)
    try:
        work.run()
    except module("client").EngineError as error:
        return f"{error.code}: {error}"
    return ""


def hang() -> list[Any]:
    """Let the engine's process stand still; Blender goes on, and so does the render afterwards."""
    engine = module("blender.session").engine()
    pid = engine.start()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        work = job()
        steps = [work.step() for _ in range(20)]
        status = work.status.text
    finally:
        os.kill(pid, signal.SIGCONT)
    return [any(steps), status, work.run()]


main()
