"""Keys, a folder that looks like an export, and a stand-in for ONNX Runtime with TensorRT, which cannot run here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.runtime.onnx.compatibility import CUDA, TENSORRT, Machine, ProviderOptions
from engine.runtime.onnx.engine_entry import EngineKey
from engine.runtime.onnx.manifest import GRAPHS, MANIFEST, GraphFile, Manifest

MACHINE = Machine("NVIDIA H200", "9.0", "580.12", "13.0", "10.16.1", "1.31.1")

KEY = EngineKey("unet", "a" * 64, "b" * 64, (256, 128), 8, "fp16", MACHINE)

SIZES = {"model": (256, 128), "portrait": (128, 256)}


def on(driver: str) -> EngineKey:
    """The same engine under another driver."""
    return replace(KEY, machine=replace(MACHINE, driver=driver))


def write_export(folder: Path, precision: str = "fp16") -> Manifest:
    """A manifest, and files that are no graphs: only their digests are looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    graphs: dict[str, GraphFile] = {}
    for name in (*GRAPHS, "copy"):
        place = folder / f"{name}.onnx"
        place.write_bytes(name.encode())
        graphs[name] = GraphFile(file=place.name, sha256=hashlib.sha256(name.encode()).hexdigest(), nodes=3)
    manifest = Manifest.model_validate(
        {
            "rackfocus": "0.1.0",
            "fingerprint": "f",
            "licence": "none",
            "precision": precision,
            "mpi_masks": "threshold",
            "clip_input": "plain",
            "size": (256, 128),
            "named_sizes": SIZES,
            "scaling_factor": 0.18215,
            "context_width": 32,
            "skip_channels": (32, 32, 64, 64),
            "opset": 20,
            "tools": {},
            "copy_graph": graphs.pop("copy"),
            "graphs": graphs,
        }
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    return manifest


@dataclass
class Port:
    name: str
    type: str


@dataclass(frozen=True)
class Value:
    """Of OrtValue, what was put in."""

    array: np.ndarray[Any, Any]
    onnx_type: int | None = None

    @staticmethod
    def ortvalue_from_numpy(array: np.ndarray[Any, Any]) -> Value:
        return Value(array)

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(array: np.ndarray[Any, Any], onnx_type: int) -> Value:
        return Value(array, onnx_type)


@dataclass
class Runtime:
    """ONNX Runtime as its documentation has it, building engines of a few bytes.

    Attributes:
        half: type of the skips.
        providers: that it was compiled with.
        uses: that a session ends up with.
        pieces: how many engines it makes of a graph.
        forgets: whether it builds again what it kept, as in microsoft/onnxruntime#16889.
        fails: what opening a session raises.
    """

    half: str = "tensor(float16)"
    providers: tuple[str, ...] = (TENSORRT, CUDA, "CPUExecutionProvider")
    uses: tuple[str, ...] = (TENSORRT, CUDA, "CPUExecutionProvider")
    pieces: int = 1
    forgets: bool = False
    fails: Exception | None = None
    opened: list[tuple[str, ProviderOptions]] = field(default_factory=list)
    fed: list[dict[str, Value]] = field(default_factory=list)
    built: int = 0
    __version__: str = "1.31.1"
    OrtValue: Any = Value

    def preload_dlls(self) -> None:
        print("Failed to load libcudart.so.13")

    def get_available_providers(self) -> Sequence[str]:
        return self.providers

    def InferenceSession(  # noqa: N802
        self, path: str, *, providers: Sequence[str | tuple[str, ProviderOptions]], enable_fallback: int
    ) -> FakeSession:
        assert enable_fallback == 0
        if self.fails:
            raise self.fails
        (name, options), second = providers[0], providers[1]
        assert (name, second[0]) == (TENSORRT, CUDA)
        assert isinstance(options, dict)
        self.opened.append((Path(path).stem, options))
        return FakeSession(self, Path(path).stem, options)


class FakeSession:
    def __init__(self, runtime: Runtime, graph: str, options: ProviderOptions) -> None:
        self.runtime = runtime
        self.graph = graph
        self.options = options

    def get_providers(self) -> Sequence[str]:
        return self.runtime.uses

    def get_inputs(self) -> Sequence[Port]:
        shapes = self.options["trt_profile_opt_shapes"].split(",")
        names = [shape.split(":")[0] for shape in shapes]
        special = {"regions": "tensor(int32)"} | {f"skip_{level}": self.runtime.half for level in range(4)}
        return [Port(name, special.get(name, "tensor(float)")) for name in names]

    def get_outputs(self) -> Sequence[Port]:
        return [Port("made", "tensor(float)")]

    def run_with_ort_values(self, names: Sequence[str], feeds: Mapping[str, Any]) -> Sequence[Any]:
        assert list(names) == ["made"]
        self.runtime.fed.append(dict(feeds))
        folder = Path(self.options["trt_engine_cache_path"])
        capability = "sm90"
        for piece in range(self.runtime.pieces):
            place = folder / f"{self.options['trt_engine_cache_prefix']}_{piece}_{capability}.engine"
            if self.runtime.forgets or not place.exists():
                self.runtime.built += 1
                place.write_bytes(f"engine {self.runtime.built} of {self.graph}".encode() * self.runtime.built)
        if self.options["trt_timing_cache_enable"] == "1":
            with (folder / f"TensorrtExecutionProvider_cache_{capability}.timing").open("ab") as file:
                file.write(b"t")
        return []
