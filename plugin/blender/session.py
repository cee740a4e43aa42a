"""The engine of this Blender, started when it is first needed, and where it is."""

from __future__ import annotations

import bpy

from ..client import Engine, find_engine
from .kinds import Context

__all__ = ["close_engine", "engine", "register", "unregister"]

ADDON = (__package__ or "").rpartition(".")[0]
"""The add-on's name in Blender: ``rackfocus_plugin``, or ``bl_ext.<repository>.rackfocus_plugin``."""

_engine: Engine | None = None
_command: list[str] = []


class RackfocusPreferences(bpy.types.AddonPreferences):
    """The add-on's settings."""

    bl_idname = ADDON
    __annotations__ = {
        "engine": bpy.props.StringProperty(
            name="Engine",
            description="The rackfocus program, its folder, or its command line; found by itself when empty",
            subtype="FILE_PATH",
        )
    }

    def draw(self, _context: Context) -> None:
        """Show them."""
        self.layout.prop(self, "engine")


def engine() -> Engine:
    """The engine; another one where the preferences name another.

    Raises:
        EngineMissing: it is not where it should be.
    """
    global _engine, _command
    addon = bpy.context.preferences.addons.get(ADDON)
    setting = addon.preferences.engine if addon is not None and addon.preferences is not None else ""
    command = find_engine(bpy.path.abspath(setting) if setting else None)
    if _engine is None or command != _command:
        close_engine()
        _engine, _command = Engine(command, host=f"Blender {bpy.app.version_string}"), command
    return _engine


def close_engine() -> None:
    """End the engine, if it runs."""
    global _engine
    if _engine is not None:
        _engine.close()
        _engine = None


def register() -> None:
    """Called when the add-on is switched on."""
    bpy.utils.register_class(RackfocusPreferences)


def unregister() -> None:
    """Called when the add-on is switched off."""
    close_engine()
    bpy.utils.unregister_class(RackfocusPreferences)
