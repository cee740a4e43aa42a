"""Which of ONNX Runtime's execution providers can run here, and why the others cannot."""

from __future__ import annotations

import ctypes
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

import onnxruntime as ort

from engine.errors import DependencyError, DeviceError
from engine.runtime.onnx.compatibility import load_runtime, require_tensorrt

__all__ = [
    "CPU",
    "CUDA",
    "DEVICES",
    "Device",
    "DeviceFound",
    "can_run",
    "cannot_be_used",
    "devices_found",
    "devices_to_try",
    "offered",
    "quietly",
    "said_by",
    "version",
    "why_not",
    "with_fallbacks",
]


@dataclass(frozen=True)
class Device:
    """A place to run graphs, as ``--device`` names it.

    Attributes:
        name: ``tensorrt``, ``cuda``, ``coreml``, ``directml``, ``openvino`` or ``cpu``.
        provider: ONNX Runtime's name of what runs there.
        memory: where outputs that are not wanted as NumPy arrays are left.
        number: of the card.
    """

    name: str
    provider: str
    memory: Literal["cpu", "cuda"] = "cpu"
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.number}" if self.number else self.name


CUDA: Final = Device("cuda", "CUDAExecutionProvider", "cuda")
CPU: Final = Device("cpu", "CPUExecutionProvider")

DEVICES: Final = (
    Device("tensorrt", "TensorrtExecutionProvider", "cuda"),
    CUDA,
    Device("coreml", "CoreMLExecutionProvider"),
    Device("directml", "DmlExecutionProvider"),
    Device("openvino", "OpenVINOExecutionProvider"),
    CPU,
)
"""In order of preference. CoreML, DirectML and OpenVINO take NumPy arrays and give them: what they keep on their own
devices cannot be bound as CUDA's memory can. None but the CPU was tried by us."""

_PACKAGES: Final = {
    "tensorrt": "onnxruntime-gpu (the gpu and tensorrt extras)",
    "cuda": "onnxruntime-gpu (the gpu extra)",
    "coreml": "onnxruntime on a Mac",
    "directml": "onnxruntime-directml on Windows",
    "openvino": "onnxruntime-openvino",
}
"""The build of ONNX Runtime that has each; only one of them can be installed."""

_SOURCE_PLACE: Final = re.compile(r"/onnxruntime_src/\S+:\d+ [^()]*\([^()]*(?:\([^()]*\)[^()]*)*\)(?: const)? ")
"""File, line and signature of the C++ function that raised an error."""

_TRIAL: Final = bytes.fromhex(
    "080812003a4d0a1a0a06736f75726365120674617267657422084964656e746974791201745a150a06736f75726365120b0a0908"
    "0112050a0312016e62150a06746172676574120b0a09080112050a0312016e42040a001011"
)
"""An ONNX graph of one Identity operator."""


@dataclass(frozen=True)
class DeviceFound:
    """Whether a device can be used, for ``rackfocus doctor``.

    Attributes:
        device: its name.
        offered: whether this build of ONNX Runtime has a provider for it.
        reason: why it cannot be used; None where it can.
    """

    device: str
    offered: bool
    reason: str | None


def offered() -> tuple[str, ...]:
    """Names of the providers that this build of ONNX Runtime has; they may still fail to load."""
    return tuple(ort.get_available_providers())


def version() -> str:
    """Of ONNX Runtime."""
    return str(ort.__version__)


def devices_found() -> tuple[DeviceFound, ...]:
    """Every device that ``--device`` can name here, in order of preference; providers that are there are tried."""
    there = offered()
    return tuple(DeviceFound(device.name, device.provider in there, why_not(device)) for device in DEVICES)


