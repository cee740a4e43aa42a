"""Plate and depth as files: those of plain Reads as they are, all else written first.

Nuke alone can evaluate what hangs above the node, so that what is no plain Read is written by the Write nodes inside
the Group: scene-linear and raw, at full size whatever the proxy, with overscan as the data window.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import nuke

from ..errors import EngineError
from .knobs import still
from .paths import FRAME, existing, has_views, of_frame, of_view

__all__ = ["Input", "depth_of", "full_size", "inner", "inputs_folder", "plate_of", "write_input"]

LINEAR = frozenset({"linear", "scene_linear", "raw", "data", "default (linear)", "default (scene_linear)"})
"""Colour spaces of a Read that leave an EXR's values as they are."""

DEPTH_CHANNELS = {"depth": None, "rgba": "R", "rgb": "R"}
"""What the first channel of a layer is called in a file; the engine finds depth by itself."""


class Input:
    """Where a part of the shot comes from.

    Attributes:
        part: of the shot document, its path included.
        write: name of the Write inside the Group that makes the files; None where they are there already.
    """

    def __init__(self, part: dict[str, Any], write: str | None = None) -> None:
        self.part = part
        self.write = write


def inner(node: nuke.Node, name: str) -> nuke.Node:
    """A node inside the Group.

    Raises:
        EngineError: there is none.
    """
    found = cast(nuke.Group, node).node(name)
    if found is None:
        raise EngineError("nuke.knob", f"{node.name()} holds no {name}; make a new Rackfocus node")
    return found


def plate_of(node: nuke.Node, frames: tuple[int, int], folder: Path, view: str | None) -> Input:
    """The plate.

    Args:
        node: of ours.
        frames: first and last that are needed.
        folder: for what has to be written.
        view: in scripts with several.

    Raises:
        EngineError: nothing is connected.
    """
    above = node.input(0)
    if above is None:
        raise EngineError("nuke.input", f"{node.name()} has no plate; connect its first input")
    part: dict[str, Any] = {"pixel_aspect": above.pixelAspect(), "frame_rate": _root("fps") or None}
    path = _plain_path(above, frames, view)
    if path is not None:
        return Input({**part, "path": path})
    return Input({**part, "path": str(folder / "plate.####.exr")}, "WritePlate")


def depth_of(node: nuke.Node, frames: tuple[int, int], folder: Path, view: str | None) -> Input:
    """The depth: of the second input, else a layer of the plate. Arguments as for ``plate_of``."""
    above = node.input(1) or node.input(0)
    layer = str(inner(node, "Depth")["in"].value())
    path = None if above is None or layer not in DEPTH_CHANNELS else _plain_path(above, frames, view)
    if path is not None:
        return Input({"path": path, "channel": DEPTH_CHANNELS[layer]})
    return Input({"path": str(folder / "depth.####.exr")}, "WriteDepth")


def inputs_folder(output: str) -> Path:
    """The folder for plate and depth beside the result, one for each of its versions."""
    name = FRAME.split(Path(output).name)[0].rstrip("._-") or "rackfocus"
    return Path(output).parent / f"{name}_inputs"


def write_input(node: nuke.Node, source: Input, frames: tuple[int, int], view: str | None) -> None:
    """Write what has to be written, at full size; shows Nuke's own progress.

    Raises:
        EngineError: Nuke could not render it, or somebody stopped it; the code is then ``cancelled``.
    """
    if source.write is None:
        return
    path = source.part["path"]
    write = inner(node, source.write)
    write["file"].setValue(path)
    if source.write == "WritePlate":
        above = node.input(0)
        # A plate without alpha must not get one: an alpha of 0 says that nothing is seen.
        alpha = above is not None and "rgba.alpha" in above.channels()
        write["channels"].setValue("rgba" if alpha else "rgb")
        whole = still(node, "data_type", frames[0]) == "float"
        write["datatype"].setValue("32 bit float" if whole else "16 bit half")
    there = frozenset(existing(path)) if still(node, "keep_inputs", frames[0]) else frozenset()
    views = [view] if view is not None else [_first_view()]
    try:
        with full_size():
            for first, last in _runs([f for f in range(frames[0], frames[1] + 1) if of_frame(path, f) not in there]):
                nuke.execute(write, first, last, 1, views)
    except RuntimeError as error:
        if "cancel" in str(error).lower():
            raise EngineError("cancelled", "writing plate and depth was stopped") from error
        raise EngineError("nuke.input", f"{node.name()}: {path} could not be written ({error})") from error


@contextmanager
def full_size() -> Iterator[None]:
    """Proxy mode off, and back to what it was."""
    proxy = nuke.root()["proxy"]
    before = bool(proxy.value())
    if before:
        proxy.setValue(False)
    try:
        yield
    finally:
        if before:
            proxy.setValue(True)


def _plain_path(above: nuke.Node, frames: tuple[int, int], view: str | None) -> str | None:
    """The files of a Read whose pixels come through as they are; None where there is more to it."""
    node: nuke.Node | None = above
    while node is not None and node.Class() != "Read":
        if not _passes(node):
            return None
        node = node.input(0)
    if node is None or _is(node, "disable", True) or not _is_plain(node, frames):
        return None
    knob: Any = node["file"]
    try:
        path = str(knob.getEvaluatedValue() or "")
    except RuntimeError:  # another's Tcl: Nuke writes it, or says what is wrong
        return None
    if not path.lower().endswith(".exr") or not Path(path).is_absolute():
        return None
    if has_views(path):
        return of_view(path, view if view is not None else _first_view())
    return path if len(nuke.views()) == 1 else None


def _passes(node: nuke.Node) -> bool:
    """Whether a node hands on its input untouched."""
    if node.Class() in ("Dot", "NoOp"):
        return True
    knob = node.knob("disable")
    return knob is not None and not knob.isAnimated() and bool(knob.value())


def _is_plain(read: nuke.Node, frames: tuple[int, int]) -> bool:
    """Whether a Read gives the file's own values of the file's own frames."""
    shifted = str(read["frame"].value() or "").strip() not in ("", "frame") if read.knob("frame") else False
    inside = int(read["first"].value()) <= frames[0] and int(read["last"].value()) >= frames[1]
    colours = str(read["colorspace"].value()).lower() if read.knob("colorspace") else "default"
    default = colours == "default" and _root("colorManagement") == "Nuke"  # there floats are linear
    return inside and not shifted and (_is(read, "raw", True) or colours in LINEAR or default)


def _is(node: nuke.Node, name: str, value: object) -> bool:
    knob = node.knob(name)
    return knob is not None and bool(knob.value() == value)


def _root(name: str) -> Any:  # noqa: ANN401  what the knob holds
    knob = nuke.root().knob(name)
    return None if knob is None else knob.value()


def _first_view() -> str:
    return nuke.views()[0]


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of each unbroken run."""
    start = None
    for at, frame in enumerate(frames):
        start = frame if start is None else start
        if at + 1 == len(frames) or frames[at + 1] != frame + 1:
            yield start, frame
            start = None
