"""A folder of weights as a folder of graphs: one network at a time, checked, and whole or not there at all."""

from __future__ import annotations

import ctypes
import gc
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import onnx
import onnx_ir as ir
import onnxruntime
import onnxscript
import torch

from engine.errors import OutputExistsError, OutputWriteError, WeightsError, require
from engine.files import whole_folder
from engine.networks.checkpoint import open_weights
from engine.runtime.onnx.manifest import MANIFEST, GraphFile, GraphName, Manifest
from export.checking import check_graph
from export.graphs import SKIPS, Blueprint, blueprints, skip_channels
from export.parity import Agreement, compare, references, require_agreement
from export.passing import copying_graph
from export.precision import narrow
from export.storing import DTYPES, file_of, save_graph, store_weights
from export.tracing import OPSET, trace

__all__ = ["LICENCE", "PARITY", "Exported", "Precision", "export_weights", "named_sizes"]

Precision = Literal["fp32", "fp16", "bf16"]

PARITY: Final = "parity.json"
"""Name of the report beside the graphs."""

LICENCE: Final = (
    "That of the weights that were exported. Any-to-Bokeh's published weights are CC BY-NC 4.0, no commercial use, and "
    "made from Stable Video Diffusion, whose licence holds beside it."
)


@dataclass(frozen=True)
class Exported:
    """One graph that is done.

    Attributes:
        name: of the graph.
        file: what the manifest says of it.
        size: bytes of its files.
        seconds: that it took.
        agreements: of it, and of its wide form, with the network; empty where they were not run.
    """

    name: GraphName
    file: GraphFile
    size: int
    seconds: float
    agreements: tuple[Agreement, ...]


def export_weights(
    weights: str | Path,
    out: str | Path,
    *,
    precision: Precision = "fp32",
    masks: Literal["off", "threshold"] = "off",
    clip_input: Literal["plain", "normalised"] = "plain",
    sizes: Mapping[str, tuple[int, int]] | None = None,
    image_encoder: str | Path | None = None,
    overwrite: bool = False,
    parity: bool = True,
    say: Callable[[Exported], None] = lambda _: None,
    step: Callable[[], None] = lambda: None,
) -> Manifest:
    """Export the networks of a folder of weights.

    One network at a time is in memory, in fp32, and then once more in ONNX Runtime, which proves its graph. At the
    published size, in fp16: 14.3 GB at most, 7 minutes on two cores, 4.9 GB of files.

    Args:
        weights: as ``open_weights`` takes them.
        out: folder to make; written beside its place and named when it is whole.
        precision: of the graphs; halves keep norms, softmax, sinusoids and the encoder in fp32.
        masks: whether the U-Net takes depth planes.
        clip_input: whether the image encoder brings colours to CLIP's mean and deviation.
        sizes: width and height by name, for engines that are built for one size; ``named_sizes`` when not given.
        image_encoder: where it is, if not with the weights.
        overwrite: replace an export that is in ``out``.
        parity: prove each graph against its network; bf16 is checked and not run, since no CPU runs it.
        say: told of every graph that is done.
        step: called between steps of seconds to minutes; what it raises ends the work and leaves nothing behind.

    Raises:
        WeightsError: the weights cannot be used.
        OutputExistsError: the folder holds something else, or ``overwrite`` is not set.
        OutputWriteError: it cannot be written.
        ExportError: a graph cannot be made, or differs from its network.
    """
    source, place = Path(weights).expanduser(), Path(out).expanduser().absolute()
    require(
        not (source / MANIFEST).is_file(),
        WeightsError,
        f"{source}: this is an export already; give the folder of weights that it was made of",
    )
    folder = open_weights(source, image_encoder)
    _require_room(place, overwrite, source)
    graphs: dict[GraphName, GraphFile] = {}
    wide: dict[GraphName, GraphFile] = {}
    report: list[Exported] = []
    with whole_folder(place) as temporary:
        for blueprint in blueprints(folder, masks, clip_input):
            kept_wide = blueprint.name == "encoder" and folder.vae.config.force_upcast
            done, its_wide = _export(blueprint, temporary, precision, kept_wide, parity, step)
            graphs[blueprint.name] = done.file
            if its_wide is not None:
                wide[blueprint.name] = its_wide
            report.append(done)
            say(done)
        step()
        manifest = Manifest(
            rackfocus=_version(),
            fingerprint=folder.fingerprint,
            licence=LICENCE,
            precision=precision,
            mpi_masks=masks,
            clip_input=clip_input,
            size=folder.size,
            named_sizes=dict(sizes or named_sizes(folder.size)),
            scaling_factor=folder.vae.config.scaling_factor,
            context_width=folder.unet.config.cross_attention_dim,
            skip_channels=skip_channels(folder.vae.config),
            opset=OPSET,
            tools=_tools(),
            graphs=graphs,
            wide=wide,
            copy_graph=_write_copying(temporary / "copy.onnx", DTYPES[precision]),
        )
        _write(temporary / PARITY, {"precision": precision, "graphs": [_told(done) for done in report]})
        _write(temporary / MANIFEST, manifest.model_dump(mode="json"))
    return manifest


