"""Opening an export to run it in ONNX Runtime. Importing this loads no ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import DependencyError, DeviceError, MissingWeightsError, WeightsError, require
from engine.runtime.behaviour import Behaviour
from engine.runtime.extras import require_onnx
from engine.runtime.onnx.compatibility import load_runtime
from engine.runtime.onnx.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    from engine.runtime.onnx.networks import OnnxNetworks
    from engine.runtime.onnx.providers import Device
    from engine.shot import AnyToBokehOptions

__all__ = ["open_onnx_networks", "settle_devices"]

ATTENTION_OPSET: Final = 23
"""The first that has ``Attention`` as one operator, and the graphs with it."""

ATTENTION_RUNTIME: Final = (1, 25)
"""ONNX Runtime whose CUDA provider has that operator. With 1.24 it would run on the CPU, in the middle of the graph and
without a word; the CPU's kernel for fp16 rounds more before 1.25, and 1.22 does not load the graph."""


def open_onnx_networks(options: AnyToBokehOptions) -> OnnxNetworks:
    """The networks of the export that the options name, ready to run.

    Quick: the manifest and the graphs' own files are checked, and a device is settled by loading a graph of one
    operator there; graphs and weights are loaded when the first frame is encoded.

    Raises:
        DependencyError: ONNX Runtime is not installed, or too old for the export.
        DeviceError: the device that is asked for cannot be used, or the export has another precision.
        WeightsError: the folder is no export, is damaged, or was made for other options.
    """
    require_onnx()
    from engine.runtime.onnx.graphs import Export
    from engine.runtime.onnx.integrity import check_graphs
    from engine.runtime.onnx.networks import OnnxNetworks, RunSettings

    require(options.weights is not None, MissingWeightsError, "there is no export; give its folder with --weights DIR")
    folder = Path(options.weights or "").expanduser()
    export = Export(folder, read_manifest(folder))
    _require_recent_runtime(folder, export.manifest.opset)
    _require_made_for(options, folder, export.manifest)
    check_graphs(folder, export.files)
    devices, passed_over = settle_devices(options.device)
    settings = RunSettings(Behaviour.of(options), options.posterior, options.seed, options.decode_overlap)
    return OnnxNetworks(export, settings, devices, passed_over)


def settle_devices(asked: str) -> tuple[tuple[Device, ...], tuple[str, ...]]:
    """The devices that may be used, the first of which works, and a line for each that was preferred and does not.

    Raises:
        DeviceError: the device that is asked for cannot be used, or none can.
    """
    from engine.runtime.onnx.providers import cannot_be_used, devices_to_try, why_not

    devices = devices_to_try(asked)
    passed_over: list[str] = []
    for place, device in enumerate(devices):
        reason = why_not(device)
        if reason is None:
            return devices[place:], tuple(passed_over)
        if asked != "auto":
            raise cannot_be_used(device, reason)
        passed_over.append(f"{device} is not used: {reason}")
    raise DeviceError(f"ONNX Runtime can use no device here: {'; '.join(passed_over) or 'it has no provider'}")


def _require_recent_runtime(folder: Path, opset: int) -> None:
    """Make sure that ONNX Runtime has the operators of the export on every provider."""
    version = load_runtime().__version__
    found = tuple(int(part) for part in version.split(".")[:2])
    least = ".".join(map(str, ATTENTION_RUNTIME))
    require(
        opset < ATTENTION_OPSET or found >= ATTENTION_RUNTIME,
        DependencyError,
        f"{folder}: this export is of opset {opset} and needs ONNX Runtime {least} or newer, but {version} is "
        "installed; update onnxruntime, or onnxruntime-gpu where that is what you have",
    )


def _require_made_for(options: AnyToBokehOptions, folder: Path, manifest: Manifest) -> None:
    """Make sure that the graphs do what the shot asks for: these choices are made when they are exported."""
    behaviour = Behaviour.of(options)
    asked = {"mpi_masks": behaviour.mpi_masks, "clip_input": behaviour.clip_input}
    made = {name: getattr(manifest, name) for name in asked}
    other = [name for name in asked if asked[name] != made[name]]
    require(
        not other,
        WeightsError,
        f"{folder}: this export was made with {_flags(made, other)}, but the shot asks for {_flags(asked, other)} "
        f"(profile {options.profile}); export again with rackfocus export {_flags(asked, other)}, or render with "
        f"{_flags(made, other)}",
    )
    require(
        options.precision in ("auto", manifest.precision),
        DeviceError,
        f"{folder}: this export computes in {manifest.precision}, but the shot asks for {options.precision}; "
        f"export again with rackfocus export --precision {options.precision}, or leave --precision at auto",
    )


def _flags(values: Mapping[str, str], names: Sequence[str]) -> str:
    return " ".join(f"--{name.replace('_', '-')} {values[name]}" for name in names)
