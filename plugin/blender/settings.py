"""What a person sets: ``scene.rackfocus``.

Where a setting is a field of the shot document, its tooltip is that field's description (a test holds them together).
Only settings that are sampled frame by frame can be keyed.
"""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from .kinds import Property
from .versions import RELATIVE_PATH

__all__ = ["FIELDS", "RackfocusSettings", "register", "unregister"]

KEYED = {"ANIMATABLE"}
FIXED: set[str] = set()

FIELDS = {
    "depth_channel": "Depth.channel",
    "depth_convention": "Depth.convention",
    "depth_near": "Depth.near",
    "depth_far": "Depth.far",
    "clean_edges": "Depth.clean_edges",
    "depth_edges": "Depth.edges",
    "edge_strength": "Depth.edge_strength",
    "depth_offset": "Depth.frame_offset",
    "world_unit": "LensSettings.world_unit",
    "in_focus_range": "Shot.in_focus_range",
    "near_multiplier": "Shot.near_multiplier",
    "far_multiplier": "Shot.far_multiplier",
    "blades": "Aperture.blades",
    "roundness": "Aperture.roundness",
    "rotation": "Aperture.rotation",
    "aspect": "Aperture.aspect",
    "cats_eye": "Aperture.cats_eye",
    "ring": "Aperture.ring",
    "softness": "Aperture.softness",
    "highlight_threshold": "Highlights.threshold",
    "highlight_gain": "Highlights.gain",
    "renderer": "RendererChoice.name",
    "quality": "RendererChoice.quality",
    "weights": "AnyToBokehOptions.weights",
    "data_type": "Output.data_type",
}
"""Settings that are fields of the shot document."""


def _choice(name: str, description: str, *items: tuple[str, str, str]) -> Property:
    return EnumProperty(name=name, description=description, items=list(items), default=items[0][0], options=FIXED)


def _number(
    name: str, description: str, default: float, low: float, high: float, options: set[str] = FIXED
) -> Property:
    return FloatProperty(
        name=name, description=description, default=default, min=low, max=high, precision=3, options=options
    )


def _text(name: str, description: str, default: str = "", kind: str = "NONE") -> Property:
    options = FIXED if kind == "NONE" else RELATIVE_PATH
    return StringProperty(name=name, description=description, default=default, subtype=kind, options=options)


