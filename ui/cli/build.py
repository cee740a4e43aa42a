"""``rackfocus build``: engines for TensorRT, ahead of the shoot or the farm job."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.json_text import json_text

if TYPE_CHECKING:
    from engine.runtime.onnx.building import Building

__all__ = ["build"]

UNITS: Final = {"MiB": 2**20, "GiB": 2**30}


def build(
    weights: Annotated[
        Path, typer.Option("--weights", metavar="EXPORT", help="Folder that rackfocus export made.", show_default=False)
    ],
    device: Annotated[str, typer.Option("--device", help="tensorrt, or tensorrt:1 for the second card.")] = "tensorrt",
    size: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="NAME", help="A size of the export, like model or proxy; repeat it for more."),
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="16GiB", help="What the builder may use of the card's memory.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, for machines.")] = False,
) -> None:
    """Compile an export for this machine's card, so that no render waits for it.

    It takes minutes for each graph and size, and is done once: engines are kept until the export, the driver, TensorRT
    or ONNX Runtime changes. rackfocus cache list shows them.
    """
    named = re.fullmatch(r"tensorrt(?::(\d{1,2}))?", device)
    if not named:
        raise typer.BadParameter(f'engines are built for tensorrt, or tensorrt:1 and so on, not for "{device}"')
    cap = _bytes(memory)
    from engine.runtime.onnx.building import build_engines
    from ui.cli.signals import stop_on_signals

    with stop_on_signals() as wish:
        entries = build_engines(
            weights.expanduser(),
            device=int(named[1] or 0),
            sizes=size or (),
            memory=cap,
            progress=_say_as_json if json else _say,
            cancelled=wish.is_set,
        )
    total = sum(entry.size for entry in entries)
    if json:
        typer.echo(json_text({"event": "summary", "engines": len(entries), "bytes": total}))
    else:
        typer.echo(f"{len(entries)} engines, {_told(total)}, in {entries[0].folder.parent if entries else 'no folder'}")


def _say(step: Building) -> None:
    """A line for a person."""
    at = f"{step.graph} at {step.named} ({step.size[0]}x{step.size[1]})"
    line = {
        "started": f"{step.done + 1}/{step.total}  {at}: looking",
        "note": step.text,
        "built": f"{step.done}/{step.total}  {at}: built in {step.seconds:.0f} s, {_told(step.bytes)}",
        "ready": f"{step.done}/{step.total}  {at}: ready since earlier, {_told(step.bytes)}",
    }[step.state]
    print(line, file=sys.stderr, flush=True)


def _say_as_json(step: Building) -> None:
    facts: dict[str, object] = {
        "event": "engine",
        "state": step.state,
        "graph": step.graph,
        "named": step.named,
        "size": list(step.size),
        "done": step.done,
        "total": step.total,
    }
    if step.state in ("built", "ready"):
        facts |= {"seconds": step.seconds, "bytes": step.bytes}
    if step.text:
        facts["text"] = step.text
    print(json_text(facts), flush=True)


def _bytes(said: str | None) -> int | None:
    """``16GiB`` as a number."""
    if said is None:
        return None
    parts = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MG]iB)", said.strip())
    if not parts or float(parts[1]) <= 0:
        raise typer.BadParameter(f'memory is a number with its unit, like 16GiB or 900MiB, not "{said}"')
    return int(float(parts[1]) * UNITS[parts[2]])


def _told(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
