"""Shots with a known answer: the benchmark's and the demo's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.frames import Float32Array
from training.scenes import mattes, textures
from training.scenes.motion import Motion
from training.scenes.scene import Element, Scene

__all__ = ["SceneShot", "benchmark_shots", "demo_shot"]


@dataclass(frozen=True, eq=False)
class SceneShot:
    """A scene, its frames, and the focus and blur of every frame.

    Attributes:
        name: short, usable as a file name.
        scene: what is seen.
        frames: frame numbers.
        focus: d_f of each frame.
        strength: K of each frame, in pixels of this scene's width.
    """

    name: str
    scene: Scene
    frames: tuple[int, ...]
    focus: tuple[float, ...]
    strength: tuple[float, ...]


def cut(colour: Float32Array, matte: Float32Array) -> Float32Array:
    """Colour (h, w, 3) under a matte (h, w), premultiplied RGBA."""
    return np.concatenate([colour * matte[..., None], matte[..., None]], axis=-1).astype(np.float32)


def _solid(colour: Float32Array) -> Float32Array:
    return cut(colour, np.ones(colour.shape[:2], np.float32))


def _lights(seed: int, count: int, spread: tuple[float, float], radius: float, low: float, high: float) -> Float32Array:
    rng = np.random.default_rng(seed)
    tint = rng.choice(np.array([[1.0, 0.72, 0.38], [1.0, 0.5, 0.22], [0.6, 0.8, 1.0], [1.0, 0.9, 0.75]]), count)
    power = np.exp(rng.uniform(np.log(low), np.log(high), (count, 1)))
    place = rng.uniform(-0.5, 0.5, (count, 2)) * np.array(spread)
    return np.concatenate([place, radius * rng.uniform(0.7, 1.4, (count, 1)), tint * power], axis=1).astype(np.float32)


def _first(width: int) -> tuple[Element, ...]:
    n = int(1.6 * width)
    back = _solid(textures.bricks(n * 3 // 5, n, 3, (0.35, 0.13, 0.08), (0.3, 0.28, 0.25)))
    m = int(0.7 * width)
    head = cut(textures.skin(m, m, 5, (0.62, 0.38, 0.27)), mattes.hair(m, m, 6))
    p = int(1.2 * width)
    mesh = cut(textures.gradient(p, p, (0.3, 0.32, 0.35), (0.1, 0.1, 0.12), 4), mattes.fence(p, p))
    return (
        Element(mesh, 1.2, Motion(0.0, 0.0, 0.9, drift=(0.003, 0.001), approach=0.004, turn=0.004)),
        Element(head, 0.6, Motion(-0.05, 0.04, 0.45, drift=(-0.004, 0.0))),
        Element(back, 1.6, Motion(0.0, 0.0, 0.06), lights=_lights(2, 30, (0.6, 0.3), 0.0016, 5.0, 300.0), endless=True),
    )


def benchmark_shots(width: int = 1024, height: int = 576) -> tuple[SceneShot, ...]:
    """The shots on which renderers are compared, 4 frames each; K scales with the width."""
    scene = Scene(width, height, partial(_first, width))
    k = width / 1024
    frames = (1, 2, 3, 4)
    return tuple(
        SceneShot(f"fence-{name}-{strength}", scene, frames, (focus,) * 4, (strength * k,) * 4)
        for name, focus, strength in (("near", 0.9, 16), ("middle", 0.45, 32), ("far", 0.06, 32))
    )


def demo_shot(width: int = 1024, height: int = 576) -> SceneShot:
    """The demo's focus pull, 24 frames."""
    scene = Scene(width, height, partial(_first, width), first=1001)
    t = np.linspace(0.0, 1.0, 24)
    ease = t * t * (3.0 - 2.0 * t)
    focus = tuple(float(f) for f in 0.9 + ease * (0.06 - 0.9))
    return SceneShot("demo", scene, tuple(range(1001, 1025)), focus, (32.0 * width / 1024,) * 24)
