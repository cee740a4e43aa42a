"""Running out of memory: telling it from other errors, making room, and what size would fit."""

from __future__ import annotations

import gc
from math import floor, sqrt
from typing import Final

import torch

from engine.errors import MemoryShortError
from engine.networks.presets import VAEConfig
from engine.runtime.torch.devices import free_memory

__all__ = ["frame_is_too_large", "make_room", "ran_out_of_memory", "size_that_fits", "weights_are_too_large"]

_SAYINGS: Final = ("can't allocate memory", "out of memory", "ALLOC_FAILED")
"""What RuntimeErrors say that are no ``torch.OutOfMemoryError``: of the CPU's allocator, of MPS, and of cuBLAS or
cuDNN when their workspace finds no room (all seen with Torch 2.4 to 2.13)."""

_SAYS_NO_MORE: Final = "could not create a primitive"
"""All that oneDNN says when it finds no room for a kernel on the CPU (seen with Torch 2.13). What goes on with
"descriptor" is another fault: it has no such kernel."""

_GRAIN: Final = 64  # pixels; the networks halve a picture six times


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
    """A smaller size of about the same shape whose frames would fit, as far as can be told.

    The widest place is the decoder's last block: it takes in the channels of the level below at full size, normalises
    them and convolves them, so about three such maps live at once, and the encoder's full-size skips lie beside them.

    Args:
        width: of the frame that did not fit, in pixels.
        height: of it.
        free: bytes that could be had, or None if unknown.
        config: of the autoencoder.
        itemsize: bytes of a number.

    Returns:
        Width and height, multiples of 64, at most three quarters of the area that did not fit; None if nothing fits.
    """
    first, second = config.block_out_channels[:2]
    bytes_per_pixel = itemsize * (3 * second + first)
    area = 0.75 * width * height
    if free is not None:
        area = min(area, free / bytes_per_pixel)
    scale = sqrt(area / (width * height))
    short = max(_GRAIN, _down_to_grain(min(width, height) * scale))
    long = _down_to_grain(min(max(width, height) * scale, area / short))
    if long < _GRAIN:
        return None
    return (long, short) if width >= height else (short, long)


def frame_is_too_large(
    width: int, height: int, device: torch.device, config: VAEConfig, itemsize: int
) -> MemoryShortError:
    """The error for a frame that does not fit even alone."""
    free = free_memory(device)
    found = f"frames of {width}x{height} do not fit into the memory of {device}{_that_is_free(free)}"
    fitting = size_that_fits(width, height, free, config, itemsize)
    if fitting is None:
        return MemoryShortError(f"{found}; close what else uses it, or choose another --device")
    return MemoryShortError(f"{found}; try --network-size {fitting[0]}x{fitting[1]}, or another --device")


def weights_are_too_large(device: torch.device) -> MemoryShortError:
    """The error for networks that do not fit, whatever the frame."""
    found = f"the networks' weights do not fit into the memory of {device}{_that_is_free(free_memory(device))}"
    return MemoryShortError(f"{found}; close what else uses it, try --precision fp16, or choose another --device")


def _down_to_grain(length: float) -> int:
    return floor(length / _GRAIN) * _GRAIN


def _that_is_free(free: int | None) -> str:
    return "" if free is None else f" ({free / 2**30:.1f} GiB free)"
