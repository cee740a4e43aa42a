"""What ONNX Runtime's errors mean. It has a class for hardly any cause, so that its sentences are read; all of them
were seen with 1.31, those of CUDA are taken from its source."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.errors import CorruptWeightsError, MissingWeightsError, WeightsError
from engine.runtime.onnx.providers import said_by

__all__ = ["fault_of_file", "ran_out_of_memory", "was_interrupted"]

_MEMORY: Final = (
    "bad_alloc",
    "failed to allocate memory",  # of its arenas, whatever the device
    "out of memory",  # of CUDA
    "alloc_failed",  # of cuBLAS and cuDNN
)

_TORN: Final = ("protobuf parsing failed", "no graph was found", "deserialize tensor", "out of bounds", "invalid model")

_ABSENT: Final = ("doesn't exist", "does not exist", "no such file")

_NEWER: Final = (
    "unsupported model ir version",
    "officially released",
    "official released onnx opset",
    "no op registered",
)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that something found no room."""
    return isinstance(error, MemoryError) or _says(error, _MEMORY)


def was_interrupted(error: BaseException) -> bool:
    """Whether a run, or the loading of a graph, ended because it was asked to."""
    return type(error).__name__ == "ModelLoadCanceled" or _says(error, ("terminate flag", "loading canceled"))


def fault_of_file(error: BaseException, path: Path) -> WeightsError | None:
    """The error that a graph's own files are to blame for; None where the provider may be."""
    if _says(error, _NEWER):
        return WeightsError(
            f"{path}: this graph is of a newer kind than this ONNX Runtime knows ({said_by(error)}); "
            "update onnxruntime, or export again with the versions of this installation"
        )
    if _says(error, _ABSENT):
        return MissingWeightsError(f"{path}: {said_by(error)}; copy the whole export, or export again")
    if _says(error, _TORN):
        return CorruptWeightsError(f"{path}: this graph is damaged ({said_by(error)}); copy it again, or export again")
    return None


def _says(error: BaseException, sayings: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(saying in said for saying in sayings)
