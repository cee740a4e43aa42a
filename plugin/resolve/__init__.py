"""Rackfocus in DaVinci Resolve and Fusion: a group that sets the focus in real time, and an engine beside it.

``rackfocus.setting`` is the group, made of Fusion's own tools. ``controls`` and ``curves`` read it, ``sources`` finds
plate and depth, ``shots`` makes the document, ``running`` talks to the engine, ``comps`` and ``clips`` put the result
back: a Loader in a comp, a take on the timeline. ``panel`` and ``menu`` are what a person sees (Studio: Python).
``rackfocus_export.lua`` does the same where there is no Python, without the panel.
"""

from __future__ import annotations

from .menu import main

__all__ = ["main"]
