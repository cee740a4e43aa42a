"""A focus pull from its keys to the result: what Blender evaluates, what the engine was told, what came back."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from stage import ADDON, FOLDER, FRAMES, Struct, build, changed, complaint, enable, module, set_render, tell

FRAME = 104


def main() -> None:
    """All of it, in one Blender."""
    scene = build()
    bpy.ops.render.render(animation=True)
    settings = enable(scene)
    key(scene, settings)
    scene.frame_set(FRAME, subframe=0.25)
    tell(version=list(bpy.app.version), pulls={name: pull(scene, settings, name) for name in PULLS})
    tell(frame_after=[scene.frame_current, scene.frame_subframe])
    scene.frame_set(FRAME)
    render_and_place(scene, settings)
    preview_and_pick(scene, settings)
    panels(scene, settings)
    clicks()
    other_sources(scene, settings)
    know_the_z_pass()
    bpy.ops.preferences.addon_disable(module=ADDON)
    tell(scene_has_settings=hasattr(bpy.types.Scene, "rackfocus"))


def key(scene: Struct, settings: Struct) -> None:
    """Keys of all kinds: constant, Bezier with broken tangents, an ease of Blender's own, a modifier."""
    for name, keys in (
        ("focus_distance", ((101, 2.5), (104, 3.0), (108, 9.0))),
        ("focus_disparity", ((101, 0.9), (103, 0.2), (105.5, 0.6), (107, 0.4))),
        ("strength", ((101, 3.0), (104, 8.0), (106, 6.5))),
    ):
        for frame, value in keys:
            setattr(settings, name, value)
            scene.keyframe_insert(f"rackfocus.{name}", frame=frame)
    curves = {
        curve.data_path.rpartition(".")[2]: curve
        for curve in module("blender.versions").channel_curves(scene.animation_data)
    }
    disparity, strength = curves["focus_disparity"], curves["strength"]
    kinds = ("CONSTANT", "BEZIER", "ELASTIC", "BEZIER")
    for point, kind in zip(disparity.keyframe_points, kinds, strict=True):
        point.interpolation = kind
    broken = disparity.keyframe_points[1]
    broken.handle_left_type = broken.handle_right_type = "FREE"
    broken.handle_right = (104.2, 0.95)
    disparity.extrapolation = "LINEAR"
    noise = strength.modifiers.new("NOISE")
    noise.strength, noise.scale = 2.0, 1.7


def object_focus(scene: Struct, settings: Struct) -> None:
    """An object that a constraint moves."""
    target = bpy.data.objects.new("target", None)
    scene.collection.objects.link(target)
    follow = target.constraints.new("COPY_LOCATION")
    follow.target, follow.use_offset = bpy.data.objects["far"], True
    target.location = (0.0, 0.0, -0.5)
    for frame, z in ((101, -6.0), (108, 0.0)):
        target.location.z = z
        target.keyframe_insert("location", frame=frame)
    settings.focus_source, settings.focus_object = "OBJECT", target


def camera_focus(scene: Struct, settings: Struct) -> None:
    """All from the camera, whose focus distance is keyed."""
    dof = scene.camera.data.dof
    for frame, distance in ((101, 2.0), (108, 7.0)):
        dof.focus_distance = distance
        scene.camera.data.keyframe_insert("dof.focus_distance", frame=frame)
    settings.focus_source = settings.blur_source = "CAMERA"


def driven_strength(scene: Struct, settings: Struct) -> None:
    """K by a driver."""
    scene.animation_data.action = None
    driver = settings.driver_add("strength").driver
    driver.type, driver.expression = "SCRIPTED", "4 + 0.37 * (frame - 100)"
    settings.focus_source, settings.blur_source = "DISTANCE", "K"


PULLS = {
    "distance": lambda _, settings: setattr(settings, "focus_source", "DISTANCE"),
    "disparity": lambda _, settings: setattr(settings, "focus_source", "DISPARITY"),
    "object": object_focus,
    "camera": camera_focus,
}


def pull(scene: Struct, settings: Struct, name: str) -> dict[str, Any]:
    """What Blender evaluates on each frame, and what the engine says that it used."""
    PULLS[name](scene, settings)
    return measure(scene, settings)


def measure(scene: Struct, settings: Struct) -> dict[str, Any]:
    """Blender's values by frame, and the engine's events."""
    with changed(settings, output_path=str(FOLDER / "measured" / "out_####.exr")):
        return _measure(scene, settings)


