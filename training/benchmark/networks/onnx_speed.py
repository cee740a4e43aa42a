"""Timing an export in ONNX Runtime, part by part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from engine.errors import MemoryShortError
from engine.runtime.onnx.faults import ran_out_of_memory
from engine.runtime.onnx.graphs import SKIPS, Export, Graphs
from engine.runtime.onnx.manifest import read_manifest
from engine.runtime.onnx.opening import settle_devices
from engine.runtime.onnx.providers import CPU, Device, version
from engine.runtime.onnx.sessions import DeviceArray, GraphSession, Interruption
from engine.runtime.torch.precision import Precision
from training.benchmark.networks.rates import measure_rates
from training.benchmark.networks.timing import Clock, Job, Rates, RuntimeSpeed
from training.benchmark.peak import peak_memory

__all__ = ["time_export"]


def time_export(job: Job) -> RuntimeSpeed:
    """Time the graphs of the export in ``job.renderer.weights``, with their inputs and outputs on the device.

    Raises:
        WeightsError: it is no export.
        DeviceError: the device cannot be used, or cannot load it.
        MemoryShortError: the networks do not fit.
    """
    folder = Path(job.renderer.weights or "").expanduser()
    export = Export(folder, read_manifest(folder))
    (device, *_), passed_over = settle_devices(job.renderer.device)
    notes = list(passed_over)
    before = _memory(device)
    graphs = Graphs(export, device, Interruption(), on_fallback=notes.append)
    try:
        graphs.load(job.size)
        milliseconds = _milliseconds(graphs, export, job)
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        raise MemoryShortError(
            f"{folder}: the graphs at {job.size[0]}x{job.size[1]} do not fit the memory of {device}; "
            "choose another --device, or export smaller weights"
        ) from None
    precision = export.manifest.precision
    return RuntimeSpeed(
        runtime="onnx",
        version=version(),
        precision=precision,
        device=str(device),
        milliseconds=milliseconds,
        peak_memory=_memory(device) - before,
        rates=_rates(device, Precision(precision), job),
        notes=tuple(dict.fromkeys(notes)),
    )


def _milliseconds(graphs: Graphs, export: Export, job: Job) -> dict[str, float]:
    manifest, renderer, random = export.manifest, job.renderer, np.random.default_rng(0)
    width, height = job.size
    window, decoded = 2 * renderer.overlap, renderer.decode_window
    latent = (height // 8, width // 8)
    pictures = random.random((2, 3, height, width), np.float32) * 2 - 1
    in_window: dict[str, NDArray[Any]] = {
        "latents": random.standard_normal((1, window, 8, *latent), np.float32),
        "context": random.standard_normal((1, window, manifest.context_width), np.float32),
        "strength_embedding": random.standard_normal((1, window, 32), np.float32),
        "time_ids": np.array([[6.0, 127.0, 0.0]], np.float32),
    }
    if manifest.mpi_masks == "threshold":
        in_window["regions"] = random.integers(0, 4, (1, window, height, width), np.int32)
    to_decode = random.standard_normal((1, decoded, 4, *latent), np.float32)
    # Graph, inputs, what comes down, what stays, and the output frames that one run is for.
    encoder = graphs.get("encoder", job.size, 2)
    runs: dict[str, tuple[GraphSession, Mapping[str, NDArray[Any]], str, Sequence[str], int]] = {
        "encode": (encoder, {"pictures": pictures}, "moments", SKIPS, 1),
        "CLIP": (graphs.get("image_encoder", job.size, 1), {"pictures": pictures[:1] / 2 + 0.5}, "context", (), 1),
        "U-Net": (graphs.get("unet", job.size, window), in_window, "refocused", (), renderer.overlap),
        "decode": (
            graphs.get("decoder", job.size, decoded),
            {"latents": to_decode},
            "pictures",
            (),
            decoded - renderer.decode_overlap,
        ),
    }
    skips = encoder.run_keeping({"pictures": pictures}, "moments", SKIPS)[1]
    clock = Clock(job.warm, job.repeats)
    times, transfer = {}, 0.0
    for part, (graph, given, result, kept, frames) in runs.items():
        up = partial(_up, given, graph.device)
        levels = partial(_repeated, graphs, skips, decoded) if part == "decode" else dict[str, DeviceArray]
        run = partial(_on_device, graph, up(), levels, (result, *kept))
        times[part] = clock.milliseconds(run) / frames
        down = run()[0].numpy
        transfer += (clock.milliseconds(up) + clock.milliseconds(down)) / frames
    return {**times, "transfer": transfer}


def _on_device(
    graph: GraphSession,
    given: Mapping[str, DeviceArray],
    more: Callable[[], Mapping[str, DeviceArray]],
    outputs: Sequence[str],
) -> Sequence[DeviceArray]:
    """Run a graph whose inputs lie on the device and whose outputs stay there."""
    binding = graph.session.io_binding()
    inputs = {**given, **more()}
    for name, array in inputs.items():
        binding.bind_ortvalue_input(name, array)
    for name in outputs:
        binding.bind_output(name, graph.device.memory, graph.device.number)
    graph.session.run_with_iobinding(binding)
    made: Sequence[DeviceArray] = binding.get_outputs()
    return made


def _repeated(graphs: Graphs, skips: Sequence[DeviceArray], frames: int) -> dict[str, DeviceArray]:
    """The skips of a window, copied together as a render does."""
    levels = {name: graphs.copying.room_for(frames, skip) for name, skip in zip(SKIPS, skips, strict=True)}
    for skip, level in zip(skips, levels.values(), strict=True):
        for place in range(frames):
            graphs.copying.copy(skip, 0, level, place)
    return levels


def _up(arrays: Mapping[str, NDArray[Any]], device: Device) -> dict[str, DeviceArray]:
    """Arrays on the device."""
    memory, number = device.memory, device.number
    return {name: ort.OrtValue.ortvalue_from_numpy(array, memory, number) for name, array in arrays.items()}


def _memory(device: Device) -> float:
    """Bytes in use: of the card as its driver tells Torch, or of this process at most on a CPU; NaN elsewhere."""
    if device.memory == "cuda":
        if not torch.cuda.is_available():
            return math.nan
        free, total = torch.cuda.mem_get_info(device.number)  # the arena gives nothing back, so this is its peak
        return total - free
    return peak_memory() if device == CPU else math.nan


def _rates(device: Device, precision: Precision, job: Job) -> Rates:
    if device == CPU:
        return measure_rates(torch.device("cpu"), precision, job.warm, job.repeats)
    if device.memory == "cuda" and torch.cuda.is_available():
        return measure_rates(torch.device("cuda", device.number), precision, job.warm, job.repeats)
    return Rates(math.nan, math.nan)
