"""Timing the networks in Torch, part by part, with random weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.errors import MemoryShortError
from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import PRESETS
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE
from engine.runtime.behaviour import Behaviour
from engine.runtime.torch.compiling import CompiledCall, lay_out_for_convolution
from engine.runtime.torch.devices import exact_kernels, settle_device
from engine.runtime.torch.memory import ran_out_of_memory
from engine.runtime.torch.precision import Precision, settle_precision
from training.benchmark.networks.rates import measure_rates, waiting_for
from training.benchmark.networks.timing import Clock, Job, RuntimeSpeed
from training.benchmark.peak import peak_memory

__all__ = ["time_torch"]


def time_torch(job: Job) -> RuntimeSpeed:
    """Time the preset's networks. TensorRT's card is CUDA's here.

    Raises:
        DeviceError: the device or the precision cannot be had here.
        MemoryShortError: the networks do not fit.
    """
    renderer = job.renderer
    device = settle_device(renderer.device.replace("tensorrt", "cuda"))
    precision = settle_precision(renderer.precision, device)
    before = _peak_memory(device)
    try:
        with torch.inference_mode(), exact_kernels(device, precision.allow_tf32):
            milliseconds = _milliseconds(job, device, precision)
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        raise MemoryShortError(
            f"the {job.preset} networks at {job.size[0]}x{job.size[1]} do not fit the memory of {device}; "
            "choose a smaller --preset, or another --device"
        ) from None
    return RuntimeSpeed(
        runtime="torch compiled" if renderer.compile else "torch",
        version=str(torch.__version__),
        precision=precision.name,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        milliseconds=milliseconds,
        peak_memory=_peak_memory(device) - before,
        rates=measure_rates(device, precision, job.warm, job.repeats),
    )


def _milliseconds(job: Job, device: torch.device, precision: Precision) -> dict[str, float]:
    preset, renderer, working = PRESETS[job.preset], job.renderer, precision.working
    width, height = job.size
    masks = Behaviour.of(renderer).mpi_masks == "threshold"
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
    clock = Clock(job.warm, job.repeats, waiting_for(device))
    return {
        "encode": clock.milliseconds(lambda: encode(pictures)),
        "CLIP": clock.milliseconds(lambda: look(pictures[:1].float() / 2 + 0.5)),
        "U-Net": clock.milliseconds(lambda: refocus(latents, context, strength, told, regions)) / renderer.overlap,
        "decode": clock.milliseconds(lambda: decode(to_decode, skips)) / (decoded - renderer.decode_overlap),
        "transfer": clock.milliseconds(lambda: _transfer(result, device)) / decoded,
    }


def _transfer(results: Tensor, device: torch.device) -> None:
    """A frame's picture and defocus map go up, its result comes down, for every result."""
    for result in results.cpu():
        torch.empty_like(result).copy_(result).to(device)
        result[:1].to(device)


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return peak_memory()


def _say_uncompiled() -> None:
    print("the networks could not be compiled here and run as they are", file=sys.stderr)
