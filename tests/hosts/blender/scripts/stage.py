"""For the scripts beside it, in Blender's Python: a scene with a Z pass, and how to tell a test."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

Struct = Any
"""Anything of Blender, which brings no types."""

FRAMES = (101, 108)
SIZE = (96, 54)
ADDON = "rackfocus_plugin"
FOLDER = Path(sys.argv[sys.argv.index("--") + 1])


def build() -> Struct:
    """Three balls at three distances before an empty world, and a camera that moves and zooms; the scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FRAMES
    ball("near", (-0.7, 0.0, -2.5), (0.9, 0.2, 0.1))
    ball("middle", (0.2, 0.1, -5.0), (0.2, 0.8, 0.3))
    ball("far", (1.6, 0.2, -9.0), (0.2, 0.3, 0.9))
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.scale = (2.0, 2.0, 2.0)
    for frame, x, stop, length in ((FRAMES[0], -0.3, 1.4, 50.0), (FRAMES[1], 0.3, 4.0, 65.0)):
        camera.location, camera.rotation_euler = (x, 0.0, 0.4), (0.0, math.radians(8 * x), 0.0)
        camera.data.dof.aperture_fstop, camera.data.lens = stop, length
        for owner, path in ((camera, "location"), (camera, "rotation_euler"), (camera.data, "lens")):
            owner.keyframe_insert(path, frame=frame)
        camera.data.keyframe_insert("dof.aperture_fstop", frame=frame)
    return set_render(scene, FOLDER / "plate" / "plate_")


def set_render(scene: Struct, path: Path) -> Struct:
    """Render to a multilayer EXR with a Z pass."""
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False
    render.resolution_x, render.resolution_y = SIZE
    scene.view_layers[0].use_pass_z = True
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    render.image_settings.color_depth = "32"
    render.filepath = str(path)
    return scene


def ball(name: str, place: tuple[float, float, float], colour: tuple[float, float, float]) -> None:
    """A ball that shines in checks."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6, location=place)
    thing = bpy.context.object
    thing.name = name
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    light, out, checks = (
        nodes.new(kind) for kind in ("ShaderNodeEmission", "ShaderNodeOutputMaterial", "ShaderNodeTexChecker")
    )
    checks.inputs["Color1"].default_value = (*colour, 1.0)
    checks.inputs["Scale"].default_value = 24.0
    links.new(checks.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], out.inputs["Surface"])
    thing.data.materials.append(material)


def enable(scene: Struct) -> Struct:
    """Switch the add-on on; the scene's settings."""
    bpy.ops.preferences.addon_enable(module=ADDON)
    settings = scene.rackfocus
    settings.output_path = str(FOLDER / "out" / "out_####.exr")
    settings.place = set()
    return settings


def module(name: str) -> Struct:
    """A module of the add-on."""
    return sys.modules[f"{ADDON}.{name}"]


def tell(**facts: object) -> None:
    """Hand facts to the test."""
    print("\nTOLD " + json.dumps(facts), flush=True)


def complaint(call: Callable[..., Any], **arguments: object) -> str:
    """What an operator says went wrong; empty where nothing did."""
    try:
        call(**arguments)
    except RuntimeError as error:
        return " ".join(str(error).split())
    return ""


@contextmanager
def changed(owner: Struct, **values: object) -> Iterator[None]:
    """Properties set for a while."""
    before = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)