def named_sizes(size: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """The sizes that engines are built for when nobody says others: the weights' own, on its side, and half of it."""
    width, height = size
    proxy = (max(64, width // 2 // 64 * 64), max(64, height // 2 // 64 * 64))
    return {"model": size, "portrait": (height, width), "proxy": proxy}


def _export(
    blueprint: Blueprint,
    folder: Path,
    precision: Precision,
    kept_wide: bool,
    parity: bool,
    step: Callable[[], None],
) -> tuple[Exported, GraphFile | None]:
    """Make one graph, and its wide form where the precision is a half; ``kept_wide``: but for what it hands on."""
    began = time.monotonic()
    step()
    module = blueprint.load()
    expected = references(blueprint, module) if parity else []
    step()
    model = trace(blueprint, module)
    del module
    graph, data = folder / f"{blueprint.name}.onnx", folder / f"{blueprint.name}.onnx.data"
    dtype = DTYPES[precision]
    stored = store_weights(model, data, DTYPES["fp32"] if kept_wide else dtype)
    step()
    wide = None
    if dtype != ir.DataType.FLOAT:
        wide = folder / f"{blueprint.name}.wide.onnx"
        save_graph(model, wide)
        narrow(model, dtype, SKIPS, whole=not kept_wide)
    save_graph(model, graph)
    del model
    _give_memory_back()
    agreements: list[Agreement] = []
    for path, its_precision in ((wide, "fp32"), (graph, precision)):
        if path is None:
            continue
        step()
        check_graph(path)
        # The wide graph's weights are rounded too, so it is as far away as half precision allows.
        if expected and its_precision != "bf16":
            found = compare(path, blueprint.outputs, expected)
            require_agreement(found, precision)
            agreements += found
    size = sum(path.stat().st_size for path in (graph, wide, data) if path is not None and path.is_file())
    held = data if stored else None
    done = Exported(blueprint.name, file_of(graph, held), size, time.monotonic() - began, tuple(agreements))
    return done, None if wide is None else file_of(wide, held)


def _require_room(place: Path, overwrite: bool, source: Path) -> None:
    """Make sure, before an hour of work, that the folder may be made. Raises OutputExistsError, OutputWriteError."""
    require(
        place != source.absolute(), OutputExistsError, f"{place} holds the weights themselves; choose another folder"
    )
    try:
        require(not place.exists() or place.is_dir(), OutputExistsError, f"{place} is a file; choose another folder")
        held = {entry.name for entry in place.iterdir()} if place.is_dir() else set()
    except OSError as error:
        raise OutputWriteError(f"{place} cannot be written ({error.strerror}); choose another folder") from error
    require(
        not held or overwrite, OutputExistsError, f"{place} is not empty; choose another folder, or use --overwrite"
    )
    require(
        not held or MANIFEST in held,
        OutputExistsError,
        f"{place} holds other things than an export and is not replaced; choose another folder",
    )


def _write_copying(path: Path, dtype: ir.DataType) -> GraphFile:
    save_graph(copying_graph(dtype), path)
    return file_of(path, None)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _told(done: Exported) -> dict[str, Any]:
    return {
        "name": done.name,
        "nodes": done.file.nodes,
        "bytes": done.size,
        "seconds": round(done.seconds, 1),
        "agreements": [entry.to_json() for entry in done.agreements],
    }


def _tools() -> dict[str, str]:
    return {
        "torch": torch.__version__.partition("+")[0],
        "onnx": onnx.__version__,
        "onnxscript": onnxscript.__version__,
        "onnx_ir": ir.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _version() -> str:
    from importlib.metadata import version

    return version("rackfocus")


def _give_memory_back() -> None:
    """Let go of a network before ONNX Runtime takes the memory of another."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except OSError:
        return  # another system's C library gives back by itself
