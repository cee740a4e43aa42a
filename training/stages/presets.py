"""The values of the presets, as a run's file would have them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

__all__ = ["STAGES", "preset_settings"]

STAGES: Final = {0: "autoencoder", 1: "U-Net", 2: "temporal blocks", 3: "decoder"}
"""What each stage trains."""


def preset_settings(name: object) -> dict[str, Any]:
    """A preset's values; nothing for a name that is none."""
    return deepcopy(dict(_PRESETS.get(name, {}))) if isinstance(name, str) else {}


def _stage(common: Mapping[str, Any], **own: object) -> dict[str, Any]:
    return {**common, **own}


# Few and long steps, and Adam with a short memory: what most lowered the loss in the CPU minutes that there are.
_TINY: Final = {
    "size": "64x64",
    "batch": 1,
    "betas": (0.9, 0.99),
    "clip_norm": 1.0,
    "texture_weight": 0.0,
    "posterior": "mode",
}

_SMALL: Final = {
    "size": "512x320",
    "batch": 2,
    "learning_rate": 1e-4,
    "clip_norm": 1.0,
    "ema": 0.9995,
    "precision": "bf16",
}

_FULL: Final = {
    "size": "1024x576",
    "batch": 1,
    "accumulate": 2,
    "precision": "fp16",
    # The published scripts cannot checkpoint; the gradients are the same, and the memory is not.
    "checkpointing": True,
}

_PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tiny": {
        "start": {"preset": "tiny"},
        "stages": {
            "0": _stage(_TINY, steps=30, frames=2, learning_rate=2e-4),
            "1": _stage(_TINY, steps=40, frames=4, learning_rate=5e-4),
            "2": _stage(_TINY, steps=15, frames=8, learning_rate=2e-4, perturbation="paper"),
            "3": _stage(_TINY, size="128x64", steps=160, batch=2, frames=1, learning_rate=5e-4, ema=0.97),
        },
        "hold_back": 4,
        "validate_every": 100,
        "save_every": 100,
    },
    "small": {
        "start": {"preset": "small"},
        "stages": {
            "0": _stage(_SMALL, steps=40_000, frames=4),
            "1": _stage(_SMALL, steps=60_000, frames=4),
            "2": _stage(_SMALL, steps=15_000, frames=8, learning_rate=5e-5, perturbation="paper"),
            "3": _stage(_SMALL, steps=15_000, frames=3, learning_rate=5e-5),
        },
        "hold_back": 4,
        "validate_every": 1000,
        "save_every": 1000,
        "samples": 4,
        "workers": 8,
    },
    "full": {
        "stages": {
            "1": _stage(_FULL, epochs=15, frames=4, learning_rate=1e-5),
            "2": _stage(_FULL, epochs=5, frames=8, learning_rate=5e-6, perturbation="paper"),
            "3": _stage(_FULL, epochs=10, frames=3, learning_rate=5e-6),
        },
        "hold_back": 4,
        "validate_every": 1000,
        "save_every": 1000,
        "samples": 4,
        "workers": 8,
    },
}
"""``full`` has the paper's numbers and starts from Stable Video Diffusion's weights, which the run's file names."""
