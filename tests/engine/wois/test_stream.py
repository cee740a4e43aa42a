"""Blending windows over a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.wois import WindowGrid, blend_windows
from tests.engine.wois.test_windows import grids
from training.metrics import seam_figure


@dataclass
class Stream:
    """Items that count how many of them are alive, and that each is taken once."""

    taken: list[int] = field(default_factory=list)
    alive: set[int] = field(default_factory=set)
    most_alive: int = 0

    def items(self, indices: Sequence[int]) -> Iterator[tuple[int, Item]]:
        for index in indices:
            self.taken.append(index)
            yield index, Item(index, self)


class Item:
    def __init__(self, index: int, stream: Stream) -> None:
        self.index = index
        self._stream = stream
        stream.alive.add(index)
        stream.most_alive = max(stream.most_alive, len(stream.alive))

    def __del__(self) -> None:
        self._stream.alive.discard(self.index)


def echo(window: Sequence[Item]) -> list[np.float64]:
    return [np.float64(item.index) for item in window]


@given(grids(), st.data())
def test_every_frame_comes_once_in_order_and_whole(grid: WindowGrid, data: st.DataObject) -> None:
    asked = data.draw(st.one_of(st.just(set(range(grid.length))), st.sets(st.integers(0, grid.length - 1), min_size=1)))
    made = list(blend_windows(Stream().items(range(grid.length)), grid, asked, echo))
    assert [index for index, _, _ in made] == sorted(asked)
    assert [item.index for _, item, _ in made] == sorted(asked)
    np.testing.assert_allclose([value for _, _, value in made], sorted(asked), atol=1e-12)


@given(grids())
def test_no_more_than_a_window_and_the_frame_that_comes_in_are_held(grid: WindowGrid) -> None:
    stream = Stream()
    for _, item, _ in blend_windows(stream.items(range(grid.length)), grid, range(grid.length), echo):
        del item
    assert stream.most_alive <= grid.size + 1
    assert stream.taken == list(range(grid.length))


@given(grids(), st.data())
def test_any_split_gives_the_same_bits(grid: WindowGrid, data: st.DataObject) -> None:
    def infer(window: Sequence[int]) -> list[Float32Array]:
        # Depends on all frames of the window and on each one's place in it, as a network does.
        weight = np.float32(sum(window) % 7)
        return [np.full(2, np.sin(weight + place) + frame, np.float32) for place, frame in enumerate(window)]

    whole = {index: value for index, _, value in blend_windows(both(grid.length), grid, range(grid.length), infer)}
    asked = data.draw(st.sets(st.integers(0, grid.length - 1), min_size=1))
    reached = ((index, index) for index in grid.reach(asked))
    for index, _, value in blend_windows(reached, grid, asked, infer):
        assert np.array_equal(value, whole[index])


def both(length: int) -> Iterator[tuple[int, int]]:
    return ((index, index) for index in range(length))


def test_a_window_runs_as_soon_as_its_last_frame_is_there() -> None:
    grid = WindowGrid(24, 8, 4)
    stream = Stream()
    made = blend_windows(stream.items(range(24)), grid, range(24), echo)
    assert next(made)[0] == 0
    assert stream.taken[-1] == 7


def test_a_stream_that_ends_too_early_is_an_error() -> None:
    with pytest.raises(LookupError, match="frame 9 of 20"):
        list(blend_windows(both(15), WindowGrid(20, 8, 4), range(20), lambda window: [float(i) for i in window]))


@pytest.mark.parametrize("grid", [WindowGrid(200, 8, 4), WindowGrid(200, 8, 4, "centred"), WindowGrid(200, 8, 1)])
def test_blending_leaves_no_seam_on_a_smooth_signal(grid: WindowGrid) -> None:
    signal = [np.full((4, 4), 0.5 + 0.4 * np.sin(frame / 30), np.float32) for frame in range(200)]
    made = [value for _, _, value in blend_windows(enumerate(signal), grid, range(200), lambda window: list(window))]
    borders = [grid.start(window) for window in range(1, grid.count)]
    assert seam_figure(made, borders) == pytest.approx(seam_figure(signal, borders), rel=0.02)


def test_blending_softens_the_seam_of_windows_that_disagree() -> None:
    """Each window is off by its own constant, as a network's are."""
    offsets = np.random.default_rng(3).normal(0, 0.05, 100).astype(np.float32)
    signal = [np.full((4, 4), 0.01 * frame, np.float32) for frame in range(200)]

    def figure(overlap: int) -> float:
        grid = WindowGrid(200, 8, overlap, "centred")
        counted = iter(range(grid.count))

        def infer(window: Sequence[Float32Array]) -> list[Float32Array]:
            offset = offsets[next(counted)]
            return [picture + offset for picture in window]

        made = [value for _, _, value in blend_windows(enumerate(signal), grid, range(200), infer)]
        return seam_figure(made, [grid.start(window) for window in range(1, grid.count)])

    hard, one, half = figure(0), figure(1), figure(4)
    assert hard > 2
    assert half < one < hard
