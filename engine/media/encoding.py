"""From the renderer's linear light to what a file holds: encoded colour, the display window."""

from __future__ import annotations

import numpy as np

from engine.frames import Float32Array, Window
from engine.media.colour import ColourSpaces
from engine.media.plate import unpremultiplied

__all__ = ["colours_in", "display_image", "from_linear"]


def from_linear(
    image: Float32Array, names: tuple[str, ...], source: str, target: str, premultiplied: bool, colours: ColourSpaces
) -> Float32Array:
    """Encode R, G, B; alpha is divided out for that, and multiplied in again where the file wants it so."""
    has_alpha = "A" in names[:4]
    if (source == target or not source) and (premultiplied or not has_alpha):
        return image
    rgb = unpremultiplied(image[:, :, :4]) if has_alpha else image[:, :, :3]
    rgb = colours.convert(rgb, source or target, target)
    if has_alpha and premultiplied:
        alpha = image[:, :, 3:4]
        with np.errstate(over="ignore", invalid="ignore"):  # the writer has the last word
            rgb = rgb * np.where(alpha > 0, alpha, 1)
    return np.concatenate([rgb, image[:, :, 3:]], axis=2).astype(np.float32, copy=False)


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
