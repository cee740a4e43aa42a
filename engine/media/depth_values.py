"""From a depth file's pixels to one value for each: colours read back, scale, rays, and where nothing is.

| what stands in the file                       | what it becomes                                                |
|-----------------------------------------------|----------------------------------------------------------------|
| a colour of the map that ``colour_map`` names | its place on the map, 0 to 1; NaN for any other colour         |
| a distance along the ray                      | the distance from the camera's plane                           |
| ``depth.nothing``                             | the farthest value; NaN if ``nothing_is`` is unknown           |
| a distance of 0                               | likewise; NaN in files of whole numbers unless told            |
| a distance of 65504, 1e10, 1e30 or more       | infinity, the farthest: what renderers write where nothing is  |

NaN is filled from its neighbours later (``engine.depth.to_disparity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.depth.colour_maps import colour_map, likeliest_map
from engine.errors import ChannelError, require
from engine.frames import Float32Array
from engine.media.images import Part
from engine.notices import Notice
from engine.shot import Depth

__all__ = ["depth_values", "painted_notice", "require_grey", "require_map"]

FARTHEST: Final = {"distance": inf, "inverse": 0.0, "near1": 0.0, "far1": 1.0, "direct": 0.0}
"""The value of the farthest point, where the document gives none."""

SENTINELS: Final = (65504.0, 1e10)
BEYOND: Final = np.float32(1e29)
"""Distances that renderers write where nothing is: half's largest, Blender's and Mantra's, and whatever is greater."""

_Places = NDArray[np.bool_] | None

ON_MAP: Final = 0.5
"""Share of the pixels that have a colour of the map if it is the right one; edges and lettering have others."""

LOOKED_AT: Final = 4
"""Rows and columns between the pixels whose colours are compared."""

TINT: Final = 0.04
FEW: Final = 0.02
"""R, G and B of a grey picture differ by no more than a tint, but for a few pixels, whatever compressed it."""


def depth_values(colours: Float32Array, names: Sequence[str], part: Part, settings: Depth) -> Float32Array:
    """The values of a depth file's pixels; see the table above. Rays are left as they are.

    Args:
        colours: (H, W, C) float32 as in the file.
        names: of the C channels: one, or R, G and B, or Y, R, G and B.
        part: of the file.
        settings: ``scale``, ``nothing``, ``nothing_is``, ``colour_map``, ``convention`` and ``far``.

    Returns:
        (H, W) float32.
    """
    if settings.colour_map is not None and len(names) > 1:
        raw = colour_map(settings.colour_map).read(colours[:, :, len(names) - 3 :])
    else:
        raw = np.ascontiguousarray(colours[:, :, 0])
    empty, holes = _nothing(raw, settings, part.formats[part.channels.index(names[0])].startswith("uint"))
    values = raw if settings.scale == 1 else raw * np.float32(settings.scale)
    if empty is None and holes is None:
        return values
    values = values.copy() if values is raw else values
    if empty is not None:
        is_far = settings.far is not None and settings.convention != "distance"
        values[empty] = settings.far if is_far else FARTHEST[settings.convention]
    if holes is not None:
        values[holes] = np.nan
    return values


def _nothing(raw: Float32Array, settings: Depth, whole_numbers: bool) -> tuple[_Places, _Places]:
    """Where nothing is that is to be far, and where there are holes to be filled; None where there are none."""
    said = _equal(raw, settings.nothing) if settings.nothing is not None else None
    known = None
    if settings.convention == "distance":
        largest = np.nanmax(np.abs(raw), initial=0)
        if largest >= SENTINELS[0]:
            known = (np.abs(raw) == SENTINELS[0]) | (np.abs(raw) == np.float32(SENTINELS[1])) | (np.abs(raw) >= BEYOND)
        zero = _zero(raw)
        if settings.nothing_is == "far" or (settings.nothing_is == "auto" and not whole_numbers):
            known = _either(known, zero)
        elif zero is not None:
            said = _either(said, zero) if settings.nothing_is == "unknown" else said
    return (known, said) if settings.nothing_is == "unknown" else (_either(known, said), None)


def _zero(raw: Float32Array) -> _Places:
    """Where a value is exactly 0; None where it is nowhere."""
    zero: NDArray[np.bool_] = raw == 0
    return zero if zero.any() else None


