"""The result, back in Blender."""

from __future__ import annotations

from pathlib import Path

import bpy

from .kinds import DataBlock, Scene
from .sequences import frame_file, is_movie
from .shots import SceneShot
from .sources import SettingsError
from .versions import compositor_tree, strips_of

__all__ = ["NAME", "place_in_compositor", "place_in_sequencer", "show_image"]

NAME = "Rackfocus"
"""What the node and the strip of the result are called; rendering again renews them."""


def place_in_compositor(scene: Scene, shot: SceneShot) -> DataBlock:
    """An image node that shows the result on the plate's frames; it is left to the artist to link it.

    Raises:
        SettingsError: the result is not there.
    """
    tree = compositor_tree(scene, create=True)
    assert tree is not None
    node = tree.nodes.get(NAME)
    if node is None or node.bl_idname != "CompositorNodeImage":
        rightmost = max((other.location.x + other.width for other in tree.nodes), default=-300.0)
        top = max((other.location.y for other in tree.nodes), default=0.0)
        node = tree.nodes.new("CompositorNodeImage")
        node.name = node.label = NAME
        node.location = (rightmost + 60.0, top)
    plate = shot.plate
    node.image = _image(shot)
    if node.image.source != "FILE":
        node.frame_duration = plate.last - plate.first + 1
        node.frame_start = plate.first
        # Blender counts from 1 at frame_start, then adds the offset to find the file.
        node.frame_offset = 0 if is_movie(shot.output) else plate.first + plate.shift - 1
        node.use_auto_refresh = True
    return node


def place_in_sequencer(scene: Scene, shot: SceneShot) -> DataBlock:
    """A strip that shows the result on the plate's frames, above all others; an earlier one keeps its channel.

    Raises:
        SettingsError: the result is not there.
    """
    strips = strips_of(scene.sequence_editor_create())
    plate = shot.plate
    old = strips.get(NAME)
    if old is not None:
        channel = old.channel
        strips.remove(old)
    else:
        channel = max((strip.channel for strip in strips), default=0) + 1
    first = _first_file(shot)
    if is_movie(first):
        strip = strips.new_movie(NAME, first, channel, plate.first)
    else:
        strip = strips.new_image(NAME, first, channel, plate.first)
        for frame in range(plate.first + 1, plate.last + 1):
            strip.elements.append(Path(frame_file(shot.output, frame + plate.shift)).name)
    strip.name = NAME
    return strip


def show_image(name: str, path: str) -> DataBlock:
    """Load a picture into the image data block of that name, and show it where an image editor shows nothing else."""
    image = bpy.data.images.get(name)
    if image is None:
        image = bpy.data.images.load(path)
        image.name = name
    else:
        image.filepath = path
        image.reload()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and area.spaces.active.image in (None, image):
                area.spaces.active.image = image
                area.tag_redraw()
    return image


def _image(shot: SceneShot) -> DataBlock:
    first = _first_file(shot)
    image = next((image for image in bpy.data.images if bpy.path.abspath(image.filepath) == first), None)
    if image is None:
        image = bpy.data.images.load(first)
    else:
        image.reload()
    if not is_movie(first):
        image.source = "SEQUENCE" if shot.output != first else "FILE"
    return image


def _first_file(shot: SceneShot) -> str:
    """The result's first file.

    Raises:
        SettingsError: it is not there.
    """
    path = frame_file(shot.output, shot.plate.first + shot.plate.shift)
    if not Path(path).is_file():
        raise SettingsError(f"{path}, the first file of the result, is not there; render first")
    return path
