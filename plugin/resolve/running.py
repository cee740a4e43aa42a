"""The engine beside Resolve, and what is asked of it; nothing here touches the host."""

from __future__ import annotations

from typing import Any

from ..client import Engine, Request, find_engine
from .controls import Controls
from .shots import Job

__all__ = ["engine_of", "progress_text", "render", "sample"]

PATIENCE = 120.0
"""Seconds that looking through the depth of a shot may take, the first time that a point of it is asked for."""

_ENGINES: dict[tuple[str, ...], Engine] = {}


def engine_of(controls: Controls, host: str) -> Engine:
    """The engine, kept while the script runs; the group's own setting first.

    Raises:
        EngineMissing: it is not there.
    """
    command = tuple(find_engine(controls.text("Engine") or None))
    if command not in _ENGINES:
        _ENGINES[command] = Engine(command, host=host)
    return _ENGINES[command]


def render(engine: Engine, job: Job, overwrite: bool = False) -> Request:
    """Ask for all frames of a job; those that are whole and of the same settings are skipped."""
    return engine.render(job.shot, overwrite=overwrite)


def sample(engine: Engine, job: Job, frame: int, point: tuple[float, float]) -> dict[str, Any]:
    """Disparity and distance under a point of the comp, shares of width and height from the bottom left; waits."""
    x, y = point[0] * job.size[0], (1 - point[1]) * job.size[1]
    return engine.sample(job.shot, frame + job.offset, x, y, radius=3).wait(PATIENCE)


def progress_text(event: dict[str, Any]) -> str | None:
    """What a person reads of an event; None where there is nothing to say."""
    kind, done, total = event.get("event"), event.get("done"), event.get("total")
    if kind == "searching":
        return f"Looking for depth limits: {done} of {total} frames"
    if kind == "started":
        return f"{total} frames to render, {event.get('skipped', 0)} there already"
    if kind == "written":
        return f"Frame {event.get('frame')}: {done} of {total}"
    if kind == "warned":
        return f"Note: {event.get('message')}"
    return None
