"""The models of the shot document.

Each field's description is written here once; the command line's help, the tooltips of the hosts, the JSON Schema and
``docs/shot.md`` are made from it. Paths in a document on disk are relative to the document's own folder (see
``engine.shot.storage``); in a ``Shot`` made in memory they are relative to the process's folder, as in any program.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from engine.curve import Extrapolation, Interpolation
from engine.shot.any_to_bokeh import AnyToBokehOptions
from engine.shot.checks import check_shot
from engine.shot.part import DocumentPart as _Part

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
    "Matte",
    "Output",
    "Plate",
    "RendererChoice",
    "Shot",
]

SCHEMA_VERSION = 1

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Far = Annotated[float, WithJsonSchema({"anyOf": [{"type": "number"}, {"const": "infinity"}]})]
"""Infinity is a text, for JSON has no such number; ``Infinity``, as earlier versions wrote it, is read too."""
ColourMapName = Literal["turbo", "inferno", "magma", "plasma", "viridis", "jet", "spectral", "spectral_r"]
OutputLayer = Literal["coc", "disparity", "overlay", "invented"]


class Handle(_Part):
    """One end of a Bezier tangent, as an offset from its key."""

    frames: Finite = Field(description="Offset from the key in frames: negative on the left, positive on the right.")
    value: Finite = Field(description="Offset from the key's value.")


class _KeyShape(_Part):
    """What keys of values and keys of the focal point have in common."""

    frame: Finite = Field(description="Frame number of the key; may lie between frames.")
    interpolation: Interpolation = Field(
        "bezier", description="How the curve runs to the next key; settle starts fast and arrives softly."
    )
    left: Handle | None = Field(None, description="Left tangent handle; a smooth one is chosen where it is not given.")
    right: Handle | None = Field(
        None, description="Right tangent handle; a smooth one is chosen where it is not given."
    )


class Key(_KeyShape):
    """A key of an animation curve."""

    value: Finite = Field(description="Value at the key.")


class FocusKey(_KeyShape):
    """A key of the focal point: exactly one of pixel, disparity or distance."""

    pixel: tuple[Finite, Finite] | None = Field(
        None,
        description="Focus on what is seen at x, y: pixels from the top left of the display window. "
        "The depth is the median of the pixels around it.",
    )
    disparity: Finite | None = Field(None, description="Focus at this disparity: 1 nearest, 0 farthest.")
    distance: Positive | None = Field(None, description="Focus at this distance, in the depth channel's own unit.")


Keys = Annotated[tuple[Key, ...], Field(min_length=1)]


class Plate(_Part):
    """The sharp shot."""

    path: str = Field(description="Image sequence (%04d, #### or $F4), one frame of it, a folder with one, or a movie.")
    frames: str | None = Field(None, description="Frames of the shot, like 1001-1024; all that exist when not given.")
    part: str | int | None = Field(None, description="Part of a multi-part EXR, by name or number.")
    layer: str | None = Field(
        None, description="Layer of the colour channels; the root's R, G, B and A when not given."
    )
    extra_layers: tuple[str, ...] = Field(
        (), description='Further layers to take along, or "*" for all: light is blurred, data is not.'
    )
    light_layers: tuple[str, ...] = Field(
        (), description="Further layers to blur, though their names say that they are data (ids, normals, depth ...)."
    )
    data_layers: tuple[str, ...] = Field(
        (), description="Further layers to pass on as they are, unblurred, whatever their names say."
    )
    colour_space: str | None = Field(
        None, description="Colour space of the files, a name of the OCIO configuration; by file type when not given."
    )
    frame_rate: Positive | None = Field(None, description="Frames per second; the file's own when not given.")
    pixel_aspect: Positive | None = Field(
        None, description="Width of a pixel over its height; the file's own when not given."
    )
    fields: Literal["progressive", "deinterlace"] | None = Field(
        None,
        description="How interlaced movies are read: deinterlace makes one picture of two fields; progressive "
        "says that both fields are one moment; as they are, with a warning, when not given.",
    )
    on_missing: Literal["error", "hold", "black"] = Field(
        "error", description="What to do for a frame without a file: stop, repeat the frame before, or black."
    )


class Depth(_Part):
    """How far away things are."""

    path: str | None = Field(
        None, description="Image sequence or movie of the depth; the plate's own files when not given."
    )
    part: str | int | None = Field(None, description="Part of a multi-part EXR, by name or number.")
    channel: str | None = Field(
        None,
        description="Channel that holds the depth, or its layer; when not given, the one that is known by its name (Z, "
        "depth.Z, ViewLayer.Depth.Z, VRayZDepth ...) and belongs to the colour, or the only one.",
    )
    convention: Literal["distance", "inverse", "near1", "far1", "direct"] = Field(
        "distance",
        description="What the values mean: a distance; one over a distance; normalised with 1 nearest; normalised "
        "with 1 farthest; or disparity to be used directly.",
    )
    scale: Finite = Field(
        1.0,
        description="Multiplies the channel's values before all else but depth.nothing: -1 for negative distances, "
        "65.535 for metres of 16-bit millimetres (whole numbers are read as 0 to 1).",
    )
    measured: Literal["plane", "ray"] = Field(
        "plane",
        description="From where distances are measured: plane, from the camera's plane; ray, along the ray through "
        "each pixel, as V-Ray can write them.",
    )
    field_of_view: Annotated[float, Field(gt=0, lt=180)] | None = Field(
        None,
        description="Horizontal field of view of the camera in degrees, for distances along the ray; the lens's own "
        "when not given.",
    )
    nothing: Finite | None = Field(
        None,
        description="Value of the channel that stands where nothing is, such as 1000 or -1; 0, 65504, 1e10, 1e30 and "
        "infinity among distances are known.",
    )
    nothing_is: Literal["auto", "far", "unknown"] = Field(
        "auto",
        description="What a distance of 0, and depth.nothing, means: far, the farthest point; unknown, a hole that is "
        "filled from its neighbours; auto, far, but for 0 in files of whole numbers, as depth cameras write holes.",
    )
    colour_map: ColourMapName | None = Field(
        None,
        description="Colour map in which the depth is painted, to be turned back into values from 0 to 1; none when "
        "not given. Red is 0 in spectral and 1 in spectral_r.",
    )
    near: Finite | None = Field(
        None,
        description="The channel's value at the nearest point (disparity 1), after depth.scale; found over the whole "
        "shot when not given.",
    )
    far: Far | None = Field(
        None,
        description="The channel's value at the farthest point (disparity 0), after depth.scale; infinity for "
        "distances when not given.",
    )
    unpremultiply: bool = Field(False, description="Divide the depth by the plate's alpha before use.")
    clean_edges: bool = Field(True, description="Snap antialiased depth at an edge to the surface on one side of it.")
    edges: Literal["auto", "exact", "repair"] = Field(
        "auto",
        description="How edges are treated: exact leaves them; repair makes soft edges hard and moves them to the "
        "plate's own; auto measures the shot and repairs where it helps.",
    )
    edge_strength: Annotated[float, Field(ge=0, le=4)] = Field(
        1.0, description="How far edges may be moved, as a multiple of what was measured; 0 leaves them."
    )
    fit: Literal["error", "scale"] = Field("error", description="What to do when depth and plate differ in size.")
    frame_offset: int = Field(0, description="Added to the plate's frame number to find the depth's file.")


class Matte(_Part):
    """What the subject covers, from a roto or a keyer: it decides where the subject's edge is."""

    path: str = Field(description="Image sequence or movie of the matte: 1 where the subject covers all of a pixel.")
    channel: str | None = Field(
        None, description="Channel that holds the coverage; A, else the only one, else R of three equal ones."
    )
    disparity: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Disparity of the subject, 1 nearest to 0 farthest; the depth's own when not given."
    )
    frame_offset: int = Field(0, description="Added to the plate's frame number to find the matte's file.")


