"""``rackfocus check``: everything that would stop a render, before it starts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.json_text import json_text
from engine.shot import Shot, load_shot

__all__ = ["check"]


def check(
    document: Annotated[Path, typer.Argument(metavar="SHOT.json", help="Shot document.", show_default=False)],
    find_limits: Annotated[
        bool,
        typer.Option("--find-limits", help="Find depth limits that are not given, and store them in the document."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="The render will get --overwrite: what is there may be replaced.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Validate a shot: the document, every frame's header, keys, lens and output. Renders nothing."""
    from engine.render import check as look
    from engine.render.report import counted

    shot = load_shot(document)
    findings = look(shot, overwrite=overwrite)
    if find_limits and findings.finds_limits and not findings.problems:
        _find_limits(shot, document, json)
        findings = look(load_shot(document), overwrite=overwrite)
    if json:
        problems = [{"code": problem.code, "message": problem.message} for problem in findings.problems]
        edges = None if findings.edges is None else asdict(findings.edges)
        report = {
            "frames": findings.frames,
            "finds_limits": findings.finds_limits,
            "edges": edges,
            "opened": findings.opened,
            "notices": [asdict(notice) for notice in findings.notices],
            "problems": problems,
        }
        typer.echo(json_text({"event": "check", **report}))
    for notice in findings.notices if not json else []:
        typer.echo(f"rackfocus: warning: {notice.kind}: {notice.message}", err=True)
    for problem in findings.problems if not json else []:
        typer.echo(f"rackfocus: error: {problem.code}: {problem.message}", err=True)
    if findings.problems:
        raise typer.Exit(findings.problems[0].exit_status)
    if not json:
        limits = "; depth limits will be found by the first render" if findings.finds_limits else ""
        typer.echo(f"{document}: {counted(findings.frames)}, all well{limits}")
        typer.echo(findings.opened)
        if findings.edges is not None:
            typer.echo(str(findings.edges))


def _find_limits(shot: Shot, document: Path, json: bool) -> None:
    from engine.render import fixed_limits
    from ui.cli.keeping import store_limits
    from ui.cli.progress import progress
    from ui.cli.signals import stop_on_signals

    with stop_on_signals() as cancel, progress(json) as report:
        store_limits(document, fixed_limits(shot, report, cancel))
