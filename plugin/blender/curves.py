"""Values of a scene by frame, as Blender itself evaluates them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Callable, Union

from .jobs import Status
from .kinds import Context, DataBlock, Depsgraph, Scene
from .versions import channel_curves, depsgraph_of

__all__ = ["Reading", "is_keyed", "sample"]

Reading = Union[str, Callable[[Scene, Depsgraph], float]]
"""A setting's name in ``scene.rackfocus``, or what reads a value of the scene and its evaluated depsgraph."""

Samples = dict[str, dict[float, float]]


def sample(
    context: Context, scene: Scene, readings: Mapping[str, Reading], frames: Sequence[int]
) -> Generator[Status, None, Samples]:
    """Values by name and frame. The scene is left on the frame that it was on.

    Settings that only F-curves move are read from those at once. All else (drivers, the NLA, objects, cameras) needs
    the scene on each frame, which a heavy scene takes its time for.
    """
    samples: Samples = {}
    stepped: dict[str, Callable[[Scene, Depsgraph], float]] = {}
    for name, reading in readings.items():
        curve = _own_curve(scene, reading) if isinstance(reading, str) else None
        if curve is not None:
            samples[name] = {frame: curve(frame) for frame in frames}
        else:
            stepped[name] = _setting(reading) if isinstance(reading, str) else reading
            samples[name] = {}
    if stepped:
        yield from _step_through(context, scene, stepped, frames, samples)
    return samples


def is_keyed(owner: DataBlock, path: str) -> bool:
    """Whether a property of a data block has keys."""
    return _curve(owner, path) is not None


def _step_through(
    context: Context,
    scene: Scene,
    readings: Mapping[str, Callable[[Scene, Depsgraph], float]],
    frames: Iterable[int],
    samples: Samples,
) -> Generator[Status, None, None]:
    wanted = list(frames)
    current, subframe = scene.frame_current, scene.frame_subframe
    try:
        for done, frame in enumerate(wanted):
            if len(wanted) > 1 or (frame, 0.0) != (current, subframe):
                scene.frame_set(frame)
            depsgraph = depsgraph_of(context, scene)
            for name, read in readings.items():
                samples[name][frame] = read(scene, depsgraph)
            yield Status(f"Reading the scene, frame {frame}", (done + 1) / len(wanted))
    finally:
        if (scene.frame_current, scene.frame_subframe) != (current, subframe):
            scene.frame_set(current, subframe=subframe)


def _setting(name: str) -> Callable[[Scene, Depsgraph], float]:
    return lambda scene, _: float(getattr(scene.rackfocus, name))


def _own_curve(scene: Scene, name: str) -> Callable[[int], float] | None:
    """What the setting is at a frame, where nothing but an F-curve, or nothing at all, moves it."""
    animation, path = scene.animation_data, f"rackfocus.{name}"
    if animation is not None and (animation.nla_tracks or any(d.data_path == path for d in animation.drivers)):
        return None
    curve = _curve(scene, path)
    if curve is None:
        fixed = float(getattr(scene.rackfocus, name))
        return lambda _: fixed
    if curve.mute or not curve.is_valid:
        return None
    limits = scene.rackfocus.bl_rna.properties[name]
    low, high = limits.hard_min, limits.hard_max
    # Blender clamps what a curve gives to the property's range.
    return lambda frame: min(max(curve.evaluate(frame), low), high)


def _curve(owner: DataBlock, path: str) -> DataBlock | None:
    animation = owner.animation_data
    if animation is None:
        return None
    return next((curve for curve in channel_curves(animation) if curve.data_path == path), None)
