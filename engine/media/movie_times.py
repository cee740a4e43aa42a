"""From the moments of a movie's pictures to a frame rate, and whether it is constant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PictureTimes", "Rate", "find_rate"]

_NTSC: Final = tuple(Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 120, 240))
TRADE: Final = (
    *_NTSC,
    *(Fraction(whole) for whole in (5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 240)),
    Fraction(25, 2),
)
"""Frame rates that people mean."""

_SLOWEST: Final = Fraction(1, 1000)
_FASTEST: Final = Fraction(1000)

_SLACK: Final = 0.75
"""Share of a frame by which pictures of a constant rate of the trade may lie off their places, together both ways."""

_TIGHT: Final = 0.1
"""The same for any other rate, beside the rounding of the file's clock."""


@dataclass(frozen=True)
class Rate:
    """The rate of a movie's pictures.

    Attributes:
        rate: frames per second: the trade's nearest where the pictures' own vary.
        varies: whether the pictures lie at other times than that rate says.
        lowest, highest: of the pictures' own, frames per second.
    """

    rate: Fraction
    varies: bool = False
    lowest: float = 0.0
    highest: float = 0.0


class PictureTimes(Mapping[int, Fraction]):
    """Seconds since the first picture, by frame number; counted in ticks, made into fractions where asked.

    Args:
        ticks: of each picture, from 0 upwards.
        base: seconds of a tick.
        first: number of the first frame.
    """

    def __init__(self, ticks: NDArray[np.int64], base: Fraction, first: int) -> None:
        self._ticks = ticks
        self._base = base
        self._first = first

    def __getitem__(self, frame: int) -> Fraction:
        place = frame - self._first
        if not 0 <= place < len(self._ticks):
            raise KeyError(frame)
        return int(self._ticks[place]) * self._base

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first, self._first + len(self._ticks)))

    def __len__(self) -> int:
        return len(self._ticks)


def find_rate(moments: NDArray[np.int64], base: Fraction, headers: Sequence[Fraction | None]) -> Rate:
    """The rate of pictures at these moments.

    The header's rate counts where the pictures lie at its places: many headers say averages, or the rate of fields.

    Args:
        moments: of each picture in ticks, increasing.
        base: seconds of a tick.
        headers: rates that the file says, the most believed first.
    """
    said = [_trade(rate) for rate in headers if rate is not None and _SLOWEST <= rate <= _FASTEST]
    if len(moments) < 2:
        return Rate(next((rate for rate in said if rate in TRADE), said[0] if said else Fraction(24)))
    ticks = (moments.astype(np.float64) - float(moments[0])) * float(base)
    steps = np.diff(ticks)
    usual = _trade(_plausible(1 / float(np.median(steps))), 0.02)
    mean = _plausible((len(moments) - 1) / float(ticks[-1]))
    near = sorted((known for known in TRADE if abs(float(known / usual) - 1) < 2e-3), key=lambda r: _off(ticks, r))
    for rate in (*(rate for rate in said if rate in TRADE), *near, *said, mean):
        rounding = min(2 * float(base * rate), _SLACK)
        if _off(ticks, rate) <= (_SLACK if rate in TRADE else _TIGHT + rounding):
            return Rate(rate)
    return Rate(usual, True, 1 / float(steps.max()), 1 / float(steps.min()))


def _off(seconds: NDArray[np.float64], rate: Fraction) -> float:
    """By how many frames, together both ways, pictures lie off the places of a rate."""
    return float(np.ptp(seconds * float(rate) - np.arange(len(seconds))))


def _plausible(rate: float) -> Fraction:
    """A measured rate as a fraction, within what a clock that was not damaged can say."""
    return min(max(Fraction(rate).limit_denominator(1001), _SLOWEST), _FASTEST)


def _trade(rate: Fraction, slack: float = 1e-4) -> Fraction:
    """The trade's rate that is meant; the rate itself where none is near."""
    best = min(TRADE, key=lambda known: abs(known - rate))
    return best if abs(float(best / rate) - 1) < slack else rate
