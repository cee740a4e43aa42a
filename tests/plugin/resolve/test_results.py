"""What came back lies where it belongs, and one step of undo takes it away."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.errors import EngineError
from plugin.resolve.clips import BIN
from plugin.resolve.comps import one_step, show_limits, show_result
from plugin.resolve.controls import find_group
from plugin.resolve.menu import target_of
from plugin.resolve.shots import job_of
from tests.plugin.resolve.clips import Resolve
from tests.plugin.resolve.fakes import Spline, SplineKey, Tool, animate, control, shot_comp
from tests.plugin.resolve.test_shots import clip


def result(comp: Any) -> Tool:  # noqa: ANN401
    controls = find_group(comp)
    return show_result(comp, controls, job_of(comp, controls))


def test_the_result_is_a_loader_on_the_frames_that_were_rendered() -> None:
    comp, _ = shot_comp(4, 19)
    made: Any = result(comp)
    assert made.name == "Rackfocus_Result"
    assert made.values["Clip"].endswith("plate_rackfocus_v001.1005.exr")
    assert [made.values[name] for name in ("GlobalIn", "GlobalOut", "ClipTimeStart", "ClipTimeEnd")] == [4, 19, 0, 15]
    assert comp.lost == [], "controls that are set inside a lock may never reach the picture"
    assert (comp.depth_of_lock, comp.undo) == (0, ["+Rackfocus result", "-True"])


def test_the_next_result_takes_the_same_loader_and_keeps_how_it_was_set() -> None:
    comp, _ = shot_comp(4, 19)
    made: Any = result(comp)
    made.values |= {"GlobalIn": 104, "GlobalOut": 119, "HoldLastFrame": 7, "Depth": 3}
    assert result(comp) is made
    kept = [made.values[name] for name in ("GlobalIn", "GlobalOut", "HoldLastFrame", "Depth")]
    assert kept == [104, 119, 7, 3], "Fusion forgets all of these with the new files"


@pytest.mark.parametrize(("first", "last"), [(0, 23), (20, 40), (0, 2)])
def test_a_loader_of_another_range_is_set_anew(first: int, last: int) -> None:
    comp, _ = shot_comp(4, 19)
    made: Any = result(comp)
    comp.range = (first, last)
    result(comp)
    placed = [made.values[name] for name in ("GlobalIn", "GlobalOut", "ClipTimeStart", "ClipTimeEnd")]
    assert placed == [first, last, 0, last - first]


def test_a_result_far_out_on_the_timeline_is_placed_though_its_ends_may_not_pass_each_other() -> None:
    comp, _ = shot_comp(1000, 1023)
    for tool in comp.tools[:2]:
        tool.values |= {"GlobalIn": 1000, "GlobalOut": 1047}
    made: Any = result(comp)
    placed = [made.values[name] for name in ("GlobalIn", "GlobalOut", "ClipTimeStart", "ClipTimeEnd")]
    assert placed == [1000, 1023, 0, 23]


def test_a_comp_is_whole_again_after_an_error() -> None:
    comp, _ = shot_comp()
    with pytest.raises(ValueError), one_step(comp, "a step"):
        raise ValueError
    assert comp.undo == ["+a step", "-True"]


def test_limits_that_were_found_are_kept_and_infinity_is_not() -> None:
    comp, made = shot_comp()
    show_limits(comp, find_group(comp), 1.25, None, 0)
    assert (control(made, "DepthNear").values["DepthNear"], control(made, "DepthFar").values["DepthFar"]) == (1.25, 0)


def test_a_control_that_is_animated_gets_a_key_and_another_one_a_value() -> None:
    comp, made = shot_comp()
    controls = find_group(comp)
    controls.put("Focus", 0.7, 5)
    assert control(made, "Focus").values["Focus"] == 0.7
    spline = Spline([SplineKey(0, 0.2)])
    animate(made, "Focus", spline)
    controls.put("Focus", 0.9, 5)
    assert [(key.frame, key.value) for key in spline.keys] == [(0, 0.2), (5, 0.9)]


def test_the_result_is_a_take_of_the_clip_and_the_media_pool_is_left_as_it_was() -> None:
    comp, item = clip()
    resolve = Resolve(item)
    target = target_of({"resolve": resolve}, "clip")
    said = target.finished(target.job())
    assert "take" in said
    assert resolve.pool.asked == [
        {
            "FilePath": "/s/plate_rackfocus/plate_rackfocus_v001/plate_rackfocus_v001.%04d.exr",
            "StartIndex": 1009,
            "EndIndex": 1032,
        }
    ]
    assert item.takes == resolve.pool.root.folders[0].media
    assert (resolve.pool.root.folders[0].name, resolve.pool.current.name, item.selected) == (BIN, "Master", 2)
    assert find_group(comp).number("View", 0) == 0, "the take goes through the group, which must hand it on"
    target.finished(target.job())
    assert len(resolve.pool.root.folders) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda resolve: setattr(resolve.pool, "refuses", True), "ImportMedia"),
        (lambda resolve: setattr(resolve.item, "makes_takes", False), "AddTake"),
        (lambda resolve: setattr(resolve, "missing", "GetMediaPool"), "GetMediaPool"),
        (lambda resolve: resolve.item.__dict__.update(duration=20, source=19), "20 frames"),
    ],
)
def test_a_take_that_cannot_be_made_says_where_the_result_is(change: Any, said: str) -> None:  # noqa: ANN401
    _, item = clip()
    resolve = Resolve(item)
    target = target_of({"resolve": resolve}, "clip")
    job = target.job()
    change(resolve)
    with pytest.raises(EngineError, match=said):
        target.finished(job)
    assert resolve.pool.current.name == "Master"
