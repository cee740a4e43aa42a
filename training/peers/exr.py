"""Plain float EXR files to hand pictures to a peer and take them back: nothing compressed, nothing converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import CorruptError, OutputWriteError
from engine.frames import Float32Array

__all__ = ["read_exr", "write_exr"]


def write_exr(path: Path, image: Float32Array) -> None:
    """Write (H, W) as channel ``Y``, or the first three channels of (H, W, C) as ``R G B``, in 32-bit float.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    planes = image[..., None] if image.ndim == 2 else image[..., :3]
    height, width, channels = planes.shape
    spec = oiio.ImageSpec(width, height, channels, "float")
    spec.channelnames = ("Y",) if channels == 1 else ("R", "G", "B")
    spec["compression"] = "none"
    out = oiio.ImageOutput.create(str(path))
    written = (
        out is not None
        and out.open(str(path), spec)
        and out.write_image(np.ascontiguousarray(planes, dtype=np.float32))
        and out.close()
    )
    if not written:
        raise OutputWriteError(f"{path}: cannot be written ({out.geterror() if out else oiio.geterror()})")


def read_exr(path: Path) -> Float32Array:
    """All channels as (H, W, C) float32.

    Raises:
        CorruptError: the file cannot be read.
    """
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise CorruptError(f"{path}: cannot be read ({oiio.geterror()})")
    try:
        pixels = image.read_image(format=oiio.FLOAT)
        if pixels is None:
            raise CorruptError(f"{path}: cannot be read ({image.geterror()})")
        return np.asarray(pixels, dtype=np.float32)
    finally:
        image.close()
