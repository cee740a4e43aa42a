"""Where windows lie, and what they weigh."""

from __future__ import annotations

from math import cos, isclose, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShotError
from engine.wois import Ramp, WindowGrid

LENGTHS = st.integers(1, 200)
RAMPS = st.sampled_from(["released", "centred"])


@st.composite
def grids(draw: st.DrawFn) -> WindowGrid:
    """Windows of the network (2 L frames, L shared) and of the decoder (any size, any overlap)."""
    length, ramp = draw(LENGTHS), draw(RAMPS)
    if draw(st.booleans()):
        overlap = draw(st.integers(1, 8))
        return WindowGrid(length, 2 * overlap, overlap, ramp)
    size = draw(st.integers(1, 16))
    return WindowGrid(length, size, draw(st.integers(0, size // 2)), ramp)


@given(grids())
def test_the_weights_of_every_frame_sum_to_one(grid: WindowGrid) -> None:
    for frame in range(grid.length):
        weights = grid.weights(frame)
        assert isclose(sum(weight for _, weight in weights), 1, abs_tol=1e-12)
        assert all(0 < weight <= 1 for _, weight in weights)
        assert len(weights) <= 2


@given(grids())
def test_a_window_that_weighs_something_in_a_frame_looks_at_it(grid: WindowGrid) -> None:
    for frame in range(grid.length):
        for window, _ in grid.weights(frame):
            assert 0 <= window < grid.count
            assert frame in grid.frames(window)


@given(grids())
def test_windows_are_full_of_the_shot_s_own_frames(grid: WindowGrid) -> None:
    for window in range(grid.count):
        frames = grid.frames(window)
        assert len(frames) == grid.size
        assert all(0 <= frame < grid.length for frame in frames)
        if grid.length >= grid.size:
            assert frames == tuple(range(frames[0], frames[0] + grid.size))
    assert grid.frames(grid.count - 1)[-1] == grid.length - 1


@given(grids())
def test_no_window_is_idle(grid: WindowGrid) -> None:
    assert grid.windows_of(range(grid.length)) == tuple(range(grid.count))


@given(grids(), st.data())
def test_a_frame_s_windows_depend_on_the_shot_alone(grid: WindowGrid, data: st.DataObject) -> None:
    asked = data.draw(st.sets(st.integers(0, grid.length - 1), min_size=1))
    reached = grid.reach(asked)
    assert set(asked) <= set(reached)
    assert set(reached) <= set(grid.reach(range(grid.length)))
    for frame in asked:
        assert all(set(grid.frames(window)) <= set(reached) for window, _ in grid.weights(frame))


@pytest.mark.parametrize(("length", "starts"), [(1, [0]), (8, [0]), (9, [0, 1]), (12, [0, 4]), (13, [0, 4, 5])])
def test_the_last_window_is_shifted_back_to_end_on_the_last_frame(length: int, starts: list[int]) -> None:
    grid = WindowGrid(length)
    assert [grid.start(window) for window in range(grid.count)] == starts


@pytest.mark.parametrize("length", [84, 240])
def test_there_are_as_many_windows_as_the_published_program_has(length: int) -> None:
    assert WindowGrid(length).count == {84: 20, 240: 59}[length]


def test_the_released_ramp_is_the_published_one() -> None:
    grid = WindowGrid(24, 8, 4, "released")
    older = [dict(grid.weights(4 + step)).get(0, 0.0) for step in range(4)]
    assert older == pytest.approx([1, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_the_centred_ramp_is_the_same_backwards() -> None:
    grid = WindowGrid(24, 8, 4, "centred")
    older = [dict(grid.weights(4 + step))[0] for step in range(4)]
    newer = [dict(grid.weights(4 + step))[1] for step in range(4)]
    assert older == pytest.approx(newer[::-1])
    assert older[0] == pytest.approx((1 + cos(pi / 8)) / 2)


def test_without_overlap_each_frame_belongs_to_one_window() -> None:
    grid = WindowGrid(20, 8, 0)
    assert [grid.weights(frame) for frame in (7, 8, 15, 16)] == [((0, 1.0),), ((1, 1.0),), ((1, 1.0),), ((2, 1.0),)]


@pytest.mark.parametrize(("length", "size", "overlap"), [(0, 8, 4), (9, 8, 5), (9, 0, 0), (9, 8, -1)])
def test_windows_that_cannot_be_are_refused(length: int, size: int, overlap: int) -> None:
    with pytest.raises(ShotError):
        WindowGrid(length, size, overlap)


@pytest.mark.parametrize("ramp", ["released", "centred"])
def test_weight_never_comes_back_to_the_older_window(ramp: Ramp) -> None:
    grid = WindowGrid(32, 16, 8, ramp)
    older = [dict(grid.weights(frame)).get(0, 0.0) for frame in range(8, 16)]
    assert older == sorted(older, reverse=True)
