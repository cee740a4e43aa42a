"""A scatter without any depth order: the plainest blur by depth, and the floor that a better one must clear."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.frames import Float32Array, PlateFrame
from training.peers.peer import Availability, Rendering, radius_of

__all__ = ["PlainScatter"]

SHARP = 0.5
"""A disc of this radius, in pixels, is its own pixel and no other."""


class PlainScatter:
    """Every pixel spreads its colour evenly over its own disc, and what falls on a pixel is averaged.

    Nothing hides anything, so a sharp thing is veiled by what is blurred behind it; in return there is no decision that
    could flip from pixel to pixel. Its time is this process's (``time.process_time``) on one thread, without the first
    call, which compiles.
    """

    @property
    def name(self) -> str:
        """As printed in tables."""
        return "plain scatter"

    def version(self) -> str:
        """It is a part of this distribution and has none of its own, but is found everywhere."""
        return "1"

    def available(self) -> Availability:
        """Always."""
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """Blur each frame on its own; all channels alike, alpha too."""
        scatter(np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.float32))
        images: list[Float32Array] = []
        seconds: list[float] = []
        for frame in frames:
            start = time.process_time()
            images.append(scatter(np.ascontiguousarray(frame.image), radius_of(frame)))
            seconds.append(time.process_time() - start)
        return Rendering(tuple(images), tuple(seconds))


def scatter(image: Float32Array, radius: Float32Array) -> Float32Array:
    """Spread every pixel over its disc; the sum of what arrives over the sum of its weights.

    The disc's edge is a ramp one pixel wide. A pixel's weight is 1 over its disc's area, so that it gives the same
    light at every radius.

    Args:
        image: (H, W, C).
        radius: (H, W), in pixels, zero or more; below half a pixel a pixel stays where it is.

    Returns:
        (H, W, C).
    """
    rims, steps = _spread(image, radius)
    sums = rims + np.cumsum(steps, axis=1)[:, :-1]
    return np.asarray(sums[..., :-1] / sums[..., -1:], dtype=np.float32)


@njit(cache=True, nogil=True)
def _spread(image: Float32Array, radius: Float32Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Light on the rims of discs, and light within them as steps along each row: a row of a disc costs two additions.

    Both (H, W, C + 1), the weight last; the steps have one column more.
    """
    height, width, channels = image.shape
    rims = np.zeros((height, width, channels + 1))
    steps = np.zeros((height, width + 1, channels + 1))
    given = np.empty(channels + 1)
    for y in range(height):
        for x in range(width):
            r = max(radius[y, x], SHARP)
            # The volume under a disc with a rim of one pixel; at the smallest radius it is one pixel's.
            given[channels] = 1.0 if r == SHARP else 1.0 / (np.pi * (r * r + 1.0 / 12.0))
            given[:channels] = image[y, x] * given[channels]
            reach = int(r + 0.5)
            for row in range(max(y - reach, 0), min(y + reach, height - 1) + 1):
                down = (row - y) * (row - y)
                full = int(np.sqrt((r - 0.5) ** 2 - down)) if down <= (r - 0.5) ** 2 else -1
                if full >= 0:
                    steps[row, max(x - full, 0)] += given
                    steps[row, min(x + full + 1, width)] -= given
                last = int(np.sqrt((r + 0.5) ** 2 - down))
                for away in range(full + 1, last + 1):
                    cover = r + 0.5 - np.sqrt(down + away * away)
                    if x + away < width:
                        rims[row, x + away] += cover * given
                    if away > 0 and x - away >= 0:
                        rims[row, x - away] += cover * given
    return rims, steps
