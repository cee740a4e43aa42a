"""Boost of bright, blurred pixels, for plates whose light was clipped by a camera or a display encoding."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array, count_colours
from engine.layer_kinds import LIGHT, kind_of
from engine.shot import Highlights

__all__ = ["boost_highlights"]


def boost_highlights(
    image: Float32Array, channels: tuple[str, ...], radius: Float32Array, highlights: Highlights
) -> Float32Array:
    """Add ``gain`` times the light above ``threshold`` to colours, as far as a pixel is out of focus.

    The boost comes in between a radius of half a pixel and two, so that what is in focus keeps the plate's light and a
    focus pull shows no jump. Layers of light grow by the same factor, so that they still add up to the colours. Alpha,
    mattes and data channels stay as they are.

    Args:
        image: (H, W, C) float32; not changed.
        channels: C names.
        radius: (H, W) float32, signed circle of confusion.
        highlights: threshold and gain; a gain of 0 returns ``image`` itself.
    """
    if highlights.gain == 0.0:
        return image
    lit = np.array([kind_of(name) is LIGHT for name in channels])
    out = image.copy()
    _boost(out, radius, count_colours(channels), lit, highlights.threshold, highlights.gain)
    return out


@nb.njit(cache=True, parallel=True, nogil=True)
def _boost(
    image: Float32Array,
    radius: Float32Array,
    colours: int,
    lit: NDArray[np.bool_],
    threshold: float,
    gain: float,
) -> None:
    height, width, channels = image.shape
    for y in nb.prange(height):
        for x in range(width):
            brightest = np.float32(0.0)
            for c in range(colours):
                brightest = max(brightest, image[y, x, c])
            if brightest <= threshold:
                continue
            blurred = min(
                max((abs(radius[y, x]) - np.float32(0.5)) / np.float32(1.5), np.float32(0.0)), np.float32(1.0)
            )
            # One factor for all colours keeps the hue.
            factor = np.float32(1.0 + gain * blurred * (brightest - threshold) / brightest)
            for c in range(channels):
                if lit[c]:
                    image[y, x, c] *= factor
