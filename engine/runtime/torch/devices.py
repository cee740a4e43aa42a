"""Which device the networks run on, and how exact its arithmetic is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch

from engine.errors import DeviceError, require
from engine.runtime.memory import free_system_memory

__all__ = ["devices_here", "exact_kernels", "free_memory", "settle_device"]


def devices_here() -> tuple[str, ...]:
    """The devices of this machine that Torch can use, the quickest first: ``cuda:0``, ``cuda:1``, ``mps``, ``cpu``."""
    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return (*cards, *(["mps"] if torch.backends.mps.is_available() else []), "cpu")


def settle_device(asked: str) -> torch.device:
    """The device that ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:1`` means here; ``auto`` is the quickest.

    Raises:
        DeviceError: this machine has no such device, or this build of Torch cannot use it.
    """
    here = devices_here()
    name = here[0] if asked == "auto" else "cuda:0" if asked == "cuda" else asked
    hint = "; this Torch was built without CUDA" if name.startswith("cuda") and not torch.version.cuda else ""
    found = f"there is no device {asked} for the network: Torch finds {', '.join(here)} on this machine{hint}"
    require(name in here, DeviceError, f"{found}; choose one of them with --device")
    return torch.device(name)


def free_memory(device: torch.device) -> int | None:
    """Bytes that could be had on ``device`` now; None where nothing says, as with Apple's shared memory."""
    if device.type == "cuda":
        kept_by_torch = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept_by_torch
    return free_system_memory()


@contextmanager
def exact_kernels(device: torch.device, allow_tf32: bool) -> Iterator[None]:
    """Run kernels that give the same bits each time.

    On the CPU, Torch chooses some kernels by the number of its threads, which Numba's OpenMP layer changes behind its
    back in the first thread that it runs in (seen with Torch 2.13 and Numba 0.68): the first render of a process
    differed from the next. So the number is brought to that of any new thread, and left so.

    On CUDA, cuDNN neither tries out algorithms by the clock nor takes one that adds up in any order: two machines of a
    farm must not choose differently. Torch's own forward kernels that the networks use are deterministic as they are.
    The process's settings are put back afterwards.

    Args:
        device: where the networks run.
        allow_tf32: whether single precision may be rounded to TF32's ten bits before it is multiplied. Eight times
            as fast on an H100, and no coarser than fp16; but who asks for fp32 shall have it.
    """
    if device.type != "cuda":
        torch.set_num_threads(_threads_of_the_process())
        yield
        return
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allow_tf32
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=allow_tf32):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


@cache
def _threads_of_the_process() -> int:
    """What Torch takes in a thread in which nothing else has run: by ``OMP_NUM_THREADS``, or one for each core."""
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(torch.get_num_threads).result()
