"""A set of clips that takes seconds to make."""

from __future__ import annotations

from pathlib import Path

from training.data.clips import ClipSet
from training.data.making import make_set
from training.data.recipe import DataRecipe, preset_recipe

__all__ = ["tiny_recipe", "tiny_set"]


def tiny_recipe(**changes: object) -> DataRecipe:
    """Two clips of six frames, 64x64, with two focusings each."""
    settings: dict[str, object] = {
        "clips": 2, "frames": 6, "size": "64x64", "focusings_per_clip": 2, "rays": 32, "plate_samples": 4, "seed": 5,
    }  # fmt: skip
    return preset_recipe("tiny", **{**settings, **changes})


def tiny_set(folder: Path) -> ClipSet:
    """Make it in a folder."""
    return make_set(tiny_recipe(), folder)
