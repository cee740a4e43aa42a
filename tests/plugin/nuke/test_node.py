"""The Group itself: a script that Tcl reads, whose picture is the engine's own sum, and no engine needed for it."""

from __future__ import annotations

import re
import tkinter
from collections.abc import Callable
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.depth import DepthLimits, to_disparity
from engine.optics import Defocus, circle_of_confusion, lens_strength
from engine.render.layers import focus_overlay
from engine.shot import Depth, Shot
from tests.plugin.nuke.comps import FAR, HEIGHT, NEAR, WIDTH, channel, comp, depth_picture, distances, plate_picture
from tests.plugin.nuke.fakes import FakeNuke
from tests.plugin.nuke.fakes.nodes import RGB, Node

NK = Path(__file__).parents[3] / "plugin" / "nuke" / "rackfocus.nk"
SINGLE = 3e-5
"""Of pixels: the engine takes one over a distance in 64 bits and goes on in 32, Nuke's nodes here stay in 64."""

VALUES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
    "distance": (lambda z: z, 2.0, 10.0),
    "inverse": (lambda z: 1 / z, 1 / 2.0, 1 / 10.0),
    "near1": (lambda z: 1 - (z - NEAR) / (FAR - NEAR), 0.9, 0.1),
    "far1": (lambda z: (z - NEAR) / (FAR - NEAR), 0.1, 0.9),
    "direct": (lambda z: 1 - (z - NEAR) / (FAR - NEAR), 0.0, 0.0),
}
"""Per convention: a channel's values from distances, and limits inside what is seen, so that clamping counts."""


def show(node: Node, what: str, **values: object) -> Node:
    for name, value in {"depth_near": NEAR, **values, "show": what}.items():
        node[name].setValue(value)
    return node


def engine_radius(values: np.ndarray, focus: float, strength: float, depth: Depth, defocus: Defocus) -> np.ndarray:
    limits = DepthLimits.given(depth)
    assert limits is not None
    disparity = to_disparity(np.ascontiguousarray(values, np.float32), depth, limits).values
    return circle_of_confusion(disparity, focus, strength, defocus)


def test_the_script_is_complete_tcl() -> None:
    assert tkinter.Tcl().call("info", "complete", NK.read_text(encoding="utf-8"))
    assert NK.read_text(encoding="utf-8").isascii()


def test_it_is_a_group_of_nodes_that_every_nuke_has(host: FakeNuke) -> None:
    """No gizmo, which a farm would not find; no Expression and no Blink, which cost a licence or a GPU."""
    node = comp(host)
    assert node.Class() == "Group"
    kinds = {each.Class() for each in node.inside}
    assert kinds <= {
        "Input", "Output", "NoOp", "Switch", "Shuffle", "Grade", "Clamp", "Merge2", "Saturation", "Keymix", "Read",
        "Reformat", "Write",
    }  # fmt: skip
    inputs = {each["number"].value(): each.name() for each in node.inside if each.Class() == "Input"}
    assert inputs == {0: "plate", 1: "depth", 2: "mask", 3: "camera"}


def test_every_button_presses_something_that_is_there(host: FakeNuke) -> None:
    node = comp(host)
    buttons = import_module("plugin.nuke.buttons")
    presses = [knob.value() for knob in node.knobs().values() if knob.Class() == "PyScript_Knob"]
    assert len(presses) == 8
    for text in presses:
        (module, name) = re.findall(r"import (\S+) as buttons\nbuttons\.(\w+)\(nuke\.thisNode\(\)\)", text)[0]
        assert module == "rackfocus_plugin.nuke.buttons"
        assert name in buttons.__all__


def test_tooltips_are_the_shot_document_s_own_words(host: FakeNuke) -> None:
    node = comp(host)
    fields = {**import_module("plugin.nuke.knobs").FIELDS}
    fields |= {"focal_length": "lens.focal_length", "f_number": "lens.f_number", "maximum_radius": "maximum_radius"}
    fields |= {"depth_near": "depth.near", "depth_far": "depth.far", "data_type": "output.data_type"}
    fields |= {"weights": "renderer.any_to_bokeh.weights", "aperture_image": "aperture.image"}
    for knob, field in fields.items():
        *way, last = field.split(".")
        model: Any = Shot
        for step in way:
            kind = model.model_fields[step].annotation
            model = next((k for k in getattr(kind, "__args__", ()) if k is not type(None)), kind)
        words = model.model_fields[last].description
        assert node[knob].tooltip().startswith(words), knob


