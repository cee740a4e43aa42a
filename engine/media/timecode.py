"""SMPTE time codes: text, the packed form of EXR headers, and counting frames."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.media.attributes import Aggregate

__all__ = ["TimeCode"]

_TEXT = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


@dataclass(frozen=True)
class TimeCode:
    """A time code of a frame.

    Attributes:
        count: frames since 00:00:00:00.
        base: frames of a second as counted, 24, 25 or 30.
        drop: whether two numbers are left out in most minutes, as at 29.97.
    """

    count: int
    base: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> TimeCode | None:
        """Read ``01:02:03:04``, or ``01:02:03;04`` with dropped numbers; None where it is no time code of that rate."""
        match = _TEXT.fullmatch(text.strip())
        base = round(rate)
        if match is None or not 1 <= base <= 30:
            return None
        fields = [int(match[i]) for i in (1, 2, 3, 5)]
        return cls._of(fields, base, match[4] != ":" and base == 30)

    @classmethod
    def unpack(cls, value: Any, rate: Fraction) -> TimeCode | None:  # noqa: ANN401  whatever a header holds
        """Read the packed form of an EXR header; None where it is none, or above 30 frames per second."""
        base = round(rate)
        if not isinstance(value, tuple) or not value or not isinstance(value[0], int) or not 1 <= base <= 30:
            return None
        bits = value[0] & 0xFFFFFFFF
        masks = ((24, 0x3F), (16, 0x7F), (8, 0x7F), (0, 0x3F))
        fields = [_decimal((bits >> shift) & mask) for shift, mask in masks]
        return cls._of(fields, base, bool(bits & 0x40) and base == 30)

    @classmethod
    def _of(cls, fields: list[int], base: int, drop: bool) -> TimeCode | None:
        hours, minutes, seconds, frames = fields
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= base:
            return None
        whole = hours * 60 + minutes
        dropped = 2 * (whole - whole // 10) if drop else 0
        return cls((whole * 60 + seconds) * base + frames - dropped, base, drop)

    def later(self, frames: int) -> TimeCode:
        """The code some frames later, or earlier; around midnight it starts again."""
        day = 24 * 3600 * self.base - (2 * (1440 - 144) if self.drop else 0)
        return TimeCode((self.count + frames) % day, self.base, self.drop)

    @property
    def fields(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds, frames."""
        count = self.count
        if self.drop:
            tens, rest = divmod(count, 17982)
            count += 18 * tens + (2 * ((rest - 2) // 1798) if rest > 1 else 0)
        seconds, frames = divmod(count, self.base)
        return seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, frames

    @property
    def packed(self) -> Aggregate:
        """The form of an EXR header."""
        bits = 0x40 if self.drop else 0
        for value, shift in zip(self.fields, (24, 16, 8, 0), strict=True):
            bits |= (value // 10 * 16 + value % 10) << shift
        return Aggregate((bits, 0), "timecode")

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.fields
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if self.drop else ':'}{frames:02}"


def _decimal(bits: int) -> int:
    return (bits >> 4) * 10 + (bits & 15)
