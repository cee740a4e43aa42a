"""What a person keyed in Nuke is what the engine does on every frame."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import sin
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.curve import Curve
from engine.depth import DepthLimits, focus_curve
from engine.optics import strength_curve
from engine.shot import Shot, shot_from_dict
from plugin.errors import EngineError
from tests.plugin.nuke.comps import WIDTH, comp
from tests.plugin.nuke.fakes import AnimationCurve, AnimationKey, FakeNuke
from tests.plugin.nuke.fakes.nodes import Node

FIRST, LAST = 1001, 1024
FRAMES = range(FIRST, LAST + 1)
CLOSE = 1e-6
"""What the host's own value and the engine's may differ by."""


def document(node: Node, frames: tuple[int, int] = (FIRST, LAST), **further: object) -> dict[str, Any]:
    shot = import_module("plugin.nuke.shot")
    parts = {"plate": {"path": "/p.####.exr"}, "depth": {"path": "/d.####.exr"}, "output": "/o.####.exr"}
    return shot.shot_of(node, frames=frames, **{"quality": "final", **parts, **further})


def checked(node: Node, **further: object) -> Shot:
    return shot_from_dict(document(node, **further))


def no_pixel(*_: float) -> float:
    raise AssertionError("no key of ours is a pixel")


def keys(*rows: tuple[float, ...], kind: str = "user", beyond: str = "constant") -> AnimationCurve:
    return AnimationCurve([AnimationKey(*row, interpolation=kind) for row in rows], beyond)


CURVES = {
    "constant": keys((1001, 0.2), (1010, 0.7), (1020, 0.4), kind="constant"),
    "linear": keys((1003, 0.2), (1011.5, 0.7), (1020, 0.4), kind="linear"),
    "smooth": keys((1001, 0.2, 0, 0.02), (1012, 0.7, 0.03, 0.03), (1024, 0.3, 0, 0)),
    "broken tangents": keys((1001, 0.2, 0, 0.2, 1, 2.1), (1012, 0.6, -0.1, 0.12, 0.4, 1.7), (1024, 0.3, 0.09, 0, 2.6)),
    "steep handles": keys((1001, 0.2, 0, 0.1, 1, 2.9), (1024, 0.8, 0.1, 0, 2.9, 1)),
    "between frames": keys((1000.25, 0.2, 0, 0.05), (1006.75, 0.6, 0.1, -0.1), (1030.5, 0.5, 0, 0)),
    "linear extrapolation": keys((1008, 0.5, 0.01, 0.05), (1014, 0.6, 0.02, 0.015), beyond="linear"),
    "one key": keys((1010, 0.55)),
}


def close_on_every_frame(curve: AnimationCurve, found: Callable[[float], float]) -> bool:
    return all(abs(found(frame) - curve.evaluate(frame)) <= CLOSE for frame in FRAMES)


@pytest.mark.parametrize("name", CURVES)
def test_every_curve_is_the_host_s_own_on_every_frame(host: FakeNuke, name: str) -> None:
    node, curve = comp(host, FIRST, LAST), CURVES[name]
    node["focus"].animate(curve)
    node["blur"].animate(curve.scaled(40))
    shot = checked(node)
    assert close_on_every_frame(curve, focus_curve(shot, DepthLimits(1.0, 9.0), no_pixel))
    assert close_on_every_frame(node["blur"].curve(), strength_curve(shot, WIDTH, DepthLimits(1.0, 9.0), lambda _: 0.5))


@given(
    values=st.lists(st.floats(0.05, 0.95), min_size=2, max_size=6),
    slopes=st.lists(st.floats(-0.2, 0.2), min_size=12, max_size=12),
    tensions=st.lists(st.floats(0, 3), min_size=12, max_size=12),
    kinds=st.lists(st.sampled_from(["user", "linear", "constant"]), min_size=6, max_size=6),
    start=st.floats(990, 1010),
    gaps=st.lists(st.floats(0.3, 12), min_size=6, max_size=6),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_tangent_makes_a_difference(
    host: FakeNuke,
    values: list[float],
    slopes: list[float],
    tensions: list[float],
    kinds: list[str],
    start: float,
    gaps: list[float],
) -> None:
    rows = []
    for at, value in enumerate(values):
        rows.append(
            AnimationKey(start, 10 + value, *slopes[2 * at : 2 * at + 2], *tensions[2 * at : 2 * at + 2], kinds[at])
        )
        start += gaps[at]
    curve = AnimationCurve(rows)
    found = import_module("plugin.nuke.knobs").samples(_with(host, curve), "blur", FRAMES)
    made = import_module("plugin.document").sampled_keys(found)
    shot = Shot.model_validate(
        {"plate": {"path": "p"}, "focus": {"keys": [{"frame": 1, "disparity": 0}]}, "blur": {"keys": made},
         "output": {"path": "o"}}
    )  # fmt: skip
    assert shot.blur is not None
    assert close_on_every_frame(curve, Curve.of(shot.blur.keys))


def _with(host: FakeNuke, curve: AnimationCurve) -> Node:
    node = host.toNode("Rackfocus1") or comp(host, FIRST, LAST)
    node["blur"].animate(curve)
    return node


def test_expressions_count_like_keys(host: FakeNuke) -> None:
    node = comp(host, FIRST, LAST)
    node["focus"].setExpression(lambda frame: 0.5 + 0.3 * sin(frame / 3))
    node["blur"].setExpression("depth_near * 2 + 10")
    focus = focus_curve(checked(node), DepthLimits(1.0, 9.0), no_pixel)
    assert all(abs(focus(frame) - (0.5 + 0.3 * sin(frame / 3))) <= CLOSE for frame in FRAMES)


def test_a_focus_in_distance_is_the_host_s_distance_on_every_frame(host: FakeNuke) -> None:
    node, limits = comp(host, FIRST, LAST), DepthLimits(1.0, 50.0)
    curve = keys((1001, 2.0, 0, 0.5), (1012, 9.0, 0.1, -0.3), (1024, 4.0, 0, 0))
    node["focus_kind"].setValue("distance")
    node["focus"].animate(curve)
    shot = checked(node)
    focus = focus_curve(shot, limits, no_pixel)
    assert shot.focus.space == "distance"
    assert all(abs(limits.distance_at(focus(f), shot.depth) - curve.evaluate(f)) <= 1e-5 for f in FRAMES)
    assert all(abs(focus(f) - limits.disparity_at(curve.evaluate(f), shot.depth)) <= CLOSE for f in FRAMES)


def test_a_lens_is_the_host_s_lens_on_every_frame(host: FakeNuke) -> None:
    node = comp(host, FIRST, LAST)
    node["blur_kind"].setValue("lens")
    zoom, stop = keys((1001, 35, 0, 3), (1024, 85, 0, 0)), keys((1001, 2.8), (1024, 5.6), kind="linear")
    node["focal_length"].animate(zoom)
    node["f_number"].animate(stop)
    shot = checked(node)
    assert shot.blur is None
    assert shot.lens is not None
    assert isinstance(shot.lens.focal_length, tuple)
    assert isinstance(shot.lens.f_number, tuple)
    assert close_on_every_frame(zoom, Curve.of(shot.lens.focal_length))
    assert close_on_every_frame(stop, Curve.of(shot.lens.f_number))


def test_curves_are_asked_for_on_the_frames_of_the_shot_and_on_no_others(host: FakeNuke) -> None:
    """Trap: sampling the range of the whole script."""
    node, asked = comp(host), []
    host.root()["last_frame"].setValue(100_000)
    node["focus"].setExpression(lambda frame: asked.append(frame) or 0.5)  # type: ignore[func-returns-value]
    document(node, frames=(1003, 1005))
    assert asked == [1003, 1004, 1005]


def test_an_expression_that_fails_is_named_with_its_frame(host: FakeNuke) -> None:
    def broken(frame: float) -> float:
        if frame == 1004:
            raise RuntimeError("no such node")
        return 0.5

    node = comp(host)
    node["focus"].setExpression(broken)
    with pytest.raises(EngineError, match=r"Rackfocus1\.focus at frame 1004 cannot be evaluated .*no such node"):
        document(node)
    node["focus"].setExpression(lambda _: float("nan"))
    with pytest.raises(EngineError, match=r"Rackfocus1\.focus at frame 1001 is nan"):
        document(node)


def test_each_view_has_its_own_values(host: FakeNuke) -> None:
    node = comp(host)
    node["blur"].set_view("right", 9.0)
    assert document(node, view="right")["blur"]["keys"][0]["value"] == 9
    assert document(node, view="left")["blur"]["keys"][0]["value"] == 16


def test_a_new_node_is_a_valid_shot_with_the_document_s_defaults(host: FakeNuke) -> None:
    shot = checked(comp(host))
    plain = Shot.model_validate(
        {"plate": {"path": "p"}, "focus": {"keys": [{"frame": 1, "disparity": 0}]}, "blur": {"keys": [
            {"frame": 1, "value": 1}]}, "output": {"path": "o"}}
    )  # fmt: skip
    for name in ("in_focus_range", "near_multiplier", "far_multiplier", "maximum_radius", "aperture", "highlights"):
        assert getattr(shot, name) == getattr(plain, name), name
    assert shot.renderer == plain.renderer
    assert shot.depth == plain.depth.model_copy(update={"path": "/d.####.exr"})


def test_every_knob_reaches_the_shot(host: FakeNuke) -> None:
    node = comp(host)
    wanted = {
        "in_focus_range": 0.1, "near_multiplier": 0.5, "far_multiplier": 2.0, "maximum_radius": 33.0, "blades": 7,
        "roundness": 0.2, "rotation": 15.0, "aspect": 0.5, "cats_eye": 0.3, "ring": -0.4, "softness": 0.1,
        "highlight_threshold": 2.0, "highlight_gain": 1.5, "unpremultiply": True, "clean_edges": False,
        "depth_edges": "repair", "edge_strength": 1.5,
        "depth_near": 1.0, "depth_far": 80.0, "renderer": "any-to-bokeh", "weights": "/weights", "cpu_only": True,
        "data_type": "half",
    }  # fmt: skip
    for name, value in wanted.items():
        node[name].setValue(value)
    shot = checked(node, quality="draft")
    assert (shot.in_focus_range, shot.near_multiplier, shot.far_multiplier, shot.maximum_radius) == (0.1, 0.5, 2, 33)
    lens = shot.aperture
    assert (lens.blades, lens.roundness, lens.rotation, lens.aspect, lens.cats_eye) == (7, 0.2, 15, 0.5, 0.3)
    assert (lens.ring, lens.softness, shot.highlights.threshold, shot.highlights.gain) == (-0.4, 0.1, 2, 1.5)
    assert (shot.depth.unpremultiply, shot.depth.clean_edges, shot.depth.near, shot.depth.far) == (True, False, 1, 80)
    assert (shot.depth.edges, shot.depth.edge_strength) == ("repair", 1.5)
    assert (shot.renderer.name, shot.renderer.quality, shot.output.data_type) == ("any-to-bokeh", "draft", "half")
    assert shot.renderer.any_to_bokeh.weights == "/weights"
    assert shot.renderer.any_to_bokeh.device == "cpu", "no GPU means no GPU"


def test_a_distance_under_depth_that_holds_none_is_refused_at_once(host: FakeNuke) -> None:
    node = comp(host)
    node["focus_kind"].setValue("distance")
    node["depth_kind"].setValue("near1")
    with pytest.raises(EngineError, match="set focus in to disparity"):
        document(node)


def test_a_distance_of_nothing_is_named_with_its_frame(host: FakeNuke) -> None:
    node = comp(host)
    node["focus_kind"].setValue("distance")
    node["focus"].setExpression(lambda frame: 1003.0 - frame)
    with pytest.raises(EngineError, match=r"Rackfocus1\.focus: frame 1003: the focus distance is 0"):
        document(node)
