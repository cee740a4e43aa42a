"""Hugging Face accelerate, as far as training uses it: devices, precision, accumulation, and several processes."""

from __future__ import annotations

from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState

from engine.errors import TrainingError, require
from training.stages.configuration import StageSettings

__all__ = ["Accelerator", "open_accelerator", "this_process"]


def this_process() -> PartialState:
    """This process among those that ``accelerate launch`` started; the only one where it did not."""
    return PartialState(cpu=_only_cpu())


def open_accelerator(settings: StageSettings, log: Path) -> Accelerator:
    """Where a stage runs: all devices that ``accelerate launch`` gives, or the one that is found.

    Args:
        settings: of the stage; precision and accumulation are taken from it.
        log: folder for TensorBoard.

    Raises:
        TrainingError: the device has not the precision.
    """
    # Accelerate keeps one precision for the whole process, and each stage has its own (1.15).
    AcceleratorState._reset_state()
    try:
        accelerator = Accelerator(
            mixed_precision="no" if settings.precision == "fp32" else settings.precision,
            gradient_accumulation_steps=settings.accumulate,
            cpu=_only_cpu(),
            log_with="tensorboard",
            project_dir=str(log),
        )
    except ValueError as error:
        raise TrainingError(
            f"this device has no {settings.precision} ({str(error).rstrip('.')}); set precision to fp32 or bf16"
        ) from None
    require(
        settings.precision != "fp16" or accelerator.device.type != "cpu",
        TrainingError,
        "fp16 wants a GPU, and none is found; set precision to fp32",
    )
    return accelerator


def _only_cpu() -> bool:
    """Said to accelerate, which otherwise sees no other processes where there is no GPU (1.15)."""
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())
