"""Where a scene's plate and depth are on disk, and which of its frames are which files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .kinds import Scene
from .sequences import ExrHeader, depth_channel, file_number, frame_file, is_movie, pattern_of, plate_layer
from .versions import compositor_tree, strips_of

__all__ = ["Plate", "SettingsError", "absolute", "depth_part", "plate_of"]


class SettingsError(Exception):
    """Something is to be set otherwise in Blender; its text says what."""


@dataclass(frozen=True)
class Plate:
    """The plate of a scene.

    Attributes:
        path: its pattern, or a movie; absolute.
        first, last: the scene's frames that it covers.
        shift: added to a scene's frame number it gives the file's.
        movie_frames: length of a movie; None for a sequence.
        pixel_aspect: where Blender knows it.
        header: of its first file, if that is an EXR.
        layer: of the colour; None for the file's root.
        colour_space: as which Blender reads a movie; None where the file says it.
    """

    path: str
    first: int
    last: int
    shift: int = 0
    movie_frames: int | None = None
    pixel_aspect: float | None = None
    header: ExrHeader | None = None
    layer: str | None = None
    colour_space: str | None = None

    def file(self, frame: int) -> str:
        """The file of a scene's frame."""
        return frame_file(self.path, frame + self.shift)


@dataclass(frozen=True)
class _Found:
    """Files, the scene's frames that they are for, and the shift between them."""

    path: str
    first: int
    last: int
    shift: int
    movie_frames: int | None = None
    space: str = "sRGB"


def plate_of(scene: Scene) -> Plate:
    """The plate of a scene, within its frame range.

    Raises:
        SettingsError: it is not set, or covers none of the scene's frames.
    """
    settings = scene.rackfocus
    find = {"RENDER": _rendered, "FILES": _files, "NODE": _node, "STRIP": _strip}[settings.plate_source]
    found = find(scene)
    first, last = max(found.first, scene.frame_start), min(found.last, scene.frame_end)
    if first > last:
        raise SettingsError(
            f"the plate covers frames {found.first} to {found.last}, but the scene {scene.frame_start} to "
            f"{scene.frame_end}; correct the scene's range or move the plate"
        )
    header = ExrHeader.read(frame_file(found.path, first + found.shift))
    layer = None
    if header is not None:
        layer = plate_layer(header.channels, settings.view_layer)
        if settings.view_layer and layer is None:
            raise SettingsError(
                f"{found.path} has no view layer {settings.view_layer}; it has {', '.join(header.channels[:12])}"
            )
    across, up = scene.render.pixel_aspect_x, scene.render.pixel_aspect_y
    aspect = across / up if settings.plate_source == "RENDER" and across != up else None
    space = _space(found.space) if found.movie_frames else None
    return Plate(found.path, first, last, found.shift, found.movie_frames, aspect, header, layer, space)


def depth_part(scene: Scene, plate: Plate) -> dict[str, Any]:
    """The depth of a scene, as the shot document has it.

    Raises:
        SettingsError: it is not set.
    """
    settings = scene.rackfocus
    own = settings.depth_source == "FILES"
    if own and not settings.depth_path:
        raise SettingsError("no depth is set; choose a picture of its sequence, or take it from the plate's files")
    channel = settings.depth_channel or None
    if channel is None and not own and plate.header is not None:
        channel = depth_channel(plate.header.channels, plate.layer)
    limits = {}
    if settings.fixed_limits:
        limits["near"] = settings.depth_near
        if not (settings.far_is_infinite and settings.depth_convention == "distance"):
            limits["far"] = settings.depth_far
    return {
        "path": pattern_of(absolute(settings.depth_path)) if own else None,
        "channel": channel,
        "convention": settings.depth_convention,
        **limits,
        "clean_edges": settings.clean_edges,
        "edges": settings.depth_edges,
        "edge_strength": settings.edge_strength,
        "frame_offset": settings.depth_offset if own else None,
    }


