"""Random scenes for training: a few things in front of a background, each on its own way through space.

A scene is a pure function of its seed, its size and its style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from engine.errors import DataSetError
from engine.shot.part import DocumentPart
from training.scenes.backdrops import Procedural, ground
from training.scenes.motion import Motion
from training.scenes.props import Prop, PropSource, exposed, no_lights
from training.scenes.scene import Element, Scene

__all__ = ["ClipScene", "ClipStyle", "clip_scene"]

Rng = np.random.Generator

PROBE: Final = 96
"""Width in pixels of the small pictures in which a drawn scene is looked at."""

LEAST_SHOWN: Final = 0.008
"""Share of the picture that an element must fill somewhere in the clip, uncovered."""

ATTEMPTS: Final = 40

WHOLE_WAY: Final = 24
"""Frames from the start of a way to its end; a shorter clip has a part of it, a longer one is slower."""

CLEARANCE: Final = 0.01
"""Least disparity between the middles of two elements, before the scene is scaled."""

BAND: Final = (0.18, 1.0)
"""Disparities among which the elements share; all is scaled afterwards so that the nearest point is at 1."""


class ClipStyle(DocumentPart):
    """What random scenes are like."""

    elements: int = Field(4, ge=1, le=8, description="Elements before the background at most; 1 at least.")
    tilt: float = Field(
        0.8,
        ge=0,
        le=2,
        description="Largest lean of an element: change of its disparity over a frame width, as a share.",
    )
    motion: float = Field(1.0, ge=0, le=4, description="Multiplies all movement; 0 is a still.")
    rotation: float = Field(12.0, ge=0, le=180, description="Largest turn over the clip, in degrees.")
    camera: float = Field(1.0, ge=0, le=4, description="Multiplies the drift of the camera.")
    grounds: float = Field(0.4, ge=0, le=1, description="Share of scenes with a floor or a wall that runs into depth.")
    lights: bool = Field(True, description="Whether there are small lights brighter than white.")


@dataclass(frozen=True, eq=False)
class ClipScene:
    """A scene over the frames of a clip, counted from 0.

    Attributes:
        width, height, frames: of the clip.
        props: what the elements show, nearest first.
        beyond: what lies behind them: a ground where there is one, and the background.
        places: an element for each of ``props`` and ``beyond``, with the first of its pictures.
        camera: its movement.
        seed: of the rays.
    """

    width: int
    height: int
    frames: int
    props: tuple[Prop, ...]
    beyond: tuple[Prop, ...]
    places: tuple[Element, ...]
    camera: Motion
    seed: int

    def at(self, index: int) -> Scene:
        """The scene of a frame: the same object for all frames where nothing moves within its own picture."""
        return self._still if self._is_still else self._scene(index)

    def disparities(self) -> NDArray[np.float64]:
        """(frames, elements): of the middle of every element, nearest first."""
        return np.array([self._still.middles(index)[: len(self.props)] for index in range(self.frames)])

    def beyond_disparities(self) -> NDArray[np.float64]:
        """(frames,): of the middle of the background."""
        return np.array([self._still.middles(index)[-1] for index in range(self.frames)])

    @property
    def _is_still(self) -> bool:
        return all(len(prop.frames) == 1 for prop in (*self.props, *self.beyond))

    @cached_property
    def _still(self) -> Scene:
        return self._scene(0)

    def _scene(self, index: int) -> Scene:
        shown = zip((*self.props, *self.beyond), self.places, strict=True)
        elements = tuple(replace(place, surface=prop.frames[_there_and_back(index, prop)]) for prop, place in shown)
        return Scene(self.width, self.height, lambda: elements, first=0, camera=self.camera, seed=self.seed)


def _there_and_back(index: int, prop: Prop) -> int:
    """A picture of a prop for a frame; one that is too short runs backwards again."""
    count = len(prop.frames)
    place = index % max(2 * count - 2, 1)
    return place if place < count else 2 * count - 2 - place


def clip_scene(
    seed: Sequence[int],
    width: int,
    height: int,
    frames: int,
    style: ClipStyle | None = None,
    source: PropSource | None = None,
) -> ClipScene:
    """Draw a scene.

    Of every element something is seen on some frame; the order of the elements in depth is the same on all frames; the
    nearest that is ever seen is at disparity 1 at most.

    Args:
        seed: of everything random.
        width, height: of the picture, in pixels.
        frames: of the clip.
        style: what scenes are like.
        source: where elements and backgrounds come from; made by code if None.

    Raises:
        DataSetError: what the source gives cannot be seen, however it is placed.
    """
    style, source = style or ClipStyle(), source or Procedural()
    for attempt in range(ATTEMPTS):
        scene = _draw(np.random.default_rng([*seed, attempt]), width, height, frames, style, source)
        small = _probe(scene)
        if _all_seen(scene, small):
            return _normalised(scene, small)
    names = ", ".join(sorted({prop.name for prop in scene.props}))
    raise DataSetError(
        f"no scene could be made in which all of {names} are seen; leave out those that are almost empty"
    )


def _draw(rng: Rng, width: int, height: int, frames: int, style: ClipStyle, source: PropSource) -> ClipScene:
    chances = np.arange(1.0, style.elements + 1.0)
    count = 1 + int(rng.choice(style.elements, p=chances / chances.sum()))
    tall = 0.5 * height / width
    depths = _depths(rng, count)
    slant = _slant(rng, tall) if rng.random() < style.grounds else None
    # One exposure and one colour of the light for all.
    gain = 2.0 ** (rng.uniform(-0.6, 1.3) + rng.normal(0.0, 0.12, 3))
    props, places = [], []
    for near, far in depths:
        size = rng.uniform(0.45, 1.0)
        prop = exposed(source.element(rng, max(int(size * width), 24)), gain)
        h, w = prop.frames[0].shape[:2]
        # A tall thing is made as high as a wide one would be wide.
        size *= min(1.0, 2.6 * tall * w / h)
        way = _way(rng, (near, far), tall, frames, style, prop)
        if slant is not None and slant[0] == 0.0 and prop.upright:
            way = replace(way, y=slant[2] + way.disparity / slant[1] - 0.42 * size * h / w)
        lean = way.disparity * style.tilt * rng.uniform(-1.0, 1.0, 2) * (rng.random(2) < 0.5)
        lights = prop.lights if style.lights else no_lights()
        props.append(prop)
        places.append(Element(prop.frames[0], size, way, (float(lean[0]), float(lean[1])), lights))
    beyond = []
    if slant is not None:
        beyond.append(exposed(ground(rng, int(1.4 * width)), gain))
        places.append(_laid(beyond[0], slant))
    wide = rng.uniform(1.5, 1.9)
    beyond.append(exposed(source.background(rng, int(wide * width)), gain))
    drift = 0.02 * style.motion * rng.normal(0.0, 1.0, 2) / max(frames - 1, WHOLE_WAY)
    back = Motion(0.0, 0.0, float(rng.uniform(0.01, 0.09)), drift=(float(drift[0]), float(drift[1])))
    shining = beyond[-1].lights if style.lights else no_lights()
    places.append(Element(beyond[-1].frames[0], wide, back, lights=shining, endless=True))
    camera = _camera(rng, frames, style.camera * style.motion)
    return ClipScene(
        width, height, frames, tuple(props), tuple(beyond), tuple(places), camera, int(rng.integers(1 << 30))
    )


def _depths(rng: Rng, count: int) -> list[tuple[float, float]]:
    """For each element, nearest first, the disparities between which it may move; there is air between them."""
    shares = rng.dirichlet(np.full(2 * count, 2.0)) * 0.7 + 0.3 / (2 * count)
    edges = BAND[1] - np.concatenate([[0.0], np.cumsum(shares)]) * (BAND[1] - BAND[0])
    return [(float(edges[2 * k]), float(edges[2 * k + 1])) for k in range(count)]


DIRECTIONS: Final = ("left", "right", "up", "down", "towards", "away")


def _way(rng: Rng, band: tuple[float, float], tall: float, frames: int, style: ClipStyle, prop: Prop) -> Motion:
    """A way through space, mostly in one of six directions, at constant speed or from rest to rest."""
    near, far = band
    heading = DIRECTIONS[rng.integers(6)]
    middle = rng.uniform((-0.34, -0.7 * tall), (0.34, 0.7 * tall))
    span = max(frames - 1, 1)
    # A short clip is a part of a way, so that things are as fast in it as in a long one.
    amount = style.motion * min(1.0, span / WHOLE_WAY)
    reach = amount * rng.uniform(0.05, 0.3)
    path = 0.15 * reach * rng.normal(0.0, 1.0, 2)
    axis = {"left": (-1, 0), "right": (1, 0), "up": (0, -0.7), "down": (0, 0.7)}.get(heading, (0, 0))
    path += reach * np.array(axis)
    limit = np.array([0.42, 0.8 * tall])
    start, end = (np.clip(middle + half * path, -limit, limit) for half in (-0.5, 0.5))
    first, last = rng.uniform(far, near), rng.uniform(far, near)
    if heading in ("towards", "away"):
        first, last = (far, near) if heading == "towards" else (near, far)
    last = float(np.clip(first + amount * (last - first), far, near))
    drift = (end * first / last - start) / span
    turn = np.radians(style.rotation) * amount * rng.uniform(-1.0, 1.0) * (rng.random() < 0.7)
    lean = np.radians(10.0 if prop.upright else 180.0) * rng.uniform(-1.0, 1.0)
    sway = 0.012 * amount * rng.uniform(-1.0, 1.0, 2) * (rng.random() < 0.4)
    return Motion(
        float(start[0]),
        float(start[1]),
        float(first),
        drift=(float(drift[0]), float(drift[1])),
        approach=float((1.0 - first / last) / span),
        angle_start=float(lean),
        turn=float(turn / span),
        sway=(float(sway[0]), float(sway[1])),
        period=float(rng.uniform(14.0, 40.0)),
        phase=float(rng.uniform(0.0, 2.0 * np.pi)),
        eased=float(span) if rng.random() < 0.6 else 0.0,
    )


def _camera(rng: Rng, frames: int, amount: float) -> Motion:
    """A tripod, a dolly or a hand."""
    span = max(frames - 1, 1)
    amount *= min(1.0, span / WHOLE_WAY)
    kind = rng.integers(3)
    drift = amount * rng.normal(0.0, 0.05, 2) * (kind > 0) / span
    approach = amount * rng.uniform(-0.12, 0.12) * (kind == 1) / span
    shake = 0.004 * amount * rng.normal(0.0, 1.0, 2) * (kind == 2)
    return Motion(
        0.0,
        0.0,
        1.0,
        drift=(float(drift[0]), float(drift[1])),
        approach=float(approach),
        sway=(float(shake[0]), float(shake[1])),
        period=float(rng.uniform(8.0, 20.0)),
        eased=float(span) if rng.random() < 0.5 else 0.0,
    )


def _slant(rng: Rng, tall: float) -> tuple[float, float, float]:
    """Of a floor or a side wall: slope across, slope down, and where its horizon is, from the middle of the frame."""
    if rng.random() < 0.65:
        horizon = rng.uniform(-0.5, -0.05) * tall
        return 0.0, float(rng.uniform(0.75, 1.0) / (tall - horizon)), float(horizon)
    horizon = rng.uniform(-0.1, 0.25)
    side = rng.choice([-1.0, 1.0])
    return float(side * rng.uniform(0.6, 0.9) / (0.5 - horizon)), 0.0, float(side * horizon)


def _laid(prop: Prop, slant: tuple[float, float, float]) -> Element:
    """A surface on the plane of a slant, its middle a little beyond the middle of its depths."""
    across, down, horizon = slant
    middle = 0.3
    x, y = (horizon + middle / across, 0.0) if across else (0.0, horizon + middle / down)
    return Element(prop.frames[0], 2.6, Motion(x, y, middle), (across, down))


def _probe(scene: ClipScene) -> Scene:
    height = max(round(PROBE * scene.height / scene.width), 1)
    return Scene(PROBE, height, lambda: scene.places, first=0, camera=scene.camera)


def _grid(scene: Scene) -> NDArray[np.float64]:
    """(3, H, W): x, y and 1 at the middle of every pixel."""
    x, y = np.meshgrid(np.arange(scene.width) + 0.5, np.arange(scene.height) + 0.5)
    return np.stack([x, y, np.ones_like(x)])


def _all_seen(scene: ClipScene, small: Scene) -> bool:
    """Whether the order in depth holds, and enough of every element is seen at the start, midway or at the end."""
    grid = _grid(small)
    count = len(scene.props)
    for index in range(scene.frames):
        middles = small.middles(index)[:count]
        if np.any(np.diff(middles) > -CLEARANCE) or np.any(middles <= 0.0):
            return False
    shown = np.zeros(count)
    for index in {0, scene.frames // 2, scene.frames - 1}:
        mattes = np.stack([small.matte(index, e, side=2) for e in range(len(scene.places))])
        depths = np.tensordot(small.maps(index)[:, 2], grid, 1)
        for e in range(count):
            left = mattes[e] * np.prod(np.where(depths > depths[e], 1.0 - mattes, 1.0), axis=0)
            shown[e] = max(shown[e], float(left.mean()))
    return bool(np.all(shown >= LEAST_SHOWN))


def _normalised(scene: ClipScene, small: Scene) -> ClipScene:
    """The same scene in other units of depth, so that nothing within the frame is ever nearer than disparity 1."""
    grid = _grid(small)
    # A little more than the surface: a small pixel covers many large ones.
    halves = np.array([0.55 * np.array(place.surface.shape[1::-1]) for place in scene.places])[..., None, None]
    nearest = 0.0
    for index in range(scene.frames):
        maps = small.maps(index)
        place = np.tensordot(maps, grid, 1)
        depth = place[:, 2]
        away = np.abs(place[:, :2] / np.maximum(depth, 1e-6)[:, None] - halves / 1.1)
        inside = (away < halves).all(axis=1) & (depth > 0.0)
        inside[-1] = True  # the background is everywhere
        corner = 0.5 * np.abs(maps[:, 2, :2]).sum(axis=1)[:, None, None]
        nearest = max(nearest, float(small.middles(index).max()), float((depth + corner)[inside].max()))
    # A hair less, because the products below round: their largest must not come out as 1 + 2e-16.
    scale = (1.0 - 1e-12) / nearest
    places = tuple(
        replace(
            place,
            motion=replace(place.motion, disparity=place.motion.disparity * scale),
            tilt=(place.tilt[0] * scale, place.tilt[1] * scale),
        )
        for place in scene.places
    )
    return replace(scene, places=places, camera=replace(scene.camera, disparity=scale))
