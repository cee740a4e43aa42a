"""Torch against ONNX Runtime on a card, in one call: ``python -m tests.gpu.bench_runtime [EXPORT [PRESET]]``.

Prints milliseconds of each part per output frame, the share of the arithmetic floor and peak memory: Torch as it is,
Torch compiled with CUDA graphs, and ONNX Runtime where an export is given and the card can be used. Without a
card the same at ``tiny`` on the CPU, which shows that the script runs.
"""

from __future__ import annotations

import sys

import torch

from engine.shot import AnyToBokehOptions
from training.benchmark import aligned
from training.benchmark.networks import NetworkSpeedOptions, run_network_speed


def main() -> None:
    """Run what can be run here."""
    card = torch.cuda.is_available()
    export = sys.argv[1] if len(sys.argv) > 1 else None
    preset = sys.argv[2] if len(sys.argv) > 2 else "full" if card else "tiny"
    device, precision = ("cuda", "fp16") if card else ("cpu", "fp32")
    repeats, warm = (10, 3) if card else (2, 1)
    for compiled in (False, True) if card else (False,):
        renderer = AnyToBokehOptions.model_validate(
            {"device": device, "precision": precision, "compile": compiled, "weights": None if compiled else export}
        )
        report = run_network_speed(NetworkSpeedOptions(preset, renderer, repeats=repeats, warm=warm))  # type: ignore[arg-type]
        print(f"\n{report.setting}\n{aligned(report.rows())}", flush=True)


if __name__ == "__main__":
    main()
