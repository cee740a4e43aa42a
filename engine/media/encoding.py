"""From the renderer's linear light to what a file holds: encoded colour, the display window."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.frames import Float32Array, Window
from engine.media.colour import CINEON, ColourSpaces, can_say
from engine.media.light_layers import layers_converted
from engine.media.plate import PlateInfo
from engine.media.windows import laid_on
from engine.notices import Notice
from engine.shot import Output

__all__ = [
    "colour_notices",
    "colours_in",
    "display_image",
    "from_linear",
    "output_space",
    "says_nothing",
    "straight",
    "uncovered_light",
]

_LEAST_ALPHA: Final = 2**-17
"""Half a step of 16 bits: what is below it is stored as 0."""

_SEEN: Final = 1 / 256
"""Scene-linear light that a person sees on black."""


def from_linear(
    image: Float32Array, names: tuple[str, ...], source: str, target: str, premultiplied: bool, colours: ColourSpaces
) -> Float32Array:
    """Encode the colour and every further layer of light.

    Alpha is divided out of the light, before it is encoded, where the file holds straight colours. Where it holds
    premultiplied ones, the light is encoded as it is, like Nuke does: code values are never divided or multiplied.

    Args:
        image: (H, W, C) scene-linear, the first three channels the colour, premultiplied where the fourth is A.
        names: of the C channels.
        source, target: colour spaces, of the image and of the file; ``source`` is empty where it is the target.
        premultiplied: how the file holds its colours.
        colours: that convert.
    """
    has_alpha = "A" in names[:4]
    divided = has_alpha and not premultiplied
    same = source in {target, ""}
    if same and not divided:
        return image
    rgb = straight(image[:, :, :4]) if divided else image[:, :, :3]
    rgb = colours.convert(rgb, source or target, target)
    count = 4 if has_alpha else 3
    further = image[:, :, count:]
    if not same:
        further = layers_converted(further, names[count:], lambda light: colours.convert(light, source, target))
    return np.concatenate([rgb, image[:, :, 3:count], further], axis=2).astype(np.float32, copy=False)


def straight(image: Float32Array) -> Float32Array:
    """R, G, B of premultiplied (H, W, 4) light, divided by the alpha that a file of whole numbers can hold beside them.

    Alpha above 1 is stored as 1. Light without coverage (a glow) has no alpha to be divided by and stays as it is.
    """
    alpha = np.minimum(image[:, :, 3:4], 1)
    return np.asarray(image[:, :, :3] / np.where(alpha > _LEAST_ALPHA, alpha, 1), np.float32)


def uncovered_light(image: Float32Array) -> int:
    """How many pixels of premultiplied (H, W, 4) light are bright and have no coverage, so that straight colours lose
    them."""
    bright = image[:, :, :3].max(axis=2) > _SEEN
    return int(np.count_nonzero(bright & (image[:, :, 3] <= _LEAST_ALPHA)))


def display_image(image: Float32Array, window: Window) -> Float32Array:
    """The display window of an image: overscan cut off, what is not there black."""
    return laid_on(image, window, Window.of_size(window.display_width, window.display_height))


def colours_in(channels: tuple[str, ...]) -> int:
    """How many of the channels are the colour: R, G, B and perhaps A."""
    return 4 if len(channels) > 3 and channels[3] == "A" else 3


def colour_notices(info: PlateInfo, space: str, colours: ColourSpaces) -> tuple[Notice, ...]:
    """What a result in a space cannot keep of the plate's colours, or takes for granted."""
    found: list[Notice] = []
    if not info.colour_told and info.file_format == "openexr" and space != info.colour_space:
        found.append(
            Notice(
                "colour.untagged",
                f'the plate does not say its primaries: it is read as "{info.colour_space}", converted to "{space}"; '
                "set plate.colour_space if it is another, like ACEScg",
            )
        )
    theirs, ours = colours.said_as(info.colour_space), colours.said_as(space)
    high = theirs is not None and theirs.is_high_range
    if high and ours is not None and not (ours.is_high_range or ours.is_linear or ours.curve == CINEON):
        found.append(
            Notice(
                "colour.range",
                f'the plate\'s highlights go on above white, and "{space}" ends there: they are cut off; '
                "write EXR, or set output.colour_space to the plate's",
            )
        )
    return tuple(found)


def output_space(output: Output, info: PlateInfo, file_format: str, data_type: str, colours: ColourSpaces) -> str:
    """The space of a result of stills: the one asked for, else the plate's where a file can say it, or its format's."""
    if output.colour_space is not None:
        return colours.resolve(output.colour_space, "output.colour_space")
    is_float = data_type in {"half", "float"}
    theirs_float = info.data_type in {"half", "float"}
    if info.colour_space and file_format == info.file_format and is_float == theirs_float:
        return info.colour_space
    if is_float:
        return info.working_space or colours.linear
    stills = {info.file_format, file_format} <= {"png", "tiff", "jpeg"} and not theirs_float
    if stills and info.colour_space and can_say(colours, info.colour_space, file_format, is_float):
        return info.colour_space
    return colours.default(file_format, False)


def says_nothing(output: Output, info: PlateInfo, space: str) -> bool:
    """Whether a linear plate says nothing, and comes back as it was: then the result says nothing either."""
    assumed = not info.colour_told and info.file_format == "openexr"
    return assumed and output.colour_space is None and space == info.colour_space
