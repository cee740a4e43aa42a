"""``rackfocus demo``: a focus pull with a known answer, rendered and compared."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.json_text import json_text

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the demo's files.")] = Path("demo"),
    quality: Annotated[str, typer.Option("--quality", metavar="draft|final", help="Quality of the render.")] = "final",
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Render a 24-frame focus pull, compare it with its ray-traced truth, and say where the pictures are."""
    from engine.render import Event
    from ui.cli.progress import progress
    from ui.cli.signals import stop_on_signals
    from ui.demo import run_demo

    def say(line: str) -> None:
        if not json:
            typer.echo(line, err=True)

    def quiet(_event: Event) -> None:
        """Machines are told the result alone."""

    with stop_on_signals() as cancel, progress(as_json=False) as shown:
        result = run_demo(out.absolute(), quality, say=say, report=quiet if json else shown, cancel=cancel)
    if json:
        typer.echo(json_text({"event": "demo", **asdict(result)}))
        return
    compared = f"against the ray-traced truth of {len(result.compared)} frames"
    typer.echo(f"\n  PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.4f} {compared}")
    typer.echo(f"  {result.seconds_per_frame:.2f} seconds per frame, reading and writing included\n")
    for name, place in (
        ("frames", result.result),
        ("movie", result.movie),
        ("sheet", result.sheet),
        ("shot", result.shot),
    ):
        typer.echo(f"  {name:<7}{place}")
