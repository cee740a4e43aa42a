"""Sets to spoil, and options to evaluate them."""

from __future__ import annotations

import shutil
from pathlib import Path

from training.data.clips import ClipSet
from training.evaluation import SetOptions, parse_contenders, parse_perturbations

__all__ = ["copy_of", "options"]


def copy_of(clips: ClipSet, folder: Path) -> Path:
    """The same set in a place where it may be damaged."""
    return Path(shutil.copytree(clips.folder, folder))


def options(
    clips: ClipSet | Path, out: Path, renderers: str = "plate", perturb: str = "none", **more: object
) -> SetOptions:
    """Plain ones, with ``more`` of them."""
    folder = clips.folder if isinstance(clips, ClipSet) else clips
    return SetOptions(folder, out, parse_contenders(renderers), parse_perturbations(perturb), **more)  # type: ignore[arg-type]
