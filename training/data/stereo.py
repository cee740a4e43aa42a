"""Sets of clips from rendered stereo sets, whose pictures are sharp and whose depth is known.

The truth of such a clip is not ray-traced: it is what our optical renderer makes at quality ``final`` of the picture
and its depth. The recipe is that of the Video Bokeh Scenes of BokehCrafter: five focal distances and three sizes of
blur, with the focus standing and moving. Where that paper leaves the numbers open, they are ours: the focal distances
are those of which 90, 70, 50, 30 and 10 percent of the clip's pixels are farther, K is 8, 16 and 32 at a width of 1024,
and the moving focus goes from the nearest of the five to the farthest, evenly in disparity, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import numpy as np
from pydantic import Field

from engine.depth import DepthLimits, find_limits, to_disparity
from engine.errors import DataSetError, DepthRangeError, require
from engine.frames import Float32Array, PlateFrame, Window
from engine.renderers.optical import OpticalRenderer
from engine.shot import Depth
from engine.shot.part import DocumentPart
from engine.shot.storage import shot_to_json
from training.data.assets import folder_licence
from training.data.clips import CLIP, FIRST_FRAME, MANIFEST, Asset, Clip, ClipSet, Focusing, Manifest
from training.data.focusing import focusing_shot
from training.data.footage import Footage
from training.data.recipe import FULL_WIDTH
from training.data.stereo_layouts import LAYOUTS, Layout, Pair, Run, runs_in
from training.data.writing import new_clip, program, write_manifest, write_picture, write_text

__all__ = ["ORIGIN", "Origin", "StereoRecipe", "import_stereo"]

ORIGIN: Final = "origin.json"
"""Beside a clip's ``clip.json``: where it came from."""

NEAREST, FARTHEST = 0.9, 0.1
"""Shares of a clip's pixels that are farther than the nearest and the farthest focal distance."""

Strength = Annotated[float, Field(ge=0, le=200, allow_inf_nan=False)]


class StereoRecipe(DocumentPart):
    """What is made of a rendered stereo set."""

    layout: Layout = Field(description="How the set lies on the disk: tartanair or irs.")
    frames: int = Field(
        25, ge=1, le=1000, description="Frames of a clip; what is left at the end of a run is not used."
    )
    clips: int | None = Field(None, ge=1, description="At most so many clips; all there are when not given.")
    focal_distances: int = Field(5, ge=2, le=32, description="Focal distances, by shares of the pixels behind them.")
    strengths: tuple[Strength, ...] = Field((8, 16, 32), min_length=1, description="K at a width of 1024.")
    moving: bool = Field(True, description="Whether there are also a sweep to the far end and one back, for each K.")


class Origin(DocumentPart):
    """Where a clip came from, and what its disparity means.

    Attributes:
        run: folder of the pictures in the set, with hyphens.
        first, last: numbers of its frames there.
        convention: of the set's depth: distance, or inverse.
        near, far: the set's own values at disparity 1 and 0.
    """

    run: str
    first: int
    last: int
    convention: str
    near: float
    far: float


class _Source(NamedTuple):
    """A clip to be made."""

    name: str
    run: str
    pairs: tuple[Pair, ...]


def import_stereo(
    source: str | Path, out: str | Path, recipe: StereoRecipe, *, say: Callable[[str, int, int], None] | None = None
) -> ClipSet:
    """Make a set of clips from a rendered stereo set, or what is missing of it.

    The same source and recipe give the same bytes, however often it was stopped.

    Args:
        source: top folder of the stereo set.
        out: folder of the new set; made if need be.
        recipe: what to make.
        say: told after every clip its name, how many are whole, and how many there shall be.

    Raises:
        DataSetError: there is nothing of this layout, a run is too short, a file is missing or damaged, or the folder
            holds something else.
        OutputWriteError: full disk, read-only folder.
    """
    place, folder = Path(source), Path(out)
    wanted = _clips_of(runs_in(place, recipe.layout), recipe, place)
    manifest = Manifest(
        made_by=program(),
        seed=0,
        recipe={**recipe.model_dump(mode="json"), "source": str(source)},
        clips=tuple(clip.name for clip in wanted),
    )
    _check_folder(folder, manifest)
    write_manifest(manifest, folder)
    for done, clip in enumerate(wanted, start=1):
        if not (folder / clip.name / CLIP).is_file():
            _make(clip, place, recipe, folder)
        if say is not None:
            say(clip.name, done, len(wanted))
    assets = tuple(asset for opened in ClipSet(folder) for asset in opened.clip.assets)
    write_manifest(manifest.model_copy(update={"assets": assets}), folder)
    return ClipSet(folder)


def _clips_of(runs: list[Run], recipe: StereoRecipe, place: Path) -> list[_Source]:
    """Windows of the runs, one after the other and without overlap."""
    length = recipe.frames
    found = [
        _Source("-".join(filter(None, (run.name, str(pairs[0].number)))), run.name, pairs)
        for run in runs
        for start in range(0, len(run.pairs) - length + 1, length)
        for pairs in [run.pairs[start : start + length]]
    ]
    longest = max(len(run.pairs) for run in runs)
    require(
        bool(found),
        DataSetError,
        f"{place}: its longest run has {longest} frames without a gap, and a clip shall have {length}; ask for fewer",
    )
    return found[: recipe.clips]


