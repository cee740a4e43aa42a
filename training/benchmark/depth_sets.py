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
    if which == "tune":
        scenes = [DepthShot(shot.name, "traced", _part(shot, frames)) for shot in benchmark_shots(width, height)]
    else:
        scenes = _held_scenes(width, height, frames)
    every = (*composed, *scenes)
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


def _part(shot: SceneShot, frames: int) -> Callable[[Path | None, Say], KnownShot]:
    """Makes so many frames from the middle of a shot."""
    start = max((len(shot.frames) - frames) // 2, 0)
    part = slice(start, start + frames)
    cut = replace(shot, frames=shot.frames[part], focus=shot.focus[part], strength=shot.strength[part])
    return partial(known_shot, cut)


def _held_scenes(width: int, height: int, frames: int) -> list[DepthShot]:
    """Random scenes, each with the focus on one of its elements or on what is behind them, and the demo's terrace."""
    demo = demo_shot(width, height)
    shots = [
        DepthShot(f"random-{seed}", "traced", partial(_random, number, width, height, frames))
        for number, seed in enumerate(SEEDS)
    ]
    for name, d_f in (("terrace-near", 0.82), ("terrace-middle", 0.44), ("terrace-far", 0.05)):
        # Held in place of the demo's pull, so that what stands still can be told from what flickers.
        held = replace(demo, name=name, focus=(d_f,) * len(demo.frames))
        shots.append(DepthShot(name, "traced", _part(held, frames)))
    return shots


def _random(number: int, width: int, height: int, frames: int, folder: Path | None, say: Say) -> KnownShot:
    """Draws a scene only now: its props take seconds to make."""
    from training.scenes.clip_scenes import WHOLE_WAY, clip_scene

    clip = clip_scene((SEEDS[number],), width, height, WHOLE_WAY)
    seen = clip.disparities()
    column = number % (seen.shape[1] + 1)
    focus = seen[:, column] if column < seen.shape[1] else clip.beyond_disparities()
    strength = (12.0, 24.0, 36.0)[number % 3] * width / FULL_WIDTH
    shot = SceneShot(
        f"random-{SEEDS[number]}",
        clip.at(0),
        tuple(range(WHOLE_WAY)),
        tuple(float(d_f) for d_f in focus),
        (strength,) * WHOLE_WAY,
    )
    return _part(shot, frames)(folder, say)
