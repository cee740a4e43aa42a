"""``rackfocus weights``: look into a folder of weights, and make one of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from engine.errors import CancelledError
from engine.json_text import json_text

if TYPE_CHECKING:
    from engine.networks.inspection import Inspection, NetworkFacts, Planes
    from engine.networks.presets import PresetName

__all__ = ["weights"]

PRESETS: Final = ("tiny", "small", "full")
PRECISIONS: Final = ("fp32", "fp16")

weights = typer.Typer(
    name="weights",
    help="Look into a folder of weights for the any-to-bokeh renderer, or make one of random weights.",
    no_args_is_help=True,
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


@weights.command()
def inspect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with unet and vae.", show_default=False)],
    image_encoder: Annotated[
        Path | None,
        typer.Option("--image-encoder", help="Stable Video Diffusion folder, when it is not in DIR or beside it."),
    ] = None,
    json: _Json = False,
) -> None:
    """Say what a folder of weights holds, what is missing, and which parts were trained.

    With Stable Video Diffusion's own unet beside the image encoder, it also tells whether the branch of the multi-plane
    image was ever trained. Exits with 6 when the folder cannot be rendered with.
    """
    from engine.errors import WeightsError
    from engine.runtime.extras import require_torch

    require_torch("rackfocus weights")
    from engine.networks.inspection import inspect_weights

    found = inspect_weights(folder, image_encoder)
    if json:
        typer.echo(json_text({"event": "weights", **found.to_json()}))
    else:
        for line in _lines(found):
            typer.echo(line)
    if not found.fits:
        raise typer.Exit(WeightsError.exit_status)


@weights.command()
def init(
    out: Annotated[Path, typer.Option("--out", help="Folder to make.", show_default=False)],
    preset: Annotated[str, typer.Option("--preset", metavar="tiny|small|full", help="Size of the networks.")] = "tiny",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same weights.")] = 0,
    dtype: Annotated[str, typer.Option("--dtype", metavar="fp32|fp16", help="Precision of the files.")] = "fp32",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that holds something.")] = False,
    json: _Json = False,
) -> None:
    """Make a folder of random weights, to train from scratch, to test and to measure with.

    Random weights make no picture worth looking at: a render with them shows that the program runs, and how fast.
    full is the published size: 5.2 GB in fp16, 10.4 GB in fp32, and as much memory.
    """
    if preset not in PRESETS:
        raise typer.BadParameter(f'there is no preset "{preset}"; choose {", ".join(PRESETS)}')
    if dtype not in PRECISIONS:
        raise typer.BadParameter(f'there is no precision "{dtype}"; choose {" or ".join(PRECISIONS)}')
    from engine.runtime.extras import require_torch

    require_torch("rackfocus weights")
    from engine.networks.making import make_weights
    from ui.cli.signals import stop_on_signals

    with stop_on_signals() as wish:

        def look_up() -> None:
            if wish.is_set():
                raise CancelledError("stopped; nothing is left behind")

        size = make_weights(out, cast("PresetName", preset), seed, dtype, overwrite=overwrite, step=look_up)
    if json:
        made = {"folder": str(out), "preset": preset, "seed": seed, "dtype": dtype, "bytes": size}
        typer.echo(json_text({"event": "weights", **made}))
    else:
        typer.echo(f"{out}: random {preset} weights of seed {seed} in {dtype}, {_bytes(size)}")
        typer.echo("they were not trained, and make no picture worth looking at")


def _lines(found: Inspection) -> list[str]:
    """The findings for a person."""
    lines = [f"{found.folder}: {'fits' if found.fits else 'cannot be rendered with'}"]
    for network in found.networks:
        lines += _network(network)
    if found.image_encoder:
        lines.append(f"image_encoder: {found.image_encoder}")
    lines.append(f"made for: {'x'.join(map(str, found.size))}")
    if found.fingerprint:
        lines.append(f"fingerprint: {found.fingerprint}")
    lines.append(f"ff_k, which nothing uses: {_unused(found)}")
    lines += _planes(found.planes)
    if found.decay is not None:
        lines.append(
            f"attn2.to_q over Stable Video Diffusion's: {found.decay.ratio:.6f} "
            f"({found.decay.least:.6f} to {found.decay.most:.6f}), rest {found.decay.remainder:.2g}; "
            "this is what weight decay alone does"
        )
    if found.gates:
        lines.append("MPI attention, how far it is open (attention, dense):")
        lines += [f"    {gate.block}: {gate.attention:+.4f}, {gate.dense:+.4f}" for gate in found.gates]
    if found.skips:
        lines.append("skips to the decoder (mean, root mean square, greatest; 1e-05 at the start):")
        lines += [f"    {skip.name}: {skip.mean:.3g}, {skip.rms:.3g}, {skip.largest:.3g}" for skip in found.skips]
    return lines


def _network(facts: NetworkFacts) -> list[str]:
    from engine.networks.tensor_files import named

    types = ", ".join(f"{count} {dtype}" for dtype, count in facts.dtypes.items())
    lines = [
        f"{facts.name}: {facts.folder}",
        f"    files: {', '.join(facts.files)} ({_bytes(facts.size)})",
        f"    tensors: {facts.tensors} ({types}), {facts.parameters:,} parameters, {facts.unused} unused",
    ]
    for word, names in (
        ("missing", facts.missing),
        ("unexpected", facts.unexpected),
        ("of another shape", facts.reshaped),
        ("of another type", facts.mistyped),
    ):
        if names:
            lines.append(f"    {word}: {len(names)}: {named(names)}")
    return lines


def _unused(found: Inspection) -> str:
    if found.unused.verdict == "absent":
        return "absent"
    return (
        f"{found.unused.verdict} (greatest {found.unused.largest:.4f}, spread {found.unused.spread:.4f} of its start)"
    )


def _planes(planes: Planes | None) -> list[str]:
    if planes is None:
        return ["multi-plane image: cannot be told, conv_in_mpi and what it started from are not both there"]
    measured = f"conv_in_mpi is {planes.ratio:.6f} of its start, rest {planes.remainder:.2g}"
    against = (
        f"compared with Stable Video Diffusion in {planes.place}"
        if planes.reference == "svd"
        else "compared with this folder's own conv_in, which is weaker evidence; give a Stable Video Diffusion folder "
        "with its unet to know"
    )
    meaning = {
        "never trained": "never trained: --mpi-masks off is the faithful mode",
        "trained": "trained: try --mpi-masks threshold",
        "unclear": "perhaps trained: one of the two convolutions was",
    }[planes.verdict]
    return [f"multi-plane image: {meaning}", f"    {measured}", f"    {against}"]


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
