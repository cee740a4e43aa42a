"""The group's own text: it parses, holds together, and shows what the engine will do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from engine.depth.conventions import DepthLimits, to_disparity
from engine.optics import Defocus, circle_of_confusion
from engine.shot import Depth
from plugin.resolve.controls import DEPTH_EDGES, DEPTH_KINDS, FIELDS, FOCUS_KINDS, MARK
from tests.plugin.resolve.fakes import custom_tool, setting
from tests.plugin.resolve.tables import Table, parse

READ_BY_NAME = {"View", "FocusBy", "Focus", "K", "DepthNear", "DepthFar", "DepthInZ", "DepthFile", "DepthOffset"} | {
    "PlateFile",
    "PlateOffset",
    "OutputFile",
    "Engine",
}
NATIVE = re.compile(
    r"(Image[123]|NumberIn[1-8]|PointIn[1-4]|Setup[1-4]|Intermediate[1-4]|(Red|Green|Blue|Alpha)Expression)$"
)
"""Inputs of a Custom tool, by the manual and by settings in the wild."""

CHOICES = {
    "DepthKind": DEPTH_KINDS,
    "DepthEdges": DEPTH_EDGES,
    "FocusBy": FOCUS_KINDS,
    "Renderer": ("optical", "any-to-bokeh"),
}


def tools() -> Table:
    found: Table = setting()["Tools"]["Rackfocus"]["Tools"]
    return found


def controls() -> dict[str, Table]:
    return {name: said for tool in tools().values() for name, said in tool["UserControls"].items()}


def evaluated(tool: Table, values: dict[str, Any]) -> dict[str, np.ndarray]:
    """What a Custom tool makes of its controls and pictures; slots in Fusion's order."""
    known = dict(values)
    for slot, said in tool["Inputs"].items():
        if "Expression" in said:
            known[f"n{slot[-1]}"] = custom_tool(said["Expression"], values)
    for kind, letter in (("Setup", "s"), ("Intermediate", "i")):
        for at in range(1, 5):
            said = tool["Inputs"].get(f"{kind}{at}")
            if said is not None:
                known[f"{letter}{at}"] = custom_tool(said["Value"], known)
    names = {"r": "Red", "g": "Green", "b": "Blue", "a": "Alpha"}
    return {letter: custom_tool(tool["Inputs"][f"{name}Expression"]["Value"], known) for letter, name in names.items()}


def defaults(tool: Table) -> dict[str, Any]:
    return {name: said.get("INP_Default", "") for name, said in tool["UserControls"].items()}


