"""Rendering through the real engine: in a terminal, and in the background of a Nuke with a window."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from plugin.client import Engine
from plugin.errors import EngineError
from tests.plugin.fakes import fake as engine_that
from tests.plugin.nuke.comps import comp
from tests.plugin.nuke.fakes import AnimationCurve, AnimationKey, FakeNuke
from tests.plugin.nuke.fakes.nodes import Node

COMMAND = [sys.executable, "-m", "rackfocus"]
PULL = AnimationCurve([AnimationKey(1001, 0.8, 0, 0.02), AnimationKey(1006, 0.2, -0.3, 0)])
GROWTH = AnimationCurve([AnimationKey(1001, 2, 0, 0, 1, 2), AnimationKey(1004, 6, 1, -1), AnimationKey(1006, 3)])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(COMMAND, host="Nuke 16.0v1") as started:
        yield started


@pytest.fixture
def node(host: FakeNuke, engine: Engine) -> Iterator[Node]:
    """An animated node whose engine runs already."""
    made = comp(host)
    made["engine"].setValue(" ".join(COMMAND))
    made["focus"].animate(PULL)
    made["blur"].animate(GROWTH)
    running = import_module("plugin.nuke.running")
    running._ENGINES[tuple(running.engine_command(made))] = engine
    yield made
    running._ENGINES.clear()


def use(node: Node, folder: Path, program: str) -> None:
    """Another engine, that behaves badly."""
    running = import_module("plugin.nuke.running")
    command = engine_that(folder, program)
    running._ENGINES[tuple(running.engine_command(node))] = Engine(command)


def headers(folder: Path, name: str = "Rackfocus1_v001") -> dict[int, OpenImageIO.ImageSpec]:
    files = sorted((folder / "rackfocus").glob(f"{name}.*.exr"))
    return {int(file.name.split(".")[-2]): OpenImageIO.ImageBuf(str(file)).spec() for file in files}


def press(host: FakeNuke, node: Node, name: str = "start_render") -> None:
    """Press a button, and let Nuke's main loop run until all is over."""
    buttons = import_module("plugin.nuke.buttons")
    ended: list[bool] = []
    running = import_module("plugin.nuke.running")
    watch = running.watch

    def watched(title: str, requests: object, heard: object, done: Callable[..., None]) -> object:
        def over(*outcome: object) -> None:
            done(*outcome)
            ended.append(True)

        return watch(title, requests, heard, over)

    running.watch = watched
    try:
        getattr(buttons, name)(node)
        host.pump(lambda: bool(ended))
    finally:
        running.watch = watch


