"""The script for OpenCue builds the same job, where PyOutline is installed to tell."""

from __future__ import annotations

import ast
import json
import runpy
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from plugin.farm import plan_job
from plugin.farm.opencue import opencue_script
from tests.engine.render.shots import make_shot


def layers_of(script: str) -> list[dict[str, Any]]:
    """What the script will add to the job."""
    values = {
        node.targets[0].id: node.value
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    call = values["LAYERS"]
    assert isinstance(call, ast.Call)
    layers: list[dict[str, Any]] = json.loads(ast.literal_eval(call.args[0]))
    return layers


def test_the_script_runs_the_tasks_of_the_bundle(tmp_path: Path) -> None:
    plan = plan_job(make_shot(tmp_path), chunk=2, movie=True, command='"/opt/rack focus/rackfocus"')
    layers = layers_of(opencue_script(plan, tmp_path / "a shot.json"))
    assert [layer["name"] for layer in layers] == ["check", "render", "assemble"]
    words = shlex.split(" ".join(layers[1]["command"]))
    document = str(tmp_path / "a shot.json")
    assert words == ["/opt/rack focus/rackfocus", "farm", "render", document, "--frames=#FRAMESPEC#"]
    assert layers[1]["chunk"] == 2
    assert "--movie" in layers[2]["command"]


def test_frames_on_twos_are_written_as_opencue_reads_them(tmp_path: Path) -> None:
    script = opencue_script(plan_job(make_shot(tmp_path), frames="1001-1005x2"), tmp_path / "shot.json")
    assert "FRAMES = '1001-1005x2'" in script


def test_a_learned_render_asks_for_a_card(tmp_path: Path) -> None:
    renderer = {"name": "any-to-bokeh", "any_to_bokeh": {"weights": "/w"}}
    plan = plan_job(make_shot(tmp_path, renderer=renderer), build="tensorrt")
    layers = {layer["name"]: layer for layer in layers_of(opencue_script(plan, tmp_path / "shot.json"))}
    assert list(layers) == ["check", "build", "render", "assemble"]
    assert layers["render"]["gpus"] == 1
    assert "gpus" not in layers["assemble"]


def test_pyoutline_takes_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    cuerun = pytest.importorskip("outline.cuerun")
    script = tmp_path / "submit_opencue.py"
    script.write_text(opencue_script(plan_job(make_shot(tmp_path), chunk=2), tmp_path / "shot.json"), encoding="utf-8")
    job = runpy.run_path(str(script), run_name="job")["make_job"]()
    spec = cuerun.OutlineLauncher(job).serialize(use_pycuerun=False)
    tree = ElementTree.fromstring(spec.split("?>", 1)[1].split(">", 1)[1])
    layers = {layer.get("name"): layer for layer in tree.iter("layer")}
    assert layers["render"].findtext("range") == "1001-1005"
    assert layers["render"].findtext("chunk") == "2"
    assert "#FRAMESPEC#" in str(layers["render"].findtext("cmd"))
    depends = {(d.findtext("deplayer"), d.findtext("onlayer")) for d in tree.iter("depend")}
    assert depends == {("render", "check"), ("assemble", "render")}
