"""Milliseconds of each network per output frame, and how near that is to what the device could do.

Random weights, random pictures: neither changes the time. Each part is timed alone, with the device waited for, after
runs that do not count; an output frame is encoded once, lies in windows of the U-Net by the options' overlap, and is
decoded as often as the windows of the decoder overlap.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from statistics import median
from typing import Any, Final

import torch
from torch import Tensor

from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import PRESETS, PresetName
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE
from engine.runtime.torch.compiling import CompiledCall, lay_out_for_convolution
from engine.runtime.torch.devices import exact_kernels, settle_device
from engine.runtime.torch.precision import Precision, settle_precision
from engine.shot import AnyToBokehOptions
from training.benchmark.networks.flops import FlopOptions, run_flops
from training.benchmark.table import Rows, number

__all__ = ["PARTS", "Clock", "NetworkSpeedOptions", "NetworkSpeedReport", "RuntimeSpeed", "run_network_speed"]

PARTS: Final = ("encode", "CLIP", "U-Net", "decode", "transfer")
"""What an output frame is made of."""

MATRIX: Final = {"cuda": 8192, "mps": 4096, "cpu": 1024}
"""Side of the square matrices whose product tells a device's rate."""


@dataclass(frozen=True)
class NetworkSpeedOptions:
    """What to time.

    Attributes:
        preset: size of the networks.
        renderer: device, precision, compilation, windows and profile; as weights an export of the same preset, or none.
        width, height: of the picture, multiples of 64; the preset's own when not given.
        repeats: runs of each part that count; the median is told.
        warm: runs before them that do not.
    """

    preset: PresetName = "full"
    renderer: AnyToBokehOptions = AnyToBokehOptions()  # noqa: RUF009  frozen
    width: int | None = None
    height: int | None = None
    repeats: int = 5
    warm: int = 2


@dataclass(frozen=True)
class RuntimeSpeed:
    """What one runtime took.

    Attributes:
        runtime: its name and precision.
        device: where it ran.
        milliseconds: of each part, per output frame.
        peak_memory: bytes; of the device, or of the process on a CPU.
    """

    runtime: str
    device: str
    milliseconds: dict[str, float]
    peak_memory: int

    @property
    def total(self) -> float:
        """Milliseconds of an output frame."""
        return sum(self.milliseconds.values())


@dataclass(frozen=True)
class NetworkSpeedReport:
    """What :func:`run_network_speed` found.

    Attributes:
        speeds: of each runtime.
        setting: what was run.
        matrix_rate: TFLOP per second of one large matrix product in Torch, in the same precision.
        teraflop: arithmetic of an output frame.
        versions: of what ran.
        skipped: runtimes that were not run, and why.
    """

    speeds: tuple[RuntimeSpeed, ...]
    setting: str
    matrix_rate: float
    teraflop: float
    versions: dict[str, str]
    skipped: dict[str, str]

    @property
    def floor(self) -> float:
        """Milliseconds that the arithmetic alone takes at the device's matrix rate."""
        return self.teraflop / self.matrix_rate * 1000

    def rows(self) -> Rows:
        """A row for each part, a column for each runtime."""
        speeds = self.speeds
        return (
            ("milliseconds per output frame", *(f"{speed.runtime} on {speed.device}" for speed in speeds)),
            *((part, *(number(speed.milliseconds[part], 2) for speed in speeds)) for part in PARTS),
            ("total", *(number(speed.total, 2) for speed in speeds)),
            ("arithmetic at the matrix rate", *(number(self.floor, 2) for _ in speeds)),
            ("share of that floor", *(f"{self.floor / speed.total:.0%}" for speed in speeds)),
            ("matrix rate, TFLOP/s", *(number(self.matrix_rate, 1) for _ in speeds)),
            ("peak memory, GiB", *(number(speed.peak_memory / 2**30, 2) for speed in speeds)),
        )

    def to_json(self) -> str:
        """All of it as a JSON object."""
        speeds = [{**asdict(speed), "total": speed.total} for speed in self.speeds]
        return json.dumps({**asdict(self), "speeds": speeds, "floor": self.floor}, indent=2)


