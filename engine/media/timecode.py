"""SMPTE time codes: text, the packed form of EXR headers, and counting frames.

Text counts every frame of a second, as QuickTime does, up to 60 of them. The packed form has room for 40, so that above
30 a second it counts pairs of frames and says by its field bit which of the pair is meant, as SMPTE 12M does for 50 and
60.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.media.attributes import Aggregate

__all__ = ["TimeCode"]

_TEXT = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
_DROPPING = (30, 60)
_HIGHEST = 60
_HIGHEST_PACKED = 30
_SECOND_OF_PAIR = 1 << 15


@dataclass(frozen=True)
class TimeCode:
    """A time code of a frame.

    Attributes:
        count: frames since 00:00:00:00.
        base: frames of a second as counted: 24, 25, 30, 50, 60 ...
        drop: whether two numbers (at 59.94 four) are left out in most minutes, as at 29.97.
    """

    count: int
    base: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> TimeCode | None:
        """Read ``01:02:03:04``, or ``01:02:03;04`` with dropped numbers; None where it is no time code of that rate."""
        match = _TEXT.fullmatch(text.strip())
        base = round(rate)
        if match is None or not 1 <= base <= _HIGHEST:
            return None
        fields = [int(match[i]) for i in (1, 2, 3, 5)]
        return cls._of(fields, base, match[4] != ":" and base in _DROPPING)

    @classmethod
    def unpack(cls, value: Any, rate: Fraction) -> TimeCode | None:  # noqa: ANN401  whatever a header holds
        """Read the packed form of an EXR header; None where it is none, or above 60 frames per second."""
        base = round(rate)
        if not isinstance(value, tuple) or not value or not isinstance(value[0], int) or not 1 <= base <= _HIGHEST:
            return None
        bits = value[0] & 0xFFFFFFFF
        masks = ((24, 0x3F), (16, 0x7F), (8, 0x7F), (0, 0x3F))
        fields = [_decimal((bits >> shift) & mask) for shift, mask in masks]
        if base > _HIGHEST_PACKED:
            fields[3] = 2 * fields[3] + bool(bits & _SECOND_OF_PAIR)
        return cls._of(fields, base, bool(bits & 0x40) and base in _DROPPING)

    @classmethod
    def _of(cls, fields: list[int], base: int, drop: bool) -> TimeCode | None:
        hours, minutes, seconds, frames = fields
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= base:
            return None
        whole = hours * 60 + minutes
        dropped = _dropped(base) * (whole - whole // 10) if drop else 0
        return cls((whole * 60 + seconds) * base + frames - dropped, base, drop)

    def later(self, frames: int) -> TimeCode:
        """The code some frames later, or earlier; around midnight it starts again."""
        day = 24 * 3600 * self.base - (_dropped(self.base) * (1440 - 144) if self.drop else 0)
        return TimeCode((self.count + frames) % day, self.base, self.drop)

    @property
    def fields(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds, frames."""
        count = self.count
        if self.drop:
            dropped = _dropped(self.base)
            tens, rest = divmod(count, 600 * self.base - 9 * dropped)
            minutes = (rest - dropped) // (60 * self.base - dropped) if rest >= dropped else 0
            count += dropped * (9 * tens + minutes)
        seconds, frames = divmod(count, self.base)
        return seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, frames

    @property
    def packed(self) -> Aggregate:
        """The form of an EXR header."""
        bits = 0x40 if self.drop else 0
        *clock, frames = self.fields
        if self.base > _HIGHEST_PACKED:
            bits |= _SECOND_OF_PAIR * (frames % 2)
            frames //= 2
        for value, shift in zip((*clock, frames), (24, 16, 8, 0), strict=True):
            bits |= (value // 10 * 16 + value % 10) << shift
        return Aggregate((bits, 0), "timecode")

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.fields
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if self.drop else ':'}{frames:02}"


def _decimal(bits: int) -> int:
    return (bits >> 4) * 10 + (bits & 15)


def _dropped(base: int) -> int:
    """Numbers left out in most minutes: two at 29.97, four at 59.94."""
    return base // 15
