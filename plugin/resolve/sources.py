"""Where the plate and the depth come from: files, and which of them lies on which frame of the comp."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..errors import EngineError
from .controls import Controls
from .kinds import Comp, Tool, first, source, told

__all__ = ["MOVIES", "Source", "depth_of", "is_movie", "of_loader", "pattern_of", "plate_of", "render_range"]

MOVIES = (
    *(".mov", ".qt", ".mp4", ".m4v", ".3gp", ".mxf", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".m2t", ".ts", ".mpg"),
    *(".mpeg", ".vob", ".wmv", ".flv", ".dv", ".braw", ".r3d", ".crm", ".ari"),
)
NUMBER = re.compile(r"(\d+)(?=\.[^.]+$)")
BRACKETS = re.compile(r"\[(\d+)-\d+\](?=\.[^.]+$)")


class Source(NamedTuple):
    """Files that lie in a comp.

    Attributes:
        path: pattern of a sequence, or a movie.
        offset: a file's number less the frame of the comp on which it lies.
        first, last: frames of the comp on which there are files; None where it is not known.
        size: width and height in pixels, None where it is not known.
    """

    path: str
    offset: int = 0
    first: int | None = None
    last: int | None = None
    size: tuple[int, int] | None = None


def is_movie(path: str) -> bool:
    """Whether a path is that of a movie, whose first frame is 1."""
    return Path(path).suffix.lower() in MOVIES


def pattern_of(path: str) -> tuple[str, int]:
    """A sequence's pattern and the number of its first file, from the path of that file.

    Resolve writes ``plate.[1001-1024].exr``, Fusion ``plate.1001.exr``. A movie is its own pattern, from 1.
    """
    if is_movie(path):
        return path, 1
    found = BRACKETS.search(path) or NUMBER.search(path)
    if found is None:
        return path, 0
    digits = found.group(1)
    return path[: found.start()] + "#" * len(digits) + path[found.end() :], int(digits)


def render_range(comp: Comp) -> tuple[int, int]:
    """First and last frame of the comp that are to be rendered."""
    attributes = told("Comp.GetAttrs", comp.GetAttrs())
    names = ("COMPN_RenderStart", "COMPN_RenderEnd")
    start, end = (told(f"Comp.GetAttrs {name}", attributes.get(name)) for name in names)
    return round(start), round(end)


def plate_of(comp: Comp, controls: Controls, clip: Callable[[], Source] | None = None) -> Source:
    """The plate: the file that the group names, else the Loader above it, else the clip of the timeline.

    Args:
        comp: of the group.
        controls: of the group.
        clip: finds what a MediaIn shows, where there is a timeline.

    Raises:
        EngineError: what is above the group is no file.
    """
    named = controls.text("PlateFile")
    if named:
        path, _ = pattern_of(comp.MapPath(named))
        return Source(path, round(controls.number("PlateOffset", 0)))
    tool = _above(controls, "View", "Image1", "plate")
    if _kind(tool) == "MediaIn" and clip is not None:
        return clip()
    return _files(comp, tool, "plate", "Plate file")


def depth_of(comp: Comp, controls: Controls, plate: Source) -> Source:
    """The depth: the file that the group names, else the Loader on its second input.

    Raises:
        EngineError: there is no depth, or it is no file.
    """
    named = controls.text("DepthFile")
    if named:
        path, _ = pattern_of(comp.MapPath(named))
        return Source(path, plate.offset + round(controls.number("DepthOffset", 0)))
    return _files(comp, _above(controls, "Focus", "Image1", "depth"), "depth", "Depth file")


def of_loader(comp: Comp, loader: Tool) -> Source:
    """What a Loader shows, with its trims and holds.

    Raises:
        EngineError: it shows nothing, or plays its files backwards or again and again.
    """
    attributes = told("Loader.GetAttrs", loader.GetAttrs())
    name = attributes.get("TOOLS_Name", "the Loader")
    clip = first(attributes, "TOOLST_Clip_Name") or loader.GetInput("Clip")
    if not clip:
        raise EngineError("resolve.source", f"{name} shows no files; choose some")
    for control in ("Reverse", "Loop"):
        if loader.GetInput(control):
            raise EngineError(
                "resolve.source",
                f"{name} has {control} on, and a shot runs forward once; switch it off, or render it first",
            )
    path, number = pattern_of(comp.MapPath(str(clip)))
    length = round(first(attributes, "TOOLIT_Clip_Length") or 1)
    if length == 1 and not is_movie(path):
        raise EngineError("resolve.source", f"{name} shows one picture only; give a sequence or a movie")
    if not is_movie(path):
        # The number that Fusion itself has; the path may be that of another frame.
        number = round(first(attributes, "TOOLIT_Clip_StartFrame") or number)
    places = ("GlobalIn", "ClipTimeStart", "ClipTimeEnd", "HoldFirstFrame")
    begin, trim, end, hold = (round(loader.GetInput(control) or 0) for control in places)
    begin += hold
    size = tuple(first(attributes, f"TOOLIT_Clip_{side}") for side in ("Width", "Height"))
    return Source(
        path,
        number + trim - begin,
        begin,
        begin + max(end, trim) - trim,
        (round(size[0]), round(size[1])) if all(size) else None,
    )


def _files(comp: Comp, tool: Tool, what: str, control: str) -> Source:
    if _kind(tool) == "Loader":
        return of_loader(comp, tool)
    name = (tool.GetAttrs() or {}).get("TOOLS_Name", "a tool")
    raise EngineError(
        "resolve.source",
        f"the {what} comes from {name}, which is no file; render it with a Saver and load that, or name its files in "
        f"{control}",
    )


def _above(controls: Controls, control: str, name: str, what: str) -> Tool:
    """The tool on an image input of the tool that holds a control; routers are passed by."""
    tool = controls.owner(control)
    while True:
        held = source(tool, name)
        if held is None:
            raise EngineError(
                "resolve.source",
                f"{controls.name} has no {what}; connect a Loader, or name its files in {what.capitalize()} file",
            )
        if _kind(held) != "PipeRouter":
            return held
        tool, name = held, "Input"


def _kind(tool: Tool) -> str:
    return str((tool.GetAttrs() or {}).get("TOOLS_RegID"))
