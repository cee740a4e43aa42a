"""Local files of weights and of scripted networks, read so that a wrong one becomes one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import CorruptWeightsError, MissingWeightsError, WeightsError, WeightsShapeError, require

__all__ = ["answer_error", "asked", "fill", "read_script", "read_tensors", "said"]


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """A table of tensors (``.pth``, ``.pt``, ``.safetensors``) on the CPU; nothing but tensors is unpickled.

    Raises:
        MissingWeightsError: it is not there, or may not be read.
        CorruptWeightsError: it is damaged, or holds something else.
    """
    path = _there(path)
    try:
        if path.suffix == ".safetensors":
            held: object = load_file(path)
        else:
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle runs Torch's reader into errors of every kind (2.13)
        raise CorruptWeightsError(f"{path}: is no file of tensors ({said(error)}); download it again") from error
    if not isinstance(held, dict) or not all(isinstance(value, Tensor) for value in held.values()):
        raise CorruptWeightsError(f"{path}: holds no plain table of tensors; give the file that was published")
    return held


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: str | Path, prefix: str) -> None:
    """Give a network all its tensors by name; others in the table that do not begin with ``prefix`` are let be.

    Raises:
        MissingWeightsError: a tensor is not in the file.
        WeightsShapeError: a tensor has another shape, or there are more layers than the network has.
    """
    own = network.state_dict()
    given = {name: value for name, value in tensors.items() if name.startswith(prefix)}
    missing, extra = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
    if missing:
        raise MissingWeightsError(
            f"{path}: lacks {missing[0]} ({len(missing)} of {len(own)} tensors); give the file of this network"
        )
    if extra:
        raise WeightsShapeError(f"{path}: holds {extra[0]}, which is none of this network; give its own file")
    for name, value in own.items():
        require(
            given[name].shape == value.shape,
            WeightsShapeError,
            f"{path}: {name} is {tuple(given[name].shape)} but must be {tuple(value.shape)}; "
            "give the file of this network",
        )
    network.load_state_dict({name: given[name].to(torch.float32) for name in own})


def read_script(path: str | Path, device: str) -> torch.jit.ScriptModule:
    """A TorchScript file, ready to be asked.

    Raises:
        MissingWeightsError: it is not there, or may not be read.
        CorruptWeightsError: it is damaged, or no TorchScript.
    """
    path = _there(path)
    try:
        with warnings.catch_warnings():
            # Torch 2.13 would have torch.export, for which nobody publishes these networks.
            warnings.simplefilter("ignore", DeprecationWarning)
            script: torch.jit.ScriptModule = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise CorruptWeightsError(
            f"{path}: is no TorchScript file ({said(error)}); save the network with torch.jit.script or torch.jit.trace"
        ) from error
    return script.eval()


def asked(network: torch.jit.ScriptModule, path: Path, *tensors: Tensor) -> object:
    """What a scripted network answers, without gradients.

    Raises:
        WeightsError: it cannot take the tensors.
    """
    try:
        with torch.inference_mode():
            return network(*tensors)
    except RuntimeError as error:
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise WeightsError(f"{path}: the network cannot take {shapes} ({said(error)}); script one that can") from error


def said(error: BaseException) -> str:
    """The first line of what a library says."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def answer_error(path: Path, found: object, wanted: str) -> WeightsError:
    """What to say of a scripted network that answers with something else."""
    shape = f"a tensor {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
    return WeightsError(f"{path}: the network answered with {shape}, not {wanted}; script one that does")


def _there(path: str | Path) -> Path:
    path = Path(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise MissingWeightsError(f"{path}: cannot be read ({error.strerror}); give the file's place") from error
    return path
