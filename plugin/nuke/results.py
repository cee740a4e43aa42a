"""What came back: shown by the Reads inside the Group, or by a new one beside it."""

from __future__ import annotations

from typing import Any

import nuke

from ..errors import EngineError
from .inputs import inner
from .knobs import knob
from .paths import existing
from .running import output_of, range_of

__all__ = ["make_read", "show_preview", "show_result"]


def show_result(node: nuke.Node, output: str, frames: tuple[int, int]) -> None:
    """Show a rendered sequence, linear as it is, in the node itself."""
    _load(inner(node, "Result"), output, frames)
    knob(node, "has_result").setValue(True)
    knob(node, "show").setValue("result")


def show_preview(node: nuke.Node, path: str, frame: int, scale: float) -> None:
    """Show a preview of one frame, at the plate's size, in the node itself."""
    _load(inner(node, "Preview"), path, (frame, frame))
    knob(node, "preview_scale").setValue(scale)
    knob(node, "has_preview").setValue(True)
    knob(node, "show").setValue("preview")


def make_read(node: nuke.Node) -> nuke.Node:
    """A Read of the result below the node.

    Raises:
        EngineError: nothing has been rendered yet.
    """
    output = output_of(node)
    if "%" not in output and not existing(output):
        raise EngineError("nuke.output", f"{node.name()}: there are no frames at {output}; render first")
    with node.parent():
        read = nuke.createNode("Read", inpanel=False)
    _load(read, output, range_of(node))
    read.setXYpos(node.xpos(), node.ypos() + 100)
    return read


def _load(read: nuke.Node, path: str, frames: tuple[int, int]) -> None:
    file: Any = read["file"]
    file.fromUserText(path)  # looks at the file, and so finds its format
    for name, value in (("first", frames[0]), ("last", frames[1]), ("origfirst", frames[0]), ("origlast", frames[1])):
        read[name].setValue(value)
    read["raw"].setValue(True)
    read["on_error"].setValue("nearest frame")
    reload: Any = read["reload"]
    reload.execute()
