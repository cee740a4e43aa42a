"""The panel, in the side bars of the compositor, the sequencer and the image editor."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from .kinds import Context, Layout, Settings
from .operators import JobOperator
from .versions import compositor_tree, scene_of

__all__ = ["EDITORS", "SECTIONS", "register", "unregister"]

LETTER = 5.8
"""Width of a letter in the mean, at a scale of 1."""

SIDES = 64
"""What the tabs and the margins of a box take of a side bar's width, at a scale of 1."""

EDITORS = ("NODE_EDITOR", "SEQUENCE_EDITOR", "IMAGE_EDITOR")


class Section(bpy.types.Panel):
    """A part of the panel; one class for each editor is made from it."""

    bl_region_type = "UI"
    bl_category = "Rackfocus"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only the compositor's nodes, not those of shaders."""
        return bool(cls.bl_space_type != "NODE_EDITOR" or context.space_data.tree_type == "CompositorNodeTree")

    def draw(self, context: Context) -> None:
        """Show it."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        self.show(self.layout, scene_of(context).rackfocus)

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""


class MainSection(Section):
    """What is done, and what was said."""

    bl_label = "Rackfocus"

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""
        buttons = layout.column(align=True)
        buttons.operator("rackfocus.render", icon="RENDER_ANIMATION")
        buttons.operator("rackfocus.preview", icon="IMAGE_DATA")
        if settings.message:
            box = layout.box().column(align=True)
            for line in _wrapped(("Esc stops. " if JobOperator.running else "") + settings.message, bpy.context):
                box.label(text=line)


class PlateSection(Section):
    """Plate and depth."""

    bl_label = "Plate and Depth"

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""
        scene = settings.id_data
        layout.prop(settings, "plate_source")
        if settings.plate_source == "FILES":
            layout.prop(settings, "plate_path")
            layout.prop(settings, "frame_shift")
        elif settings.plate_source == "NODE" and compositor_tree(scene) is not None:
            layout.prop_search(settings, "plate_node", compositor_tree(scene), "nodes")
        elif settings.plate_source == "STRIP" and scene.sequence_editor is not None:
            editor = scene.sequence_editor
            layout.prop_search(settings, "plate_strip", editor, "strips" if hasattr(editor, "strips") else "sequences")
        layout.prop(settings, "view_layer")
        layout.separator()
        layout.prop(settings, "depth_source")
        if settings.depth_source == "FILES":
            layout.prop(settings, "depth_path")
            layout.prop(settings, "depth_offset")
        for name in ("depth_channel", "depth_convention", "clean_edges", "depth_edges"):
            layout.prop(settings, name)
        if settings.depth_edges != "exact":
            layout.prop(settings, "edge_strength")
        layout.prop(settings, "fixed_limits")
        if settings.fixed_limits:
            layout.prop(settings, "depth_near")
            if settings.depth_convention == "distance":
                layout.prop(settings, "far_is_infinite")
            if settings.depth_convention != "distance" or not settings.far_is_infinite:
                layout.prop(settings, "depth_far")


class FocusSection(Section):
    """Focus and blur."""

    bl_label = "Focus and Blur"

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""
        layout.prop(settings, "focus_source")
        name = {"DISTANCE": "focus_distance", "DISPARITY": "focus_disparity", "OBJECT": "focus_object"}.get(
            settings.focus_source
        )
        if name:
            self._keyed(layout, settings, name)
        row = layout.row()
        row.operator("rackfocus.pick_focus", icon="EYEDROPPER")
        row.prop(settings, "pick_radius", text="")
        layout.separator()
        layout.prop(settings, "blur_source")
        if settings.blur_source == "K":
            self._keyed(layout, settings, "strength")
        else:
            layout.prop(settings, "world_unit")
        layout.prop(settings, "in_focus_range")
        layout.prop(settings, "near_multiplier")
        layout.prop(settings, "far_multiplier")
        layout.prop(settings, "maximum_radius")

    def _keyed(self, layout: Layout, settings: Settings, name: str) -> None:
        row = layout.row()
        row.use_property_decorate = True
        row.prop(settings, name)


class ApertureSection(Section):
    """The lens's opening, and highlights."""

    bl_label = "Aperture and Highlights"
    bl_options = frozenset({"DEFAULT_CLOSED"})

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""
        for name in ("blades", "roundness", "rotation", "aspect", "cats_eye", "ring", "softness"):
            layout.prop(settings, name)
        layout.separator()
        layout.prop(settings, "highlight_threshold")
        layout.prop(settings, "highlight_gain")


class OutputSection(Section):
    """Renderer and result."""

    bl_label = "Renderer and Output"

    def show(self, layout: Layout, settings: Settings) -> None:
        """What it holds."""
        layout.prop(settings, "renderer")
        if settings.renderer == "any-to-bokeh":
            layout.prop(settings, "weights")
        layout.prop(settings, "quality")
        layout.prop(settings, "preview_scale")
        layout.prop(settings, "output_path")
        layout.prop(settings, "data_type")
        layout.prop(settings, "overwrite")
        layout.prop(settings, "place")
        layout.operator("rackfocus.place", icon="IMPORT")
        layout.operator("rackfocus.restart", icon="FILE_REFRESH")


SECTIONS = (MainSection, PlateSection, FocusSection, ApertureSection, OutputSection)


def _panels() -> list[Any]:
    return [
        type(
            f"RACKFOCUS_PT_{section.__name__}_{editor}".lower().replace("rackfocus_pt", "RACKFOCUS_PT"),
            (section,),
            {"bl_space_type": editor, "bl_label": section.bl_label, "__doc__": section.__doc__},
        )
        for editor in EDITORS
        for section in SECTIONS
    ]


PANELS = _panels()


def register() -> None:
    """Add the panel to its editors."""
    for panel in PANELS:
        bpy.utils.register_class(panel)


def unregister() -> None:
    """Take it away."""
    for panel in reversed(PANELS):
        bpy.utils.unregister_class(panel)


def _wrapped(text: str, context: Context) -> list[str]:
    """Lines that fit into the region; a longer one would lose its middle."""
    if context.region is None:  # drawn for nobody: there is no window
        return [text]
    width = context.region.width / context.preferences.system.ui_scale
    return textwrap.wrap(text, max(16, int((width - SIDES) / LETTER)))