def _check_folder(folder: Path, wanted: Manifest) -> None:
    if not (folder / MANIFEST).is_file():
        held = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        require(
            not held,
            DataSetError,
            f"{folder} is not empty and holds no set of clips (there is {', '.join(held[:1])}); choose another folder",
        )
        return
    there = ClipSet(folder).manifest.recipe
    keys = sorted((there.keys() | wanted.recipe.keys()) - {"clips"})
    differing = [key for key in keys if there.get(key) != wanted.recipe.get(key)]
    require(
        not differing,
        DataSetError,
        f"{folder} holds a set that differs in {', '.join(differing)}; give the same to go on with it, or choose "
        "another folder",
    )


def _make(clip: _Source, place: Path, recipe: StereoRecipe, folder: Path) -> None:
    depth = Depth(convention=LAYOUTS[recipe.layout].convention)
    try:
        values = [(pair.number, pair.values()) for pair in clip.pairs]
        limits = find_limits(values, depth, find_far=True)
        disparities = [to_disparity(found, depth, limits, frame=number).values for number, found in values]
    except DepthRangeError as error:
        raise DataSetError(f"{clip.pairs[0].depth}: {error.message}") from error
    height, width = disparities[0].shape
    for pair, disparity in zip(clip.pairs, disparities, strict=True):
        _check_size(pair.depth, disparity, (height, width))
    focusings = tuple(_focusings(np.stack(disparities), recipe, width / FULL_WIDTH))
    footage = Footage(tuple(pair.image for pair in clip.pairs), tuple(pair.depth for pair in clip.pairs))
    asset = Asset(name=clip.name, source=str(place), licence=folder_licence(place), digest=footage.digest())
    document = Clip(
        name=clip.name, width=width, height=height, frames=recipe.frames, focusings=focusings, assets=(asset,)
    )
    shots = [focusing_shot(clip.name, focusing) for focusing in focusings]
    renderers = [OpticalRenderer.from_shot(shot) for shot in shots]
    with new_clip(folder, clip.name) as new:
        for index, (pair, disparity) in enumerate(zip(clip.pairs, disparities, strict=True)):
            (plate,) = Footage((pair.image,)).colours([0])
            _check_size(pair.image, plate, (height, width))
            # What is stored is what is rendered: the truth belongs to these files, not to finer values.
            plate = plate.astype(np.float16).astype(np.float32)
            write_picture(new / "plate", "plate", index, plate)
            write_picture(new / "disparity", "disparity", index, disparity[..., None], "Z", "float")
            for focusing, renderer in zip(focusings, renderers, strict=True):
                truth = _through_lens(renderer, plate, disparity, focusing, index)
                write_picture(new / focusing.name, "bokeh", index, truth)
        for focusing, shot in zip(focusings, shots, strict=True):
            write_text(new / focusing.name / "shot.json", shot_to_json(shot))
        write_text(new / ORIGIN, _origin(clip, depth, limits).model_dump_json(indent=1) + "\n")
        write_text(new / CLIP, document.model_dump_json(indent=1) + "\n")


def _origin(clip: _Source, depth: Depth, limits: DepthLimits) -> Origin:
    return Origin(
        run=clip.run,
        first=clip.pairs[0].number,
        last=clip.pairs[-1].number,
        convention=depth.convention,
        near=limits.near,
        far=limits.far,
    )


def _check_size(path: Path, image: Float32Array, shape: tuple[int, int]) -> None:
    height, width = image.shape[:2]
    require(
        (height, width) == shape,
        DataSetError,
        f"{path} is {width}x{height}, but the clip began with {shape[1]}x{shape[0]}; give all of a run in one size",
    )


def _focusings(disparities: Float32Array, recipe: StereoRecipe, scale: float) -> Iterator[Focusing]:
    """Of (T, H, W) disparities: each focal distance with each K, then the sweeps."""
    shares = np.linspace(NEAREST, FARTHEST, recipe.focal_distances)
    distances = np.quantile(disparities, shares).astype(float)
    frames = len(disparities)
    near, far = distances[0], distances[-1]
    courses = [(f"focus-{k}", "held", d, d) for k, d in enumerate(distances, start=1)]
    if recipe.moving:
        courses += [("near-to-far", "near-to-far", near, far), ("far-to-near", "far-to-near", far, near)]
    for strength in recipe.strengths:
        for name, kind, begin, end in courses:
            yield Focusing.model_validate(
                {
                    "name": f"{name}-k{strength:g}",
                    "kind": kind,
                    "focus": tuple(np.linspace(begin, end, frames).tolist()),
                    "strength": (strength * scale,) * frames,
                }
            )


def _through_lens(
    renderer: OpticalRenderer, plate: Float32Array, disparity: Float32Array, focusing: Focusing, index: int
) -> Float32Array:
    height, width = disparity.shape
    frame = PlateFrame(
        frame=FIRST_FRAME + index,
        image=plate,
        channels=("R", "G", "B"),
        disparity=disparity,
        focus=focusing.focus[index],
        strength=focusing.strength[index],
        window=Window.of_size(width, height),
    )
    return renderer.render(frame).image
