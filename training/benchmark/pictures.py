"""Pictures that a person looks at after a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import OutputWriteError
from engine.frames import Float32Array
from training.metrics import display

__all__ = ["ERROR_GAIN", "write_pictures", "write_png"]

ERROR_GAIN = 8.0
"""How much an error picture is brightened."""

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
