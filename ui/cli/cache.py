"""``rackfocus cache``: the engines that were built, and how to be rid of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine.json_text import json_text

if TYPE_CHECKING:
    from engine.runtime.onnx.engine_cache import Entry

__all__ = ["cache"]

DAY: Final = 86400.0
"""Seconds."""

cache = typer.Typer(
    name="cache", help="See the engines that rackfocus build made, or remove them.", no_args_is_help=True
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


@cache.command("list")
def list_engines(json: _Json = False) -> None:
    """Say which engines there are, what each was built for, and how much room they take."""
    from engine.runtime.onnx.engine_cache import EngineCache

    kept = EngineCache()
    entries = kept.entries()
    total = sum(entry.size for entry in entries)
    if json:
        engines = [_facts(entry) for entry in entries]
        typer.echo(json_text({"event": "cache", "folder": str(kept.folder), "bytes": total, "engines": engines}))
        return
    typer.echo(f"{kept.folder}: {_counted(len(entries))}, {_told(total)}")
    for entry in entries:
        machine, when = entry.key.machine, datetime.fromtimestamp(entry.created).astimezone()
        typer.echo(f"{entry.key.title}: {_told(entry.size)}, built {when:%Y-%m-%d %H:%M} in {entry.seconds:.0f} s")
        typer.echo(
            f"    for {machine.gpu} ({machine.capability}), driver {machine.driver}, CUDA {machine.cuda}, "
            f"TensorRT {machine.tensorrt}, ONNX Runtime {machine.onnxruntime}"
        )


@cache.command()
def clear(
    stale: Annotated[
        bool, typer.Option("--stale", help="Those for this card that another driver or library was used for.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    older_than: Annotated[
        float | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Those that were built longer ago.")
    ] = None,
    json: _Json = False,
) -> None:
    """Remove engines, and what broken-off builds left; nothing is asked, and what goes is said."""
    if [stale, everything, older_than is not None].count(True) != 1:
        raise typer.BadParameter("say which engines: --stale, --older-than DAYS or --all, one of them")
    from engine.runtime.onnx.engine_cache import EngineCache

    kept = EngineCache()
    wanted = _outdated() if stale else _older(older_than)
    removed, freed = kept.clear(wanted)
    if json:
        engines = [_facts(entry) for entry in removed]
        typer.echo(json_text({"event": "cleared", "folder": str(kept.folder), "bytes": freed, "engines": engines}))
        return
    for entry in removed:
        typer.echo(f"removed {entry.key.title}, for {entry.key.machine.gpu} with driver {entry.key.machine.driver}")
    left = len(kept.entries())
    typer.echo(f"{kept.folder}: {_counted(len(removed))} removed, {_told(freed)} free again, {left} left")


def _older(days: float | None) -> Callable[[Entry], bool]:
    """Which engines are older than some days; all if None."""
    before = time.time() - (days or 0) * DAY
    return lambda entry: days is None or entry.created < before


def _outdated() -> Callable[[Entry], bool]:
    """Which engines this machine's card cannot use any more."""
    from engine.errors import DependencyError, DeviceError
    from engine.runtime.onnx.compatibility import read_machine
    from engine.runtime.onnx.engine_cache import outdated

    try:
        machine = read_machine()
    except (DeviceError, DependencyError) as error:
        raise type(error)(
            f"what is stale cannot be told here: {error.message}; or use --older-than or --all"
        ) from error
    return lambda entry: outdated(entry.key, machine)


def _facts(entry: Entry) -> dict[str, Any]:
    from dataclasses import asdict

    facts = {"folder": str(entry.folder), "bytes": entry.size, "created": entry.created, "seconds": entry.seconds}
    return {**facts, **asdict(entry.key)}


def _counted(engines: int) -> str:
    return f"{engines} engine{'' if engines == 1 else 's'}"


def _told(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
