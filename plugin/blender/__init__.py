"""Blender 3.4 to 5.0: the panel, the operators, and what is sampled from a scene.

The settings are ``scene.rackfocus`` (``settings``), what they mean for the engine is collected in ``shots``, and
what takes time is a ``jobs.Job``, which Blender's timer moves on.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["register", "unregister"]

MODULES = ("settings", "session", "operators", "picking", "panels")


def register() -> None:
    """Make the settings, the operators and the panel known to Blender."""
    for name in MODULES:
        import_module(f".{name}", __name__).register()


def unregister() -> None:
    """Take it all back, and end the engine."""
    for name in reversed(MODULES):
        import_module(f".{name}", __name__).unregister()
