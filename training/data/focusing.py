"""Courses of focus and blur over a clip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.shot import Blur, Depth, Focus, FocusKey, Key, Output, Plate, Shot
from training.data.clips import FIRST_FRAME, Focusing
from training.data.recipe import FULL_WIDTH, DataRecipe
from training.scenes.clip_scenes import ClipScene

__all__ = ["draw_focusings", "focusing_shot"]

Rng = np.random.Generator


def draw_focusings(scene: ClipScene, recipe: DataRecipe, rng: Rng) -> tuple[Focusing, ...]:
    """The focusings of a clip: all that the recipe names, or as many of them as it wants, drawn."""
    every = [focusing for kind in recipe.focusings for focusing in _of_kind(kind, scene, recipe, rng)]
    if recipe.focusings_per_clip is None or len(every) <= recipe.focusings_per_clip:
        return tuple(every)
    chosen = np.sort(rng.choice(len(every), recipe.focusings_per_clip, replace=False))
    return tuple(every[k] for k in chosen)


def _of_kind(kind: str, scene: ClipScene, recipe: DataRecipe, rng: Rng) -> Iterator[Focusing]:
    elements, beyond = scene.disparities(), scene.beyond_disparities()
    scale = scene.width / FULL_WIDTH
    if kind == "held":
        for number, disparity in enumerate(elements.T, start=1):
            strength = float(rng.choice(recipe.strengths))
            yield _focusing(f"element-{number}-k{strength:g}", "held", disparity, strength * scale, number)
    elif kind == "background":
        strength = float(rng.choice(recipe.strengths))
        yield _focusing(f"background-k{strength:g}", "held", beyond, strength * scale)
    elif kind == "breathing":
        number = int(rng.integers(elements.shape[1])) + 1
        ends = rng.permutation(recipe.breathing)
        strengths = ends[0] + _course(scene.frames, eased=True) * (ends[1] - ends[0])
        name = f"element-{number}-k{ends[0]:g}-to-{ends[1]:g}"
        yield _focusing(name, "breathing", elements[:, number - 1], strengths * scale, number)
    else:
        # With one element alone the sweep ends on the background.
        farthest = elements[:, -1] if elements.shape[1] > 1 else beyond
        ends = np.array([elements[0, 0], farthest[-1]] if kind == "near-to-far" else [farthest[0], elements[-1, 0]])
        strength = float(rng.choice(recipe.sweep_strengths))
        focus = ends[0] + _course(scene.frames, recipe.ease_sweeps) * (ends[1] - ends[0])
        yield _focusing(f"{kind}-k{strength:g}", kind, focus, strength * scale)


def _course(frames: int, eased: bool) -> NDArray[np.float64]:
    """From 0 on the first frame to 1 on the last."""
    share = np.linspace(0.0, 1.0, frames)
    return share * share * (3.0 - 2.0 * share) if eased else share


def _focusing(
    name: str, kind: str, focus: NDArray[np.float64], strength: NDArray[np.float64] | float, element: int | None = None
) -> Focusing:
    return Focusing.model_validate(
        {
            "name": name,
            "kind": kind,
            "element": element,
            "focus": tuple(float(d) for d in np.clip(focus, 0.0, 1.0)),
            "strength": tuple(float(k) for k in np.broadcast_to(strength, focus.shape)),
        }
    )


def focusing_shot(clip: str, focusing: Focusing) -> Shot:
    """The shot document that renders what a focusing shows; its paths are relative to the focusing's folder."""
    frames = range(FIRST_FRAME, FIRST_FRAME + len(focusing.focus))
    focus = tuple(
        FocusKey(frame=frame, disparity=disparity, interpolation="linear")
        for frame, disparity in zip(frames, focusing.focus, strict=True)
    )
    blur = tuple(
        Key(frame=frame, value=strength, interpolation="linear")
        for frame, strength in zip(frames, focusing.strength, strict=True)
    )
    return Shot(
        name=f"{clip} {focusing.name}",
        plate=Plate(path="../plate/plate.%04d.exr", frames=f"{frames[0]}-{frames[-1]}"),
        depth=Depth(
            path="../disparity/disparity.%04d.exr", channel="Z", convention="direct", clean_edges=False, edges="exact"
        ),
        focus=Focus(keys=focus),
        blur=Blur(keys=blur[:1] if len(set(focusing.strength)) == 1 else blur),
        output=Output(path="rendered/rendered.%04d.exr"),
    )
