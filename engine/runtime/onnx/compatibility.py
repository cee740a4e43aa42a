"""What this machine has for TensorRT: the card, the driver and the libraries that engines are tied to. No Torch."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from typing import Any, Final, Protocol, cast

from engine.errors import DependencyError, DeviceError

__all__ = [
    "CUDA",
    "TENSORRT",
    "Machine",
    "OnnxRuntime",
    "Port",
    "ProviderOptions",
    "Session",
    "load_runtime",
    "read_machine",
    "require_tensorrt",
]

ProviderOptions = dict[str, str]
"""Options of a provider by name. ONNX Runtime makes strings of all values; 1 and 0 are yes and no."""

TENSORRT: Final = "TensorrtExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"

GUIDE: Final = "docs/tensorrt.md says what to install"

LIBRARY: Final = {"win32": "nvinfer_10.dll"}.get(sys.platform, "libnvinfer.so.10")
"""ONNX Runtime 1.31's TensorRT provider is linked against major version 10 (``readelf -d``, 2026-11-21)."""

PATIENCE: Final = 20.0
"""Seconds for ``nvidia-smi``, which can take ten on a machine with many sleeping cards."""


class Port(Protocol):
    """An input or output of a session, as much of it as is used here."""

    name: str
    type: str


class Session(Protocol):
    """``onnxruntime.InferenceSession``, as much of it as is used here."""

    def get_inputs(self) -> Sequence[Port]: ...  # noqa: D102
    def get_outputs(self) -> Sequence[Port]: ...  # noqa: D102
    def get_providers(self) -> Sequence[str]: ...  # noqa: D102
    def run_with_ort_values(self, names: Sequence[str], feeds: Mapping[str, Any]) -> Sequence[Any]: ...  # noqa: D102


class OnnxRuntime(Protocol):
    """The ``onnxruntime`` module, as much of it as is used here."""

    __version__: str
    OrtValue: Any

    def get_available_providers(self) -> Sequence[str]: ...  # noqa: D102
    def InferenceSession(  # noqa: D102, N802
        self, path: str, *, providers: Sequence[str | tuple[str, ProviderOptions]], enable_fallback: int
    ) -> Session: ...


@dataclass(frozen=True)
class Machine:
    """What an engine depends on besides its graph; in words, as the cache keeps them.

    Attributes:
        gpu: name of the card, as its driver says it.
        capability: compute capability of the card, like ``8.9``.
        driver: version of the driver.
        cuda: version that ONNX Runtime was built for.
        tensorrt: version of the library that is loaded here.
        onnxruntime: version of ONNX Runtime.
    """

    gpu: str
    capability: str
    driver: str
    cuda: str
    tensorrt: str
    onnxruntime: str


def load_runtime() -> OnnxRuntime:
    """The ``onnxruntime`` module.

    Raises:
        DependencyError: it is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise DependencyError(
            "onnxruntime is not installed; for a card install the extras: pip install '.[gpu,tensorrt]', "
            "for the CPU pip install '.[onnx]'"
        )
    return cast("OnnxRuntime", import_module("onnxruntime"))


def require_tensorrt(runtime: OnnxRuntime) -> str:
    """Make sure that ONNX Runtime has its TensorRT provider and that TensorRT itself is there; load it.

    The libraries of CUDA's and TensorRT's Python packages lie where no loader looks; loading them here makes them known
    to the provider, so this goes before the first session.

    Args:
        runtime: the ``onnxruntime`` module.

    Returns:
        Version of TensorRT.

    Raises:
        DependencyError: the provider or the library is missing, or of another major version.
    """
    available = runtime.get_available_providers()
    if TENSORRT not in available:
        raise DependencyError(
            f"onnxruntime {runtime.__version__} is here without its TensorRT provider (it has {', '.join(available)}); "
            f"remove onnxruntime and install onnxruntime-gpu, {GUIDE}"
        )
    preload = getattr(runtime, "preload_dlls", None)  # ONNX Runtime 1.21 and later
    if preload:
        with redirect_stdout(StringIO()):  # it prints what it does not find, which may well be elsewhere
            preload()
    version = _tensorrt_version()
    if version is None:
        raise DependencyError(
            f"ONNX Runtime's TensorRT provider needs {LIBRARY}, which is not found; install TensorRT 10, {GUIDE}"
        )
    if version.split(".")[0] != "10":
        raise DependencyError(
            f"TensorRT {version} is installed, but onnxruntime {runtime.__version__} needs TensorRT 10; "
            f"install tensorrt-cu13 below 11, {GUIDE}"
        )
    return version


def read_machine(index: int = 0) -> Machine:
    """Ask the driver and ONNX Runtime what there is.

    Args:
        index: of the card, as CUDA counts those that it may see.

    Raises:
        DeviceError: there is no NVIDIA card or driver, or none of that number.
        DependencyError: ONNX Runtime, its TensorRT provider or TensorRT is missing.
    """
    gpu, capability, driver = _card(index)
    runtime = load_runtime()
    tensorrt = require_tensorrt(runtime)
    cuda = str(getattr(runtime, "cuda_version", "") or "unknown")
    return Machine(gpu, capability, driver, cuda, tensorrt, str(runtime.__version__))


def _card(index: int) -> tuple[str, str, str]:
    """Name, compute capability and driver of a card."""
    command = ["nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            [*command, "-i", _visible(index)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise DeviceError(
            "there is no NVIDIA driver here (nvidia-smi is not found), and TensorRT needs an NVIDIA card; "
            "use another machine or --device"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(
            f"the NVIDIA driver does not answer ({type(error).__name__}); see whether nvidia-smi runs"
        ) from (error)
    fields = [field.strip() for field in answer.stdout.strip().splitlines()[:1] for field in field.split(",")]
    if answer.returncode or len(fields) != 3:
        said = " ".join((answer.stderr or answer.stdout).split()) or f"status {answer.returncode}"
        raise DeviceError(f"card {index} cannot be asked: nvidia-smi says: {said.rstrip('.')}")
    return fields[0], fields[1], fields[2]


def _visible(index: int) -> str:
    """What ``nvidia-smi`` calls the card that CUDA calls ``index``: CUDA_VISIBLE_DEVICES hides and reorders them."""
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    if visible and index >= len(visible):
        raise DeviceError(f"card {index} is hidden: CUDA_VISIBLE_DEVICES is {','.join(visible)}")
    return visible[index] if visible else str(index)


def _tensorrt_version() -> str | None:
    """Version of the TensorRT that would be used, which is loaded for that; None where there is none."""
    for name in ("tensorrt", "tensorrt_bindings"):
        try:
            return str(import_module(name).__version__)
        except (ImportError, OSError, AttributeError):
            continue
    try:
        # A system-wide installation (deb, tar, zip) has no Python package; the library itself knows: 101601 is 10.16.1.
        number = cast("int", ctypes.CDLL(LIBRARY).getInferLibVersion())
    except (OSError, AttributeError):
        return None
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
