"""The refocus engine: no Qt, no host application, no training code."""

from __future__ import annotations

__all__: list[str] = []