def test_in_a_terminal_each_frame_has_the_focus_and_k_that_the_host_has(
    host: FakeNuke, node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.GUI = False
    node["farm_quality"].setValue("draft")
    (result,) = import_module("plugin.nuke").render(node)
    assert (result["written"], result["skipped"]) == (6, 0)
    found = headers(tmp_path)
    assert list(found) == list(range(1001, 1007))
    for frame, spec in found.items():
        assert abs(spec.get_float_attribute("rackfocus/focus") - PULL.evaluate(frame)) < 1e-6
        assert abs(spec.get_float_attribute("rackfocus/blur") - GROWTH.evaluate(frame)) < 1e-6
        assert spec.get_string_attribute("rackfocus/renderer") == "optical draft"
    assert "Frame 1006 (6 of 6)" in capsys.readouterr().out
    assert host.tasks == [], "no window, no progress bar"


def test_a_range_in_a_terminal_gives_the_same_pixels(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    render = import_module("plugin.nuke").render
    node["depth_near"].setValue(1.5)
    render(node)
    whole = {p.name: OpenImageIO.ImageBuf(str(p)).get_pixels() for p in (tmp_path / "rackfocus").glob("*.exr")}
    node["output"].setValue(str(tmp_path / "parts" / "Rackfocus1_v001.####.exr"))
    host.executed.clear()
    render(node, 1004, 1005)
    assert {job[1:3] for job in host.executed} == {(1004, 1005)}, "only what is needed is written"
    parts = {p.name: OpenImageIO.ImageBuf(str(p)).get_pixels() for p in (tmp_path / "parts").glob("*.exr")}
    assert list(parts) and all(np.array_equal(parts[name], whole[name]) for name in parts)  # noqa: PT018
    assert len(parts) == 2


def test_a_plain_read_gives_the_pixels_of_what_is_written(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    render = import_module("plugin.nuke").render
    render(node)
    first = OpenImageIO.ImageBuf(str(tmp_path / "rackfocus" / "Rackfocus1_v001.1004.exr")).get_pixels()
    for index, name in enumerate(("plate", "depth")):
        read = host.source(f"Read{index}", lambda _: {}, "Read")
        for knob, value in (("raw", True), ("first", 1001), ("last", 1006)):
            read[knob].setValue(value)
        read["file"].setValue(str(tmp_path / "rackfocus" / "Rackfocus1_v001_inputs" / f"{name}.####.exr"))
        node.setInput(index, read)
    node["output"].setValue(str(tmp_path / "direct" / "r_v001.####.exr"))
    host.executed.clear()
    render(node)
    assert host.executed == [], "nothing is written"
    found = OpenImageIO.ImageBuf(str(tmp_path / "direct" / "r_v001.1004.exr")).get_pixels()
    assert np.array_equal(found, first)


def test_without_limits_the_whole_shot_is_written_so_that_every_range_has_the_same(
    host: FakeNuke, node: Node, tmp_path: Path
) -> None:
    import_module("plugin.nuke").render(node, 1004, 1004)
    assert {job[1:3] for job in host.executed} == {(1001, 1006)}
    assert list(headers(tmp_path)) == [1004]


def test_frames_outside_the_shot_are_a_sentence(node: Node) -> None:
    with pytest.raises(EngineError, match="frames 1001-1010 were asked for, but the shot has 1001-1006"):
        import_module("plugin.nuke").render(node, last=1010)


def test_the_button_returns_at_once_and_the_result_comes_back_as_a_read(
    host: FakeNuke, node: Node, tmp_path: Path
) -> None:
    press(host, node)
    read = node.node("Result")
    assert read["file"].value() == str(tmp_path / "rackfocus" / "Rackfocus1_v001.####.exr")
    assert [read[name].value() for name in ("first", "last", "origfirst", "origlast")] == [1001, 1006, 1001, 1006]
    assert read["raw"].value() is True, "what is linear stays linear"
    assert read["reload"].executed
    assert (node["show"].value(), node["has_result"].value()) == ("result", True)
    assert node["status"].value() == "6 frames rendered, 0 were up to date"
    (bar,) = host.tasks
    assert bar.progress[-1] == 100
    assert bar.progress == sorted(bar.progress)
    assert "Frame 1006 (6 of 6)" in bar.messages
    assert host.messages == []


def test_limits_that_a_render_finds_calibrate_the_overlay(host: FakeNuke, node: Node) -> None:
    press(host, node)
    assert node["depth_near"].value() == pytest.approx(1.5, rel=0.05)
    assert node["depth_far"].value() == 0, "infinite"


def test_limits_are_found_without_a_render_too(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    node["depth_near"].setValue(0.01)
    import_module("plugin.nuke.buttons").find_limits(node)
    host.pump(lambda: node["status"].value() == "depth limits found" or bool(host.messages))
    assert node["depth_near"].value() == pytest.approx(1.5, rel=0.05)
    assert host.tasks[0].messages[-1].startswith("Looking for depth limits: ")
    found = node["depth_near"].value()
    node["depth_near"].setValue(0)
    press(host, node)
    assert node["depth_near"].value() == found, "the same that a render finds"
    assert headers(tmp_path)


def test_frames_that_are_up_to_date_are_not_rendered_again(host: FakeNuke, node: Node) -> None:
    node["depth_near"].setValue(1.5)
    node["keep_inputs"].setValue(True)
    press(host, node)
    press(host, node)
    assert node["status"].value() == "0 frames rendered, 6 were up to date"


def test_all_views_are_rendered_where_the_output_tells_them_apart(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    host.set_views("left", "right")
    node["depth_near"].setValue(1.5)
    node["last"].setValue(1002)
    node["focus"]._curves.clear()
    node["focus"].set_view("left", 0.25)
    node["focus"].set_view("right", 0.5)
    node["output"].setValue(str(tmp_path / "%V" / "r_%v.####.exr"))
    press(host, node)
    for view, focus in (("left", 0.25), ("right", 0.5)):
        spec = OpenImageIO.ImageBuf(str(tmp_path / view / f"r_{view[0]}.1001.exr")).spec()
        assert spec.get_float_attribute("rackfocus/focus") == focus
    assert node.node("Result")["file"].value() == str(tmp_path / "%V" / "r_%v.####.exr")
    assert {tuple(job[3]) for job in host.executed} == {("left",), ("right",)}


def test_a_preview_is_one_frame_at_the_size_of_the_plate(host: FakeNuke, node: Node) -> None:
    host.root()["frame"].setValue(1003)
    press(host, node, "start_preview")
    assert host.messages == []
    read = node.node("Preview")
    assert Path(read["file"].value()).is_file()
    assert (node["show"].value(), node["preview_scale"].value()) == ("preview", 0.25)
    assert {job[1:3] for job in host.executed} == {(1003, 1003)}


def test_a_preview_in_proxy_mode_has_the_proxy_s_size(host: FakeNuke, node: Node) -> None:
    host.root()["proxy"].setValue(True)
    press(host, node, "start_preview")
    assert node["preview_scale"].value() == 0.5


SLOW = """
for message in listen():
    if message["method"] == "sample":
        tell(message, event="searching", done=1, total=6)
        rendering = message
    elif message["method"] == "render":
        tell(message, event="started", total=6, skipped=0)
        tell(message, event="written", frame=1001, path="", focus=0, strength=0, done=1, total=6)
        rendering = message
    elif message["method"] == "cancel":
        answer(rendering, error={"code": -32000, "message": "stopped", "data": {"code": "cancelled"}})
        answer(message, result={"cancelled": True})
"""
DIES = """
for message in listen():
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(9)
"""


def test_cancel_stops_the_engine_and_opens_no_window(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    use(node, tmp_path, SLOW)
    host.cancel_pressed = True
    press(host, node)
    assert node["status"].value() == "stopped"
    assert host.messages == []
    assert node["has_result"].value() is False


def test_cancel_stops_looking_for_limits(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    use(node, tmp_path, SLOW)
    host.cancel_pressed = True
    press(host, node, "find_limits")
    assert node["status"].value() == "stopped"
    assert node["depth_near"].value() == 0


def test_an_engine_that_dies_is_a_sentence_and_the_node_can_be_rendered_again(
    host: FakeNuke, node: Node, tmp_path: Path, engine: Engine
) -> None:
    use(node, tmp_path, DIES)
    press(host, node)
    assert "ended with status 9" in host.messages[0]
    assert "out of luck" in host.messages[0]
    running = import_module("plugin.nuke.running")
    running._ENGINES[tuple(running.engine_command(node))] = engine
    press(host, node)
    assert node["status"].value().startswith("6 frames rendered")


def test_no_engine_is_a_sentence_before_anything_is_written(host: FakeNuke, node: Node) -> None:
    node["engine"].setValue("/nowhere/rackfocus")
    import_module("plugin.nuke.buttons").start_render(node)
    assert "/nowhere/rackfocus, which is not there" in host.messages[0]
    assert host.executed == []


def test_a_wrong_depth_is_the_engine_s_own_sentence(host: FakeNuke, node: Node) -> None:
    node["depth_near"].setValue(1.5)
    node.input(1).picture = lambda _: {"depth.Z": np.linspace(2, 9, 24, dtype=np.float32).reshape(4, 6)}
    press(host, node)
    assert "depth is 6x4 but the plate is 48x32" in host.messages[0]


def test_a_node_renders_once_at_a_time_and_may_be_deleted_meanwhile(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    use(node, tmp_path, SLOW)
    buttons = import_module("plugin.nuke.buttons")
    buttons.start_render(node)
    buttons.start_render(node)
    assert "is rendering already" in host.messages[0]
    host.root().inside.remove(node)
    host.cancel_pressed = True
    host.pump(lambda: not buttons._busy)
    assert len(host.messages) == 1


def test_a_result_is_never_shown_in_another_script(
    host: FakeNuke, node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    buttons = import_module("plugin.nuke.buttons")
    buttons.start_render(node)
    host.root()["name"].setValue(str(tmp_path / "other.nk"))
    host.pump(lambda: not buttons._busy)
    assert node["has_result"].value() is False
    assert f"what was rendered is at {tmp_path}" in capsys.readouterr().out
    assert len(headers(tmp_path)) == 6


def test_stopping_nuke_s_own_writing_is_no_failure(host: FakeNuke, node: Node) -> None:
    host.cancel_writing = True
    buttons = import_module("plugin.nuke.buttons")
    buttons.start_render(node)
    assert host.messages == []
    assert buttons._busy == set()


def test_a_script_that_was_never_saved_is_told_so(host: FakeNuke, node: Node) -> None:
    host.root()["name"].setValue("")
    import_module("plugin.nuke.buttons").start_render(node)
    assert "save the script first" in host.messages[0]


def test_a_movie_cannot_come_back_as_frames(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    node["output"].setValue(str(tmp_path / "result.mov"))
    import_module("plugin.nuke.buttons").start_render(node)
    assert "has no place for frame numbers" in host.messages[0]


def test_version_up_passes_over_versions_that_are_there_and_keeps_tcl(node: Node, tmp_path: Path) -> None:
    (tmp_path / "rackfocus").mkdir()
    for version in (1, 2, 3):
        (tmp_path / "rackfocus" / f"Rackfocus1_v{version:03d}.1001.exr").touch()
    import_module("plugin.nuke.buttons").version_up(node)
    assert node["output"].value() == "[file dirname [value root.name]]/rackfocus/[value name]_v004.####.exr"


def test_a_read_is_made_beside_the_node(host: FakeNuke, node: Node, tmp_path: Path) -> None:
    buttons = import_module("plugin.nuke.buttons")
    buttons.make_read(node)
    assert "render first" in host.messages[0]
    (tmp_path / "rackfocus").mkdir()
    (tmp_path / "rackfocus" / "Rackfocus1_v001.1001.exr").touch()
    buttons.make_read(node)
    (read,) = [each for each in host.root().inside if each.Class() == "Read"]
    assert read["file"].value().endswith("Rackfocus1_v001.####.exr")
    assert read["last"].value() == 1006
    assert read["raw"].value() is True
