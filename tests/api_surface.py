"""The public names of every package, pinned in ``api_surface.json``. Run as a module to write them anew."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SURFACE = Path(__file__).with_suffix(".json")
PACKAGES = ("engine", "export", "training", "ui")


def current_surface() -> dict[str, list[str]]:
    """``__all__`` of every package, and of the front door."""
    packages = sorted(
        ".".join(init.parent.relative_to(ROOT).parts)
        for name in PACKAGES
        if (ROOT / name).is_dir()
        for init in (ROOT / name).rglob("__init__.py")
    )
    single = ("engine.curve", "engine.errors", "engine.frames", "engine.optics", "rackfocus")
    return {name: sorted(import_module(name).__all__) for name in (*packages, *single)}


if __name__ == "__main__":
    SURFACE.write_text(json.dumps(current_surface(), indent=1) + "\n", encoding="utf-8")
