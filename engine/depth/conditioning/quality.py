"""How good the edges of a shot's depth are: how soft, and how far from the plate's own.

Measured where a row or a column crosses from one surface to another. The spread of the step says how soft the edge is.
The plate's differences along the same line, averaged over thousands of crossings, show a peak where the plate's own
edges are: its place says how far the depth's edges lie aside, its width how far they scatter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.depth.conditioning.guide import Guide, guide_of
from engine.frames import Float32Array

__all__ = ["EdgeQuality", "EdgeSurvey"]

STEP: Final = 0.08
"""Least disparity between the two sides of an edge that is measured."""

SIDE: Final = 8
"""Pixels to each side of a crossing between which the step is measured."""

PLATEAU: Final = 4
"""Pixels further on in which each side must stay as it is, so that slopes are not taken for edges."""

PROFILE: Final = 16
"""Pixels to each side in which the plate's own edge is looked for."""

CONTRAST: Final = 11.0
"""Sum of the guide's differences, in levels, from which the plate tells anything."""

WIDTHS: Final = 120
"""Bins of softness, a tenth of a pixel each."""

ENOUGH: Final = 60
"""Crossings from which the plate's answer is believed."""

HARD: Final = 0.25
"""Softness up to which an edge is hard: less than a pixel's own filter leaves."""

FOOT: Final = 0.15
"""Part of the peak's height down to which it reaches; what lies apart from it is texture."""

ONE_STEP: Final = 0.95
"""An edge that makes this part of its step within five pixels between two of them is hard; what is left is slope."""

TEXTURE: Final = 0.5
"""Where texture apart from the peak reaches this part of its height, the peak may be texture too."""

SMALL: Final = 400
"""Rows up to which every row is looked at."""

STANDS_OUT: Final = 0.03
"""Least height of the plate's edges over its texture, as a share of its differences."""

TYPICAL: Final = 0.65
"""Share of the edges that are not softer than what is called their softness: antialiasing leaves every second hard."""

MASS: Final = 0.85
"""Share of the plate's edges that lie within the reach."""


@dataclass(frozen=True)
class EdgeQuality:
    """What was measured over a shot.

    Attributes:
        crossings: how many edges were measured.
        softness: standard deviation of the depth's blur at its edges, in pixels, up to which most of them are; 0 is
            hard.
        softest: that of three edges in four.
        offset: how far the depth's near sides end inside the picture's, in pixels; negative where they are too large.
        scatter: pixels to both sides of the depth's edge within which most of the picture's edges lie; 0 means on it.
        seen: whether the picture shows enough edges to tell offset and scatter.
    """

    crossings: int
    softness: float
    softest: float
    offset: float
    scatter: int
    seen: bool

    @property
    def exact(self) -> bool:
        """Whether the depth's edges are hard and, as far as the picture tells, lie on its own."""
        return self.softness < HARD and (self.scatter == 0 or not self.seen)

    def sentence(self) -> str:
        """For a person."""
        if self.crossings == 0:
            return "the depth has no edges to measure"
        soft = "hard" if self.softness < HARD else f"{self.softness:.1f} px soft"
        if not self.seen:
            return f"depth edges are {soft}; the picture shows too few of them to tell where they belong"
        if abs(self.offset) >= 0.3:
            aside = f"{abs(self.offset):.1f} px {'inside' if self.offset > 0 else 'outside'} the picture's"
            scatter = f", most of them within {self.scatter} px" if self.scatter > abs(self.offset) + 1 else ""
            return f"depth edges are {soft}, {aside}{scatter}"
        if self.scatter == 0:
            return f"depth edges are {soft}, on the picture's own"
        return f"depth edges are {soft}, within {self.scatter} px of the picture's"


