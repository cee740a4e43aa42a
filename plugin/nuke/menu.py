"""What Nuke with a window runs at its start: the entry in the Nodes menu."""

from __future__ import annotations

from importlib import import_module

import nuke

buttons = import_module("rackfocus_plugin.nuke.buttons")
nuke.menu("Nodes").addMenu("Filter").addCommand("Rackfocus", buttons.create)
