"""Where a stage stands, kept so that it can go on bit by bit: what trains, the optimiser's state, and the step.

What a step draws at random depends on its number alone, so no generator's state is kept. What does not train is in the
folder that the stage began with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from engine.errors import OutputWriteError, TrainingError, require
from engine.files import discard, flush_open, place_file, remove_stale, temporary_path

__all__ = ["Checkpoint", "checkpoints_of", "load_checkpoint", "save_checkpoint"]

_NAME: Final = re.compile(r"stage-(\d)-(\d{6,})\.pt")


@dataclass(frozen=True)
class Checkpoint:
    """A stage between two steps.

    Attributes:
        stage: its number.
        step: updates done.
        begun_from: folder of the run, like ``stage-1``, that its weights came from; "" for the run's own start.
        parameters: what trains, by name.
        optimizer: the optimiser's state.
        ema: state of the running mean, where there is one.
        scaler: state of the loss's scale, in fp16.
    """

    stage: int
    step: int
    begun_from: str
    parameters: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    ema: Mapping[str, Any] | None = None
    scaler: Mapping[str, Any] | None = None

    def put_into(self, parameters: Mapping[str, nn.Parameter]) -> None:
        """Give parameters their kept values.

        Raises:
            TrainingError: they are of other names or shapes.
        """
        fit = self.parameters.keys() == parameters.keys() and all(
            kept.shape == parameters[name].shape for name, kept in self.parameters.items()
        )
        require(fit, TrainingError, f"the checkpoint of step {self.step} is of other networks; begin the run anew")
        with torch.no_grad():
            for name, kept in self.parameters.items():
                parameters[name].copy_(kept)


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write ``stage-S-NNNNNN.pt``, whole or not at all, then remove all of the stage but the newest ``keep``.

    Raises:
        OutputWriteError: it cannot be written; those that are there stay.
    """
    path = folder / f"stage-{checkpoint.stage}-{checkpoint.step:06}.pt"
    temporary = temporary_path(path)
    values = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
        with temporary.open("wb") as file:
            torch.save(values, file)
            flush_open(file)
    except (OSError, RuntimeError) as error:  # Torch's writer says RuntimeError of a full disk
        discard(temporary)
        reason = getattr(error, "strerror", None) or error
        raise OutputWriteError(
            f"{path} cannot be written ({reason}); earlier checkpoints are kept: free some space and resume"
        ) from error
    place_file(temporary, path)
    for old in checkpoints_of(folder, checkpoint.stage)[:-keep]:
        discard(old)
    return path


def checkpoints_of(folder: Path, stage: int) -> list[Path]:
    """Of one stage, oldest first."""
    found = [(int(match[2]), path) for path in folder.glob("stage-*.pt") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found) if path.name.startswith(f"stage-{stage}-")]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, into main memory.

    Raises:
        TrainingError: it cannot be read, or is none.
    """
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(**values)
    except Exception as error:  # a damaged pickle may raise anything
        raise TrainingError(
            f"{path} cannot be read ({type(error).__name__}); remove it to go on from the one before"
        ) from error
