"""Looking at held-back clips: the loss, PSNR of the networks' pictures, and pictures for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from engine.errors import OutputWriteError
from engine.files import place_file, temporary_path
from engine.frames import Float32Array
from training.benchmark.pictures import write_png
from training.stages.course import Windows
from training.stages.devices import Accelerator
from training.stages.steps import StageStep

__all__ = ["Validation", "validate"]

_GAP: Final = 4
_SEED: Final = 20_000
"""Of the posterior's noise, the same each time, so that validations can be compared."""


@dataclass(frozen=True)
class Validation:
    """What was found.

    Attributes:
        losses: means over the windows, by name.
        psnr: in decibels, of all pixels together; infinite where the pictures are equal.
    """

    losses: dict[str, float]
    psnr: float


def validate(
    step: StageStep, windows: Windows, accelerator: Accelerator, sheet: Path | None, samples: int
) -> Validation:
    """Run a stage's step on every held-back window, without gradients and with the same noise each time.

    Args:
        step: of the stage.
        windows: held back; at least one.
        accelerator: what the step was prepared with.
        sheet: PNG to write, a row for each of the first ``samples`` windows, of its middle frame: input, result, truth.
        samples: rows of the sheet; none is written for 0.

    Raises:
        OutputWriteError: the sheet cannot be written.
    """
    losses: dict[str, float] = {}
    squares, rows = 0.0, []
    step.eval()
    windows.set_epoch(0)
    with torch.no_grad(), torch.random.fork_rng():
        for index in range(len(windows)):
            torch.manual_seed(_SEED + index)
            batch = {name: value[None].to(accelerator.device) for name, value in windows[index].items()}
            with accelerator.autocast():
                found = step(batch)
                picture = step.picture(batch).float().clamp(0, 1)
            for name, loss in found.items():
                losses[name] = losses.get(name, 0.0) + float(loss) / len(windows)
            squares += float((picture - batch["target"]).square().mean()) / len(windows)
            if index < samples:
                rows.append(_row(batch["picture"], picture, batch["target"]))
    step.train()
    if sheet is not None and rows:
        _write(sheet, rows)
    return Validation(losses, -10 * float(np.log10(squares)) if squares > 0 else float("inf"))


def _row(*clips: Tensor) -> Float32Array:
    """The middle frames of clips (1, T, 3, H, W), side by side: (H, W', 3)."""
    frames = [clip[0, clip.shape[1] // 2].float().cpu().numpy().transpose(1, 2, 0) for clip in clips]
    gap = np.ones((frames[0].shape[0], _GAP, 3), np.float32)
    return np.concatenate([frames[0], gap, frames[1], gap, frames[2]], axis=1)


def _write(sheet: Path, rows: list[Float32Array]) -> None:
    gap = np.ones((_GAP, rows[0].shape[1], 3), np.float32)
    temporary = temporary_path(sheet, ".png")
    try:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        write_png(temporary, np.concatenate([part for row in rows for part in (row, gap)][:-1]))
    except OSError as error:
        raise OutputWriteError(f"{sheet} cannot be written ({error.strerror}); choose another folder") from error
    place_file(temporary, sheet)
