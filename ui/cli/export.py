"""``rackfocus export``: a folder of weights as ONNX graphs, which run without Torch."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from engine.json_text import json_text

if TYPE_CHECKING:
    from engine.runtime.onnx.manifest import Manifest
    from export.exporting import Exported, Precision
    from export.parity import Agreement

__all__ = ["export"]

PRECISIONS: Final = ("fp32", "fp16", "bf16")
PROFILES: Final = ("released", "paper")
MASKS: Final = ("off", "threshold")
CLIP_INPUTS: Final = ("plain", "normalised")


def export(
    weights: Annotated[Path, typer.Option("--weights", metavar="DIR", help="Folder with unet and vae.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make.")],
    image_encoder: Annotated[
        Path | None,
        typer.Option("--image-encoder", help="Stable Video Diffusion folder, when it is not in DIR or beside it."),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="|".join(PRECISIONS),
            help="Of the graphs. The halves keep norms, softmax, sinusoids and the encoder in fp32.",
        ),
    ] = "fp32",
    profile: Annotated[
        str, typer.Option("--profile", metavar="|".join(PROFILES), help="The profile that will be rendered with.")
    ] = "released",
    mpi_masks: Annotated[
        str | None,
        typer.Option("--mpi-masks", metavar="|".join(MASKS), help="Depth planes or none; by profile when not given."),
    ] = None,
    clip_input: Annotated[
        str | None,
        typer.Option(
            "--clip-input",
            metavar="|".join(CLIP_INPUTS),
            help="Whether the image encoder normalises colours; by profile when not given.",
        ),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="NAME=WxH",
            help="A size that engines will be built for, in multiples of 64; several times for more. "
            "The weights' own, on its side, and half of it when not given. The graphs themselves take every size.",
        ),
    ] = None,
    skip_parity: Annotated[
        bool, typer.Option("--skip-parity", help="Check the graphs, and do not run them against the networks.")
    ] = False,
    trtexec: Annotated[
        bool,
        typer.Option("--trtexec", help="Print the commands that build engines with NVIDIA's trtexec; we ran none."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Export weights to ONNX: graphs that run without Torch, on a CPU, with CUDA, or as TensorRT engines.

    Each graph is proved against its network on small inputs, and parity.json says how near it came. Depth planes and
    the image encoder's colours are settled now, by the profile. The published size takes half an hour, 15 GB of
    memory in fp16, and 5 GB of disk; twice that disk in fp32.
    """
    for value, choices, option in (
        (precision, PRECISIONS, "--precision"),
        (profile, PROFILES, "--profile"),
        (mpi_masks, MASKS, "--mpi-masks"),
        (clip_input, CLIP_INPUTS, "--clip-input"),
    ):
        if value is not None and value not in choices:
            raise typer.BadParameter(f'{option} cannot be "{value}"; choose {", ".join(choices)}')
    sizes = dict(_size(said) for said in size or ())
    from engine.runtime.behaviour import PAPER, RELEASED
    from export.extras import require_export

    require_export()
    from export.exporting import export_weights
    from ui.cli.signals import interrupt_on_signals

    behaviour = RELEASED if profile == "released" else PAPER
    with interrupt_on_signals() as look_up:
        manifest = export_weights(
            weights,
            out,
            precision=cast("Precision", precision),
            masks=mpi_masks or behaviour.mpi_masks,  # type: ignore[arg-type]
            clip_input=clip_input or behaviour.clip_input,  # type: ignore[arg-type]
            sizes=sizes or None,
            image_encoder=image_encoder,
            overwrite=overwrite,
            parity=not skip_parity,
            say=lambda done: _say(done, json),
            step=look_up,
        )
    _conclude(manifest, out, trtexec, json)


def _size(said: str) -> tuple[str, tuple[int, int]]:
    """A name and a size of ``NAME=WxH``, or of ``WxH``, which is then its own name."""
    found = re.fullmatch(r"(?:([A-Za-z][\w-]*)=)?(\d{2,5})x(\d{2,5})", said)
    if found is None:
        raise typer.BadParameter(f'--size cannot be "{said}"; write NAME=WIDTHxHEIGHT, like model=1024x576')
    width, height = int(found[2]), int(found[3])
    if width % 64 or height % 64:
        raise typer.BadParameter(f"--size {said}: sides must be multiples of 64")
    return found[1] or f"{width}x{height}", (width, height)


def _say(done: Exported, json: bool) -> None:
    if json:
        told = {
            "graph": done.name,
            "nodes": done.file.nodes,
            "bytes": done.size,
            "seconds": round(done.seconds, 1),
            "agreements": [entry.to_json() for entry in done.agreements],
        }
        print(json_text({"event": "graph", **told}), flush=True)
        return
    head = f"{done.name}: {done.file.nodes} operators, {_bytes(done.size)}, {done.seconds:.0f} s"
    worst: dict[str, Agreement] = {}
    for entry in done.agreements:
        if entry.graph == done.file.file and entry.psnr <= worst.get(entry.output, entry).psnr:
            worst[entry.output] = entry
    print(head, file=sys.stderr)
    for entry in worst.values():
        print(
            f"    {entry.output}: within {entry.difference:.2g} of {entry.peak:.3g}, {entry.psnr:.0f} dB",
            file=sys.stderr,
            flush=True,
        )


def _conclude(manifest: Manifest, out: Path, trtexec: bool, json: bool) -> None:
    from export.trtexec import trtexec_lines

    lines = trtexec_lines(manifest, out) if trtexec else []
    if json:
        print(json_text({"event": "export", "folder": str(out), **manifest.model_dump(mode="json"), "trtexec": lines}))
        return
    masks = "with" if manifest.mpi_masks == "threshold" else "without"
    print(f"{out}: {manifest.precision} graphs {masks} depth planes; render with --weights {out}")
    if lines:
        print("# to build engines with TensorRT 10 or later; not run by us")
        print("\n".join(lines))


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
