"""``rackfocus info``: what a file, a sequence or a shot holds, or what this program is."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["info"]

LICENCES = {
    "rackfocus": "Apache-2.0",
    "optical renderer": "Apache-2.0; needs no weights",
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
        typer.echo(jsonlib.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' ')}: {_shown(value)}")


def _program() -> dict[str, Any]:
    from rackfocus import __version__

    return {"rackfocus": __version__, "renderers": ["optical"], "qualities": ["draft", "final"], "licences": LICENCES}


def _sequence(place: str) -> dict[str, Any]:
    from engine.media import PlateReader
    from engine.shot import Plate
    from ui.evaluation import sequence_in

    path = sequence_in(place)
    with PlateReader(Plate(path=path)) as reader:
        found, window = reader.info, reader.info.window
        return {
            "path": path,
            "frames": f"{reader.frames} ({len(reader.frames)})",
            "display_window": f"{window.display_width}x{window.display_height}",
            "data_window": f"{window.width}x{window.height} at {window.x},{window.y}",
            "channels": list(found.channels),
            "data_type": found.data_type,
            "colour_space": found.colour_space,
            "pixel_aspect": found.pixel_aspect,
            "frame_rate": None if found.frame_rate is None else float(found.frame_rate),
            "metadata": {name: str(value) for name, value in sorted((found.metadata or {}).items())},
        }


def _shot(document: Path) -> dict[str, Any]:
    """The document's own words, and the plate that it names."""
    from engine.shot import load_shot

    shot = load_shot(document)
    focus = shot.focus.keys
    facts: dict[str, Any] = {
        "shot": shot.name or document.stem,
        "plate": shot.plate.path,
        "depth": shot.depth.path or "in the plate's files",
        "depth_limits": _limits(shot.depth.near, shot.depth.far),
        "focus_keys": [f"{key.frame:g}" for key in focus],
        "blur": "a lens" if shot.blur is None else [f"{key.frame:g}={key.value:g}" for key in shot.blur.keys],
        "quality": shot.renderer.quality,
        "output": shot.output.path,
    }
    return {
        **facts,
        "plate_files": {k: v for k, v in _sequence(shot.plate.path).items() if k not in ("path", "metadata")},
    }


def _limits(near: float | None, far: float | None) -> str:
    if near is None:
        return "found by the first render"
    return f"near {near:g}, far {'by convention' if far is None else f'{far:g}'}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(f"\n    {str(name).replace('_', ' ')}: {_shown(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "not known" if value is None else str(value)
