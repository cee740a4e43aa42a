"""Without Python, Lua makes the same shot of the same comp."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from engine.shot import Shot, shot_from_dict, shot_to_dict
from plugin.resolve.controls import find_group
from plugin.resolve.menu import target_of
from plugin.resolve.shots import job_of
from tests.plugin.resolve.clips import Resolve
from tests.plugin.resolve.fakes import (
    Comp,
    Spline,
    SplineKey,
    animate,
    control,
    group,
    loader,
    move_point,
    put,
    shot_comp,
)
from tests.plugin.resolve.lua import PARTS, document, runtime
from tests.plugin.resolve.test_curves import CURVES
from tests.plugin.resolve.test_shots import WRONG, clip

pytestmark = pytest.mark.skipif(runtime() is None, reason="needs lupa with LuaJIT: pip install lupa")


def same(comp: Comp) -> Shot:
    """The shot of both, numbers to the last bits."""
    by_lua = leaves(shot_to_dict(shot_from_dict(document(comp))))
    by_python = leaves(shot_to_dict(shot_from_dict(job_of(comp, find_group(comp)).shot)))
    assert by_lua.keys() == by_python.keys()
    for name, value in by_python.items():
        assert by_lua[name] == (value if isinstance(value, (str, bool)) else pytest.approx(value, abs=1e-12)), name
    return shot_from_dict(document(comp))


def leaves(value: object, way: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in leaves(inner, f"{way}.{name}").items()}
    if isinstance(value, (list, tuple)):
        return {k: v for at, inner in enumerate(value) for k, v in leaves(inner, f"{way}.{at}").items()}
    return {way: value}


@pytest.mark.parametrize("into", [True, False], ids=["step into", "step from"])
@pytest.mark.parametrize("absolute", [True, False], ids=["handles as places", "handles as offsets"])
@pytest.mark.parametrize("name", CURVES)
def test_every_spline_has_the_keys_that_python_reads(name: str, absolute: bool, into: bool) -> None:
    comp, made = shot_comp()
    spline = CURVES[name]
    spline.absolute, spline.into = absolute, into
    animate(made, "Focus", spline)
    animate(made, "K", spline.scaled(30))
    same(comp)


def test_other_curves_are_taken_frame_by_frame() -> None:
    comp, made = shot_comp()
    animate(made, "Focus", Spline([SplineKey(0, 0.2, None, (3, 0.2)), SplineKey(7, 0.8, (-2, 0))], after="loop"))
    control(made, "K").expressions["K"] = lambda time: 10 + time * time
    found = shot_from_dict(document(comp))
    assert found.blur is not None
    assert {key.frame: key.value for key in found.blur.keys} == {1001 + f: 10 + f * f for f in range(24)}


def test_points_distances_and_every_choice_are_the_same() -> None:
    comp, made = shot_comp()
    move_point(made, Spline([SplineKey(3, 0.25), SplineKey(20, 0.75)]), Spline([SplineKey(3, 0.9), SplineKey(20, 0.5)]))
    put(made, FocusBy=2, Blades=6.0, Roundness=0.3, Ring=-0.2, MaximumRadius=40, Weights=" /w ", Renderer=1)
    put(made, DepthNear=0.5, DepthFar=80, DepthEdges=2, EdgeStrength=1.5, OutputFile='Comp:/a "quoted" ü.####.exr')
    assert same(comp).output.path == '/mapped/a "quoted" ü.####.exr'
    put(made, FocusBy=1, Focus=3.5, DepthFile="/s/d.0100.exr", DepthOffset=-7, PlateFile="/s/p.1.exr", PlateOffset=3)
    assert same(comp).depth.frame_offset == -7


def test_trims_and_movies_are_the_same() -> None:
    comp = Comp(0, 30)
    plate = loader(comp, "P", "/s/plate.mov", 0, 48, ClipTimeStart=4, GlobalIn=2, HoldFirstFrame=3)
    group(comp, plate, loader(comp, "D", "/s/depth.[0001-0048].exr", 1, 48))
    same(comp)


def test_the_clip_of_the_timeline_is_the_same() -> None:
    comp, item = clip()
    resolve = Resolve(item)
    assert document(comp, resolve)["plate"] == target_of({"resolve": resolve}, "clip").job().shot["plate"]


@pytest.mark.parametrize("name", [name for name in WRONG if name != "no such entry"])
def test_what_is_wrong_is_the_same_sentence(name: str) -> None:
    comp, made = shot_comp()
    change, said = WRONG[name]
    change(comp, made)
    with pytest.raises(ValueError, match=said):
        document(comp)


@pytest.mark.parametrize("program", ["luajit", "lua5.1"])
def test_every_script_parses_where_a_lua_is_installed(program: str) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    for file in PARTS.rglob("*.lua"):
        subprocess.run([found, "-e", f"assert(loadfile({json.dumps(str(file))}))"], check=True)
