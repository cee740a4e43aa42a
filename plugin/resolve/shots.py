"""From the comp to a shot document."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..document import shot_document
from ..errors import EngineError
from .controls import FIELDS, FOCUS_KINDS, TEXTS, Controls
from .curves import Curve
from .kinds import Comp, entries, told
from .sources import Source, depth_of, is_movie, plate_of, render_range

__all__ = ["Job", "job_of", "output_of"]

FOLDER = "{}_rackfocus"
VERSION = re.compile(r"_v(\d+)$")
WRITTEN = (".exr", ".png", ".tif", ".tiff", ".dpx")
"""Sequences that the engine writes; of any other a PNG is made."""


class Job(NamedTuple):
    """One group that is to be rendered.

    Attributes:
        shot: its document; frames are the numbers of the plate's files.
        frames: first and last frame on the comp.
        offset: a frame of the document less that of the comp.
        output: pattern of the result.
        size: width and height of the plate.
        notes: what a person should know of it beforehand.
    """

    shot: dict[str, Any]
    frames: tuple[int, int]
    offset: int
    output: str
    size: tuple[int, int]
    notes: list[str]


def job_of(comp: Comp, controls: Controls, clip: Callable[[], Source] | None = None, new_version: bool = False) -> Job:
    """What a group asks for.

    Args:
        comp: of the group.
        controls: of the group.
        clip: finds what a MediaIn shows, where there is a timeline.
        new_version: whether a result that is there already is kept, and another one made beside it.

    Raises:
        EngineError: the group cannot be rendered.
    """
    plate = plate_of(comp, controls, clip)
    depth = depth_of(comp, controls, plate)
    start, end = render_range(comp)
    start = start if plate.first is None else max(start, plate.first)
    end = end if plate.last is None else min(end, plate.last)
    if start > end:
        raise EngineError(
            "resolve.source", f"{plate.path} has no files on the frames of the comp; correct the comp's render range"
        )
    frames = range(start, end + 1)
    parts = controls.fields(start)
    convention = parts["depth"]["convention"]
    near, far = _limits(controls, convention, start)
    size = plate.size or _frame_format(comp)
    focus = _focus(controls, size, plate.offset, frames)
    blur = controls.curve("K", frames)
    output = output_of(comp, controls, plate, new_version)
    notes = [_note("K", blur)] if not blur.exact else []
    notes += [
        f"{control} is animated, but a shot has one value of it: that of frame {start} is taken"
        for control in FIELDS
        if control not in TEXTS and controls.is_animated(control)
    ]
    if isinstance(focus, Curve):
        notes += [] if focus.exact else [_note("Focus", focus)]
        focus = focus.part(plate.offset)
    shot = shot_document(
        name=controls.name,
        plate={"path": plate.path},
        depth={
            **parts.pop("depth"),
            "path": depth.path,
            "near": near,
            "far": far,
            "frame_offset": depth.offset - plate.offset,
        },
        frames=(start + plate.offset, end + plate.offset),
        focus=focus,
        blur=blur.part(plate.offset),
        output=output,
        **parts,
    )
    return Job(shot, (start, end), plate.offset, output, size, notes)


def output_of(comp: Comp, controls: Controls, plate: Source, new_version: bool = False) -> str:
    """Where the result goes: as the group says, else beside the plate, in a folder for each version.

    A movie of a movie and a sequence of a sequence, so that Resolve takes both for the same colours.
    """
    named = controls.text("OutputFile")
    if named:
        return comp.MapPath(named)
    file = Path(plate.path)
    stem = re.sub(r"[._ -]*#*$", "", file.stem) or "plate"
    folder = file.parent / FOLDER.format(stem)
    versions = [int(found.group(1)) for place in folder.glob("*_v*") if (found := VERSION.search(place.name))]
    version = max(versions, default=0) + 1 if new_version or not versions else max(versions)
    name = f"{FOLDER.format(stem)}_v{version:03d}"
    if is_movie(plate.path):
        return str(folder / name / f"{name}.mov")
    extension = file.suffix if file.suffix.lower() in WRITTEN else ".png"
    return str(folder / name / f"{name}.####{extension}")


def _focus(controls: Controls, size: tuple[int, int], offset: int, frames: range) -> Curve | dict[str, Any]:
    kind = FOCUS_KINDS[round(controls.number("FocusBy", frames[0]))]
    if kind != "pixel":
        return controls.curve("Focus", frames, kind)
    held = controls.input("PointIn1")
    times: list[float] = [frames[0]]
    if held.GetConnectedOutput() is not None or held.GetExpression():
        # A tracker and the like has no keys of its own: then the point counts on every frame.
        times = sorted(float(time) for time in entries(held.GetKeyFrames())) or [float(frame) for frame in frames]
    keys = []
    for time in times:
        x, y = controls.point("PointIn1", time)
        # Fusion counts from the bottom left, a shot from the top left.
        keys.append({"frame": time + offset, "pixel": [x * size[0], (1 - y) * size[1]]})
    if len(keys) >= len(frames) > 1:
        keys = [{**key, "interpolation": "linear"} for key in keys]
    return {"keys": keys}


def _frame_format(comp: Comp) -> tuple[int, int]:
    width, height = (
        told(f"Comp.GetPrefs {side}", comp.GetPrefs(f"Comp.FrameFormat.{side}")) for side in ("Width", "Height")
    )
    return round(width), round(height)


def _limits(controls: Controls, convention: str, frame: int) -> tuple[float | None, float | None]:
    """The depth's limits where the group gives them; zero, or twice the same, leaves them open."""
    near, far = controls.number("DepthNear", frame), controls.number("DepthFar", frame)
    if convention == "distance":
        return near or None, far or None
    if convention == "inverse":
        return (near, far) if near else (None, None)
    return (None, None) if near == far or convention == "direct" else (near, far)


def _note(control: str, curve: Curve) -> str:
    return (
        f"{control} is moved by more than a plain spline; its values were taken frame by frame ({len(curve.keys)} keys)"
    )
