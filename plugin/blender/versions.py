"""What differs between the versions of Blender, each under one name."""

from __future__ import annotations

import bpy

from .kinds import Collection, Context, DataBlock, Depsgraph, Editor, Scene

__all__ = ["RELATIVE_PATH", "channel_curves", "compositor_tree", "depsgraph_of", "scene_of", "strips_of"]

RELATIVE_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (5, 0, 0) else set()
"""Options of a path property in which ``//`` is understood; 5.0 wants to be told so."""


def scene_of(context: Context) -> Scene:
    """The scene that is worked on; since 5.0 the sequencer may show another one than the window."""
    in_sequencer = context.area is not None and context.area.type == "SEQUENCE_EDITOR"
    return (getattr(context, "sequencer_scene", None) if in_sequencer else None) or context.scene


def depsgraph_of(context: Context, scene: Scene) -> Depsgraph:
    """The evaluated scene."""
    return context.evaluated_depsgraph_get() if scene == context.scene else scene.view_layers[0].depsgraph


def compositor_tree(scene: Scene, create: bool = False) -> DataBlock | None:
    """The node tree of a scene's compositor; None where it has none and none is to be made.

    Since 5.0 it is a node group of its own, ``compositing_node_group``; before, it belonged to the scene.
    """
    if hasattr(scene, "compositing_node_group"):
        if scene.compositing_node_group is None and create:
            scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
        return scene.compositing_node_group
    if create:
        scene.use_nodes = True
    return scene.node_tree if scene.use_nodes else None


def strips_of(editor: Editor) -> Collection:
    """The strips of a sequence editor that are in no meta strip; called ``sequences`` until 4.4."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def channel_curves(animation: DataBlock) -> list[DataBlock]:
    """The F-curves of the action that animates something; since 4.4 they lie in the layers of the action's slot."""
    action = animation.action
    if action is None:
        return []
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    bags = [strip.channelbag(animation.action_slot) for layer in action.layers for strip in layer.strips]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]
