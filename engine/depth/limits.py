"""The shot's depth limits, found in one pass that forgets each frame after reading it."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isinf
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.depth.conventions import DEFAULTS, EMPTY_ALPHA, DepthLimits, remedy
from engine.errors import DepthRangeError, require
from engine.frames import Float32Array

if TYPE_CHECKING:
    from engine.shot import Depth

__all__ = ["OUTLIERS", "DepthSurvey", "find_limits"]

OUTLIERS: Final = 0.001
"""Share of pixels, at either end, that may lie outside the limits: fireflies, dust before the lens, depth artefacts."""

DROPPED_BITS: Final = 12
BINS: Final = 1 << (31 - DROPPED_BITS)


class DepthSurvey:
    """What is known of a shot's depth after some of its frames; two surveys can be merged.

    Keeps a histogram of 2^19 counts over the leading bits of the values as positive float32 (8 of the exponent and 11
    of the fraction, so a bin is 1/2048 of its value wide at any scale) and the exact extremes. Counts are whole
    numbers, so the result does not depend on the order of frames or on how they are divided among surveys.
    """

    def __init__(self, settings: Depth) -> None:
        self._settings = settings
        self._counts = np.zeros(BINS, np.int64)
        self._lowest = inf
        self._highest = -inf
        self._infinite = 0
        self._negative = 0

    def add(self, values: Float32Array, alpha: Float32Array | None = None) -> None:
        """Count one frame's values; those that no depth has are passed over.

        Alpha counts only for depth that is to be unpremultiplied; where it shows nothing, nothing is counted.
        """
        usable = np.asarray(values, dtype=np.float32).ravel()
        if alpha is not None and self._settings.unpremultiply:
            cover = np.asarray(alpha, dtype=np.float32).ravel()
            seen = cover > EMPTY_ALPHA
            usable = usable[seen] / cover[seen]
        if self._is_metric:
            self._negative += int(np.count_nonzero(usable < 0))
        if self._settings.convention == "distance":
            usable = usable[usable > 0]
            self._infinite += int(np.count_nonzero(np.isinf(usable)))
        usable = usable[np.isfinite(usable)]
        if self._settings.convention == "inverse":
            usable = usable[usable >= 0]
        if not usable.size:
            return
        self._lowest = min(self._lowest, float(usable.min()))
        self._highest = max(self._highest, float(usable.max()))
        if self._is_metric:
            # Bits of positive floats rise with their values.
            bins = np.abs(usable).view(np.int32) >> DROPPED_BITS
            self._counts += np.bincount(bins, minlength=BINS)

    def merge(self, other: DepthSurvey) -> None:
        """Take in what another survey of the same shot has counted."""
        self._counts += other._counts
        self._lowest = min(self._lowest, other._lowest)
        self._highest = max(self._highest, other._highest)
        self._infinite += other._infinite
        self._negative += other._negative

    def limits(self, *, find_far: bool = False) -> DepthLimits:
        """The shot's limits: those that the document gives, the others from what was counted.

        Args:
            find_far: also find far where it is not given, instead of infinity (distance) or 0 (inverse).

        Raises:
            DepthRangeError: no usable depth, all depth equal, or limits that leave no range.
        """
        settings = self._settings
        require(
            self._lowest <= self._highest or self._infinite > 0,
            DepthRangeError,
            f'depth: the shot holds no value that "{settings.convention}" allows; '
            f"{remedy(settings, self._negative > 0)}",
        )
        equal = self._lowest >= self._highest
        if equal and (not self._infinite or isinf(self._lowest)):
            found = inf if isinf(self._lowest) else self._lowest
            raise DepthRangeError(
                f"depth is {found:g} in every pixel of the shot; check depth.channel, or render the depth again"
            )
        near, far = DEFAULTS[settings.convention]
        if self._is_metric:
            found_near, found_far = self._percentiles()
            near, far = found_near, found_far if find_far else far
        near = near if settings.near is None else settings.near
        far = far if settings.far is None else settings.far
        assert near is not None  # only metric conventions have none, and theirs was found
        return DepthLimits(near, far).checked(settings.convention)

    @property
    def _is_metric(self) -> bool:
        return self._settings.convention in ("distance", "inverse")

    def _percentiles(self) -> tuple[float, float]:
        """Near and far value, each but for the share of outliers; the outer border of the bin, inside the extremes."""
        low = self._border(int(np.searchsorted(np.cumsum(self._counts), self._allowed, side="right")))
        high = self._border(BINS - int(np.searchsorted(np.cumsum(self._counts[::-1]), self._allowed, side="right")))
        low, high = max(low, self._lowest), min(high, self._highest)
        if self._settings.convention == "distance":
            return low, inf if self._infinite > self._allowed else high
        return high, low

    @property
    def _allowed(self) -> int:
        """Number of pixels that may lie beyond a limit."""
        return int((int(self._counts.sum()) + self._infinite) * OUTLIERS)

    @staticmethod
    def _border(edge: int) -> float:
        bits = np.array(edge << DROPPED_BITS, np.int64).astype(np.uint32)
        return float(bits.view(np.float32))


def find_limits(
    frames_of_values: Iterable[tuple[int, Float32Array] | tuple[int, Float32Array, Float32Array | None]],
    settings: Depth,
    *,
    find_far: bool = False,
) -> DepthLimits:
    """The shot's near and far limits, in one pass over its depth; the memory does not grow with the shot.

    The limits are the values that all but 0.1 % of the shot's pixels lie within, so that a few stray pixels cannot
    squeeze everybody else's disparity. What the document gives, and what the convention implies, stands.

    Args:
        frames_of_values: frame number and (H, W) float32 values of the channel, and alpha where there is one.
        settings: convention, given limits, whether to unpremultiply.
        find_far: also find far where it is not given, instead of infinity (distance) or 0 (inverse).

    Raises:
        DepthRangeError: no usable depth, all depth equal, or limits that leave no range.
    """
    survey = DepthSurvey(settings)
    for entry in frames_of_values:
        row: tuple[Any, ...] = entry
        survey.add(row[1], row[2] if len(row) > 2 else None)
    return survey.limits(find_far=find_far)
