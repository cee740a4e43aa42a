"""Changes of a comp: as one step of undo, and the Loader that shows a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .controls import Controls
from .kinds import Comp, Tool, entries, told
from .shots import Job
from .sources import is_movie

__all__ = ["locked", "one_step", "show_limits", "show_result"]

TAG = "Rackfocus.ResultOf"
KEPT = (
    "GlobalIn",
    "GlobalOut",
    "ClipTimeStart",
    "ClipTimeEnd",
    "HoldFirstFrame",
    "HoldLastFrame",
    "Reverse",
    "Loop",
    "Depth",
    "MissingFrames",
)
"""What a Loader forgets when other files are given to it, and what a person may have set."""


@contextmanager
def one_step(comp: Comp, name: str) -> Iterator[None]:
    """Changes that a person takes back in one step, even if they end in an error."""
    comp.StartUndo(name)
    try:
        yield
    finally:
        comp.EndUndo(True)


@contextmanager
def locked(comp: Comp) -> Iterator[None]:
    """A comp in which nothing renders and no dialog opens, for adding and connecting tools.

    Controls are set outside: the first ``SetInput`` inside a lock may never reach the picture (seen in Resolve 21.0).
    """
    comp.Lock()
    try:
        yield
    finally:
        comp.Unlock()


def show_result(comp: Comp, controls: Controls, job: Job) -> Tool:
    """A Loader with the result on the frames of the comp where it belongs: the one of the last time, or a new one.

    Raises:
        EngineError: Fusion makes no Loader.
    """
    with one_step(comp, "Rackfocus result"):
        loader = _result_loader(comp, controls.name)
        made = loader is None
        if loader is None:
            with locked(comp):
                loader = told("Comp.AddTool Loader", comp.AddTool("Loader", -32768, -32768))
            loader.SetAttrs({"TOOLS_Name": f"{controls.name}_Result", "TOOLB_NameSet": True})
            loader.SetData(TAG, controls.name)
        kept = {} if made else {name: loader.GetInput(name) for name in KEPT}
        count = job.frames[1] - job.frames[0] + 1
        same_range = not made and round((kept["ClipTimeEnd"] or 0) - (kept["ClipTimeStart"] or 0)) + 1 == count
        loader.SetInput("Clip", _first_file(job))
        settings: dict[str, Any] = {
            "GlobalIn": job.frames[0],
            "GlobalOut": job.frames[1],
            "ClipTimeStart": 0,
            "ClipTimeEnd": count - 1,
        }
        settings = {**settings, **kept} if same_range else {**kept, **settings, "HoldFirstFrame": 0, "HoldLastFrame": 0}
        _set(loader, {name: value for name, value in settings.items() if value is not None})
    return loader


def show_limits(comp: Comp, controls: Controls, near: float, far: float | None, frame: int) -> None:
    """Put depth limits that the engine has found into the group, so that overlay and later renders have them too."""
    with one_step(comp, "Rackfocus depth limits"):
        controls.put("DepthNear", near, frame)
        if far is not None and far < 1e9:
            controls.put("DepthFar", far, frame)


def _set(loader: Tool, settings: dict[str, Any]) -> None:
    """Place a Loader: Fusion lets GlobalIn not past GlobalOut, and moves the trims with both: they come last."""
    ends = ["GlobalIn", "GlobalOut"]
    if settings["GlobalIn"] > (loader.GetInput("GlobalIn") or 0):
        ends.reverse()
    for name in (*ends, *(name for name in settings if name not in ends)):
        loader.SetInput(name, settings[name])


def _result_loader(comp: Comp, name: str) -> Tool | None:
    tools: list[Tool] = entries(comp.GetToolList(False, "Loader"))
    return next((tool for tool in tools if tool.GetData(TAG) == name), None)


def _first_file(job: Job) -> str:
    """A sequence is given to a Loader by the path of its first file."""
    if is_movie(job.output):
        return job.output
    number = job.frames[0] + job.offset
    head, _, tail = job.output.rpartition("#")
    stem = head.rstrip("#")
    return f"{stem}{number:0{len(head) - len(stem) + 1}d}{tail}"
