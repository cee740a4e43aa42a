"""Scenes of textured planes whose picture, disparity and depth of field are all known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import OpticsError, require
from engine.frames import Float32Array
from training.scenes.motion import Motion
from training.scenes.planes import Planes
from training.scenes.sampling import lens_sets, plate_set
from training.scenes.tracing import Points, add_lights, filtered_disparity, hard_disparity, trace

__all__ = ["Element", "Scene", "SceneView"]

FOCAL_LENGTH = 1.2
"""Of the pinhole camera, in frame widths: about 45 degrees across."""

LIGHT_SAMPLES = 4
"""Rays for a bright emitter over rays for surfaces: such lights are few, and noise along their edge is seen."""

BRIGHT = 2.0
"""An emitter is bright if its blurred disc is above this."""

HORIZON = 0.01
"""A tilted plane is bounded on screen where its disparity falls to this."""


class SceneView(NamedTuple):
    """What a camera with a pinhole sees.

    Attributes:
        image: (H, W, 4) float32, scene-linear, premultiplied RGBA, all in focus.
        disparity: (H, W) float32, 1 nearest to 0 farthest, of the frontmost surface at the pixel's centre.
    """

    image: Float32Array
    disparity: Float32Array


@dataclass(frozen=True, eq=False)
class Element:
    """A textured plane in space.

    Attributes:
        surface: (h, w, 4) float32, scene-linear, premultiplied RGBA.
        size: width on screen at time 0, in frame widths.
        motion: where its middle is over time.
        tilt: slope of disparity per frame width to the right and downwards at time 0; (0, 0) faces the camera.
            In the form ``d = (1 - a x - b y) / c`` it is ``(-a / c, -b / c)``.
        lights: (N, 6) float32: place on the surface (x, y) and radius, in widths of the element from its middle;
            then R, G, B radiance in the middle of the light. A light adds to the surface that it sits on.
        endless: mirror the surface beyond its border, for backgrounds.
    """

    surface: Float32Array
    size: float
    motion: Motion
    tilt: tuple[float, float] = (0.0, 0.0)
    lights: Float32Array = field(default_factory=lambda: np.zeros((0, 6), np.float32))
    endless: bool = False


class _Placed(NamedTuple):
    """An element at one moment: the map from the screen to its surface, and back for its lights."""

    to_surface: NDArray[np.float64]
    lights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """Elements before a camera.

    Attributes:
        width, height: of the picture, in pixels.
        build: makes the elements; called when they are first needed, and again after many other scenes were used, so it
            must give the same elements every time.
        first: the frame number at time 0.
        camera: the camera's own movement, in frame widths at disparity 1; elements move the other way on screen, near
            ones more than far ones. Its ``approach`` is forwards, in distances of disparity 1.
        seed: of the lens samples.
    """

    width: int
    height: int
    build: Callable[[], tuple[Element, ...]]
    first: int = 1
    camera: Motion = field(default_factory=lambda: Motion(0.0, 0.0, 1.0))
    seed: int = 7

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements, as built."""
        return _prepared(self).elements

    def view(self, frame: float, side: int = 8) -> SceneView:
        """The plate and its disparity.

        Pixels are box-filtered with ``side`` x ``side`` samples; the disparity is one sample at the pixel's centre of
        the frontmost surface whose alpha there is above one half, so it has no mixed values at edges. It is 0 where
        there is none.
        """
        planes, lights = self._at(frame, 0.0, 0.0)
        image = np.zeros((self.height, self.width, 4), np.float32)
        trace(planes, plate_set(side), 0.0, 0.0, image)
        add_lights(planes, lights, plate_set(side), 0.0, 0.0, image)
        disparity = np.zeros((self.height, self.width), np.float32)
        hard_disparity(planes, disparity)
        return SceneView(image, disparity)

    def bokeh(
        self, frame: float, focus: float, strength: float, samples: int = 256, seed: int | None = None
    ) -> Float32Array:
        """The frame through a lens: the truth that a renderer is compared with.

        Its own noise: at 1024 x 576 with 256 rays, two results with different seeds have a PSNR of 50 to 65 dB to each
        other on display values over the benchmark's shots, so each lies at least 53 dB from the limit.

        Args:
            frame: frame number.
            focus: disparity d_f in focus.
            strength: K, blur radius in pixels where ``abs(d - d_f)`` is 1.
            samples: rays per pixel.
            seed: another set of rays, to measure the noise; the scene's own if None.

        Returns:
            (H, W, 4) float32, scene-linear, premultiplied RGBA.

        Raises:
            OpticsError: K is negative, or focus or K is not finite, or there are no samples.
        """
        require(
            bool(np.isfinite(focus) and np.isfinite(strength)) and strength >= 0 and samples >= 1,
            OpticsError,
            f"a scene needs a finite focus, a blur strength K of zero or more and at least one sample, "
            f"got focus {focus}, K {strength}, {samples} samples",
        )
        planes, lights = self._at(frame, focus, strength)
        sets = lens_sets(samples, self.seed if seed is None else seed)
        image = np.zeros((self.height, self.width, 4), np.float32)
        trace(planes, sets, strength, focus, image)
        glare = _glare(lights, focus, strength)
        for which, share in ((glare < BRIGHT, 1), (glare >= BRIGHT, LIGHT_SAMPLES)):
            rays = lens_sets(share * samples, self.seed if seed is None else seed)
            chosen = Points(lights.places[which], lights.colours[which], lights.owners[which])
            add_lights(planes, chosen, rays, strength, focus, image)
        return image

    def matte(self, frame: float, element: int, side: int = 8) -> Float32Array:
        """(H, W) float32: alpha of one element alone, also where others hide it; filtered as in `view`.

        Args:
            frame: frame number.
            element: index in ``elements``.
            side: samples across a pixel.
        """
        planes, _ = self._at(frame, 0.0, 0.0)
        image = np.zeros((self.height, self.width, 4), np.float32)
        trace(planes.only(element), plate_set(side), 0.0, 0.0, image)
        return np.ascontiguousarray(image[..., 3])

    def maps(self, frame: float) -> NDArray[np.float64]:
        """(E, 3, 3): from pixel position (x, y, 1) to (column * d, row * d, d) on every element, as in `Planes`."""
        return self._at(frame, 0.0, 0.0)[0].maps

    def middles(self, frame: float) -> NDArray[np.float64]:
        """(E,): disparity of the middle of every element."""
        time = frame - self.first
        return np.array([FOCAL_LENGTH / _middle(element, self, time)[2] for element in self.elements])

    def soft_disparity(self, frame: float) -> Float32Array:
        """Disparity as a filtered render has it: (H, W) float32 with mixed values at edges.

        Not a truth, but what users' depth often looks like: the plate's filter and its alpha, applied to disparity.
        """
        planes, _ = self._at(frame, 0.0, 0.0)
        disparity = np.zeros((self.height, self.width), np.float32)
        filtered_disparity(planes, plate_set(), disparity)
        return disparity

    def _at(self, frame: float, focus: float, strength: float) -> tuple[Planes, Points]:
        """The kernels' view of the scene at one moment."""
        time = frame - self.first
        prepared = _prepared(self)
        placed = [_place(element, self, time) for element in prepared.elements]
        maps = np.stack([p.to_surface for p in placed])
        boxes = np.stack([_box(e, p, focus, strength) for e, p in zip(prepared.elements, placed, strict=True)])
        scales = np.sqrt(np.abs(np.linalg.det(maps)))
        planes = prepared.planes._replace(maps=maps, scales=scales, boxes=boxes)
        places = np.concatenate([p.lights for p in placed])
        colours = np.concatenate([e.lights[:, 3:6] for e in prepared.elements]).astype(np.float32)
        owners = np.repeat(np.arange(len(placed)), [len(e.lights) for e in prepared.elements])
        return planes, Points(places, colours, owners.astype(np.int64))


