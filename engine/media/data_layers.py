"""Layers of data on their way through: each channel in the type of its file, every value as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array, RenderedFrame, Window
from engine.media.attributes import passed_on
from engine.media.channels import Selection
from engine.media.images import read_integers
from engine.media.layers import INTEGERS, types_of
from engine.media.saving import NewPart
from engine.media.windows import laid_on

__all__ = ["DataLayers", "empty_data", "float_selections", "in_own_types", "integer_part", "kept_beside", "type_name"]

DataLayers = Mapping[str, NDArray[Any]]
"""(H, W) by channel name: float16, float32 or uint32, as the file has it."""

_TYPES: Final[dict[str, type[np.generic]]] = {"half": np.float16, "uint": np.uint32, "uint32": np.uint32}
_KEPT: Final = frozenset({"framesPerSecond", "smpte:TimeCode"})


def float_selections(data: Iterable[Selection]) -> tuple[Selection, ...]:
    """Of the layers of data, those that are read with the colour, as 32-bit floats: a half fits into one exactly."""
    return tuple(selection for selection in data if not _is_integer(selection))


def in_own_types(
    data: Sequence[Selection], floats: Sequence[Float32Array], path: Path, frame: int, window: Window
) -> tuple[DataLayers, int]:
    """The layers of data of a frame.

    Args:
        data: what to read.
        floats: (H, W, C) of each of ``float_selections(data)``.
        path: the file, from which whole numbers are read.
        frame: for errors.
        window: where the pixels are to lie; outside of the file's own they are 0.

    Returns:
        The layers, and how many values were NaN: they are 0 now, because NaN is never written.

    Raises:
        CorruptError: the file is damaged.
    """
    found: dict[str, NDArray[Any]] = {}
    bad = 0
    read = iter(floats)
    for selection in data:
        kinds = types_of([selection])
        whole = _is_integer(selection)
        own: NDArray[Any]
        own = read_integers(path, selection.part.number, selection.channels, frame) if whole else next(read)
        laid = laid_on(own, selection.part.window, window)
        for place, name in enumerate(selection.names):
            values = laid[:, :, place].astype(_TYPES.get(kinds[name], np.float32))
            missing = np.isnan(values)
            if missing.any():
                bad += int(missing.sum())
                values[missing] = 0
            found[name] = values
    return found, bad


def empty_data(types: Mapping[str, str], window: Window) -> DataLayers:
    """Layers of a frame that has no file: nothing, as a number."""
    size = window.height, window.width
    return {name: np.zeros(size, _TYPES.get(kind, np.float32)) for name, kind in types.items()}


def type_name(values: NDArray[Any]) -> str:
    """The type of a channel, as files call it."""
    return {"float16": "half", "uint32": "uint"}.get(values.dtype.name, "float")


def integer_part(data: DataLayers, rendered: RenderedFrame, metadata: Mapping[str, object]) -> NewPart | None:
    """The part of a file that holds the whole numbers; None where there are none.

    They have a part of their own, because OpenImageIO writes a part from one array, and no type holds both halves
    and all whole numbers of 32 bits (3.2.2).
    """
    names = tuple(name for name, values in data.items() if values.dtype == np.uint32)
    if not names:
        return None
    return NewPart(
        image=np.stack([data[name] for name in names], axis=2),
        channels=names,
        formats=("uint",) * len(names),
        window=rendered.window,
        pixel_aspect=rendered.pixel_aspect,
        compression="zips",
        name="integers",
        metadata=kept_beside(metadata),
    )


def kept_beside(metadata: Mapping[str, object]) -> dict[str, object]:
    """What the header of a further part says: the time, and the manifests of Cryptomattes."""
    kept = passed_on(metadata) | {name: value for name, value in metadata.items() if name in _KEPT}
    return {name: value for name, value in kept.items() if name in _KEPT or name.startswith("cryptomatte/")}


def _is_integer(selection: Selection) -> bool:
    return any(kind in INTEGERS for kind in types_of([selection]).values())