def _measure(scene: Struct, settings: Struct) -> dict[str, Any]:
    work = module("blender.shots").shot_of(bpy.context)
    try:
        while True:
            next(work)
    except StopIteration as done:
        shot = done.value
    events: list[Any] = []
    engine = module("blender.session").engine()
    engine.render(shot.document, shot.frames, overwrite=True, on_progress=events.append).wait()
    here = scene.frame_current, scene.frame_subframe
    blender = {}
    for frame in range(FRAMES[0], FRAMES[1] + 1):
        scene.frame_set(frame)
        camera = scene.camera.data
        inverse = scene.camera.matrix_world.normalized().inverted()
        target = settings.focus_object
        blender[frame] = {
            "distance": settings.focus_distance,
            "disparity": settings.focus_disparity,
            "strength": settings.strength,
            "object": -(inverse @ target.matrix_world.translation).z if target else None,
            "camera": camera.dof.focus_distance,
            "lens": [camera.lens, camera.dof.aperture_fstop, camera.sensor_width],
        }
    scene.frame_set(here[0], subframe=here[1])
    return {"blender": blender, "events": [event for event in events if event["event"] in {"limits", "written"}]}


def render_and_place(scene: Struct, settings: Struct) -> None:
    """Render by the operator; read the result back through the compositor and the sequencer."""
    settings.focus_source, settings.blur_source, settings.overwrite = "DISTANCE", "K", True
    settings.place = {"COMPOSITOR", "SEQUENCER"}
    outcome = bpy.ops.rackfocus.render()
    tell(render=list(outcome), message=settings.message)
    settings.overwrite = False
    bpy.ops.rackfocus.render()
    tell(again=settings.message)
    bpy.ops.rackfocus.place()
    versions = module("blender.versions")
    tree = versions.compositor_tree(scene)
    node = tree.nodes["Rackfocus"]
    strips = [strip for strip in versions.strips_of(scene.sequence_editor) if strip.name.startswith("Rackfocus")]
    tell(nodes=len([other for other in tree.nodes if other.name.startswith("Rackfocus")]))
    tell(
        strips=[
            [s.frame_final_start, s.frame_final_end, s.elements[0].filename, s.elements[-1].filename] for s in strips
        ]
    )
    render = scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format, render.image_settings.color_depth = "OPEN_EXR", "32"
    with changed(render, filepath=str(FOLDER / "through_nodes.exr"), use_sequencer=False, use_compositing=True):
        if hasattr(scene, "compositing_node_group"):
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            out = tree.nodes.new("NodeGroupOutput")
        else:
            tree.nodes.remove(tree.nodes["Render Layers"])
            out = tree.nodes["Composite"]
        tree.links.new(node.outputs["Image"], out.inputs[0])
        bpy.ops.render.render(write_still=True)
    with changed(render, filepath=str(FOLDER / "through_strip.exr"), use_sequencer=True, use_compositing=False):
        bpy.ops.render.render(write_still=True)
    scene.sequence_editor_clear()
    set_render(scene, FOLDER / "plate" / "plate_")


def preview_and_pick(scene: Struct, settings: Struct) -> None:
    """Preview into an image; pick the ball in the middle, with and without keys."""
    bpy.ops.rackfocus.preview()
    preview = bpy.data.images["Rackfocus Preview"]
    tell(preview=[list(preview.size), max(preview.pixels[:])])
    scene.frame_set(106)
    bpy.ops.rackfocus.preview()
    tell(previews=len([image for image in bpy.data.images if image.name.startswith("Rackfocus Preview")]))
    is_keyed = module("blender.curves").is_keyed
    found = {}
    for name, source, owner, path in (
        ("distance", "DISTANCE", scene, "rackfocus.focus_distance"),
        ("disparity", "DISPARITY", scene, "rackfocus.focus_disparity"),
        ("camera", "CAMERA", scene.camera.data, "dof.focus_distance"),
    ):
        settings.focus_source = source
        curve = next(c for c in module("blender.versions").channel_curves(owner.animation_data) if c.data_path == path)
        before = len(curve.keyframe_points)
        bpy.ops.rackfocus.pick_focus(across=0.5, down=0.5)
        found[name] = [curve.evaluate(106), len(curve.keyframe_points) - before, is_keyed(owner, path)]
    tell(picks=found)
    settings.focus_source = "OBJECT"
    tell(pick_object=complaint(bpy.ops.rackfocus.pick_focus, across=0.5, down=0.5))
    settings.focus_source = "DISTANCE"
    tell(pick_outside=complaint(bpy.ops.rackfocus.pick_focus, across=1.5, down=0.5))


class Layout:
    """Stands in for Blender's layout, which there is only with windows: whether what is shown exists."""

    def __init__(self, seen: set[str]) -> None:
        self.seen = seen

    def prop(self, owner: Struct, name: str, **given: object) -> None:
        self.label(**given)
        assert name in owner.bl_rna.properties, name
        self.seen.add(name)

    def prop_search(self, owner: Struct, name: str, where: Struct, names: str) -> None:
        self.prop(owner, name)
        getattr(where, names)

    def operator(self, name: str, **given: object) -> None:
        self.label(**given)
        folder, operator = name.split(".")
        getattr(getattr(bpy.ops, folder), operator).get_rna_type()
        self.seen.add(name)

    def label(self, icon: str = "NONE", **_: object) -> None:
        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items, icon

    separator = label

    def row(self, **_: object) -> Layout:
        return self

    column = box = row


