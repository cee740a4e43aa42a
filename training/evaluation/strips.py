"""Flip-books: the frames of a shot below one another in one JPEG, small enough to be looked at on a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import OutputWriteError
from engine.files import discard, place_file, temporary_path
from engine.frames import Float32Array
from training.benchmark.pictures import ERROR_GAIN
from training.evaluation.placing import make_folder

__all__ = ["MOST_FRAMES", "STRIP_WIDTH", "error_picture", "resized", "strip_size", "write_jpeg", "write_strip"]

STRIP_WIDTH: Final = 416
"""Widest picture of a strip, in pixels; larger ones are made smaller."""

MOST_FRAMES: Final = 48
"""Frames of a strip, from the first; JPEG ends at 65535 rows."""

_QUALITY: Final = "jpeg:88"


def error_picture(result: Float32Array, goal: Float32Array) -> Float32Array:
    """Difference of two pictures in display values, brightened eight times; (H, W, C) in 0..1."""
    return np.asarray(np.clip(np.abs(result - goal) * ERROR_GAIN, 0.0, 1.0), dtype=np.float32)


def strip_size(width: int, height: int, most_width: int = STRIP_WIDTH) -> tuple[int, int]:
    """Width and height of one frame in a strip."""
    scale = min(1.0, most_width / width)
    return round(width * scale), max(1, round(height * scale))


def write_strip(path: Path, pictures: Sequence[Float32Array]) -> None:
    """Write pictures (H, W, 3) in display values as one strip, whole or not at all.

    Raises:
        OutputWriteError: it cannot be written.
    """
    write_jpeg(path, np.concatenate([resized(picture) for picture in pictures[:MOST_FRAMES]]))


def write_jpeg(path: Path, picture: Float32Array) -> None:
    """Write one picture (H, W, 3) in display values and its folder, whole or not at all.

    Raises:
        OutputWriteError: it cannot be written.
    """
    values = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], 3, "uint8")
    spec["compression"] = _QUALITY
    part = temporary_path(path)
    make_folder(path.parent)
    out = oiio.ImageOutput.create("jpeg")
    written = out is not None and out.open(str(part), spec) and out.write_image(values) and out.close()
    if not written:
        discard(part)
        raise OutputWriteError(f"{path}: cannot be written ({out.geterror() if out else oiio.geterror()})")
    place_file(part, path)


def resized(picture: Float32Array, most_width: int = STRIP_WIDTH) -> Float32Array:
    """A picture (H, W, 3), made smaller where it is wider than ``most_width``."""
    height, width = picture.shape[:2]
    across, down = strip_size(width, height, most_width)
    if (across, down) == (width, height):
        return picture
    small = oiio.ImageBufAlgo.resize(
        oiio.ImageBuf(np.ascontiguousarray(picture)), roi=oiio.ROI(0, across, 0, down, 0, 1, 0, 3)
    )
    return np.asarray(small.get_pixels(oiio.FLOAT), dtype=np.float32)
