"""A movie as the plate and as the result: the frames that Blender shows are those that are rendered."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from stage import FOLDER, Struct, complaint, enable, module, tell

SHOWN = (14, 17, 20)


def main() -> None:
    """The movie gets brighter from frame to frame, and nothing is blurred."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 40
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    settings = enable(scene)
    settings.strength, settings.focus_source = 0.0, "DISPARITY"
    settings.depth_source, settings.depth_path = "FILES", str(FOLDER / "files" / "depth.0001.exr")
    settings.depth_convention, settings.data_type = "direct", "float"
    versions = module("blender.versions")
    strips = versions.strips_of(scene.sequence_editor_create())
    strip = strips.new_movie("movie", str(FOLDER / "files" / "plate.mp4"), 1, 11)
    strip.frame_offset_start, strip.frame_offset_end = 3, 4
    settings.plate_source, settings.plate_strip = "STRIP", "movie"
    settings.place = {"SEQUENCER", "COMPOSITOR"}
    movie = shown(scene)
    tell(complaint=complaint(bpy.ops.rackfocus.render), message=settings.message)
    tell(movie=movie, frames=shown(scene), files=sorted(file.name for file in (FOLDER / "out").glob("*")))
    settings.output_path = str(FOLDER / "out.mp4")
    tell(to_movie=complaint(bpy.ops.rackfocus.render), as_movie=shown(scene))
    node = versions.compositor_tree(scene, create=True).nodes.new("CompositorNodeImage")
    node.image = bpy.data.images.load(str(FOLDER / "files" / "plate.mp4"))
    node.frame_start, node.frame_duration, node.frame_offset, node.name = 5, 10, 2, "movie"
    settings.plate_source, settings.plate_node = "NODE", "movie"
    settings.output_path = str(FOLDER / "node" / "out_####.exr")
    tell(node_complaint=complaint(bpy.ops.rackfocus.render))
    tell(node_files=sorted(file.name for file in (FOLDER / "node").glob("*")))


def shown(scene: Struct) -> list[float]:
    """How bright the sequencer's picture is on some frames."""
    settings = scene.render.image_settings
    settings.file_format = "OPEN_EXR"
    found = []
    for frame in SHOWN:
        scene.frame_set(frame)
        scene.render.filepath = str(FOLDER / "shown.exr")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(str(FOLDER / "shown.exr"))
        pixels = list(image.pixels)
        found.append(sum(pixels[0::4]) / (len(pixels) / 4))
        bpy.data.images.remove(image)
    return found


main()
