"""The graphs of an export on one device, loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.runtime.onnx.compatibility import Machine, read_machine
from engine.runtime.onnx.manifest import GRAPHS, GraphFile, GraphName, Manifest
from engine.runtime.onnx.providers import CUDA, Device
from engine.runtime.onnx.sessions import GraphSession, Interruption
from engine.runtime.onnx.tensorrt_options import provider_options

__all__ = ["SKIPS", "TITLES", "Export", "Graphs"]

SKIPS: Final = ("skip_0", "skip_1", "skip_2", "skip_3")
"""Outputs of the encoder and inputs of the decoder, full size first."""

TITLES: Final = {"encoder": "encoder", "image_encoder": "image encoder", "unet": "U-Net", "decoder": "decoder"}
"""The graphs in sentences."""

_COPY: Final = (("source",), ("target",))


@dataclass(frozen=True)
class Export:
    """A folder that ``rackfocus export`` made."""

    folder: Path
    manifest: Manifest

    @property
    def files(self) -> tuple[GraphFile, ...]:
        """Every graph of it."""
        manifest = self.manifest
        return (*manifest.graphs.values(), *manifest.wide.values(), manifest.copy_graph)

    def ports(self, graph: GraphName) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of a graph's inputs and outputs."""
        masked = ("regions",) if self.manifest.mpi_masks == "threshold" else ()
        return {
            "encoder": (("pictures",), ("moments", *SKIPS)),
            "image_encoder": (("pictures",), ("context",)),
            "unet": (("latents", "context", "strength_embedding", "time_ids", *masked), ("refocused",)),
            "decoder": (("latents", *SKIPS), ("pictures",)),
        }[graph]


class Graphs:
    """The graphs of an export on a device.

    Args:
        export: where they are.
        device: where they run.
        interruption: breaks off their loading and their runs.
        wide: whether the graphs that compute in fp32 are taken, where there are such.
        on_fallback: called with a sentence when a graph runs on another provider of the same card.
    """

    def __init__(
        self,
        export: Export,
        device: Device,
        interruption: Interruption,
        *,
        wide: bool = False,
        on_fallback: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.device = device
        self._export = export
        self._interruption = interruption
        self._wide = wide
        self._on_fallback = on_fallback
        self._loaded: dict[object, GraphSession] = {}
        self._not_built: set[object] = set()
        self._machine: Machine | None = None

    def load(self, size: tuple[int, int]) -> None:
        """Load all graphs, so that a device that cannot run one of them is known at once.

        Args:
            size: width and height of the pictures to come.

        Raises:
            ProviderFailedError, WeightsError, CancelledError: see ``GraphSession.load``.
        """
        frames = self._export.manifest.frames, self._export.manifest.decoded_frames
        for graph, together in zip(GRAPHS, (2, 1, *frames), strict=True):
            self.get(graph, size, together)
        _ = self.copying

    def get(self, graph: GraphName, size: tuple[int, int], frames: int) -> GraphSession:
        """A graph, ready for pictures of a width and height and a number of frames at once.

        Raises:
            ProviderFailedError, WeightsError, CancelledError: see ``GraphSession.load``.
        """
        compiled = self._compiled(graph, size, frames) if self.device.name == "tensorrt" else None
        if compiled is not None:
            return compiled
        if graph not in self._loaded:
            self._loaded[graph] = self._session(TITLES[graph], self._file(graph), self._export.ports(graph))
        return self._loaded[graph]

    @property
    def copying(self) -> GraphSession:
        """The graph that copies on the device, in the working precision."""
        if "copy" not in self._loaded:
            self._loaded["copy"] = self._session("copying", self._export.manifest.copy_graph, _COPY)
        return self._loaded["copy"]

    def close(self) -> None:
        """Let go of the graphs and their memory."""
        self._loaded.clear()

    def _compiled(self, graph: GraphName, size: tuple[int, int], frames: int) -> GraphSession | None:
        """A graph with its engine, which is for one size and number of frames; None where none was built."""
        key = graph, size, frames
        if key not in self._loaded and key not in self._not_built:
            number = self.device.number
            self._machine = self._machine or read_machine(number)  # the driver takes its time: asked once
            choice = provider_options(self._export.manifest, graph, size, frames, machine=self._machine, device=number)
            if choice.options is None:
                self._not_built.add(key)
                self._on_fallback(choice.reason or f"there is no engine for the {TITLES[graph]}")
            else:
                options = {name: str(value) for name, value in choice.options.items()}
                ports = self._export.ports(graph)
                self._loaded[key] = self._session(TITLES[graph], self._file(graph), ports, self.device, options)
        return self._loaded.get(key)

    def _session(
        self,
        title: str,
        file: GraphFile,
        ports: tuple[tuple[str, ...], tuple[str, ...]],
        device: Device | None = None,
        options: dict[str, str] | None = None,
    ) -> GraphSession:
        """A graph that takes any size."""
        if device is None:
            # What has no engine runs on CUDA, and leaves its arrays in the same memory.
            device = replace(CUDA, number=self.device.number) if self.device.name == "tensorrt" else self.device
        if options is None:
            exact = self._wide or self._export.manifest.precision == "fp32"
            options = _cuda_options(device, exact) if device.memory == "cuda" else {}
        path = self._export.folder / file.file
        return GraphSession.load(title, path, device, self._interruption, options, ports)

    def _file(self, graph: GraphName) -> GraphFile:
        manifest = self._export.manifest
        return manifest.wide.get(graph, manifest.graphs[graph]) if self._wide else manifest.graphs[graph]


def _cuda_options(device: Device, exact: bool) -> dict[str, str]:
    """What the CUDA provider is told; by its documentation for 1.31, not run by us yet.

    Args:
        device: the card.
        exact: whether single precision must not be rounded to TF32's ten bits; who asks for fp32 shall have it.
    """
    return {
        "device_id": str(device.number),
        # By rules and not by the clock: two machines of a farm must not choose differently.
        "cudnn_conv_algo_search": "HEURISTIC",
        # Sizes are few and large: rounding each up to a power of two could double what a frame needs.
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0" if exact else "1",
    }