def run_network_speed(options: NetworkSpeedOptions = NetworkSpeedOptions()) -> NetworkSpeedReport:
    """Time the networks on a device: in Torch with random weights, and an export in ONNX Runtime if one is given.

    Raises:
        DeviceError: the device or the precision cannot be had here.
        WeightsError: ``renderer.weights`` is no export.
    """
    renderer = options.renderer
    device = settle_device(renderer.device)
    precision = settle_precision(renderer.precision, device)
    width, height = PRESETS[options.preset].unet.rackfocus_size
    width, height = options.width or width, options.height or height
    clock = Clock(device, options.warm, options.repeats)
    with torch.inference_mode(), exact_kernels(device, precision.allow_tf32):
        rate = _matrix_rate(device, precision, clock)
        milliseconds = _time_parts(options, device, precision, width, height, clock)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    compiled = ", compiled" * renderer.compile
    speeds = [RuntimeSpeed(f"torch {precision.name}{compiled}", name, milliseconds, _peak_memory(device))]
    versions = {"torch": str(torch.__version__)}
    if renderer.weights is not None:
        from training.benchmark.networks.onnx_speed import time_export

        speeds.append(time_export(renderer, width, height, clock))
        versions["onnxruntime"] = metadata.version("onnxruntime")
    masks = "masks on" if renderer.mpi_masks == "threshold" else "masks off"
    counted = run_flops(FlopOptions(options.preset, width, height, renderer)).costs
    return NetworkSpeedReport(
        speeds=tuple(speeds),
        setting=f"{options.preset}, {width}x{height}, {masks}",
        matrix_rate=rate,
        teraflop=next(cost.total for cost in counted if cost.variant == masks),
        versions=versions,
        skipped={} if renderer.weights else {"onnx": "no export was given"},
    )


def _time_parts(
    options: NetworkSpeedOptions, device: torch.device, precision: Precision, width: int, height: int, clock: Clock
) -> dict[str, float]:
    preset, renderer, working = PRESETS[options.preset], options.renderer, precision.working
    masks = renderer.mpi_masks == "threshold"
    with device:
        unet, vae = AnyToBokehUNet(preset.unet).to(device, working), AnyToBokehVAE(preset.vae)
        unet.drop_dead_weights(masks)
        encoding = precision.encoding(preset.vae.force_upcast)
        vae.to(device, encoding).decoder.to(dtype=working)
        image_encoder = ImageEncoder(preset.clip).to(device, working)
    for module in (unet, vae, image_encoder):
        module.eval().requires_grad_(False)
        if device.type == "cuda":
            lay_out_for_convolution(module)

    def prepared(call: Callable[..., Any]) -> Callable[..., Any]:
        return CompiledCall(call, device, _say_uncompiled) if renderer.compile else call

    window, decoded = 2 * renderer.overlap, renderer.decode_window
    pictures = torch.rand(2, 3, height, width, device=device, dtype=encoding) * 2 - 1
    encode = prepared(lambda given: vae.encode(given, with_skips=True))
    skips = [skip[:1].to(working).repeat(decoded, 1, 1, 1) for skip in encode(pictures)[1]]
    latents = torch.randn(1, window, preset.unet.in_channels, height // 8, width // 8, device=device, dtype=working)
    context = torch.randn(1, window, preset.unet.cross_attention_dim, device=device, dtype=working)
    strength = torch.randn(1, window, 32, device=device, dtype=working)
    told = torch.tensor([[6.0, 127.0, 0.0]], device=device)
    regions = torch.randint(0, 4, (1, window, height, width), device=device, dtype=torch.uint8) if masks else None
    refocus, decode = prepared(unet), prepared(vae.decode)
    look = prepared(lambda given: image_encoder(given, False))
    to_decode = latents[:, :1, :4].repeat(1, decoded, 1, 1, 1)
    result = torch.rand(decoded, 3, height, width, device=device)
    return {
        "encode": clock.milliseconds(lambda: encode(pictures)),
        "CLIP": clock.milliseconds(lambda: look(pictures[:1].float() / 2 + 0.5)),
        "U-Net": clock.milliseconds(lambda: refocus(latents, context, strength, told, regions)) / renderer.overlap,
        "decode": clock.milliseconds(lambda: decode(to_decode, skips)) / (decoded - renderer.decode_overlap),
        "transfer": clock.milliseconds(lambda: _transfer(result, device)) / decoded,
    }


class Clock:
    """Times a call on a device."""

    def __init__(self, device: torch.device, warm: int, repeats: int) -> None:
        self._device = device
        self._warm = warm
        self._repeats = repeats

    def milliseconds(self, run: Callable[[], object]) -> float:
        """The median run, the device waited for."""
        for _ in range(self._warm):
            run()
        times = []
        for _ in range(self._repeats):
            self._wait()
            begin = time.perf_counter()
            run()
            self._wait()
            times.append(time.perf_counter() - begin)
        return median(times) * 1000

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()


def _transfer(results: Tensor, device: torch.device) -> None:
    """A frame's picture and defocus map go up, its result comes down, for every result."""
    for result in results.cpu():
        torch.empty_like(result).copy_(result).to(device)
        result[:1].to(device)


def _matrix_rate(device: torch.device, precision: Precision, clock: Clock) -> float:
    """TFLOP per second."""
    side = MATRIX[device.type]
    left, right = (torch.randn(side, side, device=device, dtype=precision.working) for _ in range(2))
    return 2 * side**3 / (clock.milliseconds(lambda: left @ right) / 1000) / 1e12


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _say_uncompiled() -> None:
    print("the networks could not be compiled here and run as they are", file=sys.stderr)
