"""Building engines ahead: a session of the TensorRT provider is opened and run once, and what it leaves is kept.

Not run by us on TensorRT yet: ``docs/tensorrt.md``.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from engine.errors import (
    CancelledError,
    CorruptWeightsError,
    DeviceError,
    MemoryShortError,
    RackfocusError,
    WeightsError,
    require,
)
from engine.runtime.onnx.compatibility import (
    CUDA,
    TENSORRT,
    Machine,
    OnnxRuntime,
    ProviderOptions,
    Session,
    load_runtime,
    read_machine,
)
from engine.runtime.onnx.engine_cache import EngineCache, Entry
from engine.runtime.onnx.manifest import GRAPHS, GraphName, Manifest, read_manifest
from engine.runtime.onnx.tensorrt_options import (
    Shapes,
    TensorRTOptions,
    engine_key,
    input_shapes,
    usual_frames,
)

__all__ = ["Building", "build_engines"]

ELEMENT_TYPES: Final = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bfloat16)": np.uint16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
"""NumPy's type for ONNX Runtime's; it has none for bfloat16, whose zeros are those of 16 bits."""

BFLOAT16: Final = 16
"""``onnx.TensorProto.BFLOAT16``."""


@dataclass(frozen=True)
class Building:
    """How far the building of engines is.

    Attributes:
        state: ``started``; ``built`` now; ``ready`` since earlier; ``note`` for a sentence by the way.
        graph: which graph.
        named: name of the size.
        size: width and height.
        done: how many engines are there.
        total: how many there will be.
        seconds: that it took to build, now or then.
        bytes: of its files.
        text: a sentence, where there is one.
    """

    state: Literal["started", "built", "ready", "note"]
    graph: GraphName
    named: str
    size: tuple[int, int]
    done: int
    total: int
    seconds: float = 0.0
    bytes: int = 0
    text: str = ""


def build_engines(
    folder: Path,
    *,
    device: int = 0,
    sizes: Sequence[str] = (),
    memory: int | None = None,
    progress: Callable[[Building], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    cache: EngineCache | None = None,
    machine: Machine | None = None,
    runtime: OnnxRuntime | None = None,
) -> tuple[Entry, ...]:
    """Build the engines of an export that are not there yet.

    TensorRT cannot be interrupted: a wish to stop is heeded between two engines, and what is built stays.

    Args:
        folder: the export.
        device: number of the card.
        sizes: names of sizes in the manifest; all if none.
        memory: bytes that the builder may use; None for all.
        progress: gets every step.
        cancelled: whether to stop.
        cache: where engines are kept; the user's if None.
        machine: what is here; found out if None.
        runtime: ``onnxruntime``; imported if None.

    Raises:
        WeightsError: the folder is no export, or has no size of that name.
        DeviceError: there is no card, or TensorRT cannot build a graph.
        DependencyError: ONNX Runtime, its TensorRT provider or TensorRT is missing.
        MemoryShortError: the card's memory, or the cap, is too small.
        OutputWriteError: the cache cannot be written.
        CancelledError: ``cancelled`` became true.
    """
    manifest = read_manifest(folder)
    jobs = tuple(_jobs(manifest, sizes))
    machine = machine or read_machine(device)
    runtime = runtime or load_runtime()
    cache = cache or EngineCache()
    entries: list[Entry] = []
    for done, (graph, named) in enumerate(jobs):
        size, frames = manifest.named_sizes[named], usual_frames(manifest, graph)
        if cancelled():
            raise CancelledError(f"stopped; {done} of {len(jobs)} engines are built and kept")
        here = Building("started", graph, named, size, done, len(jobs))
        progress(here)
        shapes = input_shapes(manifest, graph, size, frames)
        builder = _Builder(runtime, folder / manifest.graphs[graph].file, manifest.graphs[graph].sha256)

        def note(text: str, here: Building = here) -> None:
            progress(_with(here, "note", text=text))

        def make(place: Path, builder: _Builder = builder, graph: GraphName = graph, shapes: Shapes = shapes,
                 note: Callable[[str], None] = note) -> None:  # fmt: skip
            builder.build(TensorRTOptions(device, place, graph, shapes, memory, timings=True), note)
            builder.built = True

        key = engine_key(manifest, graph, size, frames, machine, memory)
        entry = cache.build(key, make, cancelled=cancelled, say=note)
        state: Literal["built", "ready"] = "built" if builder.built else "ready"
        progress(_with(here, state, done=done + 1, seconds=entry.seconds, size_of_files=entry.size))
        entries.append(entry)
    return tuple(entries)


def _with(here: Building, state: Literal["built", "ready", "note"], *, done: int | None = None, seconds: float = 0.0,
          size_of_files: int = 0, text: str = "") -> Building:  # fmt: skip
    total, done = here.total, here.done if done is None else done
    return Building(state, here.graph, here.named, here.size, done, total, seconds, size_of_files, text)


def _jobs(manifest: Manifest, sizes: Sequence[str]) -> Iterable[tuple[GraphName, str]]:
    """Every graph at every size, the graph that takes longest last: a fault of the rest shows early."""
    unknown = [name for name in sizes if name not in manifest.named_sizes]
    known = ", ".join(f"{name} ({width}x{height})" for name, (width, height) in manifest.named_sizes.items())
    require(not unknown, WeightsError, f'the export has no size "{", ".join(unknown)}"; it has {known or "none"}')
    order = sorted(GRAPHS, key=lambda graph: graph == "unet")
    return ((graph, named) for named in (sizes or manifest.named_sizes) for graph in order)


class _Builder:
    """Makes one engine by opening a session and running it once."""

    def __init__(self, runtime: OnnxRuntime, graph: Path, sha256: str) -> None:
        self._runtime = runtime
        self._graph = graph
        self._sha256 = sha256
        self.built = False

    def build(self, options: TensorRTOptions, note: Callable[[str], None]) -> None:
        """Build into the options' folder, then see whether a second session takes what the first has left.

        Raises:
            CorruptWeightsError: the graph is not what the manifest says.
            DeviceError: the runtime refuses, or uses another provider.
            MemoryShortError: out of memory.
        """
        with self._graph.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == self._sha256
        require(same, CorruptWeightsError, f"{self._graph}: the file is not what the manifest says; export again")
        first = self._run(options)
        engines = _engines(options.folder)
        require(
            bool(engines),
            DeviceError,
            f"ONNX Runtime made no engine of {self._graph.name}: TensorRT took none of it; see what it logged above",
        )
        if len(engines) > 1:
            note(f"TensorRT takes {self._graph.name} in {len(engines)} pieces; what lies between them runs on CUDA")
        second = self._run(options)
        if _engines(options.folder) != engines:
            note(
                f"ONNX Runtime built the engine of {self._graph.name} anew in {second:.0f} s (first {first:.0f} s) and "
                "will at every start: it does not take what it kept itself"
            )

    def _run(self, options: TensorRTOptions) -> float:
        """Open a session and run it on zeros; gives the seconds."""
        start = time.monotonic()
        providers: list[str | tuple[str, ProviderOptions]] = [
            (TENSORRT, options.to_provider()),
            (CUDA, {"device_id": str(options.device)}),
        ]
        try:
            # Without enable_fallback=0 a provider that fails is swapped for CUDA in silence.
            session = self._runtime.InferenceSession(str(self._graph), providers=providers, enable_fallback=0)
            used = list(session.get_providers())
            require(
                used[:1] == [TENSORRT],
                DeviceError,
                f"ONNX Runtime opened {self._graph.name} with {', '.join(used)} and not with TensorRT; "
                "a library is missing or of another version, see what it logged above",
            )
            session.run_with_ort_values([port.name for port in session.get_outputs()], self._zeros(session, options))
        except RackfocusError:
            raise
        except Exception as error:  # ONNX Runtime raises a dozen classes of its own, and plain ones
            raise _translated(error, self._graph.name, options) from error
        return time.monotonic() - start

    def _zeros(self, session: Session, options: TensorRTOptions) -> dict[str, Any]:
        """An input of zeros for every port."""
        feeds = {}
        for port in session.get_inputs():
            zeros = np.zeros(options.shapes[port.name], ELEMENT_TYPES[port.type])
            if port.type == "tensor(bfloat16)":
                feeds[port.name] = self._runtime.OrtValue.ortvalue_from_numpy_with_onnx_type(zeros, BFLOAT16)
            else:
                feeds[port.name] = self._runtime.OrtValue.ortvalue_from_numpy(zeros)
        return feeds


def _engines(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every engine file: enough to see whether one was written again."""
    return {place.name: (place.stat().st_size, place.stat().st_mtime_ns) for place in folder.glob("*.engine")}


def _translated(error: Exception, graph: str, options: TensorRTOptions) -> RackfocusError:
    """What the runtime said, as one of ours."""
    said = " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
    if any(words in said.lower() for words in ("out of memory", "outofmemory", "insufficient memory", "bad_alloc")):
        cap = "cap the builder's memory with --memory 8GiB" if options.memory is None else "give --memory more"
        return MemoryShortError(
            f"TensorRT ran out of memory on {graph}; {cap}, or build a smaller --size; it said: {said}"
        )
    return DeviceError(f"TensorRT cannot build {graph}; use --device cuda until it can; it said: {said}")
