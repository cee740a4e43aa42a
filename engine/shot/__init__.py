"""The shot document: one validated description of a job, shared by every face of the product."""

from engine.shot.any_to_bokeh import AnyToBokehOptions
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
    Matte,
    Output,
    Plate,
    RendererChoice,
    Shot,
)
from engine.shot.reference import field_description, shot_reference, shot_schema
from engine.shot.storage import load_shot, save_shot, shot_from_json, shot_to_dict, shot_to_json
from engine.shot.validation import shot_from_dict

__all__ = [
    "SCHEMA_VERSION",
    "AnyToBokehOptions",
    "Aperture",
    "Blur",
    "Depth",
    "Focus",
    "FocusKey",
    "Handle",
    "Highlights",
    "Key",
    "LensSettings",
    "Matte",
    "Output",
    "Plate",
    "RendererChoice",
    "Shot",
    "field_description",
    "load_shot",
    "save_shot",
    "shot_from_dict",
    "shot_from_json",
    "shot_reference",
    "shot_schema",
    "shot_to_dict",
    "shot_to_json",
]
