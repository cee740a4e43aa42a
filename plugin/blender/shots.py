"""The shot document of a scene."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..document import focus_keys, sampled_keys, shot_document
from .curves import Reading, sample
from .jobs import Status
from .kinds import Camera, Context, Depsgraph, Scene, Settings, Vector
from .sequences import is_movie, pattern_of
from .sources import Plate, SettingsError, absolute, depth_part, plate_of
from .versions import scene_of

__all__ = ["SceneShot", "shot_of"]


@dataclass(frozen=True)
class SceneShot:
    """A scene as a shot.

    Attributes:
        document: for the engine.
        frames: the files' numbers that are to be rendered.
        plate: where it comes from.
        output: pattern of the result, or a movie.
    """

    document: dict[str, Any]
    frames: str
    plate: Plate
    output: str


def shot_of(context: Context, frames: Sequence[int] | None = None) -> Generator[Status, None, SceneShot]:
    """Collect what a scene says; its curves on its own frames, or on ``frames`` alone.

    Raises:
        SettingsError: something is missing, or cannot be rendered.
    """
    scene = scene_of(context)
    settings = scene.rackfocus
    plate = plate_of(scene)
    wanted = list(range(plate.first, plate.last + 1)) if frames is None else list(frames)
    outside = [frame for frame in wanted if not plate.first <= frame <= plate.last]
    if outside:
        raise SettingsError(f"frame {outside[0]} is not in the plate, which has {plate.first} to {plate.last}")
    samples = yield from sample(context, scene, _readings(scene), wanted)
    by_file = {name: {at + plate.shift: value for at, value in found.items()} for name, found in samples.items()}
    first, last = plate.first + plate.shift, plate.last + plate.shift
    output = absolute(settings.output_path)
    output = output if is_movie(output) else pattern_of(output)
    of_type = settings.data_type != "PLATE" and output.lower().endswith(".exr")
    try:
        document = shot_document(
            plate={
                "path": plate.path,
                "layer": plate.layer,
                "colour_space": plate.colour_space,
                "pixel_aspect": plate.pixel_aspect,
                "frame_rate": None if plate.movie_frames else scene.render.fps / scene.render.fps_base,
            },
            depth=depth_part(scene, plate),
            frames=(1, plate.movie_frames) if plate.movie_frames else (first, last),
            focus=_focus(settings, by_file["focus"]),
            blur=sampled_keys(by_file["strength"]) if "strength" in by_file else None,
            lens=_lens(settings, by_file) if "f_number" in by_file else None,
            output={"path": output, "data_type": settings.data_type if of_type else None},
            **_look(settings),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return SceneShot(document, f"{first}-{last}", plate, output)


def _readings(scene: Scene) -> dict[str, Reading]:
    settings = scene.rackfocus
    camera_asked = settings.focus_source in {"OBJECT", "CAMERA"} or settings.blur_source == "CAMERA"
    if camera_asked and (scene.camera is None or scene.camera.type != "CAMERA"):
        raise SettingsError("the scene has no camera, which focus or blur is taken from; set one")
    if settings.focus_source == "OBJECT" and settings.focus_object is None:
        raise SettingsError("no focus object is chosen; choose one, or set the focus as a distance")
    focus: dict[str, Reading] = {
        "DISTANCE": "focus_distance",
        "DISPARITY": "focus_disparity",
        "OBJECT": _object_distance,
        "CAMERA": _camera_distance,
    }
    readings = {"focus": focus[settings.focus_source]}
    if settings.blur_source == "K":
        return {**readings, "strength": "strength"}
    return {
        **readings,
        "f_number": lambda scene, depsgraph: float(_camera(scene, depsgraph).data.dof.aperture_fstop),
        "focal_length": lambda scene, depsgraph: float(_camera(scene, depsgraph).data.lens),
        "sensor_width": lambda scene, depsgraph: _sensor_width(scene, _camera(scene, depsgraph).data),
    }


def _camera(scene: Scene, depsgraph: Depsgraph) -> Camera:
    """The scene's camera, with its constraints and drivers; markers may change it from frame to frame."""
    camera = scene.camera.evaluated_get(depsgraph)
    if camera.data.type != "PERSP":
        raise SettingsError(f"camera {camera.name} is not a perspective one; set focus and blur by hand")
    return camera


def _object_distance(scene: Scene, depsgraph: Depsgraph) -> float:
    target = scene.rackfocus.focus_object.evaluated_get(depsgraph)
    return _distance(scene, depsgraph, target.matrix_world.translation, target.name)


def _camera_distance(scene: Scene, depsgraph: Depsgraph) -> float:
    dof = _camera(scene, depsgraph).data.dof
    target = dof.focus_object
    if target is None:
        return float(dof.focus_distance)
    target = target.evaluated_get(depsgraph)
    place = target.matrix_world
    if target.type == "ARMATURE" and dof.focus_subtarget in target.pose.bones:
        place = place @ target.pose.bones[dof.focus_subtarget].matrix
    return _distance(scene, depsgraph, place.translation, target.name)


def _distance(scene: Scene, depsgraph: Depsgraph, point: Vector, name: str) -> float:
    """Distance from the camera's plane, as in the Z pass: along the camera's axis, whatever its scale."""
    pose = _camera(scene, depsgraph).matrix_world
    axis = pose.to_3x3().col[2].normalized()
    distance = -float((point - pose.translation).dot(axis))
    if distance <= 0:
        raise SettingsError(
            f"frame {scene.frame_current}: {name}, the focus, is behind the camera; key the focus by hand"
        )
    return distance


def _sensor_width(scene: Scene, camera: Camera) -> float:
    """Millimetres of the sensor that the width of the picture covers."""
    render = scene.render
    across = render.resolution_x * render.pixel_aspect_x
    up = render.resolution_y * render.pixel_aspect_y
    if camera.sensor_fit == "VERTICAL":
        return float(camera.sensor_height * across / up)
    if camera.sensor_fit == "AUTO" and up > across:
        return float(camera.sensor_width * across / up)
    return float(camera.sensor_width)


def _focus(settings: Settings, samples: Mapping[float, float]) -> list[dict[str, Any]]:
    return focus_keys(samples, "disparity" if settings.focus_source == "DISPARITY" else "distance")


def _lens(settings: Settings, samples: Mapping[str, Mapping[float, float]]) -> dict[str, Any]:
    widths = samples["sensor_width"]
    smallest, largest = min(widths.values()), max(widths.values())
    if largest - smallest > 1e-4:
        raise SettingsError(f"the camera's sensor changes from {smallest:g} to {largest:g} mm; keep one size a shot")
    return {
        "focal_length": sampled_keys(samples["focal_length"]),
        "f_number": sampled_keys(samples["f_number"]),
        "sensor_width": largest,
        "world_unit": settings.world_unit,
    }


def _look(settings: Settings) -> dict[str, Any]:
    """What does not change from frame to frame."""
    weights = absolute(settings.weights) if settings.weights else None
    return {
        "in_focus_range": settings.in_focus_range,
        "near_multiplier": settings.near_multiplier,
        "far_multiplier": settings.far_multiplier,
        "maximum_radius": settings.maximum_radius or None,
        "aperture": {
            name: getattr(settings, name)
            for name in ("blades", "roundness", "rotation", "aspect", "cats_eye", "ring", "softness")
        },
        "highlights": {"threshold": settings.highlight_threshold, "gain": settings.highlight_gain},
        "renderer": {
            "name": settings.renderer,
            "quality": settings.quality,
            "any_to_bokeh": {"weights": weights} if settings.renderer == "any-to-bokeh" else None,
        },
    }
