"""What lies behind everything, and the grounds and walls that run up to it, drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.frames import Float32Array
from training.scenes import foliage, objects, textures
from training.scenes.objects import cut
from training.scenes.props import PROPS, Prop, graded, no_lights, pigment

__all__ = ["BACKDROPS", "Procedural", "ground"]

Rng = np.random.Generator
SHAPE: Final = 0.62
"""Height of a backdrop over its width."""


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 30))


def _lamps(rng: Rng, most: int = 50) -> Float32Array:
    """Lights over all that the frame shows of a backdrop; half of the time none."""
    if rng.random() < 0.5:
        return no_lights()
    low = np.exp(rng.uniform(np.log(3.0), np.log(15.0)))
    return objects.scattered_lights(
        _seed(rng), int(rng.integers(3, most)), (-0.4, -0.25, 0.4, 0.25), rng.uniform(0.0008, 0.0018), low, 25.0 * low
    )


def _pools(rng: Rng, h: int, w: int) -> Float32Array:
    """Uneven light, (h, w, 3), about 1 in the mean."""
    light = np.full((h, w, 3), rng.uniform(0.35, 0.7), np.float32)
    for _ in range(rng.integers(1, 4)):
        place = rng.uniform((-0.35, -0.2), (0.35, 0.2))
        tint = np.asarray(pigment(rng, 0.5, 1.2))
        light += objects.glow(h, w, place[0], place[1], (rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.3)), tuple(tint))
    return light


def _wall(rng: Rng, h: int, w: int) -> Float32Array:
    across = rng.uniform(10.0, 26.0)
    return textures.bricks(h, w, _seed(rng), pigment(rng, 0.08, 0.5), pigment(rng, 0.05, 0.4), across) * _pools(
        rng, h, w
    )


def _panels(rng: Rng, h: int, w: int) -> Float32Array:
    light, dark = pigment(rng, 0.1, 0.5), pigment(rng, 0.02, 0.15)
    return textures.wood(h, w, _seed(rng), light, dark, rng.uniform(4.0, 12.0)) * _pools(rng, h, w)


def _tiled(rng: Rng, h: int, w: int) -> Float32Array:
    first, second = pigment(rng, 0.05, 0.6), pigment(rng, 0.05, 0.6)
    return textures.tiles(h, w, _seed(rng), first, second, rng.uniform(8.0, 24.0)) * _pools(rng, h, w)


def _curtain(rng: Rng, h: int, w: int) -> Float32Array:
    folds = 0.65 + 0.35 * np.sin(rng.uniform(30.0, 90.0) * np.arange(w) / w + 4.0 * textures.noise(1, w, _seed(rng))[0])
    weave = textures.fabric(
        h, w, _seed(rng), pigment(rng, 0.05, 0.5), rng.uniform(120.0, 220.0), pigment(rng, 0.05, 0.5)
    )
    return np.asarray(weave * folds[None, :, None], np.float32)


def _street(rng: Rng, h: int, w: int) -> Float32Array:
    return objects.city(h, w, _seed(rng), rng.uniform(0.5, 0.68)) * np.float32(2.0 ** rng.uniform(0.0, 2.0))


def _sky(rng: Rng, h: int, w: int) -> Float32Array:
    top, bottom = (
        ((0.16, 0.26, 0.48), (0.95, 0.52, 0.26)) if rng.random() < 0.4 else (pigment(rng), pigment(rng, 0.3, 1.0))
    )
    sky = textures.gradient(h, w, top, bottom, _seed(rng), rng.uniform(0.2, 0.9))
    sun = objects.glow(h, w, rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.15), (0.1, 0.08), (2.5, 1.6, 0.8))
    return np.asarray(sky + np.float32(rng.choice([0.0, 1.0])) * sun, np.float32)


def _hedge(rng: Rng, h: int, w: int) -> Float32Array:
    sky = _sky(rng, h, w)
    low, high = (0.012, 0.04, 0.02), (rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.3), 0.06)
    line = rng.uniform(-0.25, 0.02)
    leaves = foliage.hedge(h, w, _seed(rng), int(rng.integers(2000, 5000)), rng.uniform(0.02, 0.05), line, low, high)
    return np.asarray(leaves[..., :3] + sky * (1.0 - leaves[..., 3:]), np.float32)


def _marble(rng: Rng, h: int, w: int) -> Float32Array:
    amount = textures.noise(h, w, _seed(rng), rng.uniform(2.0, 8.0), 8, rng.uniform(0.5, 0.75))
    veins = 0.5 + 0.5 * np.sin(rng.uniform(4.0, 30.0) * amount)
    return textures.mixed(veins.astype(np.float32), pigment(rng, 0.03, 0.7), pigment(rng, 0.03, 0.7))


def _heap(rng: Rng, h: int, w: int) -> Float32Array:
    """Many small things of all colours: the hardest to deblur, and the easiest to see blur in."""
    count = int(rng.integers(150, 600))
    leaves = np.empty((count, 9))
    leaves[:, :2] = rng.uniform((-0.53, -0.35), (0.53, 0.35), (count, 2))
    leaves[:, 2] = rng.uniform(0.0, 2.0 * np.pi, count)
    leaves[:, 3] = rng.uniform(0.03, 0.16, count)
    leaves[:, 4] = leaves[:, 3] * rng.uniform(0.1, 0.5, count)
    leaves[:, 5] = rng.normal(0.0, 0.2, count)
    leaves[:, 6:] = [pigment(rng, 0.02, 0.8) for _ in range(count)]
    heap = foliage.paint_leaves(h, w, leaves)
    return np.asarray(heap[..., :3] + _marble(rng, h, w) * 0.5 * (1.0 - heap[..., 3:]), np.float32)


BACKDROPS: Final[tuple[tuple[Callable[[Rng, int, int], Float32Array], str, float], ...]] = (
    (_wall, "wall", 1.5),
    (_panels, "panels", 1.0),
    (_tiled, "tiles", 0.8),
    (_curtain, "curtain", 0.7),
    (_street, "street", 2.0),
    (_sky, "sky", 0.6),
    (_hedge, "hedge", 1.5),
    (_marble, "marble", 0.8),
    (_heap, "heap", 1.0),
)
"""Procedures, their names and how often each is drawn."""


def ground(rng: Rng, width: int) -> Prop:
    """A floor or a long wall: opaque, large, to be laid aslant."""
    size = (width, width)
    kind = rng.integers(4)
    first, second = pigment(rng, 0.08, 0.5), pigment(rng, 0.03, 0.3)
    if kind == 0:
        floor = textures.tiles(*size, _seed(rng), first, second, rng.uniform(8.0, 18.0))
    elif kind == 1:
        floor = textures.wood(*size, _seed(rng), first, second, rng.uniform(5.0, 14.0))
    elif kind == 2:
        floor = textures.bricks(*size, _seed(rng), first, second, rng.uniform(10.0, 26.0))
    else:
        floor = textures.mixed(textures.noise(*size, _seed(rng), 12.0, 8, 0.7), first, second)
    return Prop("ground", (graded(cut(floor * _pools(rng, *size)), rng),))


class Procedural:
    """Things and backgrounds made by code; everything hangs on the generator that is given."""

    def element(self, rng: Rng, width: int) -> Prop:
        """A thing ``width`` pixels wide."""
        weights = np.array([weight for _, weight in PROPS])
        make = PROPS[rng.choice(len(PROPS), p=weights / weights.sum())][0]
        made = make(rng, width)
        return Prop(made.name, tuple(graded(frame, rng) for frame in made.frames), made.lights, made.upright)

    def background(self, rng: Rng, width: int) -> Prop:
        """A backdrop ``width`` pixels wide."""
        weights = np.array([weight for _, _, weight in BACKDROPS])
        paint, name, _ = BACKDROPS[rng.choice(len(BACKDROPS), p=weights / weights.sum())]
        picture = paint(rng, int(SHAPE * width), width)
        return Prop(name, (graded(cut(picture), rng),), _lamps(rng))