def devices_to_try(asked: str) -> tuple[Device, ...]:
    """The devices that ``auto``, ``cuda``, ``cuda:1`` ... may mean here, the preferred first.

    ``auto`` is all whose provider this build of ONNX Runtime has; a named device is that one alone.

    Raises:
        DeviceError: ONNX Runtime knows no such device, or this build has no provider for it.
    """
    there = offered()
    if asked == "auto":
        return tuple(device for device in DEVICES if device.provider in there)
    name, _, number = asked.partition(":")
    for device in DEVICES:
        if device.name == name:
            if device.provider not in there:
                raise cannot_be_used(device, _not_offered(device))
            return (replace(device, number=int(number or 0)),)
    named = ", ".join(device.name for device in DEVICES)
    raise DeviceError(f"--device {asked}: ONNX Runtime has no such device; choose one of {named}, or auto")


def cannot_be_used(device: Device, reason: str) -> DeviceError:
    """The error for a device that was asked for by name."""
    others = [other for other in DEVICES if other.name != device.name and other.provider in offered()]
    rest = ", ".join(other.name for other in others) or "none"
    return DeviceError(f"--device {device} cannot be used: {reason}; others here: {rest}, or auto")


def why_not(device: Device) -> str | None:
    """Why ``device`` cannot be used, as part of a sentence; None where a graph of one operator runs on it."""
    if device.provider not in offered():
        return _not_offered(device)
    if device.name == "tensorrt":
        try:
            require_tensorrt(load_runtime())
        except DependencyError as error:
            return error.message
    try:
        with quietly():
            _preload(device)
            session = ort.InferenceSession(
                _TRIAL,
                _silent(),
                providers=with_fallbacks(device, {"device_id": str(device.number)}),
                enable_fallback=0,
            )
    except Exception as error:  # noqa: BLE001  ONNX Runtime's own have no common base but this
        return said_by(error)
    return can_run(device, session)


def can_run(device: Device, session: Any) -> str | None:  # noqa: ANN401
    """Whether ``session`` really has the provider that it was asked for; if not, why, as far as can be told.

    ONNX Runtime goes on without a provider whose library cannot be loaded, and says so only in its log (seen with
    1.31).
    """
    if device.provider in session.get_providers():
        return None
    return _loading_fault(device) or "ONNX Runtime went on without it and said nothing"


def with_fallbacks(device: Device, options: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The providers of a session: the device's, then those that take the operators that it does not have."""
    chain = [(device.provider, {} if device.memory == "cpu" else options)]
    if device.name == "tensorrt":
        chain.append((CUDA.provider, {"device_id": str(device.number)}))
    if device != CPU:
        chain.append((CPU.provider, {}))
    return chain


def said_by(error: BaseException) -> str:
    """What ONNX Runtime says in an error, as one line without its own numbers, and places in its source."""
    words = _SOURCE_PLACE.sub("", " ".join(str(error).split()))
    words = words.split(" : ", 3)[-1] if words.startswith("[ONNXRuntimeError]") else words
    return words.strip(" .*")[:300] or type(error).__name__


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings of ONNX Runtime's Python layer: what they say is found out and told otherwise."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Specified provider", category=UserWarning)
        yield


def _preload(device: Device) -> None:
    """Load CUDA's and cuDNN's libraries from their Python packages, where no loader looks."""
    if device.memory == "cuda" and hasattr(ort, "preload_dlls"):  # ONNX Runtime 1.21 and later
        with redirect_stdout(StringIO()):  # it prints what it does not find; whether that matters, the trial says
            ort.preload_dlls()


def _silent() -> Any:  # noqa: ANN401
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return options


def _not_offered(device: Device) -> str:
    hint = f"; install {_PACKAGES[device.name]} in its place" if device.name in _PACKAGES else ""
    return f"onnxruntime {ort.__version__} is a build without it{hint}"


def _loading_fault(device: Device) -> str | None:
    """What the system's loader says of a provider's library; None where it loads, or where there is no such file."""
    stem = {"tensorrt": "onnxruntime_providers_tensorrt", "cuda": "onnxruntime_providers_cuda"}.get(device.name)
    name = f"{stem}.dll" if sys.platform == "win32" else f"lib{stem}.so"
    library = Path(ort.__file__).parent / "capi" / name
    if stem is None or not library.is_file():
        return None
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return str(error)
    return None