def absolute(path: str) -> str:
    """A path of Blender as the operating system has it; ``//`` is the folder of the saved file.

    Raises:
        SettingsError: the path is relative to a file that was never saved.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise SettingsError(
            f"{path} is relative to the Blender file, which is not saved yet; save it, or choose another"
        )
    return str(Path(bpy.path.abspath(path)).absolute())


def _space(name: str) -> str | None:
    """The engine's name of a movie's colour space; with $OCIO both read the same configuration."""
    return name if os.environ.get("OCIO") else {"sRGB": "sRGB - Texture"}.get(name)


def _rendered(scene: Scene) -> _Found:
    absolute(scene.render.filepath)
    path = str(Path(scene.render.frame_path(frame=scene.frame_start)).absolute())
    if scene.render.is_movie_format:
        # Named after its first and last frame, and begins with the first.
        count = scene.frame_end - scene.frame_start + 1
        return _Found(path, scene.frame_start, scene.frame_end, 1 - scene.frame_start, count)
    return _Found(pattern_of(path), scene.frame_start, scene.frame_end, 0)


def _files(scene: Scene) -> _Found:
    settings = scene.rackfocus
    if not settings.plate_path:
        raise SettingsError("no plate is set; choose a picture of its sequence")
    path = absolute(settings.plate_path)
    first, last, shift = scene.frame_start, scene.frame_end, settings.frame_shift
    if is_movie(path):
        return _Found(path, first, last, shift, last + shift)
    return _Found(pattern_of(path), first, last, shift)


def _node(scene: Scene) -> _Found:
    tree, name = compositor_tree(scene), scene.rackfocus.plate_node
    node = None if tree is None else (tree.nodes.get(name) if name else tree.nodes.active)
    if node is None or node.bl_idname != "CompositorNodeImage":
        said = f"{name} is no image node in this scene's compositor" if name else "the active node is no image node"
        raise SettingsError(f"{said}; choose the node with the plate")
    image = node.image
    if image is None or image.source not in {"FILE", "SEQUENCE", "MOVIE"} or not image.filepath:
        raise SettingsError(f"node {node.name} shows no files; give it an image sequence")
    path = absolute(bpy.path.abspath(image.filepath, library=image.library))
    if image.source == "FILE":
        number = file_number(path)
        if number is None:
            raise SettingsError(f"node {node.name} shows the single picture {path}; set it to Image Sequence")
        return _Found(pattern_of(path), scene.frame_start, scene.frame_start, number - scene.frame_start)
    first, count = node.frame_start, node.frame_duration
    shift = 1 - first + node.frame_offset
    if image.source == "MOVIE":
        return _Found(
            path,
            first,
            first + count - 1,
            shift,
            max(image.frame_duration, count + node.frame_offset),
            image.colorspace_settings.name,
        )
    return _Found(pattern_of(path), first, first + count - 1, shift)


def _strip(scene: Scene) -> _Found:
    editor, name = scene.sequence_editor, scene.rackfocus.plate_strip
    strip = None if editor is None else (strips_of(editor).get(name) if name else editor.active_strip)
    if strip is None or strip.type not in {"IMAGE", "MOVIE"}:
        said = f"{name} is no image or movie strip" if name else "the active strip is no image or movie strip"
        raise SettingsError(f"{said}; choose the strip with the plate")
    first, last = strip.frame_final_start, strip.frame_final_end - 1
    start = int(strip.frame_start)
    if strip.type == "MOVIE":
        count = strip.frame_duration + strip.animation_offset_start + strip.animation_offset_end
        shift = 1 - start + strip.animation_offset_start
        return _Found(absolute(strip.filepath), first, last, shift, count, strip.colorspace_settings.name)
    names = [element.filename for element in strip.elements]
    numbers = [file_number(name) for name in names]
    if len(names) > 1 and numbers != list(range(numbers[0] or 0, (numbers[0] or 0) + len(names))):
        raise SettingsError(f"strip {strip.name}: its files are not numbered one by one; choose one sequence a strip")
    if numbers[0] is None:
        raise SettingsError(f"strip {strip.name} shows one picture without a number; choose a sequence")
    path = str(Path(absolute(strip.directory)) / names[0])
    return _Found(pattern_of(path), first, min(last, start + len(names) - 1), numbers[0] - start)
