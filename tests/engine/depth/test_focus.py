from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.depth import DepthLimits, focus_curve, sample_disparity
from engine.errors import KeysError, OpticsError
from engine.shot import Blur, Depth, Focus, FocusKey, Handle, Key, Output, Plate, Shot


def shot(*keys: FocusKey, depth: Depth | None = None, **focus: object) -> Shot:
    return Shot(
        plate=Plate(path="plate.%04d.exr"),
        depth=depth or Depth(),
        focus=Focus(keys=keys, **focus),  # type: ignore[arg-type]
        blur=Blur(keys=(Key(frame=1, value=10),)),
        output=Output(path="out.%04d.exr"),
    )


def no_sample(*_: object) -> float:
    raise AssertionError("no key points at a pixel")


def test_disparity_and_distance_keys_join_in_disparity() -> None:
    document = shot(FocusKey(frame=1, disparity=1, interpolation="linear"), FocusKey(frame=11, distance=4))
    focus = focus_curve(document, DepthLimits(1, inf), no_sample)
    assert (focus(1), focus(11)) == (1, 0.25)
    assert focus(6) == pytest.approx(0.625)


def test_a_pixel_key_is_read_on_its_own_frame() -> None:
    asked = []

    def sample(frame: int, x: float, y: float, radius: int) -> float:
        asked.append((frame, x, y, radius))
        return 0.3

    document = shot(FocusKey(frame=1001, disparity=0.9), FocusKey(frame=1010.5, pixel=(812, 404.5)), sample_radius=5)
    focus = focus_curve(document, DepthLimits(1, inf), sample)
    assert asked == [(1011, 812, 404.5, 5)]
    assert focus(1010.5) == 0.3
    assert focus(2000) == 0.3
    assert len(asked) == 1


def test_a_curve_of_distances_runs_through_distances() -> None:
    keys = (FocusKey(frame=1, distance=2, interpolation="linear"), FocusKey(frame=11, distance=6))
    limits = DepthLimits(1, 20)
    focus = focus_curve(shot(*keys, space="distance"), limits, no_sample)
    assert limits.distance_at(focus(6), Depth()) == pytest.approx(4)
    by_disparity = focus_curve(shot(*keys), limits, no_sample)
    assert limits.distance_at(by_disparity(6), Depth()) == pytest.approx(3)


def test_a_pixel_joins_a_curve_of_distances() -> None:
    keys = (FocusKey(frame=1, pixel=(3, 3), interpolation="linear"), FocusKey(frame=11, distance=6))
    limits = DepthLimits(1, inf)
    focus = focus_curve(shot(*keys, space="distance"), limits, lambda *_: 0.5)
    assert limits.distance_at(focus(6), Depth()) == pytest.approx(4)


def test_inverse_depth_takes_distance_keys() -> None:
    depth = Depth(convention="inverse")
    focus = focus_curve(shot(FocusKey(frame=1, distance=2), depth=depth), DepthLimits(1, 0), no_sample)
    assert focus(1) == pytest.approx(0.5)


def test_handles_are_in_the_unit_of_the_curve() -> None:
    keys = (
        FocusKey(frame=0, distance=2, right=Handle(frames=10 / 3, value=2)),
        FocusKey(frame=10, distance=8, left=Handle(frames=-10 / 3, value=-2)),
    )
    limits = DepthLimits(1, inf)
    focus = focus_curve(shot(*keys, space="distance"), limits, no_sample)
    assert limits.distance_at(focus(3), Depth()) == pytest.approx(2 + 0.3 * 6)  # the handles make a straight line


def test_a_focus_nearer_than_everything_is_possible() -> None:
    focus = focus_curve(shot(FocusKey(frame=1, distance=0.5)), DepthLimits(1, inf), no_sample)
    assert focus(1) == pytest.approx(2)


def test_a_curve_of_distances_does_not_reach_through_the_lens() -> None:
    keys = (FocusKey(frame=1, distance=4, interpolation="linear"), FocusKey(frame=11, distance=2))
    focus = focus_curve(shot(*keys, space="distance", after="linear"), DepthLimits(1, inf), no_sample)
    assert focus(20) > 0
    with pytest.raises(OpticsError, match="frame 30: the focus distance is"):
        focus(30)


def test_a_curve_of_distances_does_not_run_to_infinity() -> None:
    keys = (FocusKey(frame=1, distance=4), FocusKey(frame=11, disparity=0))
    with pytest.raises(OpticsError, match="frame 11 lies at infinity"):
        focus_curve(shot(*keys, space="distance"), DepthLimits(1, inf), no_sample)


@given(st.integers(0, 6), st.floats(0, 40), st.floats(0, 30))
def test_a_sample_is_a_value_that_is_seen(radius: int, x: float, y: float) -> None:
    disparity = np.random.default_rng(0).random((30, 40), np.float32)
    value = np.float32(sample_disparity(disparity, x, y, radius))
    rows, columns = np.nonzero(disparity == value)
    assert min(np.hypot(rows + 0.5 - y, columns + 0.5 - x)) <= radius + np.sqrt(0.5) + 1e-9


def test_a_sample_is_not_fooled_by_stray_pixels_or_an_edge() -> None:
    disparity = np.full((30, 40), 0.2, np.float32)
    disparity[:, 20:] = 0.8
    disparity[15, 24] = 0.0
    assert sample_disparity(disparity, 24.5, 15.5, 3) == np.float32(0.8)
    assert sample_disparity(disparity, 24.5, 15.5, 0) == 0
    assert sample_disparity(disparity, 18.5, 15.5, 3) == np.float32(0.2)
    assert sample_disparity(disparity, 40, 30, 2) == np.float32(0.8)  # the very corner is still inside


@pytest.mark.parametrize(("x", "y"), [(-0.1, 5), (5, -3), (40.2, 5), (5, 31), (float("nan"), 1)])
def test_a_point_outside_the_picture_is_refused(x: float, y: float) -> None:
    with pytest.raises(KeysError, match="outside the picture of 40x30"):
        sample_disparity(np.zeros((30, 40), np.float32), x, y, 3)
