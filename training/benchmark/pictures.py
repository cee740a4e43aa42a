"""Pictures that a person looks at after a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import OutputWriteError
from engine.frames import Float32Array
from training.metrics import display, edge_band

__all__ = ["CROP", "ERROR_GAIN", "write_crop", "write_pictures", "write_png"]

ERROR_GAIN = 8.0
"""How much an error picture is brightened."""

CROP = 96
"""Side of a crop in pixels of the frame; it is shown three times as large."""

_ENLARGED = 3
_GAP = 8
_PAPER = 0.12


def write_png(path: Path, image: Float32Array) -> None:
    """Write (H, W, 3) display values as 8-bit PNG.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    height, width, channels = image.shape
    out = oiio.ImageOutput.create(str(path))
    spec = oiio.ImageSpec(width, height, channels, "uint8")
    spec["oiio:ColorSpace"] = "sRGB"
    values = np.ascontiguousarray(np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8))
    if out is None or not out.open(str(path), spec) or not out.write_image(values) or not out.close():
        raise OutputWriteError(f"{path}: cannot be written ({out.geterror() if out else oiio.geterror()})")


def write_pictures(
    folder: Path, name: str, plate: Float32Array, truth: Float32Array, results: Mapping[str, Float32Array]
) -> Path:
    """Write a frame's truth, results and errors, and a sheet of them all.

    Args:
        folder: made if it is not there.
        name: of the shot, starts every file name.
        plate, truth: (H, W, 3) scene-linear.
        results: the same of each renderer, by its name.

    Returns:
        The sheet: plate, truth and results in the upper row; half-grey, the plate's and the results' errors times
        eight in the lower one.

    Raises:
        OutputWriteError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error
    goal = display(truth)
    upper, lower = [display(plate), goal], [_error(display(plate), goal), np.zeros_like(goal)]
    write_png(folder / f"{name}.truth.png", goal)
    for renderer, image in results.items():
        shown = display(image)
        upper.append(shown)
        lower.append(_error(shown, goal))
        stem = f"{name}.{renderer.lower().replace(' ', '-')}"
        write_png(folder / f"{stem}.png", shown)
        write_png(folder / f"{stem}.error.png", lower[-1])
    sheet = folder / f"{name}.png"
    write_png(sheet, _stack([_stack(upper, axis=1), _stack(lower, axis=1)], axis=0))
    return sheet


def write_crop(
    path: Path,
    plate: Float32Array,
    truth: Float32Array,
    results: Mapping[str, Float32Array],
    disparities: Mapping[str, Float32Array],
) -> None:
    """Write the place beside a depth edge where the first result errs most, enlarged without smoothing.

    Args:
        path: of the PNG, in a folder that is there.
        plate, truth: (H, W, 3) scene-linear.
        results: the same of each renderer, in the order in which they are shown; one at least.
        disparities: (H, W) 0..1, shown in grey; the depth edges are those of the first.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    goal = display(truth)
    shown = [display(image) for image in results.values()]
    if not shown:
        return
    error = np.square(shown[0] - goal).sum(axis=-1) * edge_band(next(iter(disparities.values())))
    # A place is as wrong as all that is seen with it: sums over windows from sums over corners.
    side_y, side_x = (min(CROP, side) for side in error.shape)
    corners = np.pad(error.cumsum(axis=0, dtype=np.float64).cumsum(axis=1), ((1, 0), (1, 0)))
    windows = corners[side_y:, side_x:] - corners[:-side_y, side_x:] - corners[side_y:, :-side_x]
    windows += corners[:-side_y, :-side_x]
    top, left = (int(place) for place in np.unravel_index(np.argmax(windows), windows.shape))
    greys = [np.repeat(disparity[..., None], 3, axis=-1) for disparity in disparities.values()]
    crops = [
        np.ascontiguousarray(image[top : top + side_y, left : left + side_x].repeat(_ENLARGED, 0).repeat(_ENLARGED, 1))
        for image in (display(plate), *greys, goal, *shown)
    ]
    write_png(path, _stack(crops, axis=1))


def _error(shown: Float32Array, goal: Float32Array) -> Float32Array:
    return np.asarray(np.clip(np.abs(shown - goal) * ERROR_GAIN, 0.0, 1.0), dtype=np.float32)


def _stack(pictures: list[Float32Array], axis: int) -> Float32Array:
    """Pictures side by side or one below the other, with a gap of dark paper."""
    shape = list(pictures[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, _PAPER, np.float32)
    parts: list[Float32Array] = []
    for picture in pictures:
        parts += [picture, gap]
    return np.concatenate(parts[:-1], axis=axis)
