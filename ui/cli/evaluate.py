"""``rackfocus evaluate``: how near a result is to its reference."""

from __future__ import annotations

import json as jsonlib
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import MissingFrameError

if TYPE_CHECKING:
    from ui.evaluation import Scores

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
    from ui.evaluation import compare, sequence_in

    scores = compare(sequence_in(result), sequence_in(reference), disparity and sequence_in(disparity), frames)
    if not scores:
        raise MissingFrameError(f"{result} and {reference} have no frame in common; check the folders and --frames")
    if json:
        typer.echo(jsonlib.dumps({"event": "evaluation", **_plain(scores)}))
    else:
        _print_table(scores)


def _plain(scores: Scores) -> dict[str, Any]:
    whole = {
        "psnr": scores.psnr,
        "ssim": scores.ssim,
        "edge_band_psnr": scores.edge_band_psnr,
        "temporal_error": scores.temporal_error,
    }
    rows = [{"frame": row.frame, "psnr": _number(row.psnr), "ssim": _number(row.ssim)} for row in scores.rows]
    return {**{name: _number(value) for name, value in whole.items()}, "frames": rows}


def _number(value: float) -> float | None:
    """JSON has no infinity and no NaN: two equal pictures have no error to take a logarithm of."""
    return value if math.isfinite(value) else None


def _print_table(scores: Scores) -> None:
    typer.echo(f"{'frame':>8} {'PSNR dB':>9} {'SSIM':>8}")
    for row in scores.rows:
        typer.echo(f"{row.frame:>8} {row.psnr:>9.2f} {row.ssim:>8.4f}")
    typer.echo(f"{'shot':>8} {scores.psnr:>9.2f} {scores.ssim:>8.4f}")
    edge = "no depth edges known" if math.isnan(scores.edge_band_psnr) else f"{scores.edge_band_psnr:.2f} dB"
    still = "one frame" if math.isnan(scores.temporal_error) else f"{scores.temporal_error:.5f}"
    typer.echo(f"PSNR within 12 px of a depth edge: {edge}\ntemporal error: {still}")
