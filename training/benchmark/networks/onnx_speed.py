"""Timing an export in ONNX Runtime, part by part."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.runtime.onnx.graphs import SKIPS, Export, Graphs
from engine.runtime.onnx.manifest import read_manifest
from engine.runtime.onnx.providers import devices_to_try
from engine.runtime.onnx.sessions import Interruption
from engine.shot import AnyToBokehOptions

if TYPE_CHECKING:
    from training.benchmark.networks.speed import Clock, RuntimeSpeed

__all__ = ["time_export"]


def time_export(renderer: AnyToBokehOptions, width: int, height: int, clock: Clock) -> RuntimeSpeed:
    """Time the graphs of the export in ``renderer.weights``.

    Raises:
        WeightsError: it is no export.
        DeviceError: no device can load it.
    """
    from training.benchmark.networks.speed import RuntimeSpeed

    folder = Path(renderer.weights or "")
    export = Export(folder, read_manifest(folder))
    device = devices_to_try(renderer.device)[0]
    graphs = Graphs(export, device, Interruption())
    size = (width, height)
    graphs.load(size)
    return RuntimeSpeed(
        f"onnx {export.manifest.precision}", str(device), _milliseconds(graphs, export, renderer, size, clock), _peak()
    )


def _milliseconds(
    graphs: Graphs, export: Export, renderer: AnyToBokehOptions, size: tuple[int, int], clock: Clock
) -> dict[str, float]:
    manifest, random = export.manifest, np.random.default_rng(0)
    width, height = size
    window, decoded = 2 * renderer.overlap, renderer.decode_window
    pictures = random.random((2, 3, height, width), np.float32) * 2 - 1
    encoder, image_encoder = graphs.get("encoder", size, 2), graphs.get("image_encoder", size, 1)
    unet, decoder = graphs.get("unet", size, window), graphs.get("decoder", size, decoded)
    _, skips = encoder.run_keeping({"pictures": pictures}, "moments", SKIPS)
    latents = random.standard_normal((1, window, 8, height // 8, width // 8), np.float32)
    inputs = {
        "latents": latents,
        "context": random.standard_normal((1, window, manifest.context_width), np.float32),
        "strength_embedding": random.standard_normal((1, window, 32), np.float32),
        "time_ids": np.array([[6.0, 127.0, 0.0]], np.float32),
    }
    if manifest.mpi_masks == "threshold":
        inputs["regions"] = random.integers(0, 4, (1, window, height, width), np.int32)
    to_decode = random.standard_normal((1, decoded, 4, height // 8, width // 8), np.float32)

    def decode() -> None:
        levels = [graphs.copying.room_for(decoded, skip) for skip in skips]
        for skip, level in zip(skips, levels, strict=True):
            for place in range(decoded):
                graphs.copying.copy(skip, 0, level, place)
        decoder.run({"latents": to_decode, **dict(zip(SKIPS, levels, strict=True))}, "pictures")

    return {
        "encode": clock.milliseconds(lambda: encoder.run_keeping({"pictures": pictures}, "moments", SKIPS)),
        "CLIP": clock.milliseconds(lambda: image_encoder.run({"pictures": pictures[:1] / 2 + 0.5}, "context")),
        "U-Net": clock.milliseconds(lambda: unet.run(inputs, "refocused")) / renderer.overlap,
        "decode": clock.milliseconds(decode) / (decoded - renderer.decode_overlap),
        # Pictures go up and come down within the runs above.
        "transfer": 0.0,
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
