"""The parts of an EXR that is written: light and data, each channel in its own type, data never with loss."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShotError, require
from engine.frames import Float32Array, RenderedFrame
from engine.media.data_layers import DataLayers, integer_part, kept_beside, type_name
from engine.media.repair import made_finite
from engine.media.saving import LOSSY, NewPart

__all__ = ["DATA_CHANNELS", "exr_parts", "finite_part"]

DATA_CHANNELS: Final = frozenset({"CoC.x", "disparity.Z", "invented.A"})
"""Layers whose numbers matter: always 32-bit floats, never compressed with loss."""

_PICTURE_CHANNELS: Final = frozenset({"overlay.R", "overlay.G", "overlay.B"})


def exr_parts(
    image: Float32Array,
    names: tuple[str, ...],
    rendered: RenderedFrame,
    layers: DataLayers,
    passed: Collection[str],
    type_of: Callable[[str], str],
    compression: str | None,
    metadata: Mapping[str, object],
) -> list[NewPart]:
    """What a frame's file holds.

    The first part has the light, and the data too, unless the compression loses: then data go into a second part,
    ``data``. Whole numbers have a part of their own, ``integers``.

    Args:
        image: (H, W, C) as it is to be stored.
        names: of its C channels.
        rendered: the frame, for its windows.
        layers: (H, W) by channel name: what Rackfocus adds, and the plate's data.
        passed: names of the plate's data.
        type_of: ``half`` or ``float`` for a channel of light.
        compression: of the first part.
        metadata: entries of its header.

    Raises:
        ShotError: a layer has another name than those there are, or another size than the picture.
    """
    known = DATA_CHANNELS | _PICTURE_CHANNELS
    for name, values in layers.items():
        is_known = name in known or name in passed
        require(is_known, ShotError, f'output.layers: "{name}" is no layer; there are {", ".join(sorted(known))}')
        require(
            values.shape == image.shape[:2],
            ShotError,
            f"frame {rendered.frame}: layer {name} is {values.shape} but the picture {image.shape[:2]}",
        )
    kept = [i for i, name in enumerate(names) if name not in layers]
    pictures = [name for name in layers if name in _PICTURE_CHANNELS]
    data = [name for name in layers if name not in _PICTURE_CHANNELS and layers[name].dtype != np.uint32]
    lossy = compression is not None and compression.partition(":")[0] in LOSSY
    beside = [] if lossy else data
    stack = [image[:, :, kept], *(_plane(layers[n]) for n in (*pictures, *beside))]
    first = NewPart(
        image=np.concatenate(stack, axis=2) if len(stack) > 1 or len(kept) < len(names) else image,
        channels=(*(names[i] for i in kept), *pictures, *beside),
        formats=(
            *(type_of(names[i]) for i in kept),
            *(type_of(name) for name in pictures),
            *(type_name(layers[name]) for name in beside),
        ),
        window=rendered.window,
        pixel_aspect=rendered.pixel_aspect,
        compression=compression,
        name="rgba",
        metadata=metadata,
        exact=frozenset(beside) & frozenset(passed),
    )
    parts = [first]
    if lossy and data:
        formats = tuple(type_name(layers[name]) for name in data)
        values = np.concatenate([_plane(layers[name]) for name in data], axis=2)
        parts.append(
            NewPart(
                *(values, tuple(data), formats, rendered.window, rendered.pixel_aspect, "zips", "data"),
                metadata=kept_beside(metadata),
                exact=frozenset(data) & frozenset(passed),
            )
        )
    integers = integer_part(layers, rendered, metadata)
    return parts if integers is None else [*parts, integers]


def finite_part(part: NewPart) -> tuple[NewPart, int]:
    """A part without NaN and infinity, and how many pixels were not finite; what is to be exact is left as it is."""
    if not part.exact:
        image, count = made_finite(part.image)
        return replace(part, image=image), count
    light = [place for place, name in enumerate(part.channels) if name not in part.exact]
    repaired, count = made_finite(part.image[:, :, light])
    if count:
        part.image[:, :, light] = repaired
    return part, count


def _plane(values: NDArray[Any]) -> Float32Array:
    return values[:, :, None].astype(np.float32, copy=False)
