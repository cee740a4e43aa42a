"""Rackfocus pulls focus after the shoot. This is its front door: ``rackfocus``, ``python -m rackfocus``, and the few
names that a pipeline's own Python uses.

    import rackfocus
    shot = rackfocus.load_shot("sh010.json")
    summary = rackfocus.render(shot, "1001-1024")
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.render import render
    from engine.shot import Shot, load_shot

__all__ = ["Shot", "__version__", "load_shot", "main", "render"]

__version__ = "0.1.0"

_HOME = str(Path(__file__).resolve().parent)
_NAMES = {"Shot": "engine.shot", "load_shot": "engine.shot", "render": "engine.render"}


def _put_ourselves_first() -> None:
    """Put the installation first on the path.

    Studios keep packages named ``ui`` or ``engine`` on PYTHONPATH, which Python searches before its installed packages.
    """
    sys.path[:] = [_HOME, *(entry for entry in sys.path if entry != _HOME)]
    for name in ("engine", "export", "training", "plugin", "ui"):
        loaded = sys.modules.get(name)
        if loaded is not None and not any(Path(p).resolve().parent == Path(_HOME) for p in _places(loaded)):
            raise ImportError(
                f'a package named "{name}" from {_places(loaded)[:1]} is already imported; '
                "import rackfocus before it, or start rackfocus as a process of its own"
            )


def _places(module: object) -> list[str]:
    return [str(place) for place in getattr(module, "__path__", [])]


_put_ourselves_first()


def __getattr__(name: str) -> object:
    """Load the engine when it is first asked for, so that ``import rackfocus`` costs nothing."""
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'rackfocus' has no attribute {name!r}")


def main() -> None:
    """Run the command line and exit with its status."""
    from ui.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
