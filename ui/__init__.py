"""What a person drives directly."""

from __future__ import annotations

__all__: list[str] = []
