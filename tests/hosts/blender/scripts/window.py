"""The add-on in a real window: operators that run modally, keys and clicks, and the panel as it is drawn."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from stage import FOLDER, Struct, enable, module, tell

FRAMES = (1, 30)
PAUSE = 0.05
"""Seconds in which the window may do its own work, between two looks at it."""

Steps = Iterator[None]


def main() -> None:
    """Set the scene, and go on in steps once the window is there."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FRAMES
    scene.use_nodes = True
    settings = enable(scene)
    settings.plate_source, settings.plate_path = "FILES", str(FOLDER / "files" / "plate.0001.exr")
    settings.focus_distance, settings.strength, settings.place = 3.0, 20.0, {"COMPOSITOR"}
    steps = everything()

    def drive() -> float | None:
        try:
            next(steps)
        except StopIteration:
            bpy.ops.wm.quit_blender()
            return None
        except Exception:  # noqa: BLE001  whatever it is, the window must close
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(7)
        return PAUSE

    bpy.app.timers.register(drive, first_interval=1.0)


def everything() -> Steps:
    """All that is done in the window, one after the other."""
    yield from arrange()
    yield from the_panel_is_drawn()
    yield from render_and_press_again()
    yield from stop()
    yield from preview_and_pick()


def arrange() -> Steps:
    """The compositor with its side bar, and an image editor."""
    window().workspace = bpy.data.workspaces["Compositing"]
    yield from wait(10)
    area("PROPERTIES").type = "IMAGE_EDITOR"
    area("NODE_EDITOR").spaces.active.show_region_ui = True
    yield from wait(10)


def the_panel_is_drawn() -> Steps:
    """Turn the tabs of the side bar till the panel is seen."""
    drawn: list[str] = []
    for section in module("blender.panels").SECTIONS:
        shows = section.show

        def noted(
            self: Struct, layout: Struct, settings: Struct, shows: Struct = shows, name: str = section.__name__
        ) -> None:
            drawn.append(name)
            shows(self, layout, settings)

        section.show = noted
    bar = next(region for region in area("NODE_EDITOR").regions if region.type == "UI")
    x, y = bar.x + bar.width - 8, bar.y + 8  # below the tabs: over a menu the wheel would turn that
    for _ in range(8):
        event("MOUSEMOVE", "NOTHING", x, y)
        event("WHEELDOWNMOUSE", "PRESS", x, y, ctrl=True)
        yield from wait(4)
    tell(drawn=sorted(set(drawn)))


def render_and_press_again() -> Steps:
    """Press Render, and once more while it runs; it goes to its end."""
    answers = [press("render"), press("render")]
    yield from wait(2)
    bpy.ops.screen.screenshot(filepath=str(FOLDER / "window.png"))
    yield from until_idle()
    tell(rendered=message(), answers=answers, files=len(list((FOLDER / "out").glob("*.exr"))))
    tell(node=bpy.context.scene.node_tree.nodes.get("Rackfocus") is not None)


def stop() -> Steps:
    """Press Esc in the middle of a render."""
    bpy.context.scene.rackfocus.overwrite = True
    pid = module("blender.session").engine().start()["pid"]
    os.kill(pid, signal.SIGSTOP)  # so that the render cannot be over before the key is pressed
    press("render")
    yield from wait(4)
    event("ESC", "PRESS", *middle(area("NODE_EDITOR")))
    yield from until_idle()
    os.kill(pid, signal.SIGCONT)
    tell(stopped=message())


def preview_and_pick() -> Steps:
    """Preview a frame, then focus on what is left in it, by a click; a click elsewhere is refused."""
    press("preview")
    yield from until_idle()
    shown = area("IMAGE_EDITOR").spaces.active.image
    tell(preview=[message(), shown.name if shown is not None else ""])
    image = next(region for region in area("IMAGE_EDITOR").regions if region.type == "WINDOW")
    x, y = image.view2d.view_to_region(0.25, 0.5, clip=False)
    for place in ((image.x + x, image.y + y), middle(area("OUTLINER"))):
        press("pick_focus")
        yield from wait(2)
        event("MOUSEMOVE", "NOTHING", *place)
        event("LEFTMOUSE", "PRESS", *place)
        event("LEFTMOUSE", "RELEASE", *place)
        yield from wait(2)
        yield from until_idle()
        yield from wait(10)  # nothing may come after the last word
        tell(**{"picked" if place != middle(area("OUTLINER")) else "refused": message()})
    tell(distance=bpy.context.scene.rackfocus.focus_distance)


def window() -> Struct:
    """The only one."""
    return bpy.context.window_manager.windows[0]


def area(kind: str) -> Struct:
    """The first editor of a kind."""
    return next(area for area in window().screen.areas if area.type == kind)


def middle(place: Struct) -> tuple[int, int]:
    """Of an area or a region, in the window's pixels."""
    return place.x + place.width // 2, place.y + place.height // 2


def event(kind: str, value: str, x: int, y: int, **modifiers: bool) -> None:
    """What a person's hand does."""
    window().event_simulate(type=kind, value=value, x=int(x), y=int(y), **modifiers)


def press(operator: str) -> str:
    """A button of the panel; what Blender answers."""
    place = area("NODE_EDITOR")
    region = next(region for region in place.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window(), area=place, region=region):
        return next(iter(getattr(bpy.ops.rackfocus, operator)("INVOKE_DEFAULT")))


def message() -> str:
    """What the panel says."""
    return str(bpy.context.scene.rackfocus.message)


def wait(times: int) -> Steps:
    """Let the window work."""
    for _ in range(times):
        yield


def until_idle() -> Steps:
    """Let it work till no operator runs."""
    while module("blender.operators").JobOperator.running:
        yield


main()
