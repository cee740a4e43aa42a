from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.depth import DepthLimits, to_disparity
from engine.errors import DepthRangeError, OpticsError
from engine.shot import Depth

ROUNDING = 1e-6  # of single precision, for values of 0..1


def plane(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


@pytest.mark.parametrize(
    ("convention", "limits", "values", "expected"),
    [
        ("distance", (1, inf), (1, 2, 4, inf), (1, 0.5, 0.25, 0)),
        ("distance", (1, 5), (1, 2, 5, 9), (1, (0.5 - 0.2) / 0.8, 0, 0)),
        ("distance", (2, inf), (1, 2, 4, 1e30), (1, 1, 0.5, 0)),
        ("inverse", (1, 0), (1, 0.5, 0.25, 0), (1, 0.5, 0.25, 0)),
        ("inverse", (0.5, 0.1), (0.6, 0.5, 0.3, 0), (1, 1, 0.5, 0)),
        ("near1", (1, 0), (1, 0.25, 0, -3), (1, 0.25, 0, 0)),
        ("near1", (255, 0), (255, 51, 0, 300), (1, 0.2, 0, 1)),
        ("far1", (0, 1), (0, 0.25, 1, 7), (1, 0.75, 0, 0)),
        ("direct", (1, 0), (1, 0.3, 0, 2), (1, 0.3, 0, 1)),
    ],
)
def test_each_convention_means_what_it_says(
    convention: str, limits: tuple[float, float], values: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    result = to_disparity(plane(*values), Depth(convention=convention), DepthLimits(*limits))
    np.testing.assert_allclose(result.values[0], expected, atol=ROUNDING)
    assert result.repaired == 0
    assert result.values.dtype == np.float32


def test_distance_and_its_inverse_agree() -> None:
    z = np.random.default_rng(1).uniform(1, 50, (20, 30)).astype(np.float32)
    by_distance = to_disparity(z, Depth(), DepthLimits(2, 40)).values
    by_inverse = to_disparity(1 / z, Depth(convention="inverse"), DepthLimits(1 / 2, 1 / 40)).values
    np.testing.assert_allclose(by_distance, by_inverse, atol=ROUNDING)


@pytest.mark.parametrize("bad", [nan, -inf, -1, 0])
def test_a_distance_that_is_none_takes_its_nearest_neighbours(bad: float) -> None:
    result = to_disparity(plane(1, bad, bad, 4, 4), Depth(), DepthLimits(1, inf))
    assert result.values[0].tolist() == [1, 1, 0.25, 0.25, 0.25]
    assert result.repaired == 2


@pytest.mark.parametrize(
    ("convention", "bad"), [("inverse", -1), ("inverse", inf), ("near1", inf), ("far1", nan), ("direct", -inf)]
)
def test_values_that_are_no_depth_are_repaired(convention: str, bad: float) -> None:
    limits = DepthLimits.given(Depth(convention=convention, near=1 if convention == "inverse" else None))
    assert limits is not None
    result = to_disparity(plane(0.5, bad, 0.5), Depth(convention=convention), limits)
    assert result.values[0].tolist() == [0.5, 0.5, 0.5]
    assert result.repaired == 1


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    ),
    st.sampled_from(["distance", "inverse", "near1", "far1", "direct"]),
)
def test_whatever_the_channel_holds_disparity_is_0_to_1(values: tuple[float, ...], convention: str) -> None:
    settings = Depth(convention=convention, near=2 if convention in ("distance", "inverse") else None)
    limits = DepthLimits.given(settings)
    assert limits is not None
    try:
        result = to_disparity(values, settings, limits)
    except DepthRangeError:
        assert not np.any(np.isfinite(values) & (values > 0))
        return
    assert result.values.shape == values.shape
    assert np.all((result.values >= 0) & (result.values <= 1))


def test_a_repair_takes_the_nearest_pixel_by_straight_distance() -> None:
    rng = np.random.default_rng(5)
    z = rng.uniform(1, 9, (23, 31)).astype(np.float32)
    z[rng.random(z.shape) < 0.9] = np.nan
    result = to_disparity(z, Depth(), DepthLimits(1, inf))
    known = np.argwhere(~np.isnan(z))
    for y, x in np.argwhere(np.isnan(z)):
        squares = ((known - (y, x)) ** 2).sum(1)
        nearest = known[squares == squares.min()]
        candidates = [np.float32(1 / np.float64(z[row, column])) for row, column in nearest]
        assert result.values[y, x] in candidates
    assert result.repaired == np.isnan(z).sum()


def test_unpremultiplied_depth_is_divided_by_alpha_and_far_where_nothing_is_seen() -> None:
    alpha = plane(1, 0.5, 0.0, 1e-4)
    result = to_disparity(plane(2, 1, 0, 5), Depth(unpremultiply=True), DepthLimits(1, inf), alpha)
    np.testing.assert_allclose(result.values[0], [0.5, 0.5, 0, 0], atol=ROUNDING)
    assert result.repaired == 0


def test_empty_pixels_without_depth_are_far_and_not_the_neighbours() -> None:
    result = to_disparity(plane(2, 0, 0), Depth(), DepthLimits(1, inf), plane(1, 0, 0))
    assert result.values[0].tolist() == [0.5, 0, 0]


def test_a_frame_without_any_depth_is_named() -> None:
    with pytest.raises(DepthRangeError, match='frame 1017: depth holds no value that "distance" allows'):
        to_disparity(plane(nan, 0, -1), Depth(), DepthLimits(1, inf), frame=1017)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Depth(near=2), (2, inf)),
        (Depth(near=2, far=8), (2, 8)),
        (Depth(convention="inverse", near=2), (2, 0)),
        (Depth(convention="near1"), (1, 0)),
        (Depth(convention="far1"), (0, 1)),
        (Depth(convention="far1", far=255), (0, 255)),
        (Depth(convention="direct"), (1, 0)),
    ],
)
def test_the_document_and_the_convention_give_the_limits(settings: Depth, expected: tuple[float, ...]) -> None:
    assert DepthLimits.given(settings) == DepthLimits(*expected)


def test_near_has_to_be_found_where_nobody_gives_it() -> None:
    assert DepthLimits.given(Depth()) is None
    assert DepthLimits.given(Depth(convention="inverse", far=0.1)) is None


@pytest.mark.parametrize(
    ("convention", "near", "far"),
    [
        ("distance", 5, 5),
        ("distance", 5, 2),
        ("distance", 0, 2),
        ("distance", 1, nan),
        ("distance", inf, inf),
        ("inverse", 0.1, 0.5),
        ("inverse", 1, -1),
        ("near1", 0, 1),
        ("near1", 1, -inf),
        ("far1", 1, 0),
        ("direct", 3, 0),
    ],
)
def test_limits_without_a_range_are_refused(convention: str, near: float, far: float) -> None:
    with pytest.raises(DepthRangeError, match="leave no range"):
        DepthLimits(near, far).checked(convention)


def test_distances_come_back_from_disparity() -> None:
    limits, settings = DepthLimits(1, 9), Depth()
    for z in (1, 2.5, 9):
        assert limits.distance_at(limits.disparity_at(z, settings), settings) == pytest.approx(z)
    assert limits.disparity_at(0.5, settings) > 1
    assert DepthLimits(1, inf).distance_at(0, settings) == inf


def test_normalised_depth_has_no_distances() -> None:
    with pytest.raises(OpticsError, match="holds no distances"):
        DepthLimits(1, 0).distances(Depth(convention="near1"))
