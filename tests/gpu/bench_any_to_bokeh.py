"""Measure the learned renderer on a card, in one call: ``python -m tests.gpu.bench_any_to_bokeh [FOLDER]``.

With CUDA: the published size with random weights at 1024x576, fp16, as it is and compiled, masks off and on. Without:
the tiny size on the CPU, which shows that the script runs. Prints tables; with FOLDER keeps them there as JSON too.

Targets on an H100: 60 ms an output frame, and 41 ms (24 frames a second) as the goal. The paper says 363 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.shot import AnyToBokehOptions
from training.benchmark import aligned
from training.benchmark.networks import NetworkSpeedOptions, run_network_speed


def settings() -> Iterator[tuple[str, NetworkSpeedOptions]]:
    """Name and options of each run."""
    if not torch.cuda.is_available():
        yield (
            "tiny-cpu",
            NetworkSpeedOptions("tiny", AnyToBokehOptions(runtime="torch", device="cpu"), repeats=2, warm=1),
        )
        return
    for masks in ("off", "threshold"):
        for compiled in (False, True):
            renderer = AnyToBokehOptions.model_validate(
                {"runtime": "torch", "device": "cuda", "precision": "fp16", "mpi_masks": masks, "compile": compiled}
            )
            name = f"full-cuda-masks-{masks}{'-compiled' if compiled else ''}"
            yield name, NetworkSpeedOptions("full", renderer, repeats=10, warm=3)


def main() -> None:
    """Run all settings."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for name, options in settings():
        report = run_network_speed(options)
        print(f"\n{name}: {report.setting}\n{aligned(report.rows())}", flush=True)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_text(report.to_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
