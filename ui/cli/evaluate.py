"""``rackfocus evaluate``: how near a result is to its reference."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    result: Annotated[str, typer.Option("--result", help="Folder, image sequence or movie of the result.")],
    reference: Annotated[str, typer.Option("--reference", help="Folder, image sequence or movie of the truth.")],
    disparity: Annotated[
        str | None,
        typer.Option(
            "--disparity",
            help="Folder or sequence of disparity, 1 nearest, for the edge band; else the result's own layer.",
        ),
    ] = None,
    frames: Annotated[
        str | None, typer.Option("--frames", help="Frames to compare; all that both have when not given.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Compare a result with its reference: PSNR, SSIM, PSNR near depth edges, temporal error."""
    from engine.frames import FrameRange
    from training.benchmark import aligned
    from training.evaluation import evaluate as compare

    found = compare(result, reference, disparity, None if frames is None else FrameRange.parse(frames))
    if json:
        typer.echo(jsonlib.dumps({"event": "evaluation", **jsonlib.loads(found.to_json())}))
    else:
        typer.echo(aligned(found.rows()))