class Focus(_Part):
    """The focal point over time."""

    keys: tuple[FocusKey, ...] = Field(description="Keys of the focal point, in order of frames.", min_length=1)
    space: Literal["disparity", "distance"] = Field(
        "disparity", description="In what the curve runs between keys; blur is linear in disparity."
    )
    before: Extrapolation = Field("hold", description="The curve before its first key.")
    after: Extrapolation = Field("hold", description="The curve after its last key.")
    sample_radius: Annotated[int, Field(ge=0, le=64)] = Field(
        3, description="Radius in pixels of the area whose median depth a pixel key reads."
    )


class Blur(_Part):
    """The blur strength K over time."""

    keys: tuple[Key, ...] = Field(
        description="Keys of K: the blur radius in rows (pixels of height) at a disparity of 1 from focus.",
        min_length=1,
    )
    before: Extrapolation = Field("hold", description="The curve before its first key.")
    after: Extrapolation = Field("hold", description="The curve after its last key.")


class LensSettings(_Part):
    """A real lens in place of K."""

    focal_length: Positive | Keys = Field(description="Focal length in millimetres; a number or keys.")
    f_number: Positive | Keys = Field(description="F-number; a number or keys.")
    sensor_width: Positive = Field(
        36.0, description="Width of the sensor in millimetres, as wide as the plate is seen, unsqueezed."
    )
    world_unit: Literal["mm", "cm", "dm", "m", "in", "ft"] = Field("m", description="Unit of the depth's distances.")


