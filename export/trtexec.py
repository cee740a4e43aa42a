"""The lines that build engines with NVIDIA's own tool, for people who would rather use that. Rackfocus runs none."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from engine.runtime.onnx.manifest import GRAPHS, GraphName, Manifest

__all__ = ["graph_shapes", "trtexec_lines"]

POOL_MIB = 8192
"""Workspace that the builder may use."""


def trtexec_lines(manifest: Manifest, folder: Path, pool_mib: int = POOL_MIB) -> list[str]:
    """One command for each graph and named size.

    Least, best and greatest shapes are one: an engine for a single size is the quickest, and takes the least memory.
    ``--stronglyTyped`` lets TensorRT compute in the types of the graph and in no others. The timing cache makes the
    second build of a graph quicker.

    Args:
        manifest: of the export.
        folder: where its graphs lie; engines are written beside them.
        pool_mib: workspace of the builder, in MiB.
    """
    lines = []
    for size_name, size in manifest.named_sizes.items():
        for graph in GRAPHS:
            shapes = ",".join(
                f"{name}:{'x'.join(map(str, shape))}" for name, shape in graph_shapes(manifest, graph, size).items()
            )
            engine = folder / f"{graph}.{size_name}.{size[0]}x{size[1]}.{manifest.precision}.engine"
            words = [
                "trtexec",
                f"--onnx={folder / manifest.graphs[graph].file}",
                "--stronglyTyped",
                *(f"--{bound}Shapes={shapes}" for bound in ("min", "opt", "max")),
                f"--memPoolSize=workspace:{pool_mib}M",
                f"--timingCacheFile={folder / 'trtexec.timing'}",
                "--skipInference",
                f"--saveEngine={engine}",
            ]
            lines.append(shlex.join(words))
    return lines


def graph_shapes(manifest: Manifest, graph: GraphName, size: tuple[int, int]) -> Mapping[str, tuple[int, ...]]:
    """The shape of every input of a graph for pictures of ``size``, width and height.

    The encoder is built for two pictures, plate and defocus map, and the image encoder for one.
    """
    width, height = size
    latent = (height // 8, width // 8)
    if graph == "encoder":
        return {"pictures": (2, 3, height, width)}
    if graph == "image_encoder":
        return {"pictures": (1, 3, height, width)}
    if graph == "unet":
        frames = manifest.frames
        shapes = {
            "latents": (1, frames, 8, *latent),
            "context": (1, frames, manifest.context_width),
            "strength_embedding": (1, frames, 32),
            "time_ids": (1, 3),
        }
        return shapes | ({"regions": (1, frames, height, width)} if manifest.mpi_masks == "threshold" else {})
    frames = manifest.decoded_frames
    skips = {
        f"skip_{level}": (frames, channels, height >> level, width >> level)
        for level, channels in enumerate(manifest.skip_channels)
    }
    return {"latents": (1, frames, 4, *latent), **skips}
