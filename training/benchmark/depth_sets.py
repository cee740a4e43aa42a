"""The shots on which spoiled depth is measured: a set to develop by, and one that is looked at only at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from engine.errors import ShotError, require
from training.benchmark.composed import FOCUSES, Picture, composed_shot
from training.benchmark.shapes import HELD_PICTURES, TUNE_PICTURES
from training.benchmark.truth import KnownShot, known_shot
from training.scenes import SceneShot, benchmark_shots, demo_shot

__all__ = ["SETS", "DepthSet", "DepthShot", "depth_shots"]

DepthSet = Literal["tune", "held"]
SETS: Final[tuple[DepthSet, ...]] = ("tune", "held")

Say = Callable[[str], None]

SEEDS: Final = (90_211, 90_212, 90_213, 90_214, 90_215, 90_216)
"""Of the random scenes that are kept for the last look; no training and no other table uses them."""

FULL_WIDTH: Final = 1024
"""K of the random scenes is given for this width."""


@dataclass(frozen=True)
class DepthShot:
    """A shot that is not made yet.

    Attributes:
        name: of the shot.
        group: ``composed`` of two flat layers, or ``traced``.
        load: makes it, or reads it from the cache in this folder; its second argument gets a line for every traced
            frame.
    """

    name: str
    group: Literal["composed", "traced"]
    load: Callable[[Path | None, Say], KnownShot]


def depth_shots(which: DepthSet, width: int, frames: int, names: Sequence[str] = ()) -> tuple[DepthShot, ...]:
    """The shots of a set.

    Args:
        which: the set.
        width: of traced shots, in pixels; composed ones have their own size.
        frames: of each shot, from its middle.
        names: only these; all if empty. A name without its focus stands for the shots of a picture (``disc``).

    Raises:
        ShotError: a name is not known.
    """
    composed = [
        DepthShot(f"{picture.name}-{focus}", "composed", partial(_composed, picture, focus, frames))
        for picture in (TUNE_PICTURES if which == "tune" else HELD_PICTURES)
        for focus in FOCUSES
    ]
    height = round(width * 9 / 16)
    scenes = benchmark_shots(width, height) if which == "tune" else _held_scenes(width, height)
    every = (*composed, *(_traced(shot, frames) for shot in scenes))
    unknown = [name for name in names if not any(_is(shot, name) for shot in every)]
    require(
        not unknown,
        ShotError,
        f"there is no shot {', '.join(unknown)} in this set; choose from {', '.join(shot.name for shot in every)}",
    )
    return tuple(shot for shot in every if not names or any(_is(shot, name) for name in names))


def _is(shot: DepthShot, name: str) -> bool:
    return shot.name == name or (shot.group == "composed" and shot.name.rpartition("-")[0] == name)


def _composed(picture: Picture, focus: str, frames: int, folder: Path | None, say: Say) -> KnownShot:
    del folder, say
    return composed_shot(picture, focus, frames)


def _traced(shot: SceneShot, frames: int) -> DepthShot:
    start = max((len(shot.frames) - frames) // 2, 0)
    part = slice(start, start + frames)
    cut = replace(shot, frames=shot.frames[part], focus=shot.focus[part], strength=shot.strength[part])
    return DepthShot(shot.name, "traced", partial(known_shot, cut))


def _held_scenes(width: int, height: int) -> tuple[SceneShot, ...]:
    """Random scenes, each with the focus on one of its elements or on what is behind them, and the demo's terrace."""
    from training.scenes.clip_scenes import clip_scene

    shots = []
    for number, seed in enumerate(SEEDS):
        clip = clip_scene((seed,), width, height, 24)
        seen = clip.disparities()
        column = number % (seen.shape[1] + 1)
        focus = seen[:, column] if column < seen.shape[1] else clip.beyond_disparities()
        strength = (12.0, 24.0, 36.0)[number % 3] * width / FULL_WIDTH
        places = range(10, 14)
        shots.append(
            SceneShot(
                f"random-{seed}",
                replace(clip.at(0), seed=clip.seed),
                tuple(places),
                tuple(float(focus[place]) for place in places),
                (strength,) * len(places),
            )
        )
    demo = demo_shot(width, height)
    for name, d_f in (("terrace-near", 0.82), ("terrace-middle", 0.44), ("terrace-far", 0.05)):
        # Held in place of the demo's pull, so that what stands still can be told from what flickers.
        shots.append(replace(demo, name=name, frames=demo.frames[10:14], focus=(d_f,) * 4, strength=demo.strength[:4]))
    return tuple(shots)
