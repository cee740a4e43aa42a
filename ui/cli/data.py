"""``rackfocus data``: make sets of clips to train on, and look into them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from engine.errors import CancelledError
from engine.json_text import json_text

if TYPE_CHECKING:
    from training.data.clips import Asset, ClipSet
    from training.data.making import Made
    from training.data.recipe import DataRecipe, RecipePreset
    from training.data.stereo_layouts import Layout

__all__ = ["data"]

PRESETS: Final = ("tiny", "small", "full")
STEREO_LAYOUTS: Final = ("irs", "tartanair")

data = typer.Typer(
    name="data", help="Make sets of clips with known depth of field, to train on and to evaluate.", no_args_is_help=True
)

_Json = Annotated[bool, typer.Option("--json", help="JSON, for machines: one object a line.")]


@data.command()
def make(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the set.", show_default=False)],
    preset: Annotated[
        str, typer.Option("--preset", metavar="|".join(PRESETS), help="Recipe by name; full is the paper's.")
    ] = "tiny",
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="FILE", help="TOML or YAML over the preset's values.")
    ] = None,
    clips: Annotated[int | None, typer.Option("--clips", min=1, help="How many; the recipe's when not given.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes, one core each; all cores when not given.")
    ] = None,
    json: _Json = False,
) -> None:
    """Make a set of ray-traced clips, or go on with one that was stopped."""
    if preset not in PRESETS:
        raise typer.BadParameter(f'there is no preset "{preset}"; choose {", ".join(PRESETS)}')
    from training.data.making import make_set
    from ui.cli.progress import counting
    from ui.cli.signals import interrupt_on_signals

    wanted = _recipe(cast("RecipePreset", preset), recipe, clips, seed)
    last: list[Made] = []
    with interrupt_on_signals() as look_up, counting("clips") as shown:

        def say(made: Made) -> None:
            look_up()
            last[:] = [made]
            if json:
                typer.echo(json_text({"event": "clip", **made._asdict()}))
            elif made.name:
                left = round((made.total - made.done) / made.per_minute * 60.0) if made.per_minute else 0
                speed = f"{made.per_minute:.2f} clips/min  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
                shown(f"{made.name} made", made.done, made.total, speed)
            elif made.done:
                typer.echo(f"{made.done} of {made.total} clips are there already", err=True)

        try:
            finished = make_set(wanted, out, workers=workers or os.cpu_count() or 1, say=say)
        except KeyboardInterrupt:
            raise CancelledError(
                f"stopped; finished clips are kept in {out}, and the same command makes the rest"
            ) from None
    if json:
        typer.echo(json_text({"event": "data", **_facts(finished)}))
        return
    speed = f"{last[0].made} made in {last[0].seconds:.0f} s, {last[0].per_minute:.2f} a minute"
    typer.echo(f"{out}: {len(finished)} clips; {speed}")


@data.command("import")
def bring(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Top folder of the stereo set.", show_default=False)],
    layout: Annotated[
        str,
        typer.Option(
            "--layout", metavar="|".join(STEREO_LAYOUTS), help="How the set lies on the disk.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the new set.", show_default=False)],
    frames: Annotated[int, typer.Option("--frames", min=1, max=1000, help="Frames of a clip.")] = 25,
    clips: Annotated[int | None, typer.Option("--clips", min=1, help="At most so many; all when not given.")] = None,
    json: _Json = False,
) -> None:
    """Make a set from a rendered stereo set: 5 focal distances, 3 blurs and sweeps, by the optical renderer."""
    if layout not in STEREO_LAYOUTS:
        raise typer.BadParameter(f'there is no layout "{layout}"; choose {", ".join(STEREO_LAYOUTS)}')
    from training.data.stereo import StereoRecipe, import_stereo
    from ui.cli.progress import counting
    from ui.cli.signals import interrupt_on_signals

    recipe = StereoRecipe(layout=cast("Layout", layout), frames=frames, clips=clips)
    with interrupt_on_signals() as look_up, counting("clips") as shown:

        def say(name: str, done: int, total: int) -> None:
            look_up()
            if json:
                typer.echo(json_text({"event": "clip", "name": name, "done": done, "total": total}))
            else:
                shown(f"{name} there", done, total, "")

        try:
            finished = import_stereo(source, out, recipe, say=say)
        except KeyboardInterrupt:
            raise CancelledError(
                f"stopped; finished clips are kept in {out}, and the same command makes the rest"
            ) from None
    if json:
        typer.echo(json_text({"event": "data", **_facts(finished)}))
        return
    typer.echo(f"{out}: {len(finished)} clips")


@data.command("info")
def look(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the set.", show_default=False)],
    json: _Json = False,
) -> None:
    """Say what a set holds: clips, focusings, assets and their licences, and how much room it takes."""
    from training.data.clips import ClipSet

    facts = _facts(ClipSet(folder))
    if json:
        typer.echo(json_text({"event": "data", **facts}))
        return
    typer.echo(f"{folder}: {facts['finished']} of {facts['clips']} clips, {_bytes(cast('int', facts['bytes']))}")
    typer.echo(f"    made by {facts['made_by']} with seed {facts['seed']}")
    typer.echo(f"    sizes: {', '.join(cast('list[str]', facts['sizes']))}")
    typer.echo(f"    frames: {facts['frames']}, truths: {facts['truths']}")
    for kind, count in cast("dict[str, int]", facts["focusings"]).items():
        typer.echo(f"    {kind}: {count}")
    typer.echo("assets:")
    for line in cast("list[str]", facts["assets"]):
        typer.echo(f"    {line}")


def _recipe(preset: RecipePreset, file: Path | None, clips: int | None, seed: int | None) -> DataRecipe:
    from training.data.recipe import load_recipe, preset_recipe

    if file is None:
        return preset_recipe(preset, clips=clips, seed=seed)
    return load_recipe(file, preset, clips=clips, seed=seed)


def _facts(found: ClipSet) -> dict[str, object]:
    clips = [opened.clip for opened in found]
    kinds = [focusing.kind for clip in clips for focusing in clip.focusings]
    assets: dict[Asset, int] = {}
    for asset in (asset for clip in clips for asset in clip.assets):
        assets[asset] = assets.get(asset, 0) + 1
    shown = sorted(assets, key=lambda asset: (asset.source, asset.name))
    return {
        "folder": str(found.folder),
        "made_by": found.manifest.made_by,
        "seed": found.manifest.seed,
        "clips": len(found.manifest.clips),
        "finished": len(clips),
        "sizes": sorted({f"{clip.width}x{clip.height}" for clip in clips}),
        "frames": sum(clip.frames for clip in clips),
        "truths": sum(clip.frames * len(clip.focusings) for clip in clips),
        "focusings": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "assets": [f"{a.name} ({a.source}), {a.licence}, in {assets[a]} clips" for a in shown],
        "bytes": sum(file.stat().st_size for file in found.folder.rglob("*") if file.is_file()),
    }


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
