"""The panel shows what happens, stops when asked, and outlives everything that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plugin.resolve.controls import find_group
from plugin.resolve.menu import main
from tests.plugin.fakes import fake
from tests.plugin.resolve.fakes import Comp, Spline, SplineKey, Tool, animate, control, group, put, remove, shot_comp
from tests.plugin.resolve.windows import Screen

QUICK = """
    for message in listen():
        if message["method"] == "sample":
            answer(message, result={"disparity": 0.42, "distance": message["params"]["x"], "limits": {}})
            continue
        tell(message, event="searching", done=1, total=2)
        tell(message, event="limits", near=1.5, far=None)
        tell(message, event="started", total=2, skipped=1)
        tell(message, event="written", frame=1001, done=1, total=2)
        warned = {"request": message["id"], "event": "warned", "message": "two pixels were repaired"}
        print(json.dumps({"jsonrpc": "2.0", "method": "progress", "params": warned}), flush=True)
        answer(message, result={"written": 2, "skipped": 1})
"""
SLOW = """
    for message in listen():
        if message["method"] == "render":
            rendering = message
            tell(message, event="written", frame=1001, done=1, total=2)
        else:
            answer(message, result={"cancelled": True})
            answer(rendering, error={"code": -32000, "message": "stopped", "data": {"code": "cancelled"}})
"""
DYING = """
    for message in listen():
        sys.exit("out of memory")
"""


def opened(person: Callable[[Screen], None], comp: Comp, **further: Any) -> Screen:  # noqa: ANN401
    screen = Screen(person)
    fusion = SimpleNamespace(Version=21.0, UIManager=screen)
    main({"fusion": fusion, "bmd": screen, "comp": comp, **further}, "comp")
    return screen


def with_engine(program: str, folder: Path) -> tuple[Comp, Tool]:
    comp, made = shot_comp(folder=str(folder))
    put(made, Engine=" ".join(fake(folder, program)))
    return comp, made


def test_a_render_shows_its_progress_and_its_result(tmp_path: Path) -> None:
    comp, made = with_engine(QUICK, tmp_path)

    def person(screen: Screen) -> None:
        screen.window.press("Render")
        assert not screen.window.items["Render"].Enabled
        screen.wait()
        assert screen.window.items["Render"].Enabled

    screen = opened(person, comp)
    assert screen.status.startswith("2 frames written, 1 were there. Rackfocus_Result shows")
    assert "two pixels were repaired" in screen.window.items["Notes"].PlainText
    assert [tool.name for tool in comp.tools if tool.kind == "Loader"][-1] == "Rackfocus_Result"
    assert control(made, "DepthNear").values["DepthNear"] == 1.5
    assert (screen.ended, screen.window.shown) == (True, ["shown", "hidden"])


def test_cancel_stops_the_render_and_the_panel_lives_on(tmp_path: Path) -> None:
    comp, _ = with_engine(SLOW, tmp_path)

    def person(screen: Screen) -> None:
        for _ in range(2):
            screen.window.press("Render")
            screen.wait(lambda: screen.status == "Frame 1001: 1 of 2")
            screen.window.press("Cancel")
            screen.wait()
            assert screen.status == "Stopped"

    assert opened(person, comp).ended


def test_an_engine_that_dies_is_told_and_can_be_started_again(tmp_path: Path) -> None:
    comp, _ = with_engine(DYING, tmp_path)

    def person(screen: Screen) -> None:
        for _ in range(2):
            screen.window.press("Render")
            screen.wait()
            assert "out of memory" in screen.status
            assert screen.window.items["Render"].Enabled

    opened(person, comp)


def test_a_wrong_control_is_told_in_the_window(tmp_path: Path) -> None:
    comp, made = with_engine(QUICK, tmp_path)
    made.children[0].sources.clear()

    def person(screen: Screen) -> None:
        screen.window.press("Render")
        assert "no depth" in screen.status
        assert not screen.ticking
        assert screen.window.items["Render"].Enabled

    opened(person, comp)


def test_what_should_not_happen_is_told_too(tmp_path: Path) -> None:
    comp, _ = with_engine(QUICK, tmp_path)
    comp.tools[0].GetAttrs = lambda: {}["lost"]  # type: ignore[method-assign]

    def person(screen: Screen) -> None:
        screen.window.press("Render")
        assert "KeyError" in screen.status

    opened(person, comp)


@pytest.mark.parametrize(("by", "value"), [(0, 0.42), (1, 480.0)])
def test_focus_at_point_sets_a_key_where_the_focus_is_animated(tmp_path: Path, by: int, value: float) -> None:
    comp, made = with_engine(QUICK, tmp_path)
    spline = Spline([SplineKey(0, 0.2)])
    animate(made, "Focus", spline)
    put(made, FocusBy=by, PointIn1={1.0: 0.25, 2.0: 0.5, 3.0: 0.0})
    comp.CurrentTime = 7
    opened(lambda screen: screen.window.press("FocusAtPoint"), comp)
    assert [(key.frame, key.value) for key in spline.keys] == [(0, 0.2), (7, value)]


def test_a_missing_engine_and_a_comp_without_a_group_are_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    comp, made = shot_comp()
    put(made, Engine="/nowhere/rackfocus")
    opened(lambda _: None, comp)
    remove(made)
    opened(lambda _: None, comp)
    said = capsys.readouterr().out.splitlines()
    assert ["/nowhere/rackfocus" in said[0], "no Rackfocus group" in said[1]] == [True, True]


def test_a_panel_that_is_open_comes_to_the_front_and_there_is_no_second(tmp_path: Path) -> None:
    comp, _ = with_engine(QUICK, tmp_path)
    screen = Screen(lambda _: pytest.fail("a second panel was opened"))
    done: list[str] = []
    screen.open = SimpleNamespace(Show=lambda: done.append("shown"), Raise=lambda: done.append("raised"))
    main({"fusion": SimpleNamespace(Version=21.0, UIManager=screen), "bmd": screen, "comp": comp}, "comp")
    assert done == ["shown", "raised"]


def test_without_a_ui_manager_it_renders_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comp, _ = with_engine(QUICK, tmp_path)
    main({"fusion": SimpleNamespace(Version=21.0), "comp": comp}, "comp")
    said = capsys.readouterr().out
    assert "Rackfocus: Frame 1001: 1 of 2" in said
    assert "Rackfocus: Rackfocus_Result shows" in said


def test_the_tool_that_was_clicked_is_meant_where_there_are_several(tmp_path: Path) -> None:
    comp, made = with_engine(QUICK, tmp_path)
    other = group(comp, comp.tools[0], comp.tools[1], "Rackfocus_1")
    assert find_group(comp, other).name == "Rackfocus_1"
    comp.selected = [made]
    assert find_group(comp).name == "Rackfocus"


def test_tools_that_were_ungrouped_are_still_a_group() -> None:
    comp, made = shot_comp()
    comp.tools.remove(made)
    found = find_group(comp)
    assert (found.name, found.number("K", 0), found.number("Focus", 0)) == ("RackfocusSetup", 20, 0.5)
