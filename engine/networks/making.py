"""A folder of random weights, from words alone; the command line knows no Torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch

from engine.networks.initialise import initialise
from engine.networks.presets import PresetName
from engine.networks.saving import require_room, save_weights

__all__ = ["make_weights"]

_TYPES: Final = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def make_weights(
    folder: Path,
    preset: PresetName,
    seed: int,
    dtype: str,
    *,
    overwrite: bool = False,
    step: Callable[[], None] = lambda: None,
) -> int:
    """``initialise`` and ``save_weights`` in one; raises as the latter does.

    Args:
        folder: to make.
        preset: size of the networks.
        seed: of the random numbers.
        dtype: ``fp32``, ``fp16`` or ``bf16``.
        overwrite: replace a folder that holds something.
        step: called before each tensor is made and before it is written; what it raises ends the work.

    Returns:
        Bytes of the folder.
    """
    require_room(folder, overwrite)
    made = initialise(preset, seed, _TYPES[dtype], step=step)
    save_weights(folder, made.unet, made.vae, made.image_encoder, overwrite=overwrite, step=step)
    return sum(path.stat().st_size for path in folder.expanduser().rglob("*") if path.is_file())
