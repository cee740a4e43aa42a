"""Blender's own types, which come without stubs: names for a reader."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Camera",
    "Collection",
    "Context",
    "DataBlock",
    "Depsgraph",
    "Editor",
    "Event",
    "Layout",
    "Property",
    "Scene",
    "Settings",
    "Vector",
]

Camera = Any
Collection = Any
Context = Any
DataBlock = Any
Depsgraph = Any
Editor = Any
Event = Any
Layout = Any
Property = Any
Scene = Any
Settings = Any
Vector = Any
