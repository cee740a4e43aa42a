"""The same folder as an extension of Blender 4.2 and later: enabled from a repository, valid by Blender's own tool."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from stage import ADDON, FOLDER, tell

addon_utils = import_module("addon_utils")  # there once bpy is
bpy.ops.wm.read_factory_settings(use_empty=True)
repository = bpy.context.preferences.extensions.repos.new(name="ours", module="ours")
repository.use_custom_directory, repository.custom_directory = True, str(FOLDER / "scripts" / "addons")
addon_utils.extensions_refresh()
name = f"bl_ext.ours.{ADDON}"
bpy.ops.preferences.addon_enable(module=name)
preferences = bpy.context.preferences.addons[name].preferences
engine = sys.modules[f"{name}.blender.session"].engine()
tell(enabled=bpy.context.scene.rackfocus.strength, setting=preferences.engine, version=engine.start()["version"])
tool = Path(addon_utils.__file__).parents[1] / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
checked = subprocess.run(
    [sys.executable, str(tool), "validate", str(FOLDER / "scripts" / "addons" / ADDON)],
    capture_output=True,
    text=True,
    check=False,
)
tell(valid=checked.returncode == 0, said=checked.stdout + checked.stderr)
bpy.ops.preferences.addon_disable(module=name)
