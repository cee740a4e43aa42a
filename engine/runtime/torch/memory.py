"""Running out of memory: telling it from other errors, making room, and what size would fit."""

from __future__ import annotations

import gc
from typing import Final

import torch

from engine.errors import MemoryShortError
from engine.networks.presets import VAEConfig
from engine.runtime import memory
from engine.runtime.torch.devices import free_memory

__all__ = ["frame_is_too_large", "make_room", "ran_out_of_memory", "size_that_fits", "weights_are_too_large"]

_SAYINGS: Final = ("can't allocate memory", "out of memory", "ALLOC_FAILED")
"""What RuntimeErrors say that are no ``torch.OutOfMemoryError``: of the CPU's allocator, of MPS, and of cuBLAS or
cuDNN when their workspace finds no room (all seen with Torch 2.4 to 2.13)."""

_SAYS_NO_MORE: Final = "could not create a primitive"
"""All that oneDNN says when it finds no room for a kernel on the CPU (seen with Torch 2.13). What goes on with
"descriptor" is another fault: it has no such kernel."""


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that a tensor found no room."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and (said == _SAYS_NO_MORE or any(saying in said for saying in _SAYINGS))


def make_room(device: torch.device) -> None:
    """Give back what is kept for later use. Call it outside of the ``except``, whose traceback holds tensors."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def size_that_fits(
    width: int, height: int, free: int | None, config: VAEConfig, itemsize: int
) -> tuple[int, int] | None:
    """``engine.runtime.memory.size_that_fits`` for this autoencoder and this number of bytes for a number."""
    return memory.size_that_fits(width, height, free, _bytes_per_pixel(config, itemsize))


def frame_is_too_large(
    width: int, height: int, device: torch.device, config: VAEConfig, itemsize: int
) -> MemoryShortError:
    """The error for a frame that does not fit even alone."""
    needed = _bytes_per_pixel(config, itemsize)
    return memory.frame_is_too_large(width, height, str(device), free_memory(device), needed)


def weights_are_too_large(device: torch.device) -> MemoryShortError:
    """The error for networks that do not fit, whatever the frame."""
    return memory.weights_are_too_large(str(device), free_memory(device))


def _bytes_per_pixel(config: VAEConfig, itemsize: int) -> int:
    first, second = config.block_out_channels[:2]
    return memory.bytes_of_a_pixel(first, second, itemsize)
