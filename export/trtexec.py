"""The lines that build engines with NVIDIA's own tool, for people who would rather use that. Rackfocus runs none."""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.runtime.onnx.manifest import GRAPHS, Manifest
from engine.runtime.onnx.tensorrt_options import input_shapes, usual_frames

__all__ = ["trtexec_lines"]

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
                f"{name}:{'x'.join(map(str, shape))}"
                for name, shape in input_shapes(manifest, graph, size, usual_frames(manifest, graph)).items()
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
