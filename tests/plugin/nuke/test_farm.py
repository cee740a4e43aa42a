"""To the farm: the node's shot, as a job bundle of the real command."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from engine.shot import load_shot
from tests.plugin.nuke.comps import comp
from tests.plugin.nuke.fakes import FakeNuke


def send(host: FakeNuke, command: str) -> None:
    node = host.toNode("Rackfocus1") or comp(host)
    node["engine"].setValue(command)
    node["depth_near"].setValue(1.5)
    import_module("plugin.nuke.buttons").send_to_farm(node)


def test_a_bundle_lies_beside_the_output_with_the_farm_s_quality(host: FakeNuke, tmp_path: Path) -> None:
    node = comp(host)
    node["farm_quality"].setValue("final")
    node["viewer_quality"].setValue("draft")
    send(host, f"{sys.executable} -m rackfocus")
    assert node["status"].value() == "writing the job", "nothing has waited"
    host.pump(lambda: bool(host.messages) or node["status"].value().startswith("job: "))
    assert host.messages == []
    folder = tmp_path / "rackfocus" / "Rackfocus1_v001_farm"
    assert (folder / "template.yaml").is_file()
    shot = load_shot(folder.with_name("Rackfocus1_v001_farm.shot.json"))
    assert shot.renderer.quality == "final"
    assert shot.plate.frames == "1001-1006"


def test_a_bundle_that_fails_is_a_sentence(host: FakeNuke, tmp_path: Path) -> None:
    program = tmp_path / "no.py"
    program.write_text("import sys; print('rackfocus: error: shot: no luck', file=sys.stderr); sys.exit(2)")
    send(host, f"{sys.executable} {program}")
    host.pump(lambda: bool(host.messages))
    assert host.messages == ["No job was made: rackfocus: error: shot: no luck"]


@pytest.mark.usefixtures("host")
def test_the_shot_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    farm, running = import_module("plugin.nuke.farm"), import_module("plugin.nuke.running")
    path = farm.save_shot(running.Task({"a": 1}, (1, 2), str(tmp_path / "out" / "r_v001.####.exr")))
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    with pytest.raises(TypeError):
        farm.save_shot(running.Task({"a": object()}, (1, 2), str(tmp_path / "out" / "r_v001.####.exr")))
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert [file.name for file in path.parent.iterdir()] == [path.name]
