from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShotError
from engine.frames import FrameRange, Window

numbers = st.sets(st.integers(-5000, 5000), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1-9x4", (1, 5, 9)),
        ("1-9:4", (1, 5, 9)),
        ("1,4,7-9", (1, 4, 7, 8, 9)),
        ("-3--1", (-3, -2, -1)),
        ("-2-1", (-2, -1, 0, 1)),
        (" 7 ", (7,)),
        ("3-5,4-6", (3, 4, 5, 6)),
    ],
)
def test_ranges_are_read_as_they_are_written(text: str, expected: tuple[float, ...]) -> None:
    assert FrameRange.parse(text).numbers == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1-",
        "5-1",
        "1-5x0",
        "1..5",
        "1;2",
        "1-5x",
        "1e3",
        "٣",
        "9" * 5000,
        "1-99999999",
        "1-9999999,-9999999-0",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ShotError, match="frames:"):
        FrameRange.parse(text)


@given(numbers)
def test_a_range_reads_back_what_it_prints(frames: set[int]) -> None:
    written = FrameRange.of(frames)
    assert FrameRange.parse(str(written)) == written


@given(numbers)
def test_a_range_holds_exactly_its_frames(frames: set[int]) -> None:
    held = FrameRange.of(frames)
    assert list(held) == sorted(frames)
    assert (held.first, held.last, len(held)) == (min(frames), max(frames), len(frames))
    assert all(frame in held for frame in frames)
    assert max(frames) + 1 not in held


def test_a_range_out_of_order_is_refused() -> None:
    with pytest.raises(ShotError):
        FrameRange((3, 1))
    with pytest.raises(ShotError):
        FrameRange((1, 1))


def test_a_window_of_a_size_is_plain_and_overscan_is_not() -> None:
    assert Window.of_size(1920, 1080).is_plain
    assert not Window(-16, -8, 320, 180, 0, 0, 288, 164).is_plain