class Aperture(_Part):
    """The shape of the lens's opening, which is the shape of a point of light out of focus."""

    blades: Annotated[int, Field(ge=0, le=16)] = Field(0, description="Number of blades, 3 to 16; 0 is a disc.")
    roundness: Annotated[float, Field(ge=0, le=1)] = Field(0.0, description="0 straight blades to 1 a full disc.")
    rotation: Finite = Field(0.0, description="Rotation of the shape in degrees, counter-clockwise.")
    aspect: Annotated[float, Field(gt=0.05, lt=20)] = Field(
        1.0, description="Width over height of the shape on screen: under 1 is the tall oval of an anamorphic lens."
    )
    cats_eye: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="How much the shape is cut towards the corners, by the lens's own barrel: 0 none to 1 strong."
    )
    ring: Annotated[float, Field(ge=-1, le=1)] = Field(
        0.0, description="Brightness of the rim against the middle: above 0 a soap bubble, below 0 a soft, dim rim."
    )
    softness: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Softness of the shape's outline, as a share of its radius."
    )
    image: str | None = Field(None, description="Picture file of a shape of your own; its light is its weight.")


class Highlights(_Part):
    """A boost for bright, blurred pixels of plates whose light was clipped."""

    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="Scene-linear value above which a blurred pixel is boosted."
    )
    gain: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="Added share of the light above the threshold; 0 leaves the plate's own light."
    )


class RendererChoice(_Part):
    """Which renderer makes the picture."""

    name: Literal["optical", "any-to-bokeh"] = Field(
        "optical",
        description="optical, made by optics alone; or any-to-bokeh, a video diffusion model that needs weights.",
    )
    quality: Literal["draft", "final"] = Field("final", description="draft for the viewer, final for delivery.")
    any_to_bokeh: AnyToBokehOptions = Field(
        default_factory=AnyToBokehOptions, description="Options of the any-to-bokeh renderer."
    )


class Output(_Part):
    """What is written."""

    path: str = Field(description="Image sequence pattern (EXR, PNG, TIFF, DPX) or movie (.mov, .mp4) of the result.")
    data_type: Literal["half", "float"] | None = Field(
        None, description="EXR data type; the plate's own when not given."
    )
    compression: str | None = Field(None, description="EXR compression; zips when not given.")
    colour_space: str | None = Field(None, description="Colour space of the result; the plate's own when not given.")
    layers: tuple[OutputLayer, ...] = Field(
        (),
        description="Further layers: coc (signed radius in pixels), disparity, overlay (behind blue, in focus green, "
        "in front red), invented (the share of background that the plate does not show).",
    )
    codec: Literal["h264", "hevc", "prores"] | None = Field(
        None, description="Movie codec; prores in .mov, h264 in others (hevc for HLG and PQ) when not given."
    )
    sound: Literal["copy", "none"] = Field(
        "copy", description="Sound of a movie result: copy takes the plate's own, in step with the frames; or none."
    )
    metadata: dict[str, str] = Field(
        default_factory=dict, description="Further header entries; names of 31 characters at most."
    )


class Shot(_Part):
    """A shot to refocus: plate, depth, focal point, blur strength, lens, and where the result goes."""

    schema_version: int = Field(SCHEMA_VERSION, description="Version of this document's schema.")
    name: str = Field("", description="Name of the shot, for people.")
    plate: Plate = Field(description="The sharp shot.")
    depth: Depth = Field(default_factory=Depth, description="How far away things are.")
    matte: Matte | None = Field(None, description="What the subject covers; none when not given.")
    focus: Focus = Field(description="The focal point over time.")
    blur: Blur | None = Field(None, description="The blur strength K over time; either this or a lens.")
    lens: LensSettings | None = Field(None, description="A real lens; either this or K.")
    in_focus_range: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Disparity on both sides of the focal plane that stays sharp."
    )
    near_multiplier: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0, description="Multiplies the blur in front of the focal plane."
    )
    far_multiplier: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0, description="Multiplies the blur behind the focal plane."
    )
    maximum_radius: Annotated[float, Field(ge=0, le=2000)] | None = Field(
        None, description="Largest blur radius in pixels."
    )
    aperture: Aperture = Field(default_factory=Aperture, description="The shape of the lens's opening.")
    highlights: Highlights = Field(default_factory=Highlights, description="A boost for lights that were clipped.")
    renderer: RendererChoice = Field(default_factory=RendererChoice, description="Which renderer makes the picture.")
    output: Output = Field(description="What is written, and where.")

    def model_post_init(self, _context: object, /) -> None:
        """Hold the fields against each other (``engine.shot.checks``), however the shot was made."""
        check_shot(self)
