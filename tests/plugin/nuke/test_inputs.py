"""Plate and depth as files: a Read's own where nothing happens to its pixels, else written by Nuke."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
import pytest

from plugin.errors import EngineError
from tests.plugin.nuke.comps import HEIGHT, WIDTH, comp, distances, plate_picture
from tests.plugin.nuke.fakes import FakeNuke
from tests.plugin.nuke.fakes.nodes import Node

FRAMES = (1001, 1006)


def read_node(host: FakeNuke, path: str = "/shots/plate.####.exr", name: str = "Read1", **knobs: object) -> Node:
    node = host.source(name, plate_picture, "Read")
    for knob, value in {"file": path, "first": 1001, "last": 1006, "raw": True, **knobs}.items():
        node[knob].setValue(value)
    return node


def path_of_plate(node: Node, view: str | None = None) -> tuple[str, str | None]:
    inputs = import_module("plugin.nuke.inputs")
    found = inputs.plate_of(node, FRAMES, Path("/written"), view)
    return found.part["path"], found.write


WRITTEN = ("/written/plate.####.exr", "WritePlate")


def test_a_plain_read_is_used_as_it_is(host: FakeNuke) -> None:
    node = comp(host)
    node.setInput(0, read_node(host))
    assert path_of_plate(node) == ("/shots/plate.####.exr", None)


def test_dots_and_disabled_nodes_above_change_nothing(host: FakeNuke) -> None:
    node = comp(host)
    dot, off = host.source("Dot1", plate_picture, "Dot"), host.source("Grade9", plate_picture, "Grade")
    off["disable"].setValue(1)
    off.setInput(0, read_node(host))
    dot.setInput(0, off)
    node.setInput(0, dot)
    assert path_of_plate(node) == ("/shots/plate.####.exr", None)


@pytest.mark.parametrize(
    ("why", "knobs"),
    [
        ("its colours are converted", {"raw": False, "colorspace": "AlexaV3LogC"}),
        ("its frames are shifted", {"frame": "frame+10"}),
        ("it holds a frame where the shot goes on", {"last": 1005}),
        ("it is no EXR", {"file": "/shots/plate.####.dpx"}),
        ("its path is not whole", {"file": "plate.####.exr"}),
        ("it is off", {"disable": 1}),
    ],
)
def test_a_read_is_not_plain_where(host: FakeNuke, why: str, knobs: dict[str, Any]) -> None:
    node = comp(host)
    node.setInput(0, read_node(host, **knobs))
    assert path_of_plate(node) == WRITTEN, why


@pytest.mark.parametrize(("colours", "manager", "plain"), [
    ("linear", "OCIO", True), ("default", "Nuke", True), ("default", "OCIO", False), ("ACES - ACEScg", "OCIO", False),
])  # fmt: skip
def test_a_colour_space_is_plain_only_where_it_converts_nothing(
    host: FakeNuke, colours: str, manager: str, plain: bool
) -> None:
    node = comp(host)
    host.root()["colorManagement"].setValue(manager)
    node.setInput(0, read_node(host, raw=False, colorspace=colours))
    assert (path_of_plate(node)[1] is None) == plain


def test_a_grade_above_is_written(host: FakeNuke) -> None:
    node, grade = comp(host), host.source("Grade9", plate_picture, "Grade")
    grade.setInput(0, read_node(host))
    node.setInput(0, grade)
    assert path_of_plate(node) == WRITTEN


def test_foreign_tcl_that_fails_is_nuke_s_to_evaluate(host: FakeNuke) -> None:
    """Trap: a submitter that evaluates the file knobs of foreign nodes, and crashes with them."""
    node = comp(host)
    node.setInput(0, read_node(host, "/shots/[no_such_command].####.exr"))
    assert path_of_plate(node) == WRITTEN


def test_our_own_tcl_that_fails_is_a_sentence(host: FakeNuke) -> None:
    node, knobs = comp(host), import_module("plugin.nuke.knobs")
    node["output"].setValue("/out/[no_such_command].####.exr")
    with pytest.raises(EngineError, match=r"Rackfocus1\.output: .* cannot be evaluated"):
        knobs.path_of(node, "output")


def test_each_view_of_a_read_is_its_own_file(host: FakeNuke) -> None:
    node = comp(host)
    host.set_views("left", "right")
    node.setInput(0, read_node(host, "/shots/%V/plate_%v.####.exr"))
    assert path_of_plate(node, "right") == ("/shots/right/plate_r.####.exr", None)
    node.setInput(0, read_node(host, name="Read2"))
    assert path_of_plate(node, "right") == WRITTEN, "one file that may hold both views"


def test_pixel_aspect_and_frame_rate_go_along(host: FakeNuke) -> None:
    node, inputs = comp(host), import_module("plugin.nuke.inputs")
    node.input(0).pixel_aspect = 2.0
    part = inputs.plate_of(node, FRAMES, Path("/w"), None).part
    assert (part["pixel_aspect"], part["frame_rate"]) == (2.0, 24.0)


def test_no_plate_is_a_sentence(host: FakeNuke) -> None:
    node = comp(host)
    node.setInput(0, None)
    with pytest.raises(EngineError, match="Rackfocus1 has no plate; connect its first input"):
        path_of_plate(node)


@pytest.mark.parametrize(("layer", "expected"), [
    ("depth", {"path": "/shots/z.####.exr", "channel": None}), ("rgba", {"path": "/shots/z.####.exr", "channel": "R"}),
    ("forward", {"path": "/written/depth.####.exr"}),
])  # fmt: skip
def test_depth_is_the_first_channel_of_its_layer(host: FakeNuke, layer: str, expected: dict[str, Any]) -> None:
    node, inputs = comp(host), import_module("plugin.nuke.inputs")
    node.setInput(1, read_node(host, "/shots/z.####.exr"))
    node.node("Depth")["in"].setValue(layer)
    assert inputs.depth_of(node, FRAMES, Path("/written"), None).part == expected


def written(path: Path) -> tuple[dict[str, np.ndarray], OpenImageIO.ImageSpec]:
    image = OpenImageIO.ImageBuf(str(path))
    spec = image.spec()
    pixels = image.get_pixels(OpenImageIO.FLOAT)
    return {name: pixels[:, :, at] for at, name in enumerate(spec.channelnames)}, spec


def write_both(node: Node, folder: Path, frames: tuple[int, int] = FRAMES) -> None:
    inputs = import_module("plugin.nuke.inputs")
    for source in (inputs.plate_of(node, frames, folder, None), inputs.depth_of(node, frames, folder, None)):
        inputs.write_input(node, source, frames, None)


def test_depth_is_written_whole_and_the_plate_without_an_alpha_that_it_lacks(host: FakeNuke, tmp_path: Path) -> None:
    node = comp(host)
    write_both(node, tmp_path / "in")
    channels, spec = written(tmp_path / "in" / "depth.1003.exr")
    assert np.array_equal(channels["depth.Z"], distances(1003)[::-1])
    assert str(spec.format) == "float"
    channels, spec = written(tmp_path / "in" / "plate.1003.exr")
    assert set(channels) == {"R", "G", "B"}
    assert (spec.width, spec.height) == (WIDTH, HEIGHT)
    assert [path.name for path in sorted((tmp_path / "in").glob("plate.*"))] == [
        f"plate.{frame}.exr" for frame in range(1001, 1007)
    ]


def test_an_alpha_that_is_there_is_written(host: FakeNuke, tmp_path: Path) -> None:
    node = comp(host)
    half = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    node.input(0).picture = lambda frame: {**plate_picture(frame), "rgba.alpha": half}
    write_both(node, tmp_path)
    assert (written(tmp_path / "plate.1001.exr")[0]["A"] == 0.5).all()


@pytest.mark.parametrize(("asked", "found"), [("plate", "half"), ("half", "half"), ("float", "float")])
def test_a_result_in_floats_is_made_from_a_plate_in_floats(
    host: FakeNuke, tmp_path: Path, asked: str, found: str
) -> None:
    node = comp(host)
    node["data_type"].setValue(asked)
    write_both(node, tmp_path)
    assert str(written(tmp_path / "plate.1001.exr")[1].format) == found
    assert str(written(tmp_path / "depth.1001.exr")[1].format) == "float"


def test_proxy_mode_is_off_while_writing_and_back_afterwards(host: FakeNuke, tmp_path: Path) -> None:
    """Trap: proxies go to the engine in place of the plate."""
    node = comp(host)
    host.root()["proxy"].setValue(True)
    write_both(node, tmp_path)
    assert host.root()["proxy"].value() is True
    host.cancel_writing = True
    with pytest.raises(EngineError) as stopped:
        write_both(node, tmp_path)
    assert stopped.value.code == "cancelled"
    assert host.root()["proxy"].value() is True


def test_what_is_there_may_be_kept(host: FakeNuke, tmp_path: Path) -> None:
    node = comp(host)
    write_both(node, tmp_path)
    node["keep_inputs"].setValue(True)
    host.executed.clear()
    write_both(node, tmp_path)
    assert host.executed == []
    for frame in (1002, 1003, 1006):
        (tmp_path / f"depth.{frame}.exr").unlink()
    write_both(node, tmp_path)
    assert host.executed == [("WriteDepth", 1002, 1003, ["main"]), ("WriteDepth", 1006, 1006, ["main"])]


def test_a_render_error_of_nuke_is_a_sentence(host: FakeNuke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Blur1: no such file")

    execute: Callable[..., None] = fail
    monkeypatch.setattr(host, "execute", execute, raising=False)
    with pytest.raises(EngineError, match=r"plate\.####\.exr could not be written \(Blur1: no such file\)"):
        write_both(comp(host), tmp_path)
