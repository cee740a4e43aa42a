"""What ONNX Runtime's TensorRT provider is told, and which engine of the cache a session is given.

Option names are the documented ones (onnxruntime.ai, TensorRT Execution Provider, "Configurations"), compared with the
provider's source and with the bindings of ``ort`` for ONNX Runtime 1.31 (2026-11-21). Not run by us on TensorRT yet:
``docs/tensorrt.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import WeightsError, require
from engine.runtime.onnx.compatibility import Machine, ProviderOptions
from engine.runtime.onnx.engine_cache import EngineCache, EngineKey
from engine.runtime.onnx.manifest import GraphName, Manifest

__all__ = [
    "EngineChoice",
    "Shapes",
    "TensorRTOptions",
    "engine_key",
    "input_shapes",
    "provider_options",
    "usual_frames",
]

LEVEL: Final = 3
"""TensorRT's own default; 5 takes several times as long to build for a few percent (not measured by us)."""

STRENGTH_WIDTH: Final = 32
"""Of ``strength_embedding``; see ``GRAPHS``."""

Shapes = dict[str, tuple[int, ...]]
"""Shape of every input of a graph, by its name."""


@dataclass(frozen=True)
class TensorRTOptions:
    """What ONNX Runtime's TensorRT provider is told.

    Attributes:
        device: number of the card.
        folder: where it reads and writes engines.
        name: what their files begin with.
        shapes: shape of every input. The profile's least, usual and greatest shape are this one: an engine for one
            size is smaller, faster and built in less memory than one for a range.
        memory: bytes that the builder may use; None leaves it to TensorRT, which takes all that is free.
        level: how hard the builder looks for fast kernels.
        timings: whether it reads and writes timings of single layers too. Only while building: the provider writes the
            file again whenever it may, and an engine's folder must stay as it was built.
    """

    device: int
    folder: Path
    name: str
    shapes: Shapes
    memory: int | None = None
    level: int = LEVEL
    timings: bool = False

    def to_provider(self) -> ProviderOptions:
        """As ONNX Runtime takes them, by name."""
        profile = ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in self.shapes.items())
        options: ProviderOptions = {
            "device_id": str(self.device),
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(self.folder),
            "trt_engine_cache_prefix": self.name,
            "trt_timing_cache_enable": str(int(self.timings)),
            "trt_timing_cache_path": str(self.folder),
            "trt_profile_min_shapes": profile,
            "trt_profile_opt_shapes": profile,
            "trt_profile_max_shapes": profile,
            "trt_builder_optimization_level": str(self.level),
            # The precision is in the graph. Any of these would let TensorRT choose it by speed, over our fp32 islands.
            "trt_fp16_enable": "0",
            "trt_bf16_enable": "0",
            "trt_int8_enable": "0",
        }
        if self.memory is not None:
            options["trt_max_workspace_size"] = str(self.memory)
        return options


@dataclass(frozen=True)
class EngineChoice:
    """What a session is opened with.

    Attributes:
        options: of the TensorRT provider; None where there is no engine and the next provider must do.
        reason: why not, in one sentence.
    """

    options: ProviderOptions | None
    reason: str | None


def input_shapes(manifest: Manifest, graph: GraphName, size: tuple[int, int], frames: int) -> Shapes:
    """Shape of every input of a graph.

    Args:
        manifest: of the export.
        graph: which one.
        size: width and height, multiples of 64.
        frames: of the window; of the encoder and the image encoder, how many pictures go through together.

    Raises:
        WeightsError: no graph takes such a size.
    """
    width, height = size
    require(
        width > 0 and height > 0 and width % 64 == 0 and height % 64 == 0 and frames > 0,
        WeightsError,
        f"the {graph} graph takes multiples of 64 pixels and at least one frame, not {width}x{height} and {frames}",
    )
    skips = {
        f"skip_{level}": (frames, channels, height >> level, width >> level)
        for level, channels in enumerate(manifest.skip_channels)
    }
    latent = (height // 8, width // 8)
    if graph == "unet":
        shapes: Shapes = {
            "latents": (1, frames, 8, *latent),
            "context": (1, frames, manifest.context_width),
            "strength_embedding": (1, frames, STRENGTH_WIDTH),
            "time_ids": (1, 3),
        }
        return shapes | ({} if manifest.mpi_masks == "off" else {"regions": (1, frames, height, width)})
    if graph == "decoder":
        return {"latents": (1, frames, 4, *latent), **skips}
    return {"pictures": (frames, 3, height, width)}


def usual_frames(manifest: Manifest, graph: GraphName) -> int:
    """Frames that an engine of a graph is built for: of a full window, or the picture and defocus map of one frame."""
    return {"unet": manifest.frames, "decoder": manifest.decoded_frames, "encoder": 2, "image_encoder": 1}[graph]


def engine_key(
    manifest: Manifest,
    graph: GraphName,
    size: tuple[int, int],
    frames: int,
    machine: Machine,
    memory: int | None = None,
) -> EngineKey:
    """What the engine of a graph is kept under."""
    file = manifest.graphs[graph]
    return EngineKey(
        graph, file.sha256, file.data_sha256, size, frames, manifest.precision, machine, memory=memory, level=LEVEL
    )


def provider_options(
    manifest: Manifest,
    graph: GraphName,
    size: tuple[int, int],
    frames: int | None = None,
    *,
    machine: Machine,
    device: int = 0,
    cache: EngineCache | None = None,
) -> EngineChoice:
    """What to open a session of a graph with, when the device is TensorRT.

    Nothing is built here, for that takes minutes: what was not built ahead runs on the next provider.

    Args:
        manifest: of the export.
        graph: which one.
        size: width and height of the pictures.
        frames: that go through together; as many as engines are built for if None.
        machine: what is here.
        device: number of the card.
        cache: where engines lie; the user's if None.
    """
    frames = usual_frames(manifest, graph) if frames is None else frames
    key = engine_key(manifest, graph, size, frames, machine)
    cache = cache or EngineCache()
    found = cache.find(key)
    # A cap on memory is a matter of building: a render is content with an engine that was built under any.
    capped = (entry.key for entry in cache.entries() if entry.key.is_but_for_memory(key) and entry.key != key)
    while found.folder is None and (other := next(capped, None)):
        found, key = cache.find(other), other
    if found.folder is None:
        return EngineChoice(
            None, f"{found.reason}; rackfocus build --device tensorrt makes it, CUDA is used until then"
        )
    shapes = input_shapes(manifest, graph, size, frames)
    return EngineChoice(TensorRTOptions(device, found.folder, graph, shapes, key.memory).to_provider(), None)
