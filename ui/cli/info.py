"""``rackfocus info``: what a file, a sequence or a shot holds, or what this program is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.json_text import json_text

if TYPE_CHECKING:
    from engine.media import PartDescription
    from engine.shot import FocusKey, Shot

__all__ = ["info"]

LICENCES = {
    "rackfocus": "Apache-2.0",
    "optical renderer": "Apache-2.0; needs no weights",
    "any-to-bokeh renderer": "Apache-2.0; needs weights, which are not part of Rackfocus",
    "Any-to-Bokeh's published weights": "CC BY-NC 4.0, no commercial use; "
    "made from Stable Video Diffusion, whose licence holds beside it",
    "Stable Video Diffusion": "Stability AI's own licence, to be accepted where it is downloaded",
}


def info(
    place: Annotated[
        str | None,
        typer.Argument(metavar="[SHOT.json|SEQUENCE|MOVIE|FOLDER]", help="What to look at.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Say what a shot, a sequence or a movie holds; without one, the program's renderers and their licences."""
    if place is None:
        facts = _program()
    elif Path(place).suffix.lower() == ".json":
        facts = _shot(Path(place))
    else:
        facts = _sequence(place)
    if json:
        typer.echo(json_text(facts))
        return
    for line in _lines(facts):
        typer.echo(line)


def _program() -> dict[str, Any]:
    from rackfocus import __version__

    return {
        "rackfocus": __version__,
        "renderers": ["optical", "any-to-bokeh"],
        "qualities": ["draft", "final"],
        "licences": LICENCES,
    }


def _sequence(place: str) -> dict[str, Any]:
    from engine.media import describe

    found = describe(place)
    return {
        "path": found.path,
        "format": found.file_format,
        "frames": f"{found.frames} ({len(found.frames)})",
        "missing": str(found.missing) or None,
        "frame_rate": None if found.frame_rate is None else float(found.frame_rate),
        "colour_space": found.colour_space,
        "depth": found.depth,
        "warnings": [f"{notice.kind}: {notice.message}" for notice in found.notices],
        "parts": [_part(part) for part in found.parts],
    }


def _part(part: PartDescription) -> dict[str, Any]:
    from engine.media.orientation import turned_words

    window = part.window
    return {
        "name": part.name,
        "display_window": f"{window.display_width}x{window.display_height} at {window.display_x},{window.display_y}",
        "data_window": f"{window.width}x{window.height} at {window.x},{window.y}",
        "orientation": f"{part.orientation}{turned_words(part.orientation)}" if part.orientation != 1 else None,
        "pixel_aspect": part.pixel_aspect,
        "compression": part.compression or None,
        "deep": part.deep,
        "channels": {channel.name: channel.data_type for channel in part.channels},
        "metadata": {name: _plain(value) for name, value in sorted(part.metadata.items())},
    }


def _plain(value: object) -> object:
    """A header's entry as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value if isinstance(value, int | float | str) else str(value)


def _shot(document: Path) -> dict[str, Any]:
    """The document's own words, what its depth's edges are like, and the plate that it names."""
    from engine.shot import load_shot

    shot = load_shot(document)
    edges, implausible = _looked(shot)
    return {
        "shot": shot.name or document.stem,
        "plate": shot.plate.path,
        "depth": shot.depth.path or "in the plate's files",
        "depth_limits": _limits(shot.depth.near, shot.depth.far),
        "depth_edges": edges,
        "focus_keys": [_key(key) for key in shot.focus.keys],
        "blur": "a lens" if shot.blur is None else [f"{key.frame:g}={key.value:g}" for key in shot.blur.keys],
        "renderer": f"{shot.renderer.name} {shot.renderer.quality}",
        "output": shot.output.path,
        "output_warnings": _losses(shot),
        "warnings": implausible,
        "plate_files": {name: value for name, value in _sequence(shot.plate.path).items() if name != "path"},
    }


def _losses(shot: Shot) -> list[str]:
    """What the result cannot keep of the plate; nothing where it cannot be read or written (``check`` says why)."""
    from engine.errors import RackfocusError
    from engine.media import PlateReader, check_settings

    with suppress(RackfocusError), PlateReader(shot.plate) as plate:
        found = check_settings(shot.output, plate.info, plate.frames)
        return [f"{notice.kind}: {notice.message}" for notice in found]
    return []


def _key(key: FocusKey) -> str:
    """A key of the focal point, as the flags have it."""
    if key.pixel is not None:
        return f"{key.frame:g}@{key.pixel[0]:g},{key.pixel[1]:g}"
    if key.distance is not None:
        return f"{key.frame:g}={key.distance:g} away"
    return f"{key.frame:g}={key.disparity:g}"


def _limits(near: float | None, far: float | None) -> str:
    if near is None:
        return "found by the first render"
    return f"near {near:g}, far {'by convention' if far is None else f'{far:g}'}"


def _looked(shot: Shot) -> tuple[str | None, list[str]]:
    """How good the depth's edges are, and what can hardly be meant; nothing of files that cannot be read."""
    from engine.errors import RackfocusError
    from engine.render import Inputs
    from engine.render.check import implausible

    edges: str | None = None
    said: list[str] = []
    with suppress(RackfocusError), Inputs(shot) as inputs:
        measured = inputs.edges_measured()
        edges = None if measured is None else str(measured).removeprefix("depth edges are ")
        said = [f"{notice.kind}: {notice.message}" for notice in implausible(shot, inputs)]
    return edges, said


def _lines(facts: Mapping[str, Any], indent: str = "") -> list[str]:
    """The facts for a person: what is nested is indented, what is not known left out."""
    lines: list[str] = []
    for name, value in facts.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        if name == "parts":
            for number, part in enumerate(value):
                several = [f"{indent}part {number}:"] if len(value) > 1 else []
                lines += [*several, *_lines(part, indent + "    " * len(several))]
        elif name == "channels":
            lines.append(f"{label} {_channels(value)}")
        elif name == "metadata":
            lines += [label, *(f"{indent}    {entry}: {_text(held)}" for entry, held in value.items())] if value else []
        elif isinstance(value, Mapping):
            lines += [label, *_lines(value, f"{indent}    ")] if value else []
        elif name == "warnings":
            lines += [f"{indent}warning: {said}" for said in value]
        elif value not in (None, "", False):
            lines.append(f"{label} {_text(value)}")
    return lines


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _channels(types: Mapping[str, str]) -> str:
    """``R, G, B (half), Z (float)``."""
    names: dict[str, list[str]] = {}
    for name, data_type in types.items():
        names.setdefault(data_type, []).append(name)
    return ", ".join(f"{', '.join(of_type)} ({data_type})" for data_type, of_type in names.items())
