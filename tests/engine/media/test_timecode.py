from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.timecode import TimeCode

NTSC = Fraction(30000, 1001)
NTSC_TWICE = Fraction(60000, 1001)
RATES = st.sampled_from(
    [Fraction(24000, 1001), *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60)), NTSC, NTSC_TWICE]
)


@given(RATES, st.integers(0, 24 * 3600 * 24 - 1), st.booleans())
def test_text_and_header_mean_the_same_frame(rate: Fraction, count: int, drop: bool) -> None:
    code = TimeCode(count, round(rate), drop and rate in (NTSC, NTSC_TWICE))
    assert TimeCode.parse(str(code), rate) == code
    assert TimeCode.unpack(code.packed, rate) == code


@pytest.mark.parametrize(
    ("start", "frames", "end"),
    [
        ("00:00:59;29", 1, "00:01:00;02"),
        ("00:09:59;29", 1, "00:10:00;00"),
        ("23:59:59;29", 1, "00:00:00;00"),
        ("00:01:00;02", -1, "00:00:59;29"),
        ("00:00:59:29", 1, "00:01:00:00"),
    ],
)
def test_dropped_numbers_are_skipped(start: str, frames: int, end: str) -> None:
    code = TimeCode.parse(start, NTSC)
    assert code is not None
    assert str(code.later(frames)) == end


@pytest.mark.parametrize(
    ("start", "rate", "frames", "end"),
    [
        ("01:00:59;59", NTSC_TWICE, 1, "01:01:00;04"),
        ("01:09:59;59", NTSC_TWICE, 1, "01:10:00;00"),
        ("23:59:59;59", NTSC_TWICE, 1, "00:00:00;00"),
        ("01:00:59:49", Fraction(50), 1, "01:01:00:00"),
        ("10:00:00:58", Fraction(60), 2, "10:00:01:00"),
        ("10:00:00:47", Fraction(48000, 1001), 1, "10:00:01:00"),
    ],
)
def test_every_frame_of_fifty_and_sixty_a_second_has_its_own_code(
    start: str, rate: Fraction, frames: int, end: str
) -> None:
    code = TimeCode.parse(start, rate)
    assert code is not None
    assert str(code.later(frames)) == end
    assert code.later(frames).packed != code.packed
    assert TimeCode.unpack(code.later(frames).packed, rate) == code.later(frames)


@pytest.mark.parametrize("text", ["-01:00:00:00", "01:00:00:60", "01:00:61:00", "01:00:00:119", "01:00:00"])
def test_odd_time_codes_are_none(text: str) -> None:
    assert TimeCode.parse(text, Fraction(60)) is None


@pytest.mark.parametrize("text", ["", "1:2:3:4", "25:00:00:00", "00:00:00:24", "later"])
def test_what_is_no_time_code_is_none(text: str) -> None:
    assert TimeCode.parse(text, Fraction(24)) is None
    assert TimeCode.unpack((-1,), Fraction(24)) is None
    assert TimeCode.unpack("x", Fraction(24)) is None
