"""Whether the borders of the windows that a shot was rendered in can be seen in the result."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import numpy as np

from engine.frames import Float32Array

__all__ = ["seam_figure"]


def seam_figure(pictures: Iterable[Float32Array], borders: Collection[int]) -> float:
    """How much more a shot jumps at the borders of windows than elsewhere.

    ``mean |p[t] - p[t-1]|`` over pixels and the frames t in ``borders``, over the same mean of all other frames.

    Args:
        pictures: frames of equal shape, in order.
        borders: indices of the frames at which a new window begins; the first frame never counts.

    Returns:
        1 where the borders cannot be told from other frames; NaN where there are none, or nothing else.
    """
    at_borders: list[float] = []
    elsewhere: list[float] = []
    last: Float32Array | None = None
    for index, picture in enumerate(pictures):
        if last is not None:
            jump = float(np.mean(np.abs(picture - last), dtype=np.float64))
            (at_borders if index in borders else elsewhere).append(jump)
        last = picture
    if not at_borders or not elsewhere or not any(elsewhere):
        return math.nan
    return float(np.mean(at_borders) / np.mean(elsewhere))
