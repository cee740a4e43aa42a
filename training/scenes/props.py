"""Things to put before a camera, drawn at random: people with hair, plants, cloth, boards, vessels, wire, smoke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from training.scenes import foliage, mattes, objects, textures
from training.scenes.objects import cut

__all__ = ["PROPS", "Prop", "PropSource", "Rng", "exposed", "graded", "no_lights", "pigment"]

Rng = np.random.Generator
Colour = tuple[float, float, float]

SKINS: Final[tuple[Colour, ...]] = ((0.58, 0.36, 0.27), (0.45, 0.26, 0.17), (0.29, 0.15, 0.09), (0.13, 0.065, 0.04))
HAIRS: Final[tuple[tuple[Colour, Colour], ...]] = (
    ((0.012, 0.008, 0.007), (0.07, 0.05, 0.04)),
    ((0.05, 0.026, 0.014), (0.30, 0.15, 0.06)),
    ((0.20, 0.13, 0.05), (0.75, 0.55, 0.26)),
    ((0.14, 0.03, 0.01), (0.48, 0.14, 0.04)),
    ((0.25, 0.25, 0.26), (0.80, 0.80, 0.80)),
)
"""Dark and light strands of a head, scene-linear."""


def no_lights() -> Float32Array:
    """(0, 6): a thing that does not shine."""
    return np.zeros((0, 6), np.float32)


@dataclass(frozen=True, eq=False)
class Prop:
    """What an element or a background shows.

    Attributes:
        name: of the procedure or the file.
        frames: (h, w, 4) float32 each, scene-linear, premultiplied RGBA; one, or as many as it moves through.
        lights: as ``Element.lights``.
        upright: it has an up and a down, and is not turned far.
    """

    name: str
    frames: tuple[Float32Array, ...]
    lights: Float32Array = field(default_factory=no_lights)
    upright: bool = True


class PropSource(Protocol):
    """Where a scene takes what it shows."""

    def element(self, rng: Rng, width: int) -> Prop:
        """Something to stand before the background, about ``width`` pixels wide."""

    def background(self, rng: Rng, width: int) -> Prop:
        """Something opaque that may go on for ever, mirrored at its borders."""


def pigment(rng: Rng, dark: float = 0.04, light: float = 0.6) -> Colour:
    """A colour of any hue: its brightness evenly in stops, seldom very saturated."""
    value = np.exp(rng.uniform(np.log(dark), np.log(light)))
    hue = np.clip(np.abs((6.0 * rng.random() + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0, 0.0, 1.0)
    saturation = rng.beta(1.6, 2.0)
    red, green, blue = value * (1.0 - saturation + saturation * (0.15 + 1.2 * hue))
    return float(red), float(green), float(blue)


def graded(surface: Float32Array, rng: Rng, stops: float = 1.0) -> Float32Array:
    """Another exposure, contrast and light from one side; (h, w, 4) premultiplied, alpha as it was."""
    height, width = surface.shape[:2]
    alpha = surface[..., 3:]
    colour = surface[..., :3] / np.maximum(alpha, 1e-4)
    grey = 0.18
    contrast = rng.uniform(0.85, 1.25)
    colour = grey * (np.maximum(colour, 0.0) / grey) ** contrast * 2.0 ** rng.uniform(-stops, 0.7 * stops)
    angle, fall = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.7)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)[None, :, None]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None, None]
    side = 1.0 + fall * 1.4 * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
    return np.concatenate([colour * side * alpha, alpha], axis=-1).astype(np.float32)


def exposed(prop: Prop, gain: NDArray[np.float64]) -> Prop:
    """A prop in another light: its colours and its lights times a gain for R, G, B."""
    times = np.append(gain, 1.0).astype(np.float32)
    lights = prop.lights.copy()
    lights[:, 3:] *= times[:3]
    return replace(prop, frames=tuple(frame * times for frame in prop.frames), lights=lights)


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 30))


def _over(front: Float32Array, back: Float32Array) -> Float32Array:
    return np.asarray(front + back * (1.0 - front[..., 3:]), np.float32)


def _sheet(rng: Rng, h: int, w: int) -> Float32Array:
    """A material, (h, w, 3)."""
    first, second = pigment(rng), pigment(rng)
    seed = _seed(rng)
    kind = rng.integers(6)
    if kind == 0:
        return textures.fabric(h, w, seed, first, rng.uniform(30.0, 110.0), second)
    if kind == 1:
        return textures.wood(h, w, seed, first, pigment(rng, 0.02, 0.2), rng.uniform(1.5, 5.0))
    if kind == 2:
        return textures.tiles(h, w, seed, first, second, rng.uniform(4.0, 10.0))
    if kind == 3:
        return textures.bricks(h, w, seed, first, second, rng.uniform(5.0, 12.0))
    if kind == 4:
        return textures.skin(h, w, seed, first)
    return textures.mixed(textures.noise(h, w, seed, rng.uniform(3.0, 12.0), 6, 0.6), first, second)


def _person(rng: Rng, n: int) -> Prop:
    head = _head(rng, n)
    h = int(1.3 * n)
    canvas = np.zeros((h, n, 4), np.float32)
    tall = h - int(0.62 * n)
    cloth = textures.fabric(tall, n, _seed(rng), pigment(rng), rng.uniform(50.0, 120.0), pigment(rng))
    body = mattes.rectangle(tall, n, rng.uniform(0.34, 0.44), 0.5 * tall / n - 0.01, 0.2, 0.004)
    canvas[-tall:] = cut(cloth, body)
    canvas[:n] = _over(head, canvas[:n])
    return Prop("person", (canvas,))


def _head(rng: Rng, n: int) -> Float32Array:
    root = rng.uniform(0.15, 0.2)
    shape = mattes.hair(
        n, n, _seed(rng), int(rng.integers(500, 1500)), root, rng.uniform(0.12, 0.27), rng.uniform(0.0009, 0.0016)
    )
    dark, light = HAIRS[rng.integers(len(HAIRS))]
    hair = textures.mixed(textures.noise(n, n, _seed(rng), 40.0, 4), dark, light)
    face = textures.skin(n, n, _seed(rng), SKINS[rng.integers(len(SKINS))])
    if rng.random() < 0.7:  # else seen from behind
        inner = mattes.blob(n, n, _seed(rng), 0.8 * root, 0.12, 0.05)[..., None]
        hair = hair + inner * (face - hair)
    x = (np.arange(n) + 0.5) / n - 0.5
    rim = np.clip((np.hypot(x[None, :], x[:, None]) - root) / 0.2, 0.0, 1.0)[..., None]
    return cut((hair * (0.7 + rng.uniform(0.3, 2.5) * rim)).astype(np.float32), shape)


def _fluff(rng: Rng, n: int) -> Prop:
    shape = mattes.hair(
        n, n, _seed(rng), int(rng.integers(250, 900)), rng.uniform(0.03, 0.14), rng.uniform(0.22, 0.36), 0.0018
    )
    dark, light = HAIRS[rng.integers(len(HAIRS))]
    return Prop(
        "fluff", (cut(textures.mixed(textures.noise(n, n, _seed(rng), 18.0), dark, light), shape),), no_lights(), False
    )


def _greens(rng: Rng) -> tuple[Colour, Colour]:
    if rng.random() < 0.7:
        return (0.02, 0.06, 0.02), (rng.uniform(0.1, 0.45), rng.uniform(0.2, 0.45), 0.08)
    return pigment(rng, 0.02, 0.1), pigment(rng, 0.15, 0.5)


def _branch(rng: Rng, n: int) -> Prop:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    root = (-0.42 * float(np.cos(angle)), -0.42 * float(np.sin(angle)))
    low, high = _greens(rng)
    stems, leaf = int(rng.integers(4, 8)), rng.uniform(0.08, 0.18)
    sprig = foliage.branch(n, n, _seed(rng), root, angle, stems, 0.7, leaf, low, high, rng.uniform(0.4, 0.9))
    return Prop("branch", (sprig,), no_lights(), False)


def _grass(rng: Rng, n: int) -> Prop:
    low, high = _greens(rng)
    h = int(rng.uniform(0.5, 0.9) * n)
    return Prop("grass", (foliage.grass(h, n, _seed(rng), int(rng.integers(60, 260)), 0.8 * h / n, low, high),))


def _bush(rng: Rng, n: int) -> Prop:
    low, high = _greens(rng)
    leaves = foliage.hedge(n, n, _seed(rng), int(rng.integers(700, 1600)), rng.uniform(0.05, 0.1), -0.4, low, high)
    outline = mattes.blob(n, n, _seed(rng), 0.38, 0.9)
    return Prop("bush", (leaves * outline[..., None],))


def _cloth(rng: Rng, n: int) -> Prop:
    h = int(rng.uniform(0.6, 1.3) * n)
    shape = mattes.rectangle(h, n, 0.46, 0.46 * h / n, rng.uniform(0.0, 0.12))
    if rng.random() < 0.5:
        shape = shape * mattes.holes(h, n, _seed(rng), rng.uniform(4.0, 24.0), rng.uniform(0.3, 0.45))
    return Prop("cloth", (cut(_sheet(rng, h, n), shape),), no_lights(), False)


def _scrap(rng: Rng, n: int) -> Prop:
    shape = mattes.blob(n, n, _seed(rng), 0.36, rng.uniform(0.1, 0.9), rng.choice([0.0, 0.0, 0.03]))
    return Prop("scrap", (cut(_sheet(rng, n, n), shape),), no_lights(), False)


def _letters(rng: Rng, n: int) -> Prop:
    h = int(rng.uniform(0.6, 1.2) * n)
    page = textures.mixed(textures.noise(h, n, _seed(rng), 5.0), pigment(rng, 0.2, 0.7), pigment(rng, 0.2, 0.7))
    ink = objects.sign(h, n, _seed(rng), int(rng.integers(2, 10)), rng.uniform(0.003, 0.01))
    if rng.random() < 0.3:  # letters alone, without the board
        return Prop("letters", (cut(_sheet(rng, h, n), ink),), no_lights(), False)
    page += ink[..., None] * (np.asarray(pigment(rng, 0.01, 0.5), np.float32) - page)
    return Prop("letters", (cut(page, mattes.rectangle(h, n, 0.48, 0.48 * h / n)),), no_lights(), False)


def _vessel(rng: Rng, n: int) -> Prop:
    h = int(rng.uniform(1.1, 2.2) * n)
    stops = np.linspace(0.05, 0.93, int(rng.integers(4, 8)))
    radii = 0.12 + 0.3 * textures.noise(1, stops.size, _seed(rng), stops.size - 1.0, 1)[0] + rng.uniform(0.0, 0.05)
    profile = tuple((float(s), float(r)) for s, r in zip(stops, radii, strict=True))
    bands: Sequence[tuple[float, float, Colour]] = ((0.45, rng.uniform(0.55, 0.8), pigment(rng)),)
    inside = pigment(rng, 0.01, 0.1) if rng.random() < 0.6 else None
    vessel = objects.turned(
        h, n, profile, pigment(rng), _seed(rng), rng.uniform(0.2, 1.4), rng.choice([-1.0, 1.0]), pigment(rng, 0.3, 0.9),
        bands[: int(rng.integers(2))], rng.uniform(0.08, 0.22), inside,
    )  # fmt: skip
    return Prop("vessel", (vessel,))


def _ball(rng: Rng, n: int) -> Prop:
    x = ((np.arange(n) + 0.5) / n - 0.5)[None, :] / 0.46
    y = x.T
    facing = np.sqrt(np.maximum(1.0 - x**2 - y**2, 0.0))
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.8, 0.2), 0.6])
    light /= np.linalg.norm(light)
    lit = np.clip(x * light[0] + y * light[1] + facing * light[2], 0.0, None)
    half = light + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    shine = rng.uniform(0.0, 2.0) * np.clip(x * half[0] + y * half[1] + facing * half[2], 0.0, None) ** rng.uniform(
        20, 150
    )
    colour = _sheet(rng, n, n) * (0.12 + 1.1 * lit)[..., None] + shine[..., None]
    return Prop("ball", (cut(colour.astype(np.float32), mattes.blob(n, n, 0, 0.45, 0.0)),), no_lights(), False)


def _mesh(rng: Rng, n: int) -> Prop:
    iron = textures.mixed(textures.noise(n, n, _seed(rng), 9.0), pigment(rng, 0.02, 0.3), pigment(rng, 0.02, 0.4))
    wire = mattes.fence(n, n, rng.uniform(0.06, 0.14), rng.uniform(0.002, 0.007))
    frame = mattes.rectangle(n, n, 0.48, 0.48) - mattes.rectangle(n, n, 0.45, 0.45)
    return Prop("mesh", (cut(iron, np.maximum(wire * mattes.rectangle(n, n, 0.47, 0.47), frame)),), no_lights(), False)


def _window(rng: Rng, n: int) -> Prop:
    h = int(rng.uniform(0.8, 1.3) * n)
    panes = int(rng.integers(1, 4))
    x = np.abs((np.arange(n) + 0.5) / n - 0.5)[None, :] / 0.47
    y = np.abs((np.arange(h) + 0.5) / h - 0.5)[:, None] / 0.47
    bar = rng.uniform(0.06, 0.16)
    across, down = ((t * panes * 0.5 + 0.5 * (panes % 2)) % 1.0 for t in (x, y))
    near = np.minimum(np.minimum(across, 1.0 - across), np.minimum(down, 1.0 - down))
    shape = np.maximum(near < 0.5 * bar, np.maximum(x, y) > 1.0 - bar) * (np.maximum(x, y) <= 1.0)
    return Prop("window", (cut(_sheet(rng, h, n), shape.astype(np.float32)),))


def _cables(rng: Rng, n: int) -> Prop:
    h = int(0.6 * n)
    iron = np.broadcast_to(np.asarray(pigment(rng, 0.01, 0.15), np.float32), (h, n, 3))
    return Prop(
        "cables", (cut(iron, mattes.wires(h, n, _seed(rng), int(rng.integers(4, 12)), rng.uniform(0.002, 0.005))),)
    )


def _lanterns(rng: Rng, n: int) -> Prop:
    h = int(0.5 * n)
    spans = [tuple(rng.uniform((-0.18, -0.18, 0.03), (0.05, 0.05, 0.12))) for _ in range(rng.integers(1, 4))]
    radius, power = rng.uniform(0.004, 0.009), np.exp(rng.uniform(np.log(6.0), np.log(50.0)))
    surface, lights = objects.light_string(h, n, _seed(rng), spans, int(rng.integers(5, 15)), radius, power)
    return Prop("lanterns", (surface,), lights)


def _smoke(rng: Rng, n: int) -> Prop:
    soft = mattes.blob(n, n, _seed(rng), 0.3, 0.6, 0.22)
    density = np.clip(textures.noise(n, n, _seed(rng), rng.uniform(3.0, 7.0), 6, 0.55) * 1.6 - 0.3, 0.0, 1.0)
    tone = np.broadcast_to(np.asarray(pigment(rng, 0.15, 0.7), np.float32), (n, n, 3))
    return Prop("smoke", (cut(tone, (soft * density).astype(np.float32)),), no_lights(), False)


PROPS: Final[tuple[tuple[Callable[[Rng, int], Prop], float], ...]] = (
    (_person, 3.0),
    (_fluff, 1.5),
    (_branch, 2.0),
    (_grass, 1.0),
    (_bush, 1.0),
    (_cloth, 1.5),
    (_scrap, 1.5),
    (_letters, 1.0),
    (_vessel, 2.0),
    (_ball, 1.5),
    (_mesh, 0.7),
    (_window, 0.7),
    (_cables, 0.5),
    (_lanterns, 0.8),
    (_smoke, 0.6),
)
"""Procedures and how often each is drawn."""
