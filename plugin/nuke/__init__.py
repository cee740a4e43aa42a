"""Rackfocus in Nuke: a Group that sets the focus in real time with Nuke's own nodes, and an engine beside Nuke.

In a terminal (``nuke -t``) or in a pipeline's own Python::

    import rackfocus_plugin.nuke as rackfocus
    rackfocus.render(nuke.toNode("Rackfocus1"), 1001, 1100)

``knobs`` reads the node, ``inputs`` finds or writes its plate and depth, ``shot`` makes the document, ``running``
talks to the engine, ``results`` shows what came back; ``buttons`` is what a person presses. Nuke's API is called in its
main thread only, but for ``ProgressTask`` and ``executeInMainThread``, which are made for others. No Qt.
"""

from __future__ import annotations

from .buttons import create
from .running import render

__all__ = ["create", "render"]
