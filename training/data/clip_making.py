"""One clip of a set: drawn, traced and written."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from engine.errors import OutputWriteError
from engine.frames import Float32Array, Window
from engine.media.saving import NewPart, save_image
from engine.shot.storage import shot_to_json
from training.data.assets import AssetLibrary
from training.data.clips import CLIP, FIRST_FRAME, Asset, Clip, Focusing, Matte
from training.data.focusing import draw_focusings, focusing_shot
from training.data.recipe import DataRecipe
from training.scenes.clip_scenes import ClipScene, clip_scene
from training.scenes.props import Prop

__all__ = ["UNFINISHED", "clip_name", "make_clip"]

UNFINISHED: Final = ".unfinished"
"""Suffix of a clip's folder until it is whole."""

NO_DATE: Final = {"DateTime": "1970:01:01 00:00:00"}
"""OpenImageIO 3.2.2 puts the time of writing into an EXR where none is given, and clips are to have equal bytes."""

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
    place, unfinished = folder / name, folder / f".{name}{UNFINISHED}"
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
    try:
        for old in (unfinished, place):
            shutil.rmtree(old, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for index in range(recipe.frames):
            _write_frame(scene, focusings, recipe, index, unfinished)
        for focusing in focusings:
            _write_text(unfinished / focusing.name / "shot.json", shot_to_json(focusing_shot(name, focusing)))
        _write_text(unfinished / CLIP, clip.model_dump_json(indent=1) + "\n")
        unfinished.rename(place)
    except OSError as error:
        raise OutputWriteError(
            f"{place} cannot be written ({error.strerror}); check the folder and its disk's space"
        ) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(unfinished)
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
    _write(folder / "plate", "plate", index, view.image[..., :3])
    _write(folder / "disparity", "disparity", index, view.disparity[..., None], "Z", "float")
    for element in range(len(scene.props)):
        matte = at.matte(index, element, side)
        _write(folder / f"matte-{element + 1}", "matte", index, matte[..., None], "A")
    for focusing in focusings:
        truth = at.bokeh(index, focusing.focus[index], focusing.strength[index], recipe.rays)
        _write(folder / focusing.name, "bokeh", index, truth[..., :3])


def _write(
    folder: Path, stem: str, index: int, image: Float32Array, channels: str = "RGB", data_type: str = "half"
) -> None:
    """Write a picture, lossless; the folder is made with its first one."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}.{FIRST_FRAME + index}.exr"
    height, width, count = image.shape
    part = NewPart(
        image,
        tuple(channels),
        (data_type,) * count,
        Window.of_size(width, height),
        compression="zip",
        metadata=NO_DATE,
    )
    save_image(path, "openexr", [part], str(path))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
