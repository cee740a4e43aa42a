"""Proof that a graph computes what its network does: both are run on small inputs, and the difference is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, log10
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import ExportError
from export.graphs import Blueprint

__all__ = ["CASES", "Agreement", "Reference", "compare", "references", "require_agreement"]

CASES: Final[tuple[tuple[int, tuple[int, int]], ...]] = ((2, (64, 64)), (5, (128, 64)))
"""Frames, and width and height; none of them what the graphs were traced with."""

TOLERANCE: Final = {"fp32": 1e-4, "fp16": 0.02, "bf16": 0.2}
"""Greatest difference, as a share of the greatest value of the output (at least 1).

fp32: sums are taken in another order, 1e-6 to 1e-5 was seen. Halves round to 2^-11 and 2^-8 at every layer of dozens;
single values may be ten such steps away while the whole is close, which is what LEAST_PSNR holds.
"""

LEAST_PSNR: Final = {"fp32": 80.0, "fp16": 60.0, "bf16": 30.0}
"""Decibels between an output's range of values and the root mean square of the difference; 60 is a quarter of a step
of an 8-bit picture."""

HANDED_ON: Final = 10.0
"""Decibels less for what only another network sees, latents and context: it was trained with noise of that size."""

INNER: Final = frozenset({"refocused", "context"})


@dataclass(frozen=True)
class Reference:
    """What a network gives for some inputs.

    Attributes:
        inputs: by name.
        outputs: in fp32.
    """

    inputs: Mapping[str, NDArray[Any]]
    outputs: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Agreement:
    """How near a graph comes to its network.

    Attributes:
        graph: name of the graph's file.
        output: name of the output.
        frames: of the input.
        size: its width and height.
        difference: the greatest, of one number.
        peak: the greatest magnitude that the network gave.
        psnr: decibels; infinite where nothing differs.
    """

    graph: str
    output: str
    frames: int
    size: tuple[int, int]
    difference: float
    peak: float
    psnr: float

    def holds(self, precision: str) -> bool:
        """Whether that is near enough."""
        least = LEAST_PSNR[precision] - (HANDED_ON if self.output in INNER else 0.0)
        return self.difference <= TOLERANCE[precision] * max(1.0, self.peak) and self.psnr >= least

    def to_json(self) -> dict[str, Any]:
        """As plain data; an infinite PSNR is null."""
        return {**asdict(self), "psnr": None if self.psnr == inf else round(self.psnr, 2)}


def references(blueprint: Blueprint, module: nn.Module) -> list[Reference]:
    """What the network gives in fp32 for each of the CASES."""
    made = []
    for number, (frames, size) in enumerate(CASES):
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(number)
            inputs = blueprint.sample(frames, size)
            outputs = module(*(value.clone() for value in inputs))
        made.append(
            Reference(
                {name: value.numpy() for name, value in zip(blueprint.inputs, inputs, strict=True)},
                tuple(output.numpy() for output in ((outputs,) if isinstance(outputs, Tensor) else outputs)),
            )
        )
    return made


def compare(path: Path, outputs: Sequence[str], made: Sequence[Reference]) -> list[Agreement]:
    """Run a graph in ONNX Runtime on the CPU, and hold it against its network.

    Raises:
        ExportError: ONNX Runtime does not take the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "1")  # a second copy of the weights, for speed alone
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        wanted = {entry.name: entry.type for entry in session.get_inputs()}
        results = [
            session.run(list(outputs), {name: _as(value, wanted[name]) for name, value in reference.inputs.items()})
            for reference in made
        ]
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ExportError(f"{path.name}: ONNX Runtime {onnxruntime.__version__} does not run it ({first})") from error
    return [
        _agreement(path.name, name, case, was, is_)
        for case, reference, result in zip(CASES, made, results, strict=False)
        for name, was, is_ in zip(outputs, reference.outputs, result, strict=True)
    ]


def require_agreement(found: Sequence[Agreement], precision: str) -> None:
    """Raise ExportError, which names the worst, if an output is not near enough."""
    wrong = [entry for entry in found if not entry.holds(precision)]
    if wrong:
        worst = max(wrong, key=lambda entry: entry.difference / max(1.0, entry.peak))
        raise ExportError(
            f"{worst.graph}: {worst.output} differs from the network by {worst.difference:.3g} (greatest value "
            f"{worst.peak:.3g}, PSNR {worst.psnr:.1f} dB) in {worst.frames} frames of {worst.size[0]}x{worst.size[1]}; "
            + ("use --precision fp32" if precision != "fp32" else "report it with the versions of rackfocus doctor")
        )


def _agreement(
    graph: str, output: str, case: tuple[int, tuple[int, int]], was: NDArray[np.float32], found: NDArray[Any]
) -> Agreement:
    frames, size = case
    if was.shape != found.shape:
        raise ExportError(f"{graph}: {output} has shape {found.shape} in place of {was.shape}; report it")
    apart = np.abs(found.astype(np.float64) - was)
    spread = float(was.max()) - float(was.min())
    error = float(np.sqrt(np.mean(np.square(apart))))
    ratio = 20 * log10(max(spread, 1e-12) / error) if error > 0 else inf
    difference = float(apart.max()) if np.isfinite(apart).all() else inf
    return Agreement(
        graph, output, frames, size, difference, float(np.abs(was).max()), -inf if difference == inf else ratio
    )


def _as(value: NDArray[Any], kind: str) -> NDArray[Any]:
    """An input in the type that the graph takes; only fp16 skips differ from what the network was given."""
    return value.astype(np.float16) if kind == "tensor(float16)" else value
