"""Scenes, data sets, training stages, metrics and evaluation. The engine never imports it."""

from __future__ import annotations

__all__: list[str] = []