def test_choices_are_the_shot_document_s_own_words(host: FakeNuke) -> None:
    node = comp(host)
    assert node["depth_kind"].choices == list(Depth.model_fields["convention"].annotation.__args__)  # type: ignore[union-attr]
    assert node["renderer"].choices == ["optical", "any-to-bokeh"]
    assert node["viewer_quality"].choices == node["farm_quality"].choices == ["draft", "final"]


def test_what_the_document_has_no_curve_for_cannot_be_keyed(host: FakeNuke) -> None:
    node = comp(host)
    knobs = import_module("plugin.nuke.knobs")
    numbers = ("Int_Knob", "Double_Knob", "XY_Knob", "Enumeration_Knob", "Boolean_Knob")
    inner = {"rackfocus_node", "has_result", "has_preview", "preview_scale"}
    still = {n for n, k in node.knobs().items() if k.Class() in numbers and k.getFlag(host.NO_ANIMATION)}
    all_of_ours = {n for n, k in node.knobs().items() if k.Class() in numbers} - inner - {"disable"}
    assert all_of_ours - still == set(knobs.KEYED)


def test_a_script_that_is_loaded_gets_its_flags_again(host: FakeNuke) -> None:
    import_module("plugin.nuke.callbacks").register()
    node = host.read_script(NK.read_text(encoding="utf-8"))
    assert node is not None
    assert node["in_focus_range"].getFlag(host.NO_ANIMATION)
    assert not node["focus"].getFlag(host.NO_ANIMATION)


def test_other_groups_are_left_alone(host: FakeNuke) -> None:
    import_module("plugin.nuke.callbacks").register()
    assert host.read_script("Group {\n name Other\n}\nInput {\n inputs 0\n}\nOutput {\n}\nend_group\n") is not None


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("inside", [0.0, 0.07])
def test_the_circle_of_confusion_is_the_engine_s(host: FakeNuke, kind: str, inside: float) -> None:
    node = comp(host)
    values, near, far = VALUES[kind]
    node.input(1).picture = lambda frame: {**plate_picture(frame), "depth.Z": values(distances(frame))}
    settings = {"near_multiplier": 0.7, "far_multiplier": 1.3, "maximum_radius": 4.0, "in_focus_range": inside}
    show(node, "coc", depth_kind=kind, depth_near=near, depth_far=far, focus=0.43, blur=11.0, **settings)
    given = {} if kind == "direct" else {"near": near, "far": far}
    depth = Depth(convention=kind, **given)
    defocus = Defocus(inside, 0.7, 1.3, 4.0)
    expected = engine_radius(values(distances(1001))[::-1], 0.43, 11.0, depth, defocus)
    assert expected.min() < 0 < expected.max()
    for name in RGB:
        assert np.abs(channel(node, name, 1001) - expected).max() < SINGLE


def test_limits_that_are_not_given_are_the_convention_s(host: FakeNuke) -> None:
    node = comp(host)
    node.input(1).picture = lambda frame: {**plate_picture(frame), "depth.Z": distances(frame) / 20}
    for kind in ("near1", "far1"):
        show(node, "coc", depth_kind=kind, depth_near=0, depth_far=0)
        expected = engine_radius(distances(1001)[::-1] / 20, 0.5, 16.0, Depth(convention=kind), Defocus())
        assert np.abs(channel(node, RGB[0], 1001) - expected).max() < SINGLE