def _glare(lights: Points, focus: float, strength: float) -> NDArray[np.float64]:
    """(N,): how bright the disc of every emitter is, with its blur."""
    radius = lights.places[:, 3]
    blur = strength * np.abs(lights.places[:, 2] - focus)
    share = np.minimum(1.0, radius**2 / np.maximum(3.0 * blur**2, 1e-12))
    glare: NDArray[np.float64] = lights.colours.max(axis=1, initial=0.0) * share
    return glare


class _Prepared(NamedTuple):
    elements: tuple[Element, ...]
    planes: Planes


@lru_cache(maxsize=2)
def _prepared(scene: Scene) -> _Prepared:
    """Built elements and their mip levels. Two scenes are kept: a benchmark of many must not hold them all."""
    elements = scene.build()
    pyramids = [_pyramid(e) for e in elements]
    deepest = max(len(p) for p in pyramids)
    offsets, heights, widths = (np.zeros((len(elements), deepest), np.int64) for _ in range(3))
    start = 0
    for e, pyramid in enumerate(pyramids):
        for k, level in enumerate(pyramid):
            height, width = level.image.shape[:2]
            offsets[e, k], heights[e, k], widths[e, k] = start, height, width
            start += height * width
    texels = np.concatenate([level.image.reshape(-1, 4) for pyramid in pyramids for level in pyramid])
    empty = np.zeros(0)
    planes = Planes(
        texels=texels,
        bounds=np.concatenate([level.bounds.reshape(-1, 2) for pyramid in pyramids for level in pyramid]),
        offsets=offsets,
        heights=heights,
        widths=widths,
        levels=np.array([len(p) for p in pyramids], np.int64),
        maps=np.zeros((0, 3, 3)),
        scales=empty,
        boxes=np.zeros((0, 4)),
        endless=np.array([e.endless for e in elements], np.bool_),
    )
    return _Prepared(elements, planes)


class _Level(NamedTuple):
    image: Float32Array
    bounds: Float32Array


