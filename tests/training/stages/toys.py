"""A stage of one number, and runs on the set that the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tests.training.stages.toy_windows import ToyWindows
from training.data.clips import ClipSet
from training.stages.configuration import TrainingRun, run_from_dict
from training.stages.folder import RunFolder
from training.stages.loop import StageJob
from training.stages.steps import StageStep


class ToyStep(StageStep):
    """Learns the mean of what the windows hold, with noise on it."""

    def __init__(self, noise: float = 0.1) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.zeros(3))
        self.noise = noise
        self.seen: list[float] = []

    def forward(self, batch: Any) -> dict[str, Tensor]:  # noqa: ANN401
        self.seen += batch["picture"].mean((1, 2)).tolist()
        target = batch["picture"].mean((0, 1)) + self.noise * torch.randn(3)
        return {"total": (self.weight - target).square().mean()}

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        return {"weight": self.weight}

    def _names_of_trained(self) -> list[str]:
        return ["weight"]

    def train(self, _mode: bool = True) -> ToyStep:
        return self


def toy_job(
    folder: Path, windows: ToyWindows, step: ToyStep, stage: dict[str, Any] | None = None, **run: object
) -> StageJob:
    settings = {"steps": 6, "frames": 2, "size": "64x64", "learning_rate": 0.1, **(stage or {})}
    given = {"data": ["none"], "start": {"preset": "tiny"}, "stages": {"1": settings}, **run}
    return StageJob(1, run_from_dict(given, "toy"), step, windows, None, RunFolder(folder), "")


def tiny_run(clips: ClipSet, **changes: Any) -> TrainingRun:  # noqa: ANN401
    """A run of four short stages on the shared set, of which the last clip is held back."""
    stage = {"steps": 4, "frames": 2, "size": "64x64", "batch": 1, "learning_rate": 1e-3, "weight_decay": 0.0}
    given: dict[str, Any] = {
        "data": [str(clips.folder)],
        "start": {"preset": "tiny"},
        "stages": {
            "0": stage,
            "1": {**stage, "accumulate": 2},
            "2": {**stage, "perturbation": "paper"},
            "3": {**stage, "ema": 0.9, "clip_norm": 1.0},
        },
        "save_every": 2,
        "validate_every": 3,
        "samples": 1,
    }
    return run_from_dict({**given, **changes}, "test")
