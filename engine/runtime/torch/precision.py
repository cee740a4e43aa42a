"""Precisions: which one a device takes, and going back to single precision where one is too narrow.

The only step up from fp16 and bf16 is fp32. From fp16 to bf16 and back would round the weights twice; to fp32 and back
loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final

import torch
from torch import Tensor, nn

from engine.errors import DeviceError, require

__all__ = ["Precision", "all_finite", "raised_to_single", "settle_precision"]

_TYPES: Final = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Precision:
    """What the networks compute in.

    Attributes:
        name: ``fp32``, ``fp16`` or ``bf16``.
    """

    name: str

    @property
    def working(self) -> torch.dtype:
        """Of weights and of all that goes from layer to layer."""
        return _TYPES[self.name]

    def encoding(self, force_upcast: bool) -> torch.dtype:
        """Of the encoder of the autoencoder.

        Stable Video Diffusion's configuration says ``force_upcast``, since its encoder passes fp16's greatest number.
        bf16 has the range, but eight bits: a picture in -1 to 1 would come in with steps of 1/256, coarser than an
        8-bit file. So both encode in fp32, and the decoder, which has no such layers, works in half precision.
        """
        return torch.float32 if force_upcast else self.working

    @property
    def allow_tf32(self) -> bool:
        """Whether what stays in fp32 may be rounded to TF32; see ``exact_kernels``."""
        return self.working != torch.float32


def settle_precision(asked: str, device: torch.device) -> Precision:
    """The precision that ``auto``, ``fp32``, ``fp16`` or ``bf16`` means on ``device``.

    ``auto`` is fp16 on a GPU, as published, and fp32 on a CPU: one without fp16 arithmetic convolves fifty times slower
    in fp16 (decoding with the tiny preset, Torch 2.13, AVX-512 without its FP16), and bf16 is coarser than fp16.

    Raises:
        DeviceError: the device does not compute in bf16.
    """
    name = ("fp32" if device.type == "cpu" else "fp16") if asked == "auto" else asked
    usable = name != "bf16" or _has_bf16(device)
    require(usable, DeviceError, f"{device} does not compute in bf16; use --precision fp16 or fp32")
    return Precision(name)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere; older ones emulate it, slower than fp32
    try:
        torch.ones(1, dtype=torch.bfloat16, device=device).add_(1)
    except (RuntimeError, TypeError):  # macOS before 14
        return False
    return True


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no value is NaN or infinite."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


@contextmanager
def raised_to_single(module: nn.Module) -> Iterator[None]:
    """Hold the weights of ``module`` in fp32 for a while, then put the very same memory back.

    The same memory, because CUDA graphs of the compiled module read their weights where they lay.
    """
    held = [tensor for tensor in chain(module.parameters(), module.buffers()) if tensor.is_floating_point()]
    kept = [tensor.data for tensor in held]
    try:
        for tensor in held:
            tensor.data = tensor.data.float()
        yield
    finally:
        for tensor, data in zip(held, kept, strict=True):
            tensor.data = data
