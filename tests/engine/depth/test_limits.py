from __future__ import annotations

import sys
import tracemalloc
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.depth import DepthLimits, DepthSurvey, find_limits
from engine.errors import DepthRangeError
from engine.shot import Depth

NEAR_ENOUGH = 0.002  # a bin of the survey is 1/2048 of its value wide; NumPy interpolates between pixels


def frames(*planes: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return list(enumerate((np.asarray(plane, np.float32) for plane in planes), start=1001))


def scene(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(2, 30, (90, 160)).astype(np.float32)


def test_near_is_found_and_far_is_infinite() -> None:
    limits = find_limits(frames(scene(), scene(1)), Depth())
    expected = np.percentile(np.stack([scene(), scene(1)]), 0.1)
    assert limits.near == pytest.approx(expected, rel=NEAR_ENOUGH)
    assert limits.far == inf


def test_far_is_found_on_request() -> None:
    limits = find_limits(frames(scene()), Depth(), find_far=True)
    assert limits.far == pytest.approx(np.percentile(scene(), 99.9), rel=NEAR_ENOUGH)


def test_inverse_depth_is_found_from_the_other_end() -> None:
    limits = find_limits(frames(1 / scene()), Depth(convention="inverse"), find_far=True)
    assert limits.near == pytest.approx(np.percentile(1 / scene(), 99.9), rel=NEAR_ENOUGH)
    assert limits.far == pytest.approx(np.percentile(1 / scene(), 0.1), rel=NEAR_ENOUGH)
    assert find_limits(frames(1 / scene()), Depth(convention="inverse")).far == 0


def test_stray_pixels_do_not_squeeze_the_range() -> None:
    dirty = scene()
    dirty[0, :5] = 1e-4
    assert find_limits(frames(dirty), Depth()).near == pytest.approx(
        find_limits(frames(scene()), Depth()).near, rel=0.01
    )


def test_values_that_are_no_depth_do_not_count() -> None:
    dirty = np.concatenate([scene(), np.full((90, 160), np.nan, np.float32), np.full((9, 160), -1, np.float32)])
    assert find_limits(frames(dirty), Depth()) == find_limits(frames(scene()), Depth())


def test_a_sky_at_infinity_is_the_farthest() -> None:
    sky = np.concatenate([scene(), np.full((30, 160), np.inf, np.float32)])
    assert find_limits(frames(sky), Depth(), find_far=True).far == inf


def test_alpha_takes_empty_pixels_out_and_divides() -> None:
    values, alpha = scene(), np.ones((90, 160), np.float32)
    values[:30], alpha[:30] = 0.01, 0
    alpha[60:] = 0.5
    values[60:] *= 0.5
    found = find_limits([(1, values, alpha)], Depth(unpremultiply=True))
    assert found == find_limits(frames(scene()[30:]), Depth())
    values = scene()
    assert find_limits([(1, values, alpha)], Depth()) == find_limits(frames(values), Depth())


@given(st.integers(0, 10**6), st.lists(st.integers(1, 89), max_size=6), st.booleans())
@settings(max_examples=25, deadline=None)
def test_limits_do_not_depend_on_how_the_shot_is_cut_up(seed: int, cuts: list[int], is_inverse: bool) -> None:
    shot = scene(seed)
    document = Depth(convention="inverse" if is_inverse else "distance")
    whole = find_limits(frames(shot), document, find_far=True)
    pieces = np.split(shot, sorted(set(cuts)))
    assert find_limits(frames(*pieces), document, find_far=True) == whole
    assert find_limits(frames(*reversed(pieces)), document, find_far=True) == whole
    merged = DepthSurvey(document)
    for piece in pieces:
        part = DepthSurvey(document)
        part.add(piece)
        merged.merge(part)
    assert merged.limits(find_far=True) == whole


def test_memory_does_not_grow_with_the_shot() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        find_limits(((frame, scene()) for frame in range(count)), Depth())
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(40) < 1.1 * peak(4) + sys.getsizeof(scene())


@pytest.mark.parametrize("convention", ["distance", "inverse", "near1", "far1", "direct"])
def test_depth_that_is_all_equal_is_refused(convention: str) -> None:
    flat = np.full((4, 4), 0.5, np.float32)
    with pytest.raises(DepthRangeError, match=r"0\.5 in every pixel"):
        find_limits(frames(flat, flat), Depth(convention=convention))


def test_depth_that_is_all_infinite_is_refused() -> None:
    with pytest.raises(DepthRangeError, match="inf in every pixel"):
        find_limits(frames(np.full((4, 4), inf)), Depth())


def test_one_surface_before_the_sky_is_a_range() -> None:
    assert find_limits(frames(np.array([[3.0, inf]])), Depth()) == DepthLimits(3, inf)


@pytest.mark.parametrize("planes", [[], [np.full((2, 2), nan)], [np.full((2, 2), -3)]])
def test_a_shot_without_depth_is_refused(planes: list[np.ndarray]) -> None:
    with pytest.raises(DepthRangeError, match="holds no value"):
        find_limits(frames(*planes), Depth())


def test_given_limits_stand() -> None:
    assert find_limits(frames(scene()), Depth(near=4)) == DepthLimits(4, inf)
    assert find_limits(frames(scene()), Depth(near=4, far=9), find_far=True) == DepthLimits(4, 9)
    assert find_limits(frames(scene()), Depth(convention="far1", far=30)) == DepthLimits(0, 30)


def test_a_given_far_nearer_than_everything_is_refused() -> None:
    with pytest.raises(DepthRangeError, match="leave no range"):
        find_limits(frames(scene()), Depth(far=1))