def _pyramid(element: Element) -> list[_Level]:
    """The surface and its halves, down to a few texels; each texel is the mean of four, its bounds theirs."""
    image = np.ascontiguousarray(element.surface, np.float32)
    bounds = np.ascontiguousarray(image[..., [3, 3]])
    levels = [_Level(image, bounds)]
    while min(image.shape[:2]) > 4:
        image = np.add.reduce(_quarters(image, element.endless)) * np.float32(0.25)
        quarters = _quarters(bounds, element.endless)
        least = np.minimum.reduce([q[..., 0] for q in quarters])
        most = np.maximum.reduce([q[..., 1] for q in quarters])
        bounds = np.stack([least, most], axis=-1)
        levels.append(_Level(image, bounds))
    return levels


def _quarters(image: Float32Array, endless: bool) -> list[Float32Array]:
    """The four texels of every texel of the next level, as four pictures."""
    odd = ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0))
    # Beyond its border an element is empty; a background goes on.
    even = np.pad(image, odd, mode="edge" if endless else "constant")
    return [even[0::2, 0::2], even[1::2, 0::2], even[0::2, 1::2], even[1::2, 1::2]]


def _middle(element: Element, scene: Scene, time: float) -> NDArray[np.float64]:
    """(3,): where the middle of an element is in the camera's space."""
    camera = scene.camera.offset(time) * np.array([1.0, 1.0, -FOCAL_LENGTH])
    return np.asarray(element.motion.position(time, FOCAL_LENGTH) - camera)


def _place(element: Element, scene: Scene, time: float) -> _Placed:
    """Project an element at a time.

    Space is measured so that a point at pixel offset q (in frame widths from the middle) and disparity d lies at
    ``(q_x, q_y, f) / d``. A plane is ``n . P = 1``, hence ``d = n . (q_x, q_y, f)``: affine on screen.
    """
    motion = element.motion
    middle = _middle(element, scene, time)
    slope_x, slope_y = element.tilt
    start = motion.disparity - slope_x * motion.x - slope_y * motion.y
    facing = np.array([slope_x, slope_y, start / FOCAL_LENGTH])
    normal = facing / (facing @ middle)
    across, down = _axes(normal, motion.angle(time))
    height, width = element.surface.shape[:2]
    density = width / (element.size / motion.disparity)
    to_space = np.diag([1.0, 1.0, FOCAL_LENGTH])
    plane = normal @ to_space
    rows = [
        density * (axis @ to_space - (middle @ axis) * plane) + half * plane
        for axis, half in ((across, width / 2.0), (down, height / 2.0))
    ]
    centred = np.array(
        [
            [1.0 / scene.width, 0.0, -0.5],
            [0.0, 1.0 / scene.width, -0.5 * scene.height / scene.width],
            [0.0, 0.0, 1.0],
        ]
    )
    to_surface = np.stack([*rows, plane]) @ centred
    return _Placed(to_surface, _place_lights(element, scene, middle, across, down))


def _axes(normal: NDArray[np.float64], angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along the rows and the columns of a surface."""
    unit = normal / np.linalg.norm(normal)
    across = np.array([1.0, 0.0, 0.0]) - unit[0] * unit
    across /= np.linalg.norm(across)
    down = np.cross(unit, across)
    c, s = np.cos(angle), np.sin(angle)
    return c * across + s * down, c * down - s * across


def _place_lights(
    element: Element,
    scene: Scene,
    middle: NDArray[np.float64],
    across: NDArray[np.float64],
    down: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(N, 4): pixel position, disparity and radius in pixels of every light."""
    lights = element.lights.astype(np.float64)
    size = element.size / element.motion.disparity
    points = middle + size * (lights[:, :1] * across + lights[:, 1:2] * down)
    disparity = FOCAL_LENGTH / points[:, 2]
    x = points[:, 0] * disparity * scene.width + scene.width / 2.0
    y = points[:, 1] * disparity * scene.width + scene.height / 2.0
    return np.stack([x, y, disparity, lights[:, 2] * size * disparity * scene.width], axis=1)


def _box(element: Element, placed: _Placed, focus: float, strength: float) -> NDArray[np.float64]:
    """The pixels that an element may reach with its blur; everything where that is not plain."""
    everywhere = np.array([-np.inf, -np.inf, np.inf, np.inf])
    if element.endless:
        return everywhere
    height, width = element.surface.shape[:2]
    corners = np.array([[-1, -1, 1], [width + 1, -1, 1], [width + 1, height + 1, 1], [-1, height + 1, 1]], float)
    back = corners @ np.linalg.inv(placed.to_surface).T
    if np.any(back[:, 2] <= 0):
        return everywhere
    disparity = 1.0 / back[:, 2]
    if np.any(disparity < HORIZON):
        return everywhere
    x, y = back[:, 0] / back[:, 2], back[:, 1] / back[:, 2]
    reach = strength * float(np.max(np.abs(disparity - focus))) + 1.0
    return np.array([x.min() - reach, y.min() - reach, x.max() + reach, y.max() + reach])
