"""``rackfocus evaluate``: how near a result is to its reference, or every renderer on a set of clips."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import CancelledError
from engine.json_text import json_text

if TYPE_CHECKING:
    from training.evaluation import SetOptions

__all__ = ["evaluate"]

_TWO = "Two shots"
_SET = "A set of clips"

_Result = Annotated[
    str | None,
    typer.Option("--result", help="Folder, image sequence or movie of the result.", rich_help_panel=_TWO),
]
_Reference = Annotated[
    str | None,
    typer.Option("--reference", help="Folder, image sequence or movie of the truth.", rich_help_panel=_TWO),
]
_Disparity = Annotated[
    str | None,
    typer.Option(
        "--disparity",
        help="Folder or sequence of disparity, 1 nearest, for the edge band; else the result's own layer.",
        rich_help_panel=_TWO,
    ),
]
_Frames = Annotated[
    str | None,
    typer.Option("--frames", help="Frames to compare; all that both have when not given.", rich_help_panel=_TWO),
]
_Set = Annotated[
    Path | None,
    typer.Option("--set", help="Folder of clips, from rackfocus data make or import.", rich_help_panel=_SET),
]
_Renderers = Annotated[
    str | None,
    typer.Option(
        "--renderers",
        help="optical, draft, plate, gegl, blender, any-to-bokeh:weights=DIR[,name=...][,option=...], with commas "
        "between them; optical,gegl,blender when not given.",
        rich_help_panel=_SET,
    ),
]
_Perturb = Annotated[
    str | None,
    typer.Option(
        "--perturb",
        help="Spoil the disparity: some of none, elastic, blur, morph, each with a severity if you like (blur:0.5).",
        rich_help_panel=_SET,
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of scores, pictures and report; a second call goes on.", rich_help_panel=_SET),
]
_Clips = Annotated[int | None, typer.Option("--clips", min=1, help="Only the first so many.", rich_help_panel=_SET)]
_Focusings = Annotated[
    str | None,
    typer.Option(
        "--focusings", help="Kinds, names or patterns: held, near-to-far, element-1-*; all.", rich_help_panel=_SET
    ),
]
_Networks = Annotated[
    str | None,
    typer.Option(
        "--networks",
        help="Files of the measures' networks: flow_raft=, lpips=, fvd=, vfid_i3d=, vfid_resnext= (docs/metrics.md).",
        rich_help_panel=_SET,
    ),
]
_Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes at a time; 1 when not given.", rich_help_panel=_SET)
]
_Keep = Annotated[
    bool | None, typer.Option("--keep", help="Keep the rendered frames in OUT/renders.", rich_help_panel=_SET)
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


def evaluate(
    result: _Result = None,
    reference: _Reference = None,
    disparity: _Disparity = None,
    frames: _Frames = None,
    clips: _Set = None,
    renderers: _Renderers = None,
    perturb: _Perturb = None,
    out: _Out = None,
    most: _Clips = None,
    focusings: _Focusings = None,
    networks: _Networks = None,
    jobs: _Jobs = None,
    keep: _Keep = None,
    json: _Json = False,
) -> None:
    """Compare a result with its reference, or every renderer with the truth of a set of clips.

    Two shots: --result and --reference. A set: --set and --out; see docs/evaluation.md.
    """
    of_shots = {"--result": result, "--reference": reference, "--disparity": disparity, "--frames": frames}
    of_sets = {"--renderers": renderers, "--perturb": perturb, "--out": out, "--clips": most, "--focusings": focusings}
    of_sets |= {"--networks": networks, "--jobs": jobs, "--keep": keep}
    if clips is None:
        _refuse(of_sets, "belongs to a set of clips; give --set too, or leave it out")
        _need({"--result": result, "--reference": reference}, "to compare two shots (or give --set and --out)")
        _two_shots(str(result), str(reference), disparity, frames, json)
        return
    _refuse(of_shots, "compares two shots, and --set evaluates a set of clips; give one of them")
    _need({"--out": out}, "to evaluate a set")
    from training.evaluation import SetOptions, parse_contenders, parse_judges, parse_perturbations

    _set(
        SetOptions(
            clips=clips,
            out=Path(str(out)),
            contenders=parse_contenders(renderers or "optical,gegl,blender"),
            perturbations=parse_perturbations(perturb or "none"),
            most_clips=most,
            focusings=tuple(word.strip() for word in (focusings or "").split(",") if word.strip()),
            judges=parse_judges(networks),
            jobs=jobs or 1,
            keep=bool(keep),
        ),
        json,
    )


def _refuse(options: Mapping[str, object], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"{name} {why}")


def _need(options: Mapping[str, object], purpose: str) -> None:
    missing = [name for name, value in options.items() if value is None]
    if missing:
        raise typer.BadParameter(f"give {' and '.join(missing)} {purpose}")


def _two_shots(result: str, reference: str, disparity: str | None, frames: str | None, json: bool) -> None:
    from engine.frames import FrameRange
    from training.benchmark import aligned
    from training.evaluation import evaluate as compare

    found = compare(result, reference, disparity, None if frames is None else FrameRange.parse(frames))
    if json:
        typer.echo(json_text({"event": "evaluation", **jsonlib.loads(found.to_json())}))
    else:
        typer.echo(aligned(found.rows()))


def _set(options: SetOptions, json: bool) -> None:
    from training.benchmark import aligned
    from training.evaluation import evaluate_set, write_report
    from training.evaluation.report import PAPER, as_json
    from training.evaluation.tables import all_tables
    from ui.cli.signals import interrupt_on_signals

    try:
        with interrupt_on_signals() as look_up:

            def say(line: str) -> None:
                look_up()
                typer.echo(line, err=True)

            found = evaluate_set(replace(options, say=say))
    except CancelledError:
        raise CancelledError(f"stopped; scores are kept in {options.out}, and the same command goes on") from None
    page = write_report(found)
    if json:
        typer.echo(json_text({"event": "evaluation", "report": str(page), **jsonlib.loads(as_json(found))}))
    else:
        for table in (*all_tables(found), PAPER):
            typer.echo(f"{table.title}\n\n{aligned(table.rows)}\n")
        typer.echo(f"The report: {page}")
    if found.failures:
        raise typer.Exit(1)
