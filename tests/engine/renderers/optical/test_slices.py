"""Slices of equal radius, and what each of them shows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.renderers.optical.background import NONE
from engine.renderers.optical.silhouettes import STEP
from engine.renderers.optical.slices import BACK, OPAQUE, SOFT, Slices, cut_slices
from engine.renderers.optical.stack import slice_borders
from engine.renderers.optical.surfaces import Surfaces
from tests.engine.renderers.optical.plates import texture

Shown = dict[tuple[int, int, int], set[int]]
"""What is shown by row, slice and source: columns."""


def _surfaces(seed: int, height: int = 7, width: int = 19, scale: float = 12.0) -> Surfaces:
    """Random surfaces as the renderer widens them: a back is farther than its front, and soft fronts have one."""
    random = np.random.default_rng(seed)
    shape = (height, width)
    # Steep pieces and flat ones, so that there are silhouettes and slices that touch.
    flat = 2.0 * texture(height, width, seed + 1, 1)[..., 0]
    radius = (scale * (texture(height, width, seed, 4)[..., 0] - 0.5) * 2.0 + flat).astype(np.float32)
    back_kind = random.integers(0, 3, shape).astype(np.uint8)
    soft = (random.random(shape) < 0.3) & (back_kind != NONE)
    behind = radius + np.where(back_kind != NONE, 1.5 + 6.0 * random.random(shape), 0.0)
    return Surfaces(
        front=np.zeros((*shape, 5), np.float32),
        coverage=np.where(soft, random.random(shape), 1.0).astype(np.float32),
        front_radius=radius,
        back=np.zeros((*shape, 5), np.float32),
        back_radius=behind.astype(np.float32),
        back_kind=back_kind,
    )


def _borders(surfaces: Surfaces) -> Float32Array:
    both = np.concatenate([surfaces.front_radius, surfaces.back_radius])
    return slice_borders(float(both.max()), float(both.min()))


def _slice_by_hand(radius: float, borders: Float32Array) -> int:
    return int((borders > np.float32(radius)).sum())


def _by_hand(surfaces: Surfaces, borders: Float32Array) -> Shown:
    """What each slice shows: every front in its own slice, and, unless it covers by a part, in all slices up to the
    farthest that touches it on the same surface; every back in its own."""
    shown: Shown = {}
    radius = surfaces.front_radius
    for y, x in np.ndindex(*radius.shape):
        own = first = _slice_by_hand(float(radius[y, x]), borders)
        source = OPAQUE if surfaces.coverage[y, x] >= 1.0 else SOFT
        if source == OPAQUE:
            around = radius[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].ravel()
            first = min(_slice_by_hand(float(r), borders) for r in around if r - radius[y, x] <= STEP)
        for s in range(first, own + 1):
            shown.setdefault((y, s, source), set()).add(x)
        if surfaces.back_kind[y, x] != NONE:
            shown.setdefault((y, _slice_by_hand(float(surfaces.back_radius[y, x]), borders), BACK), set()).add(x)
    return shown


def _runs(slices: Slices, y: int, s: int) -> list[tuple[int, int, int]]:
    return [(int(a), int(b), int(c)) for a, b, c in slices.runs[slices.start[y, s] : slices.start[y, s + 1]]]


def _as_shown(slices: Slices, height: int) -> Shown:
    shown: Shown = {}
    for y in range(height):
        for s in range(len(slices.rows)):
            for first, end, source in _runs(slices, y, s):
                columns = shown.setdefault((y, s, source), set())
                assert columns.isdisjoint(range(first, end)), "a pixel is painted twice in one slice"
                columns.update(range(first, end))
    return shown


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), height=st.integers(1, 6), width=st.integers(1, 24), scale=st.sampled_from([1.0, 30.0])
)
def test_each_slice_shows_the_pixels_that_are_in_it(seed: int, height: int, width: int, scale: float) -> None:
    surfaces = _surfaces(seed, height, width, scale)
    slices = cut_slices(surfaces, _borders(surfaces))
    assert _as_shown(slices, height) == _by_hand(surfaces, _borders(surfaces))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_runs_are_as_long_as_they_can_be_and_follow_one_another(seed: int) -> None:
    surfaces = _surfaces(seed)
    slices = cut_slices(surfaces, _borders(surfaces))
    assert slices.start[0, 0] == 0
    assert slices.start[-1, -1] == len(slices.runs)
    np.testing.assert_array_equal(slices.start[1:, 0], slices.start[:-1, -1])
    assert (np.diff(slices.start, axis=1) >= 0).all()
    for y in range(7):
        for s in range(len(slices.rows)):
            runs = _runs(slices, y, s)
            assert all(first < end for first, end, _ in runs)
            assert [first for first, _, _ in runs] == sorted(first for first, _, _ in runs)
            ends = {(end, source) for _, end, source in runs}
            assert all((first, source) not in ends for first, _, source in runs)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_rows_of_a_slice_are_the_first_and_the_last_that_it_is_in(seed: int) -> None:
    surfaces = _surfaces(seed)
    slices = cut_slices(surfaces, _borders(surfaces))
    for s, (first, last) in enumerate(slices.rows):
        used = [y for y in range(7) if _runs(slices, y, s)]
        if used:
            assert (first, last) == (used[0], used[-1])
        else:
            assert last < first


def test_a_picture_in_focus_is_one_run_a_row() -> None:
    surfaces = _surfaces(1)
    surfaces.front_radius[:] = surfaces.back_radius[:] = 0.0
    surfaces.back_kind[:] = NONE
    surfaces.coverage[:] = 1.0
    slices = cut_slices(surfaces, _borders(surfaces))
    np.testing.assert_array_equal(slices.runs, [[0, 19, OPAQUE]] * 7)