def panels(scene: Struct, settings: Struct) -> None:
    """Draw every part of the panel with every choice of its settings."""
    seen: set[str] = set()
    scene.sequence_editor_create()
    for plate, focus, convention in (
        ("RENDER", "DISTANCE", "distance"),
        ("FILES", "DISPARITY", "near1"),
        ("NODE", "OBJECT", "distance"),
        ("STRIP", "CAMERA", "direct"),
    ):
        with changed(
            settings,
            plate_source=plate,
            focus_source=focus,
            blur_source="CAMERA" if focus == "CAMERA" else "K",
            depth_source="FILES",
            depth_convention=convention,
            fixed_limits=True,
            far_is_infinite=plate == "NODE",
            renderer="any-to-bokeh",
        ):
            for panel in module("blender.panels").PANELS:
                bound = SimpleNamespace(layout=Layout(seen))
                bound.show = lambda *given, panel=panel, bound=bound: panel.show(bound, *given)
                bound._keyed = lambda *given, panel=panel, bound=bound: panel._keyed(bound, *given)
                panel.draw(bound, bpy.context)
    tell(unseen=sorted({p.identifier for p in settings.bl_rna.properties} - seen - {"rna_type", "name", "message"}))


def clicks() -> None:
    """Where in the picture a click is, in windows that look like Blender's."""
    at = module("blender.picking")._picture_place

    def region(kind: str, x: int, width: int, scale: float, shift: float) -> SimpleNamespace:
        view = SimpleNamespace(region_to_view=lambda x, y: (x * scale + shift, y * scale + shift))
        return SimpleNamespace(type=kind, x=x, y=20, width=width, height=100, view2d=view)

    image = SimpleNamespace(
        type="IMAGE_EDITOR",
        regions=[region("UI", 80, 20, 1, 0), region("WINDOW", 0, 100, 0.01, 0)],
        spaces=SimpleNamespace(active=SimpleNamespace(image="an image")),
    )
    sequencer = SimpleNamespace(type="SEQUENCE_EDITOR", regions=[region("PREVIEW", 100, 100, 1, -50)])
    screen = SimpleNamespace(areas=[image, sequencer])
    context = SimpleNamespace(window=SimpleNamespace(screen=screen), scene=bpy.context.scene, area=None)
    cursors = bpy.types.Window.bl_rna.functions["cursor_modal_set"].parameters["cursor"].enum_items
    tell(clicks=[at(context, x, y) for x, y in ((25, 30), (90, 30), (150, 70), (174, 83), (500, 500))])
    tell(cursor="EYEDROPPER" in cursors)


def other_sources(scene: Struct, settings: Struct) -> None:
    """The same plate as a node, a strip and files; a driver."""
    versions, shots = module("blender.versions"), module("blender.shots")

    def document() -> list[Any]:
        work = shots.shot_of(bpy.context, [FRAME])
        try:
            while True:
                next(work)
        except StopIteration as done:
            return [done.value.document["plate"], done.value.document["depth"], done.value.frames]

    found = {"RENDER": document()}
    names = [f"plate_{frame:04d}.exr" for frame in range(FRAMES[0], FRAMES[1] + 1)]
    tree = versions.compositor_tree(scene, create=True)
    node = tree.nodes.new("CompositorNodeImage")
    node.name = "the plate"
    node.image = bpy.data.images.load(str(FOLDER / "plate" / names[0]))
    node.image.source = "SEQUENCE"
    node.frame_start, node.frame_offset, node.frame_duration = 103, 103, 5
    settings.plate_source, settings.plate_node = "NODE", "the plate"
    found["NODE"] = document()
    strips = versions.strips_of(scene.sequence_editor_create())
    strip = strips.new_image("the strip", str(FOLDER / "plate" / names[0]), 1, 102)
    for name in names[1:]:
        strip.elements.append(name)
    strip.frame_offset_start = 1
    settings.plate_source, settings.plate_strip = "STRIP", "the strip"
    found["STRIP"] = document()
    settings.plate_source, settings.plate_path = "FILES", str(FOLDER / "plate" / names[3])
    found["FILES"] = document()
    tell(sources=found)
    settings.plate_source = "RENDER"
    driven_strength(scene, settings)
    tell(driven=measure(scene, settings))


def know_the_z_pass() -> None:
    """A wall that the camera, turned to it from the side, looks at squarely; nothing right of it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = set_render(bpy.context.scene, FOLDER / "wall_")
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.scale = (3.0, 3.0, 3.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.ops.mesh.primitive_plane_add(size=8, location=(-4, 0, -5))
    scene.frame_set(1)
    bpy.ops.render.render(write_still=True)


main()
