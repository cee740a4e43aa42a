"""Rackfocus in Blender: pull focus after the shoot, from a plate and its depth.

This file becomes ``rackfocus_plugin/__init__.py``, so that the folder is an add-on of 3.4 and, with its manifest, an
extension of 4.2 and later.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["bl_info", "register", "unregister"]

bl_info = {
    "name": "Rackfocus",
    "description": "Pull focus after the shoot, from a plate and its depth",
    "author": "Rackfocus",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Compositor, Video Sequencer and Image Editor: side bar, Rackfocus",
    "category": "Compositing",
}


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    import_module(f"{__name__}.blender").register()


def unregister() -> None:
    """Called by Blender when the add-on is switched off; ends the engine."""
    import_module(f"{__name__}.blender").unregister()