def test_a_focus_in_distance_is_where_the_circle_is_nothing(host: FakeNuke) -> None:
    node = show(comp(host), "coc", focus_kind="distance", focus=float(distances(1001)[0, 10]), depth_far=20.0)
    radius = channel(node, RGB[0], 1001)
    assert np.abs(radius[:, 10]).max() < SINGLE
    assert (radius[:, :10] < 0).all()
    assert (radius[:, 11 : WIDTH // 2] > 0).all()


@pytest.mark.parametrize("unit", ["mm", "cm", "dm", "m", "in", "ft"])
def test_a_real_lens_has_the_engine_s_k(host: FakeNuke, unit: str) -> None:
    far = 5000.0 if unit == "mm" else 0.0
    near, focus = (400.0, 900.0) if unit != "m" else (NEAR, 3.0)
    node = show(comp(host), "coc", blur_kind="lens", focal_length=85.0, f_number=1.4, sensor_width=24.0)
    show(node, "coc", world_unit=unit, focus_kind="distance", focus=focus, depth_near=near, depth_far=far)
    expected = lens_strength(85.0, 1.4, 24.0, focus, near, far or inf, unit, WIDTH)
    assert node.node("Values")["blur"].value() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("pixel_aspect", [0.5, 1.0, 1.8, 2.0])
def test_a_real_lens_on_an_anamorphic_plate_has_the_engine_s_k(host: FakeNuke, pixel_aspect: float) -> None:
    node = show(comp(host), "coc", blur_kind="lens", focal_length=85.0, focus_kind="distance", focus=3.0)
    plate = node.input(0)
    assert plate is not None
    plate.pixel_aspect = pixel_aspect
    f_number, sensor = node["f_number"].value(), node["sensor_width"].value()
    expected = lens_strength(85.0, f_number, sensor, 3.0, node["depth_near"].value(), inf, "m", WIDTH * pixel_aspect)
    assert node.node("Values")["blur"].value() == pytest.approx(expected, rel=1e-9)


def test_a_lens_focused_nearer_than_it_can_blurs_nothing(host: FakeNuke) -> None:
    node = show(comp(host), "coc", blur_kind="lens", focus_kind="distance", focus=0.01)
    assert (channel(node, RGB[0], 1001) == 0).all()


def test_the_overlay_is_the_engine_s(host: FakeNuke) -> None:
    node = show(comp(host), "overlay", focus=0.35, blur=30.0, depth_far=14.0)
    depth = Depth(convention="distance", near=NEAR, far=14.0)
    radius = engine_radius(distances(1001)[::-1], 0.35, 30.0, depth, Defocus())
    image = np.stack([plate_picture(1001)[name][::-1] for name in RGB], axis=-1)
    expected = focus_overlay(image, radius)
    found = np.stack([channel(node, name, 1001) for name in RGB], axis=-1)
    assert np.abs(found - expected).max() < 2e-4


def test_behind_is_blue_in_front_is_red_and_in_focus_is_green(host: FakeNuke) -> None:
    node = show(comp(host), "overlay", focus=0.35, blur=60.0)
    node.input(0).picture = lambda _: {name: np.full((HEIGHT, WIDTH), 0.5, np.float32) for name in RGB}
    node["show"].setValue("coc")
    radius = channel(node, RGB[0], 1001)
    node["show"].setValue("overlay")
    strongest = np.argmax(np.stack([channel(node, name, 1001) for name in RGB]), axis=0)
    assert (strongest[radius < -3] == 0).all()
    assert (strongest[np.abs(radius) < 0.5] == 1).all()
    assert (strongest[radius > 3] == 2).all()


def test_the_focus_moves_with_its_keys_without_an_engine(host: FakeNuke) -> None:
    node = show(comp(host), "coc")
    node["focus"].setExpression(lambda frame: 0.1 + (frame - 1001) / 10)
    assert not np.array_equal(channel(node, RGB[0], 1001), channel(node, RGB[0], 1002))


def test_in_proxy_mode_radii_shrink_with_the_picture(host: FakeNuke) -> None:
    node = show(comp(host), "coc")
    full = channel(node, RGB[0], 1001)
    host.root()["proxy"].setValue(True)
    host.root()["proxy_scale"].setValue(0.25)
    host.changed(node, node["blur"])
    assert np.allclose(channel(node, RGB[0], 1001), full / 4)


def test_depth_is_taken_from_the_plate_where_nothing_else_is_connected(host: FakeNuke) -> None:
    node = show(comp(host), "coc")
    other = channel(node, RGB[0], 1001)
    node.input(0).picture = depth_picture
    node.setInput(1, None)
    host.changed(node, node["blur"])
    assert np.array_equal(channel(node, RGB[0], 1001), other)


def test_the_mask_keeps_the_plate_sharp_and_needs_not_be_connected(host: FakeNuke) -> None:
    node = show(comp(host), "result")
    assert np.array_equal(channel(node, RGB[0], 1001), plate_picture(1001)[RGB[0]][::-1]), "nothing is rendered yet"
    result = {name: np.full((HEIGHT, WIDTH), 7.0, np.float32) for name in RGB}
    node.node("Result").picture = lambda _: result
    node["has_result"].setValue(True)
    assert (channel(node, RGB[0], 1001) == 7).all()
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[:10] = 1
    node.setInput(2, host.source("Roto1", lambda _: {"rgba.alpha": mask}))
    host.changed(node, node["blur"])
    found = node.pixels(1001)[RGB[0]]
    assert np.array_equal(found[:10], plate_picture(1001)[RGB[0]][:10])
    assert (found[10:] == 7).all()
