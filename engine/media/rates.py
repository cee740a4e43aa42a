"""Frame rates: what a decimal, a header or a movie's clock means, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

__all__ = ["DEFAULT_RATE", "exact_rate", "frame_rate_of"]

DEFAULT_RATE: Final = Fraction(24)
"""Frames per second where nothing says any."""

_DECIMALS: Final = 2.6e-4
"""How far a rate of the trade is rounded, as a share: 23.98, even 23.97, is 24000/1001."""

_NOISE: Final = 2e-5
"""How far a whole rate is off in a header of 32-bit floats or a clock of milliseconds."""


def exact_rate(rate: float | Fraction) -> Fraction:
    """The exact frame rate meant by a number: 23.976 is 24000/1001, 29.97 is 30000/1001, 2397/100 too.

    Rates of their own, like the average of a movie of varying rate, stay as they are.
    """
    number = float(rate)
    whole = max(round(number), 1)
    if abs(number - whole) <= _NOISE * whole:
        return Fraction(whole)
    base = round(number * 1.001)
    trade = Fraction(base * 1000, 1001)
    # Only multiples of 24 and 30, and 15: 25 is a rate of countries that never had colour added to their 25.
    if base and (base % 24 == 0 or base % 15 == 0) and abs(number - trade) <= _DECIMALS * number:
        return trade
    return rate if isinstance(rate, Fraction) else Fraction(rate).limit_denominator(1001)


def frame_rate_of(values: Mapping[str, Any]) -> Fraction | None:
    """Frames per second that a header says: EXR's rational, or DPX's."""
    for name in ("framesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate"):
        rate = values.get(name)
        if isinstance(rate, tuple) and len(rate) == 2 and rate[0] > 0 and rate[1] > 0:
            return exact_rate(Fraction(int(rate[0]), int(rate[1])))
        if isinstance(rate, float | int) and math.isfinite(rate) and 0.01 < rate < 1e6:
            return exact_rate(rate)
    return None
