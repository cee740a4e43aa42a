"""Shots with a known answer: the benchmark's and the demo's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.scenes import stages
from training.scenes.cafe import cafe
from training.scenes.motion import Motion
from training.scenes.scene import Element, Scene

__all__ = ["SceneShot", "benchmark_shots", "demo_shot"]

FULL_WIDTH = 1024
"""K is written for a picture of this width and scales with it."""

Stage = Callable[[int], tuple[Element, ...]]


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


_BENCHMARK: tuple[tuple[str, Stage, float | tuple[float, float], float | tuple[float, float]], ...] = (
    ("portrait-near", stages.portrait, 0.62, 16),
    ("portrait-far", stages.portrait, 0.08, 32),
    ("fence-near", stages.fence, 0.92, 32),
    ("fence-middle", stages.fence, 0.48, 16),
    ("fence-far", stages.fence, 0.05, 8),
    ("floor-middle", stages.floor, 0.50, 16),
    ("floor-pull", stages.floor, (0.78, 0.33), 32),
    ("papers-near", stages.papers, 0.90, 8),
    ("papers-breathing", stages.papers, 0.50, (8, 32)),
    ("wires-near", stages.wires, 0.72, 16),
    ("wires-far", stages.wires, 0.04, 32),
    ("meadow-near", stages.meadow, 0.88, 32),
    ("meadow-middle", stages.meadow, 0.60, 16),
    ("gallery-middle", stages.gallery, 0.45, 32),
    ("gallery-pull", stages.gallery, (0.86, 0.20), 16),
    ("cutout-middle", stages.cutout, 0.55, 16),
)
"""Name, scene, focus and K at 1024 pixels; a pair runs from the first frame to the last."""


def _ramp(value: float | tuple[float, float], count: int, scale: float = 1.0) -> tuple[float, ...]:
    first, last = value if isinstance(value, tuple) else (value, value)
    return tuple(float(v) for v in np.linspace(first, last, count) * scale)


def benchmark_shots(width: int = 1024, height: int = 576) -> tuple[SceneShot, ...]:
    """The shots on which renderers are compared.

    Sixteen shots of four frames from eight scenes: focus near, in the middle and far, focus pulls and a changing K,
    K of 8, 16 and 32 at a width of 1024 (scaled with the width). The shots of a scene follow one another, so that it
    is built once.
    """
    scenes = {stage: Scene(width, height, partial(stage, width)) for _, stage, _, _ in _BENCHMARK}
    frames = (1, 2, 3, 4)
    return tuple(
        SceneShot(name, scenes[stage], frames, _ramp(focus, 4), _ramp(strength, 4, width / FULL_WIDTH))
        for name, stage, focus, strength in _BENCHMARK
    )


def demo_shot(width: int = 1024, height: int = 576) -> SceneShot:
    """The demo: 24 frames on a cafe terrace at night, focus pulled from the leaves before the lens to the lights.

    The camera glides to the right and a little forward, the plants and the lights sway.
    """
    camera = Motion(0.0, 0.0, 1.0, drift=(0.0012, 0.0), approach=0.001)
    scene = Scene(width, height, partial(cafe, width), first=1001, camera=camera)
    time = np.linspace(0.0, 1.0, 24)
    # Held a moment at both ends, slow out and slow in.
    eased = np.clip((time - 0.08) / 0.84, 0.0, 1.0)
    eased = eased**2 * (3.0 - 2.0 * eased)
    focus = tuple(float(f) for f in 0.86 + eased * (0.19 - 0.86))
    return SceneShot("demo", scene, tuple(range(1001, 1025)), focus, (44.0 * width / FULL_WIDTH,) * 24)
