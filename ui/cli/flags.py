"""Flags that build a shot, or change one: a table from flags to fields of the shot document.

A flag's help, type and choices are the field's own, so that nothing is written twice.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.shot import Shot

__all__ = ["SHOT_FLAGS", "Flag", "apply_flags", "field_of"]


@dataclass(frozen=True)
class Flag:
    """One flag and the field that it sets.

    Attributes:
        option: what a person types.
        field: dotted path in the shot document.
        panel: heading in the help.
    """

    option: str
    field: str
    panel: str

    @property
    def name(self) -> str:
        """Name of the parameter."""
        return self.option.removeprefix("--").replace("-", "_")

    @property
    def annotation(self) -> object:
        """What Typer needs to know of it."""
        info = field_of(self.field)
        kind, choices = _kind(info.annotation)
        names = [f"{self.option}/--no-{self.option.removeprefix('--')}"] if kind is bool else [self.option]
        if "colour" in self.option:
            names.append(self.option.replace("colour", "color"))
        extra: dict[str, Any] = (
            {"metavar": "|".join(choices), "autocompletion": lambda: list(choices)} if choices else {}
        )
        help_text = info.description or ""
        if kind is list:
            help_text += " Give it several times, or with commas."
            kind = list[str]
        return Annotated[kind | None, typer.Option(*names, help=help_text, rich_help_panel=self.panel, **extra)]


def _panel(panel: str, flags: Mapping[str, str]) -> tuple[Flag, ...]:
    return tuple(Flag(option, field, panel) for option, field in flags.items())


SHOT_FLAGS: Final = (
    *_panel(
        "Plate",
        {
            "--plate": "plate.path",
            "--shot-frames": "plate.frames",
            "--plate-part": "plate.part",
            "--plate-layer": "plate.layer",
            "--extra-layers": "plate.extra_layers",
            "--light-layers": "plate.light_layers",
            "--data-layers": "plate.data_layers",
            "--colour-space": "plate.colour_space",
            "--frame-rate": "plate.frame_rate",
            "--pixel-aspect": "plate.pixel_aspect",
            "--fields": "plate.fields",
            "--on-missing": "plate.on_missing",
        },
    ),
    *_panel(
        "Depth",
        {
            "--depth": "depth.path",
            "--depth-part": "depth.part",
            "--depth-channel": "depth.channel",
            "--depth-kind": "depth.convention",
            "--depth-scale": "depth.scale",
            "--depth-measured": "depth.measured",
            "--field-of-view": "depth.field_of_view",
            "--depth-nothing": "depth.nothing",
            "--nothing-is": "depth.nothing_is",
            "--colour-map": "depth.colour_map",
            "--near": "depth.near",
            "--far": "depth.far",
            "--unpremultiply": "depth.unpremultiply",
            "--clean-edges": "depth.clean_edges",
            "--depth-edges": "depth.edges",
            "--edge-strength": "depth.edge_strength",
            "--depth-fit": "depth.fit",
            "--depth-offset": "depth.frame_offset",
        },
    ),
    *_panel(
        "Matte",
        {
            "--matte": "matte.path",
            "--matte-channel": "matte.channel",
            "--matte-disparity": "matte.disparity",
            "--matte-offset": "matte.frame_offset",
        },
    ),
    *_panel(
        "Focus and lens",
        {
            "--focus-space": "focus.space",
            "--sample-radius": "focus.sample_radius",
            "--focal-length": "lens.focal_length",
            "--f-number": "lens.f_number",
            "--sensor-width": "lens.sensor_width",
            "--world-unit": "lens.world_unit",
            "--in-focus-range": "in_focus_range",
            "--near-multiplier": "near_multiplier",
            "--far-multiplier": "far_multiplier",
            "--max-radius": "maximum_radius",
        },
    ),
    *_panel(
        "Aperture and highlights",
        {
            "--blades": "aperture.blades",
            "--roundness": "aperture.roundness",
            "--rotation": "aperture.rotation",
            "--aspect": "aperture.aspect",
            "--cats-eye": "aperture.cats_eye",
            "--ring": "aperture.ring",
            "--softness": "aperture.softness",
            "--aperture-image": "aperture.image",
            "--highlight-threshold": "highlights.threshold",
            "--highlight-gain": "highlights.gain",
        },
    ),
    *_panel(
        "Renderer",
        {
            "--renderer": "renderer.name",
            "--quality": "renderer.quality",
            "--weights": "renderer.any_to_bokeh.weights",
            "--image-encoder": "renderer.any_to_bokeh.image_encoder",
            "--profile": "renderer.any_to_bokeh.profile",
            "--mpi-masks": "renderer.any_to_bokeh.mpi_masks",
            "--mask-exponent": "renderer.any_to_bokeh.mask_exponent",
            "--clip-input": "renderer.any_to_bokeh.clip_input",
            "--fps-id": "renderer.any_to_bokeh.fps_id",
            "--strength-embedding": "renderer.any_to_bokeh.strength_embedding",
            "--strength-values": "renderer.any_to_bokeh.strength_values",
            "--overlap": "renderer.any_to_bokeh.overlap",
            "--ramp": "renderer.any_to_bokeh.ramp",
            "--blend": "renderer.any_to_bokeh.blend",
            "--decode-window": "renderer.any_to_bokeh.decode_window",
            "--decode-overlap": "renderer.any_to_bokeh.decode_overlap",
            "--posterior": "renderer.any_to_bokeh.posterior",
            "--seed": "renderer.any_to_bokeh.seed",
            "--network-size": "renderer.any_to_bokeh.size",
            "--exposure": "renderer.any_to_bokeh.exposure",
            "--detail": "renderer.any_to_bokeh.detail",
            "--runtime": "renderer.any_to_bokeh.runtime",
            "--device": "renderer.any_to_bokeh.device",
            "--precision": "renderer.any_to_bokeh.precision",
            "--compile": "renderer.any_to_bokeh.compile",
        },
    ),
    *_panel(
        "Result",
        {
            "--out": "output.path",
            "--data-type": "output.data_type",
            "--compression": "output.compression",
            "--output-colour-space": "output.colour_space",
            "--layers": "output.layers",
            "--codec": "output.codec",
            "--sound": "output.sound",
        },
    ),
)


def field_of(path: str) -> FieldInfo:
    """The field of the shot document at a dotted path."""
    model: type[BaseModel] = Shot
    *parents, last = path.split(".")
    for name in parents:
        model = _model_in(model.model_fields[name].annotation)
    return model.model_fields[last]


def apply_flags(document: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set in ``document`` what the flags in ``values`` (by parameter name) say; those that are None say nothing."""
    for flag in SHOT_FLAGS:
        value = values.get(flag.name)
        if value is None or value == []:
            continue
        *parents, last = flag.field.split(".")
        part = document
        for name in parents:
            held = part.get(name)
            part[name] = dict(held) if isinstance(held, Mapping) else {}
            part = part[name]
        part[last] = _read(flag, value)


def _read(flag: Flag, value: object) -> object:
    if isinstance(value, list):
        return [word.strip() for text in value for word in text.split(",") if word.strip()]
    if flag.field.endswith(".part") and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _model_in(annotation: object) -> type[BaseModel]:
    options = [annotation, *get_args(annotation)]
    return next(kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel))


def _kind(annotation: object) -> tuple[Any, tuple[str, ...]]:
    """The type that Typer reads a field as, and its choices."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        return str, tuple(str(choice) for choice in get_args(annotation))
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _kind(members[0])
    if origin is tuple:
        return list, _kind(get_args(annotation)[0])[1]
    return annotation, ()
