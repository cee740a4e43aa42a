"""What a device can do at best, measured with Torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from engine.runtime.torch.devices import exact_kernels
from engine.runtime.torch.precision import Precision
from training.benchmark.networks.timing import Clock, Rates

__all__ = ["measure_rates", "waiting_for"]

MATRIX: Final = {"cuda": 8192, "mps": 4096, "cpu": 1024}
"""Side of the square matrices whose product tells a device's rate."""

COPIED: Final = {"cuda": 1 << 30, "mps": 1 << 28, "cpu": 1 << 28}
"""Bytes whose copy tells a device's bandwidth: many times what its caches hold."""


def measure_rates(device: torch.device, precision: Precision, warm: int, repeats: int) -> Rates:
    """Multiply two large matrices, and copy a large array."""
    clock = Clock(warm, repeats, waiting_for(device))
    side, size = MATRIX[device.type], COPIED[device.type]
    with torch.inference_mode(), exact_kernels(device, precision.allow_tf32):
        left, right = (torch.randn(side, side, device=device, dtype=precision.working) for _ in range(2))
        source, target = (torch.zeros(size, device=device, dtype=torch.uint8) for _ in range(2))
        multiplying = clock.milliseconds(lambda: left @ right)
        copying = clock.milliseconds(lambda: target.copy_(source))
    return Rates(2 * side**3 / multiplying / 1e9, 2 * size / copying / 1e6)


def waiting_for(device: torch.device) -> Callable[[], None]:
    """What returns when the device has done all that it was given."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    return wait
