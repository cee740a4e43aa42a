"""From the renderer's linear light to what a file holds: encoded colour, the display window."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.frames import Float32Array, Window
from engine.media.colour import ColourSpaces

__all__ = ["colours_in", "display_image", "from_linear", "straight", "uncovered_light"]

_LEAST_ALPHA: Final = 2**-17
"""Half a step of 16 bits: what is below it is stored as 0."""

_SEEN: Final = 1 / 256
"""Scene-linear light that a person sees on black."""


def from_linear(
    image: Float32Array, names: tuple[str, ...], source: str, target: str, premultiplied: bool, colours: ColourSpaces
) -> Float32Array:
    """Encode R, G, B for a file.

    Alpha is divided out of the light, before it is encoded, where the file holds straight colours. Where it holds
    premultiplied ones, the light is encoded as it is: code values are never divided or multiplied.

    Args:
        image: (H, W, C) scene-linear, premultiplied; R, G, B first.
        names: C channels.
        source, target: colour spaces, of the image and of the file.
        premultiplied: how the file holds its colours.
        colours: the configuration.
    """
    divided = not premultiplied and "A" in names[:4]
    if (source == target or not source) and not divided:
        return image
    rgb = straight(image[:, :, :4]) if divided else image[:, :, :3]
    rgb = colours.convert(rgb, source or target, target)
    return np.concatenate([rgb, image[:, :, 3:]], axis=2).astype(np.float32, copy=False)


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
    if window.is_plain:
        return image
    made = np.zeros((window.display_height, window.display_width, image.shape[2]), np.float32)
    left, top = window.x - window.display_x, window.y - window.display_y
    y0, y1 = max(top, 0), min(top + window.height, window.display_height)
    x0, x1 = max(left, 0), min(left + window.width, window.display_width)
    if y1 > y0 and x1 > x0:
        made[y0:y1, x0:x1] = image[y0 - top : y1 - top, x0 - left : x1 - left]
    return made


def colours_in(channels: tuple[str, ...]) -> int:
    """How many of the channels are the colour: R, G, B and perhaps A."""
    return 4 if len(channels) > 3 and channels[3] == "A" else 3
