"""What every Nuke runs at its start, with or without a window: the node's callbacks.

Nuke runs this file by itself and not as part of the package, whose name inside Nuke is ``rackfocus_plugin``.
"""

from __future__ import annotations

from importlib import import_module

import_module("rackfocus_plugin.nuke.callbacks").register()
