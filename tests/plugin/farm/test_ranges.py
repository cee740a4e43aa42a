"""Frame numbers go to a farm and come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShotError
from engine.frames import FrameRange
from plugin.farm.ranges import range_expression

FRAMES = st.sets(st.integers(-40, 40), min_size=1).map(FrameRange.of)


@given(FRAMES)
def test_what_is_written_is_read_as_the_same_frames(frames: FrameRange) -> None:
    assert FrameRange.parse(range_expression(frames)) == frames


@given(FRAMES)
def test_open_job_description_reads_the_same_frames(frames: FrameRange) -> None:
    model = pytest.importorskip("openjd.model")
    assert sorted(model.IntRangeExpr.from_str(range_expression(frames))) == list(frames)


@pytest.mark.parametrize("text", ["1001-1024", "1-99:2", "-3--1,7", "5", "1,4", "1-3,10-20:5"])
def test_a_rhythm_is_written_as_one(text: str) -> None:
    assert range_expression(FrameRange.parse(text)) == text


def test_frames_that_no_parameter_holds_are_refused() -> None:
    scattered = FrameRange.of(n * n for n in range(1000))
    with pytest.raises(ShotError, match="several jobs"):
        range_expression(scattered)
