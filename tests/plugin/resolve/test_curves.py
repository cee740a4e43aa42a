"""What a person keyed in Fusion is what the engine does on every frame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curve import Curve
from engine.depth import DepthLimits, focus_curve
from engine.optics import strength_curve
from engine.shot import shot_from_dict
from plugin.resolve.controls import find_group
from plugin.resolve.curves import curve_of
from plugin.resolve.shots import job_of
from tests.plugin.resolve.fakes import Spline, SplineKey, animate, put, shot_comp

CLOSE = 1e-6
"""What Fusion's own value and the engine's may differ by."""
FRAMES = range(24)
LIMITS = DepthLimits(1.0, 9.0)


def keys(*rows: tuple[Any, ...], step: bool = False) -> list[SplineKey]:
    return [SplineKey(*row, step=step) for row in rows]


CURVES = {
    "constant": Spline(keys((0, 0.2), (9, 0.7), (19, 0.4), step=True)),
    "linear": Spline(keys((2, 0.2), (10.5, 0.7), (19, 0.4))),
    "smooth": Spline(keys((0, 0.2, None, (4, 0)), (11, 0.7, (-4, -0.1), (4, 0.1)), (23, 0.3, (-4, 0)))),
    "broken tangents": Spline(
        keys((0, 0.2, None, (3, 0.4)), (11, 0.6, (-7, 0.2), (1.5, -0.3)), (23, 0.3, (-8, 0.4), None))
    ),
    "handles as long as the way": Spline(keys((0, 0.2, None, (23, 0.1)), (23, 0.8, (-23, 0.05)))),
    "upright handles": Spline(keys((0, 0.2, None, (0, 0.2)), (23, 0.8, (0, -0.2)))),
    "between frames": Spline(keys((-0.75, 0.2, None, (2, 0.1)), (5.75, 0.6, (-1, 0.1), (3, -0.2)), (29.5, 0.5))),
    "linear extrapolation": Spline(keys((8, 0.5, None, (2, 0.05)), (14, 0.6, (-2, 0.03))), "linear", "linear"),
    "steps and slopes": Spline([SplineKey(0, 0.2, step=True), SplineKey(8, 0.6, None, (3, 0)), SplineKey(20, 0.3)]),
    "one key": Spline(keys((9, 0.55))),
}


def engine_curve(spline: Spline) -> tuple[Curve, bool]:
    """The engine's curve of a spline, and whether it has the spline's own keys."""
    found = curve_of({float(f): spline.evaluate(f) for f in FRAMES}, spline.table())
    part = found.part()
    data = {
        "plate": {"path": "/p.####.exr"},
        "focus": {"keys": [{"frame": 0, "disparity": 0.5}]},
        "blur": part,
        "output": {"path": "/o.####.exr"},
    }
    shot = shot_from_dict(data)
    assert shot.blur is not None
    return Curve.of(shot.blur.keys, shot.blur.before, shot.blur.after), found.exact


@pytest.mark.parametrize("into", [True, False], ids=["step into", "step from"])
@pytest.mark.parametrize("absolute", [True, False], ids=["handles as places", "handles as offsets"])
@pytest.mark.parametrize("name", CURVES)
def test_every_spline_is_the_host_s_own_on_every_frame_with_its_own_keys(name: str, absolute: bool, into: bool) -> None:
    spline = CURVES[name]
    spline.absolute, spline.into = absolute, into
    curve, exact = engine_curve(spline)
    assert exact
    assert [key.frame for key in curve.keys] == [key.frame for key in spline.keys]
    assert max(abs(curve(frame) - spline.evaluate(frame)) for frame in FRAMES) <= CLOSE


@given(
    values=st.lists(st.floats(0.05, 0.95), min_size=2, max_size=5),
    handles=st.lists(st.tuples(st.floats(0, 1), st.floats(-0.3, 0.3)), min_size=10, max_size=10),
    steps=st.lists(st.booleans(), min_size=5, max_size=5),
    gaps=st.lists(st.floats(1, 12), min_size=5, max_size=5),
    start=st.floats(-5, 8),
    absolute=st.booleans(),
    before=st.sampled_from(["hold", "linear"]),
)
@settings(max_examples=60, deadline=None)
def test_any_spline_comes_through_as_it_is(
    values: list[float],
    handles: list[tuple[float, float]],
    steps: list[bool],
    gaps: list[float],
    start: float,
    absolute: bool,
    before: str,
) -> None:
    frames = [start + sum(gaps[:at]) for at in range(len(values))]
    made = [
        SplineKey(frame, value, (-gaps[at - 1] * left[0], left[1]), (gaps[at] * right[0], right[1]), steps[at])
        for at, (frame, value, left, right) in enumerate(zip(frames, values, handles, handles[5:], strict=False))
    ]
    upright = abs(gaps[0] * handles[5][0]) < 0.01  # no slope to go on with
    spline = Spline(made, "hold" if steps[0] or upright else before, "hold", absolute)
    curve, _ = engine_curve(spline)
    assert max(abs(curve(frame) - spline.evaluate(frame)) for frame in FRAMES) <= CLOSE


def test_what_no_plain_spline_does_is_taken_frame_by_frame() -> None:
    spline = Spline(keys((0, 0.2, None, (3, 0.2)), (7, 0.8, (-2, 0))), after="loop")
    curve, exact = engine_curve(spline)
    assert not exact
    assert max(abs(curve(frame) - spline.evaluate(frame)) for frame in FRAMES) <= CLOSE


def test_handles_past_the_other_key_are_what_fusion_makes_of_them() -> None:
    """The engine shortens them; a host need not, and then its values count."""
    spline = Spline(keys((0, 0.2, None, (30, 0.3)), (23, 0.8, (-4, 0.1))))
    curve, exact = engine_curve(spline)
    assert not exact
    assert max(abs(curve(frame) - spline.evaluate(frame)) for frame in FRAMES) <= CLOSE


def test_focus_and_strength_of_a_comp_are_fusion_s_own_on_the_plate_s_frames() -> None:
    comp, made = shot_comp()
    focus, strength = CURVES["broken tangents"], CURVES["linear extrapolation"].scaled(40)
    animate(made, "Focus", focus)
    animate(made, "K", strength)
    put(made, FocusBy=0)
    shot = shot_from_dict(job_of(comp, find_group(comp)).shot)
    found, k = focus_curve(shot, LIMITS, lambda *_: 0.0), strength_curve(shot, 1920, LIMITS, lambda _: 0.5)
    for frame in FRAMES:
        assert abs(found(1001 + frame) - focus.evaluate(frame)) <= CLOSE
        assert abs(k(1001 + frame) - strength.evaluate(frame)) <= CLOSE


def test_a_focus_in_distances_runs_in_distances() -> None:
    comp, made = shot_comp()
    focus = CURVES["smooth"].scaled(10)
    animate(made, "Focus", focus)
    put(made, FocusBy=1, DepthNear=1.0)
    shot = shot_from_dict(job_of(comp, find_group(comp)).shot)
    limits = DepthLimits(1.0, float("inf"))
    found = focus_curve(shot, limits, lambda *_: 0.0)
    assert shot.focus.space == "distance"
    assert max(abs(1 / found(1001 + frame) - focus.evaluate(frame)) for frame in FRAMES) <= CLOSE * 10


def test_an_expression_is_taken_frame_by_frame_and_told() -> None:
    comp, made = shot_comp()
    animate(made, "K", CURVES["linear"])
    tool = next(child for child in made.children if "K" in child.values)
    tool.expressions["K"] = lambda time: 10 + time * time
    job = job_of(comp, find_group(comp))
    k = strength_curve(shot_from_dict(job.shot), 1920, LIMITS, lambda _: 0.5)
    assert [k(1001 + frame) for frame in FRAMES] == pytest.approx([10 + frame * frame for frame in FRAMES])
    assert any("K" in note and "frame by frame" in note for note in job.notes)
