"""A graph on a device: loaded, run with its large arrays left there, and broken off when asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from engine.errors import CancelledError, DeviceError, ProviderFailedError, RackfocusError, WeightsError, require
from engine.frames import Float32Array
from engine.runtime.onnx.faults import fault_of_file, ran_out_of_memory, was_interrupted
from engine.runtime.onnx.providers import Device, can_run, quietly, said_by, with_fallbacks

__all__ = ["DeviceArray", "GraphSession", "Interruption"]

DeviceArray = Any
"""``onnxruntime.OrtValue``: an array where a graph left it. The package carries no types."""

_PRECISIONS: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(bfloat16)": 16}
"""What ONNX Runtime calls the type of a graph's output, and what it wants to hear when memory for it is made: NumPy's
type, or ONNX's own number where NumPy has none."""

_BYTES: Final = {"tensor(float)": 4, "tensor(float16)": 2, "tensor(bfloat16)": 2}


class Interruption:
    """Whether somebody asked to stop. What runs at that moment ends before its next operator."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = False
        self._running: list[Any] = []

    def ask(self) -> None:
        """Stop; may be called from any thread."""
        with self._lock:
            self._asked = True
            for options in self._running:
                _break_off(options)

    def withdraw(self) -> None:
        """Nobody asks any more: what starts from now on runs."""
        with self._lock:
            self._asked = False

    def check(self) -> None:
        """Raise CancelledError if somebody asked."""
        require(not self._asked, CancelledError, "the render was cancelled")

    @contextmanager
    def watching(self, options: Any) -> Iterator[None]:  # noqa: ANN401
        """While this lasts, ``ask`` breaks off what was given these options of a run or of a session.

        Raises:
            CancelledError: somebody asked, before or meanwhile.
        """
        with self._lock:
            self.check()
            self._running.append(options)
        try:
            yield
        except Exception as error:
            if was_interrupted(error):
                raise CancelledError("the render was cancelled") from None
            raise
        finally:
            with self._lock:
                self._running.remove(options)


@dataclass(frozen=True, eq=False)
class GraphSession:
    """One graph on a device.

    Attributes:
        name: of the graph, in sentences.
        session: ``onnxruntime.InferenceSession``.
        device: where it runs.
        interruption: what breaks it off.
    """

    name: str
    session: Any
    device: Device
    interruption: Interruption

    @classmethod
    def load(
        cls,
        name: str,
        path: Path,
        device: Device,
        interruption: Interruption,
        provider_options: Mapping[str, str],
        expected: tuple[Sequence[str], Sequence[str]],
    ) -> GraphSession:
        """Load a graph.

        Args:
            name: of the graph, in sentences.
            path: of its file.
            device: to run it on.
            interruption: breaks the loading off, and every run.
            provider_options: of the device's own provider.
            expected: names of inputs and outputs.

        Raises:
            WeightsError: the file is damaged, of a newer kind, or another graph.
            ProviderFailedError: the provider cannot load it.
            CancelledError: somebody asked to stop.
        """
        options = _session_options()
        try:
            with interruption.watching(options), quietly():
                session = ort.InferenceSession(
                    str(path),
                    options,
                    providers=with_fallbacks(device, dict(provider_options)),
                    enable_fallback=0,  # to the CPU, with no more than a line on the console
                )
        except Exception as error:
            if isinstance(error, RackfocusError) or ran_out_of_memory(error):
                raise
            fault = fault_of_file(error, path)
            if fault is not None:
                raise fault from None
            raise ProviderFailedError(f"it cannot load the {name} ({said_by(error)})") from error
        reason = can_run(device, session)
        require(reason is None, ProviderFailedError, f"it cannot load the {name} ({reason})")
        found = ([port.name for port in session.get_inputs()], [port.name for port in session.get_outputs()])
        require(
            found == (list(expected[0]), list(expected[1])),
            WeightsError,
            f"{path}: its inputs and outputs are {', '.join(found[0])} and {', '.join(found[1])}, not those of the "
            f"{name} in this Rackfocus; export again with this version",
        )
        return cls(name, session, device, interruption)

    def run(self, inputs: Mapping[str, NDArray[Any] | DeviceArray], *outputs: str) -> list[Float32Array]:
        """Outputs as NumPy arrays, of inputs that are NumPy arrays or lie on the device."""
        binding, _held = self._bound(inputs)
        for name in outputs:
            binding.bind_output(name, "cpu")
        self._run(binding)
        return [value.numpy() for value in binding.get_outputs()]

    def run_keeping(
        self, inputs: Mapping[str, NDArray[Any]], wanted: str, kept: Sequence[str]
    ) -> tuple[Float32Array, list[DeviceArray]]:
        """One output as a NumPy array, and others that stay on the device."""
        binding, _held = self._bound(inputs)
        binding.bind_output(wanted, "cpu")
        for name in kept:
            binding.bind_output(name, self.device.memory, self.device.number)
        self._run(binding)
        made, *rest = binding.get_outputs()
        return made.numpy(), rest

    def copy(self, source: DeviceArray, item: int, target: DeviceArray, place: int) -> None:
        """Copy one item of an array on the device into a place of another, with a graph of one Identity.

        Args:
            source: (N, ...).
            item: of the source.
            target: (M, ...), of the same type.
            place: in the target.
        """
        port = self.session.get_inputs()[0]
        kind, shape = _PRECISIONS[port.type], [1, *source.shape()[1:]]
        step = int(np.prod(shape)) * _BYTES[port.type]
        memory, number = self.device.memory, self.device.number
        binding = self.session.io_binding()
        binding.bind_input("source", memory, number, kind, shape, source.data_ptr() + item * step)
        binding.bind_output("target", memory, number, kind, shape, target.data_ptr() + place * step)
        self._run(binding)

    def room_for(self, items: int, like: DeviceArray) -> DeviceArray:
        """Memory on the device for ``items`` of an array (N, ...), in the type that ``copy`` takes."""
        kind = _PRECISIONS[self.session.get_inputs()[0].type]
        shape = [items, *like.shape()[1:]]
        return ort.OrtValue.ortvalue_from_shape_and_type(shape, kind, self.device.memory, self.device.number)

    def _bound(self, inputs: Mapping[str, NDArray[Any] | DeviceArray]) -> tuple[Any, list[Any]]:
        """The inputs, bound, and what must live until the run is over."""
        binding, held = self.session.io_binding(), []
        for name, value in inputs.items():
            if isinstance(value, np.ndarray):
                held.append(np.ascontiguousarray(value))
                binding.bind_cpu_input(name, held[-1])
            else:
                held.append(value)
                binding.bind_ortvalue_input(name, value)
        return binding, held

    def _run(self, binding: Any) -> None:  # noqa: ANN401
        options = ort.RunOptions()
        options.log_severity_level = 4  # what fails is raised too, and told by us
        try:
            with self.interruption.watching(options):
                self.session.run_with_iobinding(binding, options)
        except Exception as error:
            if isinstance(error, RackfocusError) or ran_out_of_memory(error):
                raise
            raise DeviceError(
                f"the {self.name} failed on {self.device} ({said_by(error)}); try another --device, as --device cpu"
            ) from error


def _break_off(options: Any) -> None:  # noqa: ANN401
    if isinstance(options, ort.RunOptions):
        options.terminate = True
    elif hasattr(options, "set_load_cancellation_flag"):  # ONNX Runtime 1.21 and later
        options.set_load_cancellation_flag(True)


def _session_options() -> Any:  # noqa: ANN401
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.use_deterministic_compute = True
    # Without the plan of all memory that a shape needs: as quick, and a third less is held (tiny at 512x320: 1.6 GB for
    # 2.3). The arena itself stays: without it decoding took 2.7 times as long.
    options.enable_mem_pattern = False
    options.intra_op_num_threads = _threads()
    # Threads that wait for work turn in circles for a while; not between frames, when others want the cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 4  # what fails is raised too, and told by us
    return options


def _threads() -> int:
    """By ``OMP_NUM_THREADS``, as a farm's slots say it, or one for each core that this process may use; 0 where nobody
    knows. Left alone, ONNX Runtime counts the machine's cores, and complains where it may not have all of them."""
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if said.isdigit() and int(said) > 0:
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
