"""Torch against ONNX Runtime on a card, in one call: ``python -m tests.gpu.bench_runtime FOLDER [PRESET]``.

Makes random weights of the preset in FOLDER, exports them in fp16 and bf16, and prints for both precisions the
milliseconds of each part per output frame, the share of the floor and peak memory: Torch as it is, Torch compiled with
CUDA graphs, and ONNX Runtime on CUDA where ``onnxruntime-gpu`` is installed (with ``--device tensorrt`` as a third
argument, on TensorRT). Exports that FOLDER has are taken as they are. Reports are kept there as JSON.

Without a card the same at ``tiny`` in fp32 on the CPU, which shows that the script runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.errors import RackfocusError
from engine.runtime.onnx.manifest import MANIFEST
from engine.shot import AnyToBokehOptions
from training.benchmark import aligned
from training.benchmark.networks import NetworkSpeedOptions, run_network_speed


def exported(folder: Path, preset: str, precision: str) -> str | None:
    """The export in a precision, made if it is not there; None where it cannot be."""
    weights, export = folder / "weights", folder / precision
    rackfocus = (sys.executable, "-m", "rackfocus")
    steps: list[tuple[str, ...]] = []
    if not weights.is_dir():
        steps.append((*rackfocus, "weights", "init", "--preset", preset, "--out", str(weights)))
    if not (export / MANIFEST).is_file():
        steps.append(
            (*rackfocus, "export", "--weights", str(weights), "--out", str(export), "--precision", precision,
             "--skip-parity")
        )  # fmt: skip
    done = all(subprocess.run(step, check=False).returncode == 0 for step in steps)
    return str(export) if done else None


def settings(folder: Path, preset: str, device: str) -> Iterator[tuple[str, AnyToBokehOptions]]:
    """Name and options of each run."""
    card = torch.cuda.is_available()
    for precision in ("fp16", "bf16") if card else ("fp32",):
        weights = exported(folder, preset, precision)
        common = {"device": device if card else "cpu", "precision": precision}
        yield f"{precision}", AnyToBokehOptions.model_validate(common | {"weights": weights})
        if card:
            compiled = common | {"device": "cuda", "runtime": "torch", "compile": True}
            yield f"{precision}-compiled", AnyToBokehOptions.model_validate(compiled)


def main() -> None:
    """Run what can be run here; a setting that cannot is told, and the others go on."""
    card = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("preset", nargs="?", choices=("tiny", "small", "full"), default="full" if card else "tiny")
    parser.add_argument("--device", choices=("cuda", "tensorrt"), default="cuda")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    repeats, warm = (10, 3) if card else (2, 1)
    for name, renderer in settings(given.folder, given.preset, given.device):
        try:
            report = run_network_speed(
                NetworkSpeedOptions(given.preset, renderer, repeats=repeats, warm=warm, say=print)
            )
        except RackfocusError as error:
            print(f"\n{name}: {error}", flush=True)
            continue
        print(f"\n{name}: {report.setting}\n{aligned(report.rows())}", flush=True)
        for runtime, reason in report.skipped.items():
            print(f"not run: {runtime}: {reason}", flush=True)
        (given.folder / f"{name}.json").write_text(report.to_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