def _equal(raw: Float32Array, value: float) -> _Places:
    """Where a value is the one that a person read in the file, as float or half, or as 8 or 16 bits of it."""
    with np.errstate(over="ignore"):
        same: NDArray[np.bool_] = (raw == np.float32(value)) | (raw == np.float32(np.float16(value)))
    return same if same.any() else None


def _either(one: _Places, other: _Places) -> _Places:
    if one is None or other is None:
        return other if one is None else one
    return one | other


def colours_apart(colours: Float32Array) -> Float32Array:
    """The colours, (N, 3), of those pixels of (H, W, 3) whose R, G and B differ, of some spread over the picture.

    Empty where they are few: a grey picture with a tint by compression, or with lettering in it.
    """
    some = colours[::LOOKED_AT, ::LOOKED_AT].reshape(-1, 3)
    some = some[np.isfinite(some).all(axis=1)]
    size = np.maximum(1, np.abs(some).max(axis=1, initial=0))
    apart = some[some.max(axis=1) - some.min(axis=1) > TINT * size]
    found: Float32Array = apart if len(apart) > FEW * len(some) else apart[:0]
    return found


def require_map(values: Float32Array, name: str, place: str) -> None:
    """Refuse a picture that is not painted with the colour map that the document names.

    Args:
        values: (H, W) read back from it, NaN where a colour is none of the map's.
        name: of the map.
        place: frame and file.

    Raises:
        ChannelError: most of the colours are none of the map's.
    """
    on_map = float(np.mean(np.isfinite(values)))
    require(
        on_map >= ON_MAP,
        ChannelError,
        f'{place}: only {on_map:.0%} of the pixels have colours of the map "{name}"; correct depth.colour_map '
        "(--colour-map), or leave it out if the depth is grey",
    )


def require_grey(
    colours: Float32Array, names: Sequence[str], settings: Depth, place: str, is_float: bool
) -> tuple[Notice, ...]:
    """Refuse a depth picture in colours, of which no channel is the depth.

    A picture of whole numbers, or a movie, that is painted with no known map is told instead: photographs and clips are
    given as their own depth to try a render out.

    Args:
        colours: (H, W, 3) float32.
        names: of the channels.
        settings: the convention, which has to go with the colour map.
        place: frame and file.
        is_float: whether the file holds floats.

    Raises:
        ChannelError: the colours are those of a colour map, which is named; or they differ in a file of floats.
    """
    apart = colours_apart(colours)
    if not len(apart):
        return ()
    found = likeliest_map(apart[:: max(len(apart) // 4000, 1)])
    if found is None:
        listed = ", ".join(names)
        remedy = "ask for grey, EXR or 16-bit depth, or set depth.channel (--depth-channel) to one"
        require(
            not is_float,
            ChannelError,
            f"{place}: {listed} differ, so that this is a picture in colours and none of them is known to be the "
            f"depth; {remedy}",
        )
        share = len(apart) / max(1, colours[::LOOKED_AT, ::LOOKED_AT].size // 3)
        said = f"{listed} differ in {share:.0%} of the depth, as in a picture in colours, which is no depth; {remedy}"
        return (Notice("depth.coloured", said),)
    name, share = found
    either = 'spectral" (red is 0) or "spectral_r' if name == "spectral" else name
    metric = settings.convention in ("distance", "inverse")
    too = " and depth.convention (--depth-kind) to near1, or far1 if the far is at 1" if metric else ""
    raise ChannelError(
        f'{place}: the depth is painted with the colour map "{name}" ({share:.0%} of its colours lie on it), and '
        "no channel of it is the depth; ask the estimator for grey, EXR or 16-bit depth, or set depth.colour_map "
        f'(--colour-map) to "{either}"{too}'
    )


def painted_notice(colours: Float32Array, channel: str) -> tuple[Notice, ...]:
    """What should be heard of one channel that was chosen from a picture painted with a colour map."""
    apart = colours_apart(colours)
    found = likeliest_map(apart[:: max(len(apart) // 4000, 1)])
    if found is None:
        return ()
    said = (
        f'depth.channel is {channel} of a picture that is painted with the colour map "{found[0]}", which is no depth; '
        "leave depth.channel out and set depth.colour_map (--colour-map), or ask the estimator for grey"
    )
    return (Notice("depth.coloured", said),)
