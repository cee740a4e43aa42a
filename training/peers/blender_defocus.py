"""Runs inside Blender: puts each frame of a job through the compositor, with and without the Defocus node.

Started by :mod:`training.peers.blender` as ``blender --background --python blender_defocus.py -- job.json``. Only
Blender's own Python is here: the standard library and ``bpy``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

import bpy

Block: TypeAlias = Any
"""Something of Blender's own; bpy carries no types."""

# For the Z-buffer way: of the camera that the node asks. Distances near 1 keep float32 exact.
_FOCUS_DISTANCE = 1.0
_LENS, _SENSOR, _F_STOP = 50.0, 36.0, 1.0


def prepare(job: dict[str, Any]) -> Block:
    """A scene that renders nothing but its compositor, in float EXR without any colour conversion."""
    scene = bpy.context.scene
    scene.use_nodes = True
    tree = scene.node_tree
    for quality in ("render_quality", "edit_quality"):
        if hasattr(tree, quality):
            setattr(tree, quality, "HIGH")
    render = scene.render
    render.resolution_x, render.resolution_y = job["size"]
    render.resolution_percentage = 100
    render.image_settings.file_format = "OPEN_EXR"
    render.image_settings.color_depth = "32"
    render.image_settings.color_mode = "RGB"
    render.image_settings.exr_codec = "NONE"
    camera = scene.camera.data
    camera.lens, camera.sensor_width, camera.sensor_fit = _LENS, _SENSOR, "HORIZONTAL"
    camera.dof.focus_object, camera.dof.focus_distance = None, _FOCUS_DISTANCE
    return scene


def load(path: str, space: str) -> Block:
    """An image block of a file."""
    image = bpy.data.images.load(path)
    image.colorspace_settings.name = space
    image.alpha_mode = "PREMUL"
    # Asking for its size makes Blender read the file now and not while the clock runs.
    if min(image.size) < 1:
        raise RuntimeError(f"{path} cannot be read")
    return image


def linear_name() -> str:
    """What this Blender calls scene-linear: "Linear" up to 3.6, "Linear Rec.709" from 4.0 on."""
    return "Linear" if bpy.app.version < (4, 0, 0) else "Linear Rec.709"


def depth_of_radius(tree: Block, radius: Block, size: list[int]) -> Block:
    """Nodes that turn a radius into the Z for which the Defocus node computes that radius.

    The node takes ``0.5 |a (s (1/focus - 1/Z) - 1)|`` with ``a = 0.5 (lens / (aspect sensor)) / f-stop`` and
    ``s = least side / (0.5 sensor / lens)``, so ``1/Z = 1/focus - (1 + 2 r / a) / s``.
    """
    least, most = min(size), max(size)
    a = 0.5 * (_LENS / (least / most * _SENSOR)) / _F_STOP
    s = least / (0.5 * _SENSOR / _LENS)
    line = tree.nodes.new("CompositorNodeMath")
    line.operation = "MULTIPLY_ADD"
    line.inputs[1].default_value = -2.0 / (a * s)
    line.inputs[2].default_value = 1.0 / _FOCUS_DISTANCE - 1.0 / s
    tree.links.new(radius, line.inputs[0])
    inverse = tree.nodes.new("CompositorNodeMath")
    inverse.operation = "DIVIDE"
    inverse.inputs[0].default_value = 1.0
    tree.links.new(line.outputs[0], inverse.inputs[1])
    return inverse.outputs[0]


def connect(scene: Block, job: dict[str, Any], entry: dict[str, Any], plate: Block, radius: Block, blur: bool) -> None:
    """The node tree of one frame: picture, radius, Defocus, output; or the same without Defocus."""
    tree = scene.node_tree
    tree.nodes.clear()
    picture = tree.nodes.new("CompositorNodeImage")
    picture.image = plate
    sizes = tree.nodes.new("CompositorNodeImage")
    sizes.image = radius
    result = picture.outputs["Image"]
    if blur:
        node = tree.nodes.new("CompositorNodeDefocus")
        node.bokeh, node.use_gamma_correction, node.use_preview = "CIRCLE", False, False
        node.blur_max, node.threshold, node.z_scale = entry["blur_max"], 0.0, 1.0
        node.use_zbuffer, node.f_stop = job["z_buffer"], _F_STOP
        depth = sizes.outputs["Image"]
        if job["z_buffer"]:
            node.scene = scene
            depth = depth_of_radius(tree, depth, job["size"])
        tree.links.new(result, node.inputs["Image"])
        tree.links.new(depth, node.inputs["Z"])
        result = node.outputs["Image"]
    out = tree.nodes.new("CompositorNodeComposite")
    out.use_alpha = False
    tree.links.new(result, out.inputs["Image"])


def measure(scene: Block, path: str, repeats: int) -> float:
    """Write the compositor's picture; the least CPU seconds of ``repeats`` renders, reading and writing included."""
    scene.render.filepath = path
    least = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        bpy.ops.render.render(write_still=True)
        least = min(least, time.process_time() - start)
    return least


def main() -> None:
    """Render the job that the command line names and print the cost of the node for each frame."""
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    scene = prepare(job)
    seconds = []
    for entry in job["frames"]:
        plate, radius = load(entry["image"], linear_name()), load(entry["radius"], "Non-Color")
        # The first render of a file pays for caches; let it be one that does not count.
        connect(scene, job, entry, plate, radius, blur=False)
        measure(scene, entry["output"], 1)
        without = measure(scene, entry["output"], job["repeats"])
        connect(scene, job, entry, plate, radius, blur=True)
        seconds.append(measure(scene, entry["output"], job["repeats"]) - without)
        bpy.data.images.remove(plate)
        bpy.data.images.remove(radius)
    print("rackfocus-times " + json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
