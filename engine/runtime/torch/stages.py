"""A network on its way through a frame: cancelled between layers, checked, and redone where half precision is too
narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

import torch
from torch import Tensor, nn

from engine.errors import CancelledError, require
from engine.runtime.numbers import values_not_finite
from engine.runtime.torch.compiling import CompiledCall, Given, Made
from engine.runtime.torch.precision import all_finite, raised_to_single

__all__ = ["Interruption", "Stage"]


class Interruption:
    """Whether somebody asked to stop; looked at before each layer of a network that is not compiled.

    A layer of the released size takes milliseconds on a GPU and up to seconds on a CPU: no layer is broken off.
    """

    def __init__(self) -> None:
        self._asked = Event()

    def ask(self) -> None:
        """Stop; may be called from any thread."""
        self._asked.set()

    def withdraw(self) -> None:
        """Nobody asks any more: what starts from now on runs."""
        self._asked.clear()

    def check(self, *_: object) -> None:
        """Raise CancelledError if somebody asked."""
        require(not self._asked.is_set(), CancelledError, "the render was cancelled")

    def watch(self, module: nn.Module) -> None:
        """Check before every layer of ``module`` from now on."""
        for layer in module.modules():
            if next(layer.parameters(recurse=False), None) is not None:
                layer.register_forward_pre_hook(self.check)


class Stage:
    """One call of a network, in a precision of its own.

    Args:
        name: of the stage, in sentences.
        module: whose weights the call reads; on its device already.
        call: takes tensors, sequences of them and plain values; returns a tensor or a tuple of them.
        dtype: of the floating-point inputs and of the weights.
        cast: whether inputs are brought to ``dtype``; not where the network does it itself.
    """

    def __init__(
        self, name: str, module: nn.Module, call: Callable[..., Made], dtype: torch.dtype, *, cast: bool = True
    ) -> None:
        self.name = name
        self.dtype = dtype
        self._module = module
        self._call = call
        self._quick = call
        self._cast = cast

    def compile(self, device: torch.device, on_failure: Callable[[], None]) -> None:
        """Compile at the next run; where that fails, call ``on_failure`` and go on without."""
        self._quick = CompiledCall(self._call, device, on_failure)

    def run(self, places: Sequence[int], on_redo: Callable[[], None], *inputs: Given) -> tuple[Tensor, ...]:
        """What the network gives, all of it finite.

        Args:
            places: of the frames in the shot, from 0, for the sentence of an error.
            on_redo: called when values are not finite and the run is repeated in fp32.
            inputs: of the call.

        Raises:
            NumbersError: values are not finite in fp32 either.
        """
        made = _as_tuple(self._quick(*(self._brought_to(self.dtype, value) for value in inputs)))
        if all_finite(made):
            return made
        if self.dtype != torch.float32:
            del made
            on_redo()
            with raised_to_single(self._module):
                made = _as_tuple(self._call(*(self._brought_to(torch.float32, value) for value in inputs)))
            if all_finite(made):
                return made
        raise values_not_finite(places, self.name)

    def _brought_to(self, dtype: torch.dtype, value: Given) -> Given:
        if value is None or not self._cast:
            return value
        if isinstance(value, Tensor):
            return value.to(dtype) if value.is_floating_point() else value
        return tuple(part.to(dtype) for part in value)


def _as_tuple(made: Made) -> tuple[Tensor, ...]:
    """The tensors of a result: one alone, or some with a tuple of skips among them."""
    if isinstance(made, Tensor):
        return (made,)
    return tuple(tensor for part in made for tensor in _as_tuple(part))
