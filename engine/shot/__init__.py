"""The shot document: one validated description of a job, shared by every face of the product."""

from engine.shot.document import (
    SCHEMA_VERSION,
    Aperture,
    Blur,
    Depth,
    Focus,
    FocusKey,
    Handle,
    Highlights,
    Key,
    LensSettings,
    Output,
    Plate,
    RendererChoice,
    Shot,
)

__all__ = [
    "SCHEMA_VERSION",
    "Aperture",
    "Blur",
    "Depth",
    "Focus",
    "FocusKey",
    "Handle",
    "Highlights",
    "Key",
    "LensSettings",
    "Output",
    "Plate",
    "RendererChoice",
    "Shot",
]
