"""What all models of the shot document have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["DocumentPart"]


class DocumentPart(BaseModel):
    """A part of the shot document: never changed once made, and without fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
