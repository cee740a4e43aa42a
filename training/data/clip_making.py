"""One clip of a set: drawn, traced and written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from engine.shot.storage import shot_to_json
from training.data.assets import AssetLibrary
from training.data.clips import CLIP, Asset, Clip, Focusing, Matte
from training.data.focusing import draw_focusings, focusing_shot
from training.data.recipe import DataRecipe
from training.data.writing import new_clip, write_picture, write_text
from training.scenes.clip_scenes import ClipScene, clip_scene
from training.scenes.props import Prop

__all__ = ["clip_name", "make_clip"]

OWN: Final = ("procedural", "CC0-1.0")
"""Source and licence of what our own code draws."""


def clip_name(number: int) -> str:
    """Of a clip's folder, counted from 1."""
    return f"clip-{number:05d}"


def make_clip(recipe: DataRecipe, number: int, folder: Path) -> Clip:
    """Make a clip; its folder appears whole, or not at all.

    It is a pure function of the recipe and the number, and of no other clip.

    Args:
        recipe: of the set.
        number: of the clip, from 1.
        folder: of the set.

    Raises:
        OutputWriteError: full disk, read-only folder.
        DataSetError: assets that cannot be used.
    """
    name = clip_name(number)
    library = _library(recipe)
    scene = clip_scene((recipe.seed, number), *recipe.width_height, recipe.frames, recipe.scenes, library)
    focusings = draw_focusings(scene, recipe, np.random.default_rng((recipe.seed, number, 1)))
    clip = Clip(
        name=name,
        width=scene.width,
        height=scene.height,
        frames=scene.frames,
        elements=tuple(
            Matte(asset=prop.name, disparity=tuple(float(d) for d in course))
            for prop, course in zip(scene.props, scene.disparities().T, strict=True)
        ),
        focusings=focusings,
        assets=_assets((*scene.props, *scene.beyond), library),
    )
    with new_clip(folder, name) as inside:
        for index in range(recipe.frames):
            _write_frame(scene, focusings, recipe, index, inside)
        for focusing in focusings:
            write_text(inside / focusing.name / "shot.json", shot_to_json(focusing_shot(name, focusing)))
        write_text(inside / CLIP, clip.model_dump_json(indent=1) + "\n")
    return clip


@lru_cache(maxsize=1)
def _library(recipe: DataRecipe) -> AssetLibrary:
    """What the recipe's scenes show; its folders are listed once in a process."""
    return AssetLibrary(recipe.assets, recipe.frames)


def _assets(props: tuple[Prop, ...], library: AssetLibrary) -> tuple[Asset, ...]:
    source, licence = OWN
    names = sorted({prop.name for prop in props})
    return tuple(library.asset(name) or Asset(name=name, source=source, licence=licence) for name in names)


def _write_frame(
    scene: ClipScene, focusings: tuple[Focusing, ...], recipe: DataRecipe, index: int, folder: Path
) -> None:
    """All pictures of one frame: plate, disparity, mattes, and the truth of every focusing."""
    at, side = scene.at(index), recipe.plate_samples
    view = at.view(index, side)
    write_picture(folder / "plate", "plate", index, view.image[..., :3])
    write_picture(folder / "disparity", "disparity", index, view.disparity[..., None], "Z", "float")
    for element in range(len(scene.props)):
        matte = at.matte(index, element, side)
        write_picture(folder / f"matte-{element + 1}", "matte", index, matte[..., None], "A")
    for focusing in focusings:
        truth = at.bokeh(index, focusing.focus[index], focusing.strength[index], recipe.rays)
        write_picture(folder / focusing.name, "bokeh", index, truth[..., :3])
