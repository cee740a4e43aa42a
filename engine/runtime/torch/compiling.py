"""Compiling the networks with ``torch.compile``, where that is possible.

Only the CPU path was run (Torch 2.13, GCC): the tiny preset takes five minutes on one core to compile, and then decodes
an eighth faster. What is said of CUDA is from Torch's documentation and not yet tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from engine.runtime.torch.memory import ran_out_of_memory

__all__ = ["CompiledCall", "Given", "Made", "lay_out_for_convolution"]

Given: TypeAlias = Tensor | Sequence[Tensor] | None
"""What a network is given at a place of its call."""

Made: TypeAlias = Tensor | tuple["Made", ...]
"""What it gives."""


class CompiledCall:
    """A call that is compiled at its first use, and runs as it is where that fails.

    On CUDA the kernels of a call are recorded once and replayed (CUDA graphs): the first frames take minutes. The
    ``max-autotune`` mode is not used: it chooses kernels by the clock, so two machines of a farm could round
    differently.
    """

    def __init__(self, call: Callable[..., Made], device: torch.device, on_failure: Callable[[], None]) -> None:
        self._as_it_is = call
        self._replayed = device.type == "cuda"
        self._compiled: Callable[..., Made] | None = torch.compile(
            call, dynamic=False, mode="reduce-overhead" if self._replayed else None
        )
        self._on_failure = on_failure

    def __call__(self, *inputs: Given) -> Made:
        """What the call gives, in memory of its own."""
        if self._compiled is None:
            return self._as_it_is(*inputs)
        try:
            if self._replayed:
                torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            return _own(self._compiled(*inputs)) if self._replayed else self._compiled(*inputs)
        except (RuntimeError, ImportError) as error:  # a missing compiler or Triton comes as one of many kinds of these
            if ran_out_of_memory(error):
                raise
        self._compiled = None
        self._on_failure()
        return self._as_it_is(*inputs)


def _own(made: Made) -> Made:
    """A copy: a replayed graph writes its next results over its last ones."""
    if isinstance(made, Tensor):
        return made.clone()
    return tuple(_own(part) for part in made)


def lay_out_for_convolution(module: nn.Module) -> None:
    """Store the weights of two-dimensional convolutions channels last, which tensor cores read without reordering."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
