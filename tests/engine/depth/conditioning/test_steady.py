from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.depth import EdgePlan, conditioned, reach_of
from engine.frames import FrameRange, PlateFrame, Window
from tests.engine.depth.conditioning.scenes import HEIGHT, WIDTH, cover, exact, plate

PLAN = EdgePlan(ramp=5, reach=3, softness=1.5)
FRAMES = FrameRange.of([1001, 1002, 1003, 1005, 1006, 1007, 1009])


def shaken(frame: int) -> PlateFrame:
    """A still thing whose depth is drawn anew in every frame, a pixel or two aside."""
    alpha = cover("half")
    rng = np.random.default_rng(frame)
    moved = ndimage.shift(exact(alpha), rng.uniform(-2, 2, 2), order=1, mode="nearest")
    disparity = np.ascontiguousarray(ndimage.gaussian_filter(moved, 1.5), np.float32)
    image = plate(alpha, noise=0.15, seed=frame)
    return PlateFrame(frame, image, ("R", "G", "B"), disparity, 0.5, 20.0, Window.of_size(WIDTH, HEIGHT))


SHOT = {frame: shaken(frame) for frame in FRAMES}
WHOLE = {plate.frame: plate for plate in conditioned((SHOT[f] for f in FRAMES), FRAMES, FRAMES, PLAN)}


@given(st.sets(st.sampled_from(FRAMES.numbers), min_size=1))
@settings(max_examples=20, deadline=None)
def test_a_frame_comes_out_the_same_whichever_others_are_asked_for(frames: set[int]) -> None:
    wanted = FrameRange.of(sorted(frames))
    needed = reach_of(wanted, FRAMES, PLAN)
    found = list(conditioned((SHOT[f] for f in needed), wanted, FRAMES, PLAN))
    assert [plate.frame for plate in found] == list(wanted)
    for made in found:
        np.testing.assert_array_equal(made.disparity, WHOLE[made.frame].disparity)


def test_neighbours_are_those_of_the_shot_and_never_outside_it() -> None:
    assert list(reach_of(FrameRange.of([1005]), FRAMES, PLAN)) == [1002, 1003, 1005, 1006, 1007]
    assert list(reach_of(FrameRange.of([1001]), FRAMES, PLAN)) == [1001, 1002, 1003]
    assert reach_of(FrameRange.of([1005]), FRAMES, None) == FrameRange.of([1005])


def test_without_a_plan_frames_pass_as_they_are() -> None:
    assert list(conditioned(SHOT.values(), FRAMES, FRAMES, None)) == list(SHOT.values())


def test_a_still_edge_changes_less_with_its_neighbours_than_alone() -> None:
    def restless(frames: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(a - b) > 0.1 for a, b in pairwise(frames)]))

    alone = [next(conditioned([SHOT[f]], FrameRange.of([f]), FrameRange.of([f]), PLAN)).disparity for f in FRAMES]
    together = [WHOLE[f].disparity for f in FRAMES]
    assert restless(together) < 0.8 * restless(alone)
    assert restless(together) < restless([SHOT[f].disparity for f in FRAMES])