def overlay(depth: np.ndarray, at_point: float = 0.5, **values: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Disparity with focal plane, and the view, of a grey plate over a picture of depth."""
    focus, setup = tools()["RackfocusFocus"], tools()["RackfocusSetup"]
    known = {**defaults(focus), **{name: value for name, value in values.items() if name in focus["UserControls"]}}
    pixels = {
        "r1": depth,
        "z1": depth,
        "p1x": 0.5,
        "p1y": 0.5,
        "getr1b": lambda *_: at_point,
        "getz1b": lambda *_: at_point,
    }
    plane = evaluated(focus, {**known, **pixels})
    known = {**defaults(setup), **{name: value for name, value in values.items() if name in setup["UserControls"]}}
    plate = {f"{letter}1": np.full(depth.shape, 0.4) for letter in "rgba"}
    second = {f"{letter}2": plane[letter] for letter in "rgba"}
    return plane, evaluated(setup, {**known, **plate, **second})


def test_the_setting_is_one_group_whose_references_all_resolve() -> None:
    read = setting()
    assert list(read["Tools"]) == [read["ActiveTool"]]
    made = read["Tools"]["Rackfocus"]
    assert (made.kind, made["Inputs"].kind, made["Tools"].kind) == ("GroupOperator", "ordered", "ordered")
    assert {"MainInput1", "MainInput2"} <= set(made["Inputs"])
    assert made["Outputs"]["MainOutput1"]["SourceOp"] in made["Tools"]
    for name, said in made["Inputs"].items():
        tool = made["Tools"][said["SourceOp"]]
        assert said.kind == "InstanceInput", name
        assert said["Source"] in tool["UserControls"] or NATIVE.match(said["Source"]), name


def test_every_input_of_a_custom_tool_is_one_that_it_has() -> None:
    for tool in tools().values():
        assert tool.kind == "Custom"
        assert all(NATIVE.match(name) for name in tool["Inputs"])
        assert all(said["SourceOp"] in tools() for said in tool["Inputs"].values() if "SourceOp" in said)


def test_the_group_has_the_controls_that_the_scripts_read_and_shows_all_of_them() -> None:
    shown = {said["Source"] for said in setting()["Tools"]["Rackfocus"]["Inputs"].values()}
    assert set(controls()) == READ_BY_NAME | set(FIELDS) | {MARK}
    assert set(controls()) - {MARK} <= shown
    assert all(MARK in tool["UserControls"] for tool in tools().values())


@pytest.mark.parametrize("name", CHOICES)
def test_lists_have_the_entries_that_the_scripts_know(name: str) -> None:
    said = controls()[name]
    entries = [said[at] for at in said if isinstance(at, int)]
    assert len(entries) == len(CHOICES[name]) == said["INP_MaxAllowed"] + 1


def test_no_point_has_an_expression() -> None:
    """Resolve 21.1 was seen to crash on one."""
    inputs = [item for tool in tools().values() for item in tool["Inputs"].items()]
    assert not [name for name, said in inputs if "Point" in name and "Expression" in said]


@pytest.mark.parametrize(
    ("kind", "near", "far", "values"),
    [
        ("distance", 1.5, 12.0, (1.5, 2.0, 5.0, 12.0)),
        ("distance", 1.5, 0.0, (1.5, 2.0, 500.0)),
        ("inverse", 0.9, 0.1, (0.9, 0.5, 0.1)),
        ("near1", 0.0, 0.0, (0.0, 0.3, 1.0)),
        ("far1", 0.0, 0.0, (0.0, 0.3, 1.0)),
        ("far1", 0.2, 0.8, (0.2, 0.3, 0.8)),
        ("direct", 0.0, 0.0, (0.0, 0.3, 1.0)),
    ],
)
def test_the_overlay_has_the_engine_s_disparity(kind: str, near: float, far: float, values: tuple[float, ...]) -> None:
    depth = np.array([values], np.float32)
    plane, _ = overlay(depth, DepthKind=DEPTH_KINDS.index(kind), DepthNear=near, DepthFar=far)
    given = {"near": near or None, "far": far or None} if kind == "distance" or near != far else {}
    settings = Depth.model_validate({"convention": kind, **given})
    limits = DepthLimits.given(settings)
    assert limits is not None
    found = to_disparity(depth, settings, limits).values
    assert np.abs(plane["r"] - found).max() < 1e-5


def test_the_overlay_has_the_engine_s_circle_of_confusion() -> None:
    depth = np.linspace(0, 1, 101, dtype=np.float32)[None]
    defocus = Defocus(0.05, 0.5, 2.0, 15.0)
    given = {"Range": 0.05, "NearMultiplier": 0.5, "FarMultiplier": 2.0, "MaximumRadius": 15.0, "K": 20.0, "Focus": 0.6}
    radius = circle_of_confusion(depth, 0.6, 20.0, defocus)
    grey = overlay(depth, DepthKind=4, View=2, **given)[1]
    assert np.abs(grey["r"] * 20 - np.abs(radius)).max() < 1e-4
    tinted = overlay(depth, DepthKind=4, View=1, **given)[1]
    clear = np.abs(np.abs(radius) - 1) > 1e-3
    for letter, is_lit in (("r", radius < -1), ("g", np.abs(radius) <= 1), ("b", radius > 1)):
        assert np.allclose(tinted[letter][clear], np.where(is_lit, 0.7, 0.2)[clear])
    assert np.allclose(overlay(depth, DepthKind=4, View=0, **given)[1]["r"], 0.4)


def test_the_focus_is_a_disparity_a_distance_or_what_the_point_lies_on() -> None:
    depth = np.full((1, 1), 4.0)
    given = {"DepthKind": 0, "DepthNear": 2.0, "DepthFar": 0.0}
    assert overlay(depth, FocusBy=0, Focus=0.3, **given)[0]["g"] == pytest.approx(0.3)
    assert overlay(depth, FocusBy=1, Focus=8.0, **given)[0]["g"] == pytest.approx(0.25)
    assert overlay(depth, at_point=5.0, FocusBy=2, Focus=8.0, **given)[0]["g"] == pytest.approx(0.4)


@pytest.mark.parametrize("broken", ["{ A = 1", "{ A = 1, A = 2 }", "{ A = }", "A { }}", "{ A = B { C = 1 ; } }"])
def test_what_is_no_table_is_not_read(broken: str) -> None:
    with pytest.raises(ValueError):
        parse(broken)
