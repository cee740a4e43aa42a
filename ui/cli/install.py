"""``rackfocus install``: the plugin of a host, where the host looks for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import CancelledError
from engine.json_text import json_text

if TYPE_CHECKING:
    from plugin.installing import Plan

__all__ = ["install"]


def install(
    host: Annotated[str, typer.Argument(metavar="nuke|resolve|blender", help="The host.", show_default=False)],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder of the host, in place of the usual one.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the plugin away again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object, for machines; changes nothing without --yes.")
    ] = False,
) -> None:
    """Install the plugin of a host, or bring it up to date, after showing what would be done.

    Files that Rackfocus did not write, or that you have changed, are left alone.
    """
    from plugin.installing import HOSTS, carry_out, host_folders, plan_install, plan_removal
    from rackfocus import __version__

    if host not in HOSTS:
        raise typer.BadParameter(f'there are plugins for {", ".join(HOSTS)}, not for "{host}"')
    command = (sys.executable, "-m", "rackfocus")
    folders = (to.expanduser().absolute(),) if to else host_folders(host)
    plans = [
        plan_removal(host, folder) if remove else plan_install(host, folder, command, __version__) for folder in folders
    ]
    if not json:
        for plan in plans:
            _show(plan, __version__, remove)
    if any(plan.changes for plan in plans):
        if not (yes or json) and not typer.confirm("Go on?"):
            raise CancelledError("nothing was changed")
        for plan in plans if yes or not json else []:
            carry_out(plan)
    if json:
        typer.echo(json_text({"event": "install", "done": yes, "plans": [_facts(plan) for plan in plans]}))


def _show(plan: Plan, version: str, remove: bool) -> None:
    typer.echo(f"{plan.host}: {plan.folder}")
    for change in plan.changes:
        typer.echo(f"  {change.action:8}{change.path.relative_to(plan.folder)}")
    for path in plan.kept:
        typer.echo(f"  keep    {path.relative_to(plan.folder)}, because it was changed since it was installed")
    if not plan.changes:
        typer.echo("  nothing to do: " + ("it is not installed" if remove else f"version {version} is installed"))
    elif plan.installed and not remove and plan.installed != version:
        typer.echo(f"  version {plan.installed} becomes {version}")


def _facts(plan: Plan) -> dict[str, object]:
    return {
        "host": plan.host,
        "folder": str(plan.folder),
        "installed": plan.installed,
        "changes": [{"action": change.action, "path": str(change.path)} for change in plan.changes],
        "kept": [str(path) for path in plan.kept],
    }
