"""Rackfocus for the clip under the playhead, from any page of Resolve (``Scripts/Utility``)."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HOST: dict[str, Any] = globals()
"""Here the host puts ``fusion``, ``bmd``, ``resolve``, ``comp`` and ``tool``."""


def plugin_folder() -> str | None:
    """The folder that holds ``rackfocus_plugin``; not every host tells a script where it lies."""
    told = [Path(name).parent.parent for name in (HOST.get("__file__"), *sys.argv[:1]) if name]
    mapped = [Path(place) for place in str(HOST["fusion"].MapPath("Scripts:")).split(";") if place]
    near = [folder for place in (*told, *mapped) for folder in (place, place.parent)]
    return next((str(folder) for folder in near if (folder / "rackfocus_plugin").is_dir()), None)


found = plugin_folder()
if found is None:
    print("Rackfocus: rackfocus_plugin is not beside the Scripts folder; run rackfocus install resolve again")
else:
    if found not in sys.path:
        sys.path.insert(0, found)
    import_module("rackfocus_plugin.resolve.menu").main(HOST, "clip")
