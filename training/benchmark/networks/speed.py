"""Milliseconds of each network per output frame, and how near that is to what the device could do.

Random pictures, and in Torch random weights: neither changes the time. Each part is timed alone, with the device
waited for, after runs that do not count; an output frame is encoded once, lies in windows of the U-Net by the options'
overlap, and is decoded as often as the windows of the decoder overlap. Each runtime has a process to itself, so that
its memory is its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from engine.errors import DeviceError, MemoryShortError, MissingWeightsError, RackfocusError, WeightsError, require
from engine.networks.presets import PRESETS, PresetName
from engine.runtime.behaviour import Behaviour
from engine.runtime.extras import require_onnx
from engine.runtime.onnx.manifest import Manifest, read_manifest
from engine.shot import AnyToBokehOptions
from training.benchmark.networks.flops import FlopOptions, run_flops
from training.benchmark.networks.timing import PARTS, Job, RuntimeSpeed
from training.benchmark.networks.torch_speed import time_torch
from training.benchmark.table import Rows, finite, number

__all__ = ["NetworkSpeedOptions", "NetworkSpeedReport", "run_network_speed"]

BYTES: Final = {"fp32": 4, "fp16": 2, "bf16": 2}
"""Of a number, by precision."""


@dataclass(frozen=True)
class NetworkSpeedOptions:
    """What to time.

    Attributes:
        preset: size of the networks; that of the export, or full, when not given.
        renderer: runtime (``auto`` is every one that is found), device, precision, compilation, windows and profile; as
            weights an export, whose precision and masks Torch then takes too, or none.
        width, height: of the picture, multiples of 64; the export's or the preset's own when not given.
        repeats: runs of each part that count; the median is told.
        warm: runs before them that do not.
        say: gets a sentence for whatever ran elsewhere than asked.
    """

    preset: PresetName | None = None
    renderer: AnyToBokehOptions = AnyToBokehOptions()  # noqa: RUF009  frozen
    width: int | None = None
    height: int | None = None
    repeats: int = 5
    warm: int = 2
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class NetworkSpeedReport:
    """What :func:`run_network_speed` found.

    Attributes:
        speeds: of each runtime.
        setting: what was run.
        teraflop: arithmetic of an output frame.
        traffic: 1e9 numbers that its matrix products, convolutions and attention read and write.
        versions: of what ran.
        skipped: runtimes that were not run, and why.
    """

    speeds: tuple[RuntimeSpeed, ...]
    setting: str
    teraflop: float
    traffic: float
    versions: dict[str, str]
    skipped: dict[str, str]

    def arithmetic(self, speed: RuntimeSpeed) -> float:
        """Milliseconds that the arithmetic alone takes at the device's matrix rate."""
        return self.teraflop / speed.rates.matrix * 1000

    def movement(self, speed: RuntimeSpeed) -> float:
        """Milliseconds that the traffic alone takes at the device's bandwidth."""
        return self.traffic * BYTES[speed.precision] / speed.rates.bandwidth * 1000

    def floor(self, speed: RuntimeSpeed) -> float:
        """The longer of both: no program on this device is quicker that moves those numbers and computes with them."""
        return max(self.arithmetic(speed), self.movement(speed))

    def rows(self) -> Rows:
        """A row for each part, a column for each runtime."""

        def row(title: str, digits: int, value: Callable[[RuntimeSpeed], float]) -> tuple[str, ...]:
            return (title, *(number(value(speed), digits) for speed in self.speeds))

        return (
            (
                "milliseconds per output frame",
                *(f"{speed.runtime} {speed.precision} on {speed.device}" for speed in self.speeds),
            ),
            *(row(part, 2, lambda speed, part=part: speed.milliseconds[part]) for part in PARTS),  # type: ignore[misc]
            row("total", 2, lambda speed: speed.total),
            row("floor: arithmetic", 2, self.arithmetic),
            row("floor: bytes", 2, self.movement),
            row("share of the floor, %", 0, lambda speed: 100 * self.floor(speed) / speed.total),
            row("matrix rate, TFLOP/s", 2, lambda speed: speed.rates.matrix),
            row("bandwidth, GB/s", 0, lambda speed: speed.rates.bandwidth),
            row("peak memory, GiB", 2, lambda speed: speed.peak_memory / 2**30),
        )

    def to_json(self) -> str:
        """All of it as a JSON object; what is not known is null."""
        speeds = [
            {
                **asdict(speed),
                "peak_memory": finite(speed.peak_memory),
                "rates": {name: finite(value) for name, value in asdict(speed.rates).items()},
                "total": speed.total,
                "floor": {"arithmetic": finite(self.arithmetic(speed)), "bytes": finite(self.movement(speed))},
            }
            for speed in self.speeds
        ]
        return json.dumps({**asdict(self), "speeds": speeds}, indent=2)