class EdgeSurvey:
    """Gathers measurements over the frames of a shot. Sums, so that the order of frames does not matter."""

    def __init__(self) -> None:
        self._widths = np.zeros(WIDTHS, np.int64)
        self._profiles = np.zeros((2, 2 * PROFILE + 1))
        self._told = np.zeros(2, np.int64)

    def add(self, image: Float32Array, colours: int, disparity: Float32Array) -> None:
        """Measure a frame.

        Args:
            image: (H, W, C) scene-linear plate.
            colours: how many of the first channels are colours.
            disparity: (H, W) float32.
        """
        guide = np.empty((*disparity.shape, 3), np.uint8)
        guide_of(image, colours, guide)
        along_rows = (disparity, guide)
        along_columns = (np.ascontiguousarray(disparity.T), np.ascontiguousarray(guide.transpose(1, 0, 2)))
        for direction, (depth, picture) in enumerate((along_rows, along_columns)):
            if min(depth.shape) > 2 * (PROFILE + 2):
                self._told[direction] += _survey(depth, picture, self._widths, self._profiles[direction])

    def quality(self) -> EdgeQuality:
        """What is known now."""
        crossings = int(self._widths.sum())
        if crossings == 0:
            return EdgeQuality(0, 0.0, 0.0, 0.0, 0, seen=False)
        below = np.cumsum(self._widths) / crossings
        softness, softest = (float((np.searchsorted(below, share) + 0.5) / 10) for share in (TYPICAL, 0.75))
        softness = 0.0 if softness < HARD else softness
        # A direction in which few edges stand says less of them than of what else is there.
        asked = [d for d in range(2) if self._told[d] >= max(ENOUGH, self._told.max() // 4)]
        answers = [(_placed(self._profiles[d] / self._told[d]), float(self._told[d])) for d in asked]
        placed = [(place, count) for place, count in answers if place is not None]
        if not placed:
            return EdgeQuality(crossings, softness, softest, 0.0, 1, seen=False)
        # Rounded, so that the order in which sums were made shows nowhere.
        offset = round(float(np.average([place[0] for place, _ in placed], weights=[n for _, n in placed])), 3)
        return EdgeQuality(crossings, softness, softest, offset, max(place[1] for place, _ in placed), seen=True)


def _placed(profile: NDArray[np.float64]) -> tuple[float, int] | None:
    """Where the plate's edges lie beside the depth's: mean place, towards the far side, and how far most of them are;
    None where they do not stand out.

    Args:
        profile: (2 PROFILE + 1,) mean share of the plate's differences at each place, from near to far.
    """
    # Texture lies under the peak, another one on each side.
    near, far = np.median(profile[:6]), np.median(profile[-6:])
    places = np.arange(-PROFILE, PROFILE + 1)
    ground = near + (far - near) * (places + PROFILE) / (2 * PROFILE)
    peak = np.maximum(profile - 1.25 * ground, 0.0)
    peak[[0, 1, -2, -1]] = 0.0
    highest = float(peak.max())
    if highest < STANDS_OUT or abs(int(np.argmax(peak)) - PROFILE) > PROFILE // 2:
        return None
    first = last = int(np.argmax(peak))
    while first > 0 and max(peak[first - 1], peak[max(first - 2, 0)]) > FOOT * highest:
        first -= 1
    while last < peak.size - 1 and max(peak[last + 1], peak[min(last + 2, peak.size - 1)]) > FOOT * highest:
        last += 1
    if max(peak[:first].max(initial=0.0), peak[last + 1 :].max(initial=0.0)) > TEXTURE * highest:
        return None
    peak[:first], peak[last + 1 :] = 0.0, 0.0
    peak /= peak.sum()
    offset = float((peak * places).sum())
    middle = PROFILE
    if abs(offset) < 0.5 and peak[middle] >= peak[middle - 1] + peak[middle + 1]:
        return offset, 0
    within = [float(peak[middle - k : middle + k + 1].sum()) for k in range(PROFILE + 1)]
    return offset, max(1, int(np.searchsorted(within, MASS)))


@nb.njit(cache=True, nogil=True)
def _survey(disparity: Float32Array, guide: Guide, widths: NDArray[np.int64], profile: NDArray[np.float64]) -> int:
    """Add the crossings along rows to the sums; returns how many the plate told something about."""
    height, width = disparity.shape
    margin = max(SIDE + PLATEAU, PROFILE) + 1
    differences = np.zeros(2 * PROFILE + 1)
    told = 0
    # Every other row is enough, except of a small picture.
    for y in range(1, height - 1, 2 if height > SMALL else 1):
        d = disparity[y]
        for x in range(margin, width - margin - 1):
            a, b = d[x - SIDE], d[x + 1 + SIDE]
            step = abs(a - b)
            middle = np.float32(0.5) * (a + b)
            if step < STEP or (d[x] > middle) == (d[x + 1] > middle):
                continue
            if abs(d[x - SIDE - PLATEAU] - a) > 0.1 * step or abs(d[x + 1 + SIDE + PLATEAU] - b) > 0.1 * step:
                continue
            # Only edges that stand across the row, within 30 degrees: a slanted one is wider along it.
            up, down = disparity[y - 1], disparity[y + 1]
            if abs(down[x] - up[x]) + abs(down[x + 1] - up[x + 1]) > np.float32(1.2) * 2 * abs(d[x + 1] - d[x]):
                continue
            spread = _spread_of(d, x, b - a)
            if spread < 0.0:
                continue
            widths[min(int(10.0 * spread), WIDTHS - 1)] += 1
            if _differences(guide, y, x, b < a, differences):
                told += 1
                for k in range(differences.size):
                    profile[k] += differences[k]
    return told


@nb.njit(cache=True, nogil=True)
def _spread_of(d: Float32Array, x: int, step: float) -> float:
    """Standard deviation of where the step is made, in pixels; -1 where there is more than one step."""
    total = first = second = size = largest = close = 0.0
    for k in range(-SIDE, SIDE + 1):
        part = (d[x + 1 + k] - d[x + k]) / step
        total += part
        first += part * k
        second += part * k * k
        size += abs(part)
        largest = max(largest, part)
        if abs(k) <= 2:
            close += part
    if size > 1.3:
        return -1.0
    if largest > ONE_STEP * close:
        return 0.0
    return float(np.sqrt(max(second / total - (first / total) ** 2, 0.0)))


@nb.njit(cache=True, nogil=True)
def _differences(guide: Guide, y: int, x: int, far_is_right: bool, out: NDArray[np.float64]) -> bool:
    """Squares of the plate's differences from near to far, their sum one; False where it shows none."""
    total = most = 0.0
    for k in range(-PROFILE, PROFILE + 1):
        difference = 0.0
        for c in range(3):
            difference += abs(float(guide[y, x + 1 + k, c]) - float(guide[y, x + k, c]))
        most = max(most, difference)
        total += difference * difference
        out[(k if far_is_right else -k) + PROFILE] = difference * difference
    if most < CONTRAST:
        return False
    for k in range(out.size):
        out[k] /= total
    return True
