"""Small pictures and files for the tests of media."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.frames import Float32Array, RenderedFrame, Window
from engine.media.saving import NewPart, save_image

RGBA = ("R", "G", "B", "A")


def noise(width: int = 48, height: int = 32, channels: int = 4, seed: int = 1) -> Float32Array:
    """Premultiplied noise whose values a half holds exactly."""
    random = np.random.default_rng(seed)
    image = random.integers(1, 255, (height, width, channels)) / np.float32(256)
    if channels == 4:
        image[:, :, :3] *= image[:, :, 3:]
    return image.astype(np.float16).astype(np.float32)


def rendered(frame: int, image: Float32Array, window: Window | None = None, **rest: Any) -> RenderedFrame:  # noqa: ANN401  RenderedFrame's own
    """A finished frame of R, G, B and perhaps A."""
    window = window or Window.of_size(image.shape[1], image.shape[0])
    return RenderedFrame(frame, image, RGBA[: image.shape[2]], window, **rest)


def store(
    path: Path,
    image: Float32Array,
    channels: tuple[str, ...] = RGBA,
    kind: str | tuple[str, ...] = "half",
    window: Window | None = None,
    metadata: Mapping[str, Any] | None = None,
    compression: str | None = None,
) -> Path:
    """Write a one-part file of the type that the suffix says."""
    formats = (kind,) * len(channels) if isinstance(kind, str) else kind
    part = NewPart(
        image=image[:, :, : len(channels)],
        channels=channels,
        formats=formats,
        window=window or Window.of_size(image.shape[1], image.shape[0]),
        compression=compression,
        metadata=metadata or {},
        straight="A" in channels and path.suffix in {".png", ".tif"},
    )
    format_ = {".exr": "openexr", ".png": "png", ".tif": "tiff", ".dpx": "dpx"}[path.suffix]
    save_image(path, format_, [part], str(path))
    return path