class RackfocusSettings(bpy.types.PropertyGroup):
    """The settings of one scene."""

    __annotations__ = {
        "plate_source": _choice(
            "Plate",
            "Where the sharp pictures come from",
            ("RENDER", "This Scene's Output", "What this scene renders to its output path"),
            ("FILES", "Files", "An image sequence or a movie on disk"),
            ("NODE", "Image Node", "The image of a node in the compositor"),
            ("STRIP", "Strip", "An image or movie strip of the sequencer"),
        ),
        "plate_path": _text("File", "One picture of the sequence, its pattern (####), or a movie", kind="FILE_PATH"),
        "plate_node": _text("Node", "Image node with the plate; the active node when empty"),
        "plate_strip": _text("Strip", "Strip with the plate; the active strip when empty"),
        "view_layer": _text(
            "View Layer", "Whose picture and Z pass of a multilayer EXR are used; the first one's when empty"
        ),
        "frame_shift": IntProperty(
            name="File Offset",
            description="Added to the scene's frame number to find the plate's file",
            options=FIXED,
        ),
        "depth_source": _choice(
            "Depth",
            "Where the depth comes from",
            ("SAME", "Plate's Files", "The Z pass, or another channel, in the plate's own files"),
            ("FILES", "Files", "A sequence or movie of its own"),
        ),
        "depth_path": _text(
            "File", "One picture of the depth's sequence, its pattern (####), or a movie", "", "FILE_PATH"
        ),
        "depth_channel": _text(
            "Channel",
            "Channel that holds the depth, or its layer; when not given, the one that is known by its name (Z, "
            "depth.Z, ViewLayer.Depth.Z, VRayZDepth ...) and belongs to the colour, or the only one.",
        ),
        "depth_convention": _choice(
            "Values",
            "What the values mean: a distance; one over a distance; normalised with 1 nearest; normalised "
            "with 1 farthest; or disparity to be used directly.",
            ("distance", "Distance", "Blender's Z pass: the distance from the camera's plane"),
            ("inverse", "1/Distance", "One over a distance"),
            ("near1", "1 Is Nearest", "Normalised, 1 is nearest"),
            ("far1", "1 Is Farthest", "Normalised, 1 is farthest; Blender's Mist pass"),
            ("direct", "Disparity", "Disparity, used as it is"),
        ),
        "depth_offset": IntProperty(
            name="File Offset", description="Added to the plate's frame number to find the depth's file.", options=FIXED
        ),
        "fixed_limits": BoolProperty(
            name="Fixed Limits",
            description="Set the depth's nearest and farthest value, instead of finding them over the whole shot",
            options=FIXED,
        ),
        "depth_near": _number(
            "Near",
            "The channel's value at the nearest point (disparity 1), after depth.scale; found over the whole shot "
            "when not given.",
            1.0,
            -3.4e38,
            3.4e38,
        ),
        "depth_far": _number(
            "Far",
            "The channel's value at the farthest point (disparity 0), after depth.scale; infinity for distances "
            "when not given.",
            0.0,
            -3.4e38,
            3.4e38,
        ),
        "far_is_infinite": BoolProperty(
            name="Far Is Infinite", description="Distances have no farthest value", default=True, options=FIXED
        ),
        "clean_edges": BoolProperty(
            name="Clean Edges",
            description="Snap antialiased depth at an edge to the surface on one side of it.",
            default=True,
            options=FIXED,
        ),
        "depth_edges": _choice(
            "Edges",
            "How edges are treated: exact leaves them; repair makes soft edges hard and moves them to the plate's own; "
            "auto measures the shot and repairs where it helps.",
            ("auto", "Automatic", "Measured over the shot, and repaired where that helps"),
            ("exact", "Exact", "Left as they are"),
            ("repair", "Repair", "Made hard, and moved to the plate's own"),
        ),
        "edge_strength": _number(
            "Edge Strength",
            "How far edges may be moved, as a multiple of what was measured; 0 leaves them.",
            1.0,
            0.0,
            4.0,
        ),
        "focus_source": _choice(
            "Focus",
            "Where the focal point comes from",
            ("DISTANCE", "Distance", "A distance, which can be keyed"),
            ("DISPARITY", "Disparity", "1 nearest to 0 farthest, which can be keyed; blur is linear in it"),
            ("OBJECT", "Object", "The distance of an object from the camera's plane"),
            ("CAMERA", "Camera", "What the scene's camera focuses on: its focus object or focus distance"),
        ),
        "focus_distance": FloatProperty(
            name="Distance",
            description="Distance of the focal plane from the camera's plane, in the depth's unit",
            default=10.0,
            min=1e-6,
            max=1e9,
            subtype="DISTANCE",
            precision=4,
            options=KEYED,
        ),
        "focus_disparity": _number("Disparity", "Focal disparity: 1 nearest, 0 farthest", 0.5, -10.0, 10.0, KEYED),
        "focus_object": PointerProperty(
            type=bpy.types.Object, name="Object", description="What stays in focus", options=FIXED
        ),
        "pick_radius": IntProperty(
            name="Pick Radius",
            description="Radius in pixels of the area whose median depth a pick reads",
            default=3,
            min=0,
            max=64,
            options=FIXED,
        ),
        "blur_source": _choice(
            "Blur",
            "Where the amount of blur comes from",
            ("K", "Strength K", "The blur radius in pixels, which can be keyed"),
            ("CAMERA", "Camera", "F-stop, focal length and sensor of the scene's camera, frame by frame"),
        ),
        "strength": _number(
            "K", "Blur radius in pixels of the full-size plate at a disparity of 1 from focus", 16.0, 0.0, 2000.0, KEYED
        ),
        "world_unit": _choice(
            "Unit",
            "Unit of the depth's distances.",
            ("m", "Metres", "One unit is a metre, as Blender's own depth of field has it"),
            ("cm", "Centimetres", ""),
            ("mm", "Millimetres", ""),
            ("dm", "Decimetres", ""),
            ("in", "Inches", ""),
            ("ft", "Feet", ""),
        ),
        "in_focus_range": _number(
            "In Focus", "Disparity on both sides of the focal plane that stays sharp.", 0.0, 0.0, 1.0
        ),
        "near_multiplier": _number("Near Blur", "Multiplies the blur in front of the focal plane.", 1.0, 0.0, 100.0),
        "far_multiplier": _number("Far Blur", "Multiplies the blur behind the focal plane.", 1.0, 0.0, 100.0),
        "maximum_radius": _number("Max Blur", "Largest blur radius in pixels; 0 for none", 0.0, 0.0, 2000.0),
        "blades": IntProperty(
            name="Blades",
            description="Number of blades, 3 to 16; 0 is a disc.",
            default=0,
            min=0,
            max=16,
            options=FIXED,
        ),
        "roundness": _number("Roundness", "0 straight blades to 1 a full disc.", 0.0, 0.0, 1.0),
        "rotation": _number("Rotation", "Rotation of the shape in degrees, counter-clockwise.", 0.0, -360.0, 360.0),
        "aspect": _number(
            "Aspect",
            "Width over height of the shape on screen: under 1 is the tall oval of an anamorphic lens.",
            1.0,
            0.06,
            19.0,
        ),
        "cats_eye": _number(
            "Cat's Eye",
            "How much the shape is cut towards the corners, by the lens's own barrel: 0 none to 1 strong.",
            0.0,
            0.0,
            1.0,
        ),
        "ring": _number(
            "Ring",
            "Brightness of the rim against the middle: above 0 a soap bubble, below 0 a soft, dim rim.",
            0.0,
            -1.0,
            1.0,
        ),
        "softness": _number("Softness", "Softness of the shape's outline, as a share of its radius.", 0.0, 0.0, 1.0),
        "highlight_threshold": _number(
            "Threshold", "Scene-linear value above which a blurred pixel is boosted.", 1.0, 0.0, 1e6
        ),
        "highlight_gain": _number(
            "Gain", "Added share of the light above the threshold; 0 leaves the plate's own light.", 0.0, 0.0, 1e6
        ),
        "renderer": _choice(
            "Renderer",
            "optical, made by optics alone; or any-to-bokeh, a video diffusion model that needs weights.",
            ("optical", "Optical", "Made by optics alone"),
            ("any-to-bokeh", "Any-to-Bokeh", "A video diffusion model that needs weights"),
        ),
        "quality": _choice(
            "Quality",
            "draft for the viewer, final for delivery.",
            ("final", "Final", "For delivery"),
            ("draft", "Draft", "For the viewer"),
        ),
        "weights": _text(
            "Weights",
            "Folder of the weights: unet/ and vae/, and a Stable Video Diffusion folder in it or beside it.",
            kind="DIR_PATH",
        ),
        "output_path": _text(
            "Output",
            "Sequence (####) or movie of the result",
            "//refocused/refocused_####.exr",
            "FILE_PATH",
        ),
        "data_type": _choice(
            "EXR Type",
            "EXR data type; the plate's own when not given.",
            ("PLATE", "As the Plate", ""),
            ("half", "Half", ""),
            ("float", "Float", ""),
        ),
        "overwrite": BoolProperty(
            name="Overwrite", description="Render frames again that are there and up to date", options=FIXED
        ),
        "place": EnumProperty(
            name="Result",
            description="What the result becomes when it is rendered",
            items=[
                ("COMPOSITOR", "Image Node", "An image node in this scene's compositor"),
                ("SEQUENCER", "Strip", "A strip in this scene's sequencer"),
            ],
            default={"COMPOSITOR"},
            options={"ENUM_FLAG"},
        ),
        "preview_scale": _number("Preview Size", "Size of the preview, as a share of the plate's", 0.5, 0.05, 1.0),
        "message": StringProperty(name="Message", description="What was last said", options={"SKIP_SAVE"}),
    }


def register() -> None:
    """Give every scene its settings."""
    bpy.utils.register_class(RackfocusSettings)
    bpy.types.Scene.rackfocus = PointerProperty(type=RackfocusSettings)


def unregister() -> None:
    """Take them away; what was set stays in the file."""
    del bpy.types.Scene.rackfocus
    bpy.utils.unregister_class(RackfocusSettings)
