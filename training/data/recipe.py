"""The recipe of a set of clips: one table of settings, with presets by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field, model_validator

from engine.errors import DataSetError
from engine.shot.part import DocumentPart
from training.documents import checked, read_table
from training.scenes.clip_scenes import ClipStyle

__all__ = ["FULL_WIDTH", "AssetFolder", "DataRecipe", "FocusingKind", "RecipePreset", "load_recipe", "preset_recipe"]

FULL_WIDTH: Final = 1024
"""K is written for a picture of this width and scales with it."""

Strength = Annotated[float, Field(ge=0, le=200, allow_inf_nan=False)]
FocusingKind = Literal["held", "background", "near-to-far", "far-to-near", "breathing"]
RecipePreset = Literal["tiny", "small", "full"]


class AssetFolder(DocumentPart):
    """A folder of pictures or clips that scenes may show."""

    path: str = Field(description="The folder.")
    holds: Literal["elements", "backgrounds"] = Field(
        "elements", description="elements, cut out by their alpha; or backgrounds, opaque."
    )
    licence: str = Field(
        "",
        description="Licence of what is in it, which every clip that shows some of it keeps; the first line of its "
        "LICENCE file when not given.",
    )


class DataRecipe(DocumentPart):
    """How a set of clips is made."""

    clips: int = Field(300, ge=1, le=1_000_000, description="How many clips.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of everything random; the same seed gives the same bytes.")
    frames: int = Field(25, ge=1, le=1000, description="Frames of a clip.")
    size: str = Field("1024x576", pattern=r"^\d+x\d+$", description="WIDTHxHEIGHT of the pictures, in pixels.")
    scenes: ClipStyle = Field(default_factory=ClipStyle, description="What the scenes are like.")
    assets: tuple[AssetFolder, ...] = Field(
        (), description="Folders to draw elements and backgrounds from; what no folder gives is made by code."
    )
    focusings: tuple[FocusingKind, ...] = Field(
        get_args(FocusingKind),
        min_length=1,
        description="Kinds of focusing: held on each element, held on the background, swept from the nearest element "
        "to the farthest, swept back, and breathing, which is held on an element while K changes.",
    )
    focusings_per_clip: int | None = Field(
        None, ge=1, description="Draw this many of a clip's focusings; all of them when not given."
    )
    strengths: tuple[Strength, ...] = Field(
        (4, 8, 16, 32), min_length=1, description="K at a width of 1024, one drawn for each held focusing."
    )
    sweep_strengths: tuple[Strength, ...] = Field(
        (12, 16, 20, 24, 28), min_length=1, description="K at a width of 1024, one drawn for each sweep."
    )
    breathing: tuple[Strength, Strength] = Field(
        (4, 32), description="Least and most K at a width of 1024 where it changes within a clip."
    )
    ease_sweeps: bool = Field(False, description="Sweeps start and end softly; else they are even in disparity.")
    rays: int = Field(100, ge=4, le=65536, description="Rays per pixel of the blurred pictures.")
    plate_samples: int = Field(8, ge=1, le=32, description="Samples across a pixel of the sharp pictures and mattes.")

    @model_validator(mode="after")
    def _possible(self) -> DataRecipe:
        width, height = self.width_height
        if not (16 <= width <= 16384 and 16 <= height <= 16384):
            raise ValueError(f"size is {self.size}, but both sides must be 16 to 16384 pixels")
        if self.breathing[0] > self.breathing[1]:
            raise ValueError(f"breathing runs from the least K to the most, but {self.breathing[0]} is the greater")
        if len(set(self.focusings)) < len(self.focusings):
            raise ValueError("focusings names a kind twice; keep one of them")
        return self

    @property
    def width_height(self) -> tuple[int, int]:
        """Of the pictures, in pixels."""
        width, height = self.size.split("x")
        return int(width), int(height)


_PRESETS: Final[Mapping[RecipePreset, Mapping[str, Any]]] = {
    # A K of 64 is 8 pixels here: much less would be hard to tell from the plate.
    "tiny": {
        "clips": 24,
        "size": "128x64",
        "frames": 9,
        "focusings_per_clip": 3,
        "strengths": (64, 96, 128),
        "sweep_strengths": (96, 128),
        "breathing": (32, 128),
        "rays": 100,
    },
    "small": {"clips": 100, "size": "512x320", "focusings_per_clip": 5},
    "full": {},
}


def preset_recipe(name: RecipePreset, **changes: object) -> DataRecipe:
    """A recipe by name: ``tiny`` in a minute or two on any machine, ``small``, or ``full`` as the paper's.

    Args:
        name: of the preset.
        changes: fields that replace the preset's; those that are None do not.

    Raises:
        DataSetError: a field is wrong.
    """
    given = {field: value for field, value in changes.items() if value is not None}
    return checked(DataRecipe, {**_PRESETS[name], **given}, f"preset {name}", DataSetError)


def load_recipe(path: str | Path, preset: RecipePreset = "full", **changes: object) -> DataRecipe:
    """Read a recipe from a TOML, YAML or JSON file; its folders of assets are relative to where it lies.

    Args:
        path: the file.
        preset: whose values fill in what the file leaves out.
        changes: fields that replace the file's; those that are None do not.

    Raises:
        DataSetError: it cannot be read, or a field is unknown or wrong; names file and field.
    """
    file = Path(path).expanduser()
    given = {field: value for field, value in changes.items() if value is not None}
    recipe = checked(
        DataRecipe, {**_PRESETS[preset], **read_table(file, DataSetError), **given}, str(file), DataSetError
    )
    folder = file.absolute().parent
    assets = tuple(a.model_copy(update={"path": str(folder / Path(a.path).expanduser())}) for a in recipe.assets)
    return recipe.model_copy(update={"assets": assets})
