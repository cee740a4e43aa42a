"""Which way is up: the eight orientations of TIFF and Exif, which EXR, PNG, JPEG and DPX say too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.frames import Window

__all__ = ["UPRIGHT", "is_turned", "known_orientation", "turned_words", "upright", "upright_window"]

T = TypeVar("T", bound=np.generic)

UPRIGHT: Final = 1
"""Orientation of a picture that is stored as it is seen."""

_WORDS: Final = {
    2: "mirrored",
    3: "upside down",
    4: "mirrored, upside down",
    5: "mirrored, lying",
    6: "lying on its left side",
    7: "mirrored, lying",
    8: "lying on its right side",
}


def known_orientation(value: int) -> int:
    """One of the eight; upright for what is none."""
    return value if 1 <= value <= 8 else UPRIGHT


def is_turned(orientation: int) -> bool:
    """Whether what is stored as rows is seen as columns."""
    return orientation >= 5


def upright(pixels: NDArray[T], orientation: int) -> NDArray[T]:
    """Pixels as they are seen.

    Args:
        pixels: (H, W, C) as stored.
        orientation: what the file says of its first row and column: 1 top and left, 2 top and right, 3 bottom and
            right, 4 bottom and left, 5 left and top, 6 right and top, 7 right and bottom, 8 left and bottom.

    Returns:
        (H, W, C), or (W, H, C) from 5 on; a view.
    """
    if is_turned(orientation):
        pixels = pixels.swapaxes(0, 1)
    from_bottom, from_right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return pixels[:: -1 if from_bottom else 1, :: -1 if from_right else 1]


def upright_window(window: Window, orientation: int) -> Window:
    """Where the pixels lie as they are seen; the display window keeps its corner."""
    left, top = window.x - window.display_x, window.y - window.display_y
    right = window.display_width - left - window.width
    bottom = window.display_height - top - window.height
    width, height = window.width, window.height
    display_width, display_height = window.display_width, window.display_height
    if is_turned(orientation):
        left, top, right, bottom = top, left, bottom, right
        width, height, display_width, display_height = height, width, display_height, display_width
    x = right if orientation in (2, 3, 6, 7) else left
    y = bottom if orientation in (3, 4, 7, 8) else top
    return replace(
        window,
        x=window.display_x + x,
        y=window.display_y + y,
        width=width,
        height=height,
        display_width=display_width,
        display_height=display_height,
    )


def turned_words(orientation: int) -> str:
    """What to say of a file whose pixels were turned on reading; empty where they were not."""
    stored = _WORDS.get(orientation)
    return "" if stored is None else f" (stored {stored}, turned upright)"