def run_network_speed(options: NetworkSpeedOptions = NetworkSpeedOptions()) -> NetworkSpeedReport:
    """Time the networks on a device, in Torch with random weights and an export of them in ONNX Runtime.

    Raises:
        DeviceError: no runtime has the device or the precision, or not the one that was named.
        WeightsError: ``renderer.weights`` is no export, or not of the preset.
        MissingWeightsError: ONNX Runtime was named, and no export is given.
        MemoryShortError: the networks do not fit.
    """
    job = _settled(options)
    speeds: list[RuntimeSpeed] = []
    skipped: dict[str, str] = {}
    for runtime in ("torch", "onnx"):
        if job.renderer.runtime not in ("auto", runtime):
            continue
        try:
            speeds.append(_alone(_timing(runtime, job), job))
        except RackfocusError as error:
            if job.renderer.runtime != "auto":
                raise
            skipped[runtime] = error.message
        else:
            for note in speeds[-1].notes:
                options.say(note)
    require(bool(speeds), DeviceError, "; ".join(f"{runtime}: {reason}" for runtime, reason in skipped.items()))
    masks = "masks on" if Behaviour.of(job.renderer).mpi_masks == "threshold" else "masks off"
    counted = run_flops(FlopOptions(job.preset, *job.size, job.renderer)).costs
    cost = next(cost for cost in counted if cost.variant == masks)
    setting = f"{job.preset}, {job.size[0]}x{job.size[1]}, {masks}"
    return NetworkSpeedReport(
        speeds=tuple(speeds),
        setting=setting,
        teraflop=cost.total,
        traffic=cost.traffic,
        versions={setting: "", **{speed.runtime: speed.version for speed in speeds}},
        skipped=skipped,
    )


def _settled(options: NetworkSpeedOptions) -> Job:
    """What every runtime does alike: with an export, in its size and precision and with its masks."""
    renderer, preset = options.renderer, options.preset
    size = None
    if renderer.weights is not None:
        folder = Path(renderer.weights).expanduser()
        manifest = read_manifest(folder)
        preset, size = _preset_of(folder, manifest, preset), manifest.size
        made = {"precision": manifest.precision, "mpi_masks": manifest.mpi_masks}
        renderer = renderer.model_copy(update=made)
    preset = preset or "full"
    width, height = size or PRESETS[preset].unet.rackfocus_size
    return Job(preset, renderer, (options.width or width, options.height or height), options.repeats, options.warm)


def _preset_of(folder: Path, manifest: Manifest, asked: PresetName | None) -> PresetName:
    """The preset whose networks an export has, told by the width of the image encoder's vector: each has its own."""
    for name, preset in PRESETS.items():
        if manifest.context_width == preset.unet.cross_attention_dim and asked in (None, name):
            return name
    raise WeightsError(
        f"{folder}: this export is not of {f'the preset {asked}' if asked else 'any preset'}, and Torch would be timed "
        f"with other networks; {'leave --preset away' if asked else 'export what rackfocus weights init makes'}"
    )


def _timing(runtime: str, job: Job) -> Callable[[Job], RuntimeSpeed]:
    if runtime == "torch":
        return time_torch
    require_onnx("timing an export")
    require(
        job.renderer.weights is not None,
        MissingWeightsError,
        f"no export is given; make one with rackfocus weights init --preset {job.preset} --out WEIGHTS and "
        "rackfocus export --weights WEIGHTS --out EXPORT, and add --weights EXPORT",
    )
    from training.benchmark.networks.onnx_speed import time_export

    return time_export


def _alone(run: Callable[[Job], RuntimeSpeed], job: Job) -> RuntimeSpeed:
    """Run in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(run, job).result()
        except BrokenProcessPool:
            raise MemoryShortError(
                f"the process that timed the {job.preset} networks was killed, most likely for want of memory; "
                "choose a smaller --preset, or another --device"
            ) from None
