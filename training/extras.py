"""Whether the packages of the ``train`` extra are there; nothing of them is imported."""

from __future__ import annotations

from importlib.util import find_spec

from engine.errors import DependencyError

__all__ = ["require_training"]


def require_training(purpose: str, *packages: str) -> None:
    """Make sure that packages of the ``train`` extra are installed.

    Args:
        purpose: what needs them, as the message has it.
        packages: by the names under which they are imported.

    Raises:
        DependencyError: one is missing; says the command that installs them all.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"{purpose} needs {', '.join(missing)}; install the extra: pip install -c constraints.txt '.[train]'"
        )
