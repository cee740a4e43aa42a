"""The commands, as a person or a script uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from engine.shot import load_shot
from engine.shot.storage import shot_to_json
from tests.engine.render.shots import make_plates, shot_data, write_exr
from tests.engine.render.test_edges import document as soft_document
from tests.engine.render.test_edges import make as make_soft
from tests.engine.render.test_edges import soft
from ui.cli.app import app, run

ROOT = Path(__file__).resolve().parents[3]


def text(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out


def test_flags_alone_render_a_shot_and_keep_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path)
    flags = [
        "render", "--plate", str(tmp_path / "plate" / "plate.####.exr"),
        "--depth", str(tmp_path / "depth" / "depth.$F4.exr"),
        "--depth-kind", "distance", "--focus", "1001=0.62", "--focus", "1005@12,8", "--focus-distance", "1003=3.2",
        "--blur", "1001=4", "--frames", "1001-1003", "--out", str(tmp_path / "out" / "r.%04d.exr"),
        "--save-shot", str(tmp_path / "kept.json"), "--layers", "coc,overlay",
    ]  # fmt: skip
    assert run(flags) == 0
    said = capfd.readouterr()
    assert "3 frames written" in said.out
    assert "frame 1002 written  2/3" in said.err
    kept = load_shot(tmp_path / "kept.json")
    assert kept.depth.near == pytest.approx(2.0, rel=1e-2)
    assert [key.frame for key in kept.focus.keys] == [1001, 1003, 1005]
    assert run(["render", str(tmp_path / "kept.json")]) == 0
    assert "2 frames written, 3 are up to date" in text(capfd)


def test_limits_are_stored_in_the_document_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})))
    assert run(["check", str(document)]) == 0
    assert "will be found by the first render" in text(capfd)
    assert run(["check", str(document), "--find-limits"]) == 0
    assert load_shot(document).depth.near == pytest.approx(2.0, rel=1e-2)
    assert "5 frames, all well\n" in text(capfd)
    assert run(["render", str(document), "--frames", "1001", "--json"]) == 0
    events = [json.loads(line)["event"] for line in text(capfd).splitlines()]
    assert events == ["opened", "started", "frame", "summary"]


def test_limits_of_other_depth_than_the_document_s_are_not_stored_in_it(tmp_path: Path) -> None:
    make_plates(tmp_path)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})))
    before = document.read_text()
    assert run(["render", str(document), "--frames", "1001", "--depth-kind", "inverse", "--json"]) == 0
    assert document.read_text() == before


def test_a_reader_of_json_lines_knows_how_far_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path)))
    assert run(["render", str(document), "--json"]) == 0
    said = capfd.readouterr()
    events = [json.loads(line) for line in said.out.splitlines()]
    assert said.err == ""
    assert events[0]["event"] == "opened"
    assert events[1] == {"event": "started", "total": 5, "skipped": 0}
    assert [e["frame"] for e in events if e["event"] == "frame"] == [1001, 1002, 1003, 1004, 1005]
    assert Path(events[2]["path"]).is_file()
    assert events[-1]["event"] == "summary"
    assert events[-1]["written"] == 5


def test_info_says_what_a_sequence_and_a_shot_hold(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path)
    assert run(["info", str(tmp_path / "plate"), "--json"]) == 0
    facts = json.loads(text(capfd))
    assert (facts["frames"], facts["missing"]) == ("1001-1005 (5)", None)
    assert facts["parts"][0]["display_window"] == "24x16 at 0,0"
    assert facts["parts"][0]["channels"] == dict.fromkeys("RGBA", "half")
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path)))
    assert run(["info", str(document)]) == 0
    assert "focus keys: 1001=0.9, 1005=0.1" in text(capfd)
    assert run(["info"]) == 0
    assert "Apache-2.0" in text(capfd)


def test_check_and_info_say_how_good_the_depth_s_edges_are(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_soft(tmp_path, [soft(1001)])
    (tmp_path / "shot.json").write_text(shot_to_json(soft_document(tmp_path)))
    assert run(["check", str(tmp_path / "shot.json")]) == 0
    first, opened, edges = text(capfd).splitlines()
    assert first.endswith("1 frame, all well")
    assert opened.startswith("plate: R, G, B")
    assert edges.startswith("depth edges are 1.")
    assert edges.endswith("they are repaired")
    assert run(["check", str(tmp_path / "shot.json"), "--json"]) == 0
    told = json.loads(text(capfd))["edges"]
    assert edges == f"{told['sentence']}: they are repaired"
    assert told["repaired"] is True
    assert run(["info", str(tmp_path / "shot.json")]) == 0
    assert edges.replace("edges are", "edges:", 1) in text(capfd).splitlines()


def test_info_tells_all_layers_and_entries_of_a_result(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path, 2)
    (tmp_path / "shot.json").write_text(json.dumps(shot_data(tmp_path)))
    flags = ["--layers", "coc,disparity", "--compression", "dwaa"]
    assert run(["render", str(tmp_path / "shot.json"), "--json", *flags]) == 0
    text(capfd)
    assert run(["info", str(tmp_path / "out")]) == 0
    said = text(capfd)
    assert "channels: R, G, B, A (half)" in said
    assert "channels: CoC.x, disparity.Z (float)" in said
    assert "compression: dwaa" in said
    assert "rackfocus/digest: " in said


def test_info_tells_depth_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path, 2)
    for file in (tmp_path / "depth").iterdir():
        write_exr(file, np.ones((16, 24, 2), np.float32), ("Z", "ZBack"))
    assert run(["info", str(tmp_path / "depth")]) == 0
    assert "channels: Z, ZBack (float)" in text(capfd)


def test_evaluate_measures_a_result_against_its_reference(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    for name in ("result", "reference"):
        (tmp_path / name).mkdir()
    for frame in (1, 2, 3):
        truth = rng.random((32, 48, 3), dtype=np.float32) * 0.5 + 0.2
        write_exr(tmp_path / "reference" / f"t.{frame:04d}.exr", truth, ("R", "G", "B"))
        write_exr(tmp_path / "result" / f"r.{frame:04d}.exr", truth + 0.01, ("R", "G", "B"))
    folders = ["evaluate", "--result", str(tmp_path / "result"), "--reference", str(tmp_path / "reference")]
    assert run([*folders, "--json"]) == 0
    scores = json.loads(text(capfd))
    assert 35 < scores["psnr"] < 45
    assert scores["ssim"] > 0.99
    assert scores["event"] == "evaluation"
    assert scores["edge_psnr"] is None
    assert scores["temporal"] < 0.01
    assert [row["frame"] for row in scores["frames"]] == [1, 2, 3]
    assert run(folders) == 0
    assert "temporal" in text(capfd)


def test_evaluate_finds_the_depth_edges_in_the_result_s_own_layer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r").mkdir()
    image = np.full((32, 48, 4), 0.4, np.float32)
    image[:, :, 3] = np.arange(48) > 24  # disparity.Z
    write_exr(tmp_path / "r" / "r.0001.exr", image, ("R", "G", "B", "disparity.Z"))
    place = str(tmp_path / "r")
    assert run(["evaluate", "--result", place, "--reference", place]) == 0
    assert text(capfd).splitlines()[-1].split() == ["shot", "inf", "1.0000", "inf", "-"]


def test_two_sequences_in_a_folder_have_to_be_told_apart(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_plates(tmp_path)
    for file in (tmp_path / "depth").iterdir():
        file.rename(tmp_path / "plate" / file.name)
    place = str(tmp_path / "plate")
    assert run(["evaluate", "--result", place, "--reference", place]) == 3
    assert "several sequences (depth.%04d.exr, plate.%04d.exr)" in capfd.readouterr().err


def test_doctor_knows_this_machine(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    report = json.loads(text(capfd))
    assert report["missing"] == []
    assert report["codecs"]["libx264"]
    assert report["codecs"]["prores_ks"]
    assert run(["doctor"]) == 0
    assert "Extras:" in text(capfd)


def test_an_unknown_benchmark_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "horses"]) == 2
    assert "choose optical or speed" in capfd.readouterr().err


def test_the_readme_s_commands_exist(capfd: pytest.CaptureFixture[str]) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    words = {word for page in pages for word in re.findall(r"\brackfocus ([a-z]+)\b", page.read_text(encoding="utf-8"))}
    commands = {"demo", "render", "check", "info", "evaluate", "bench", "doctor"}
    assert commands <= words
    for command in commands:
        assert run([command, "--help"]) == 0
        assert "--json" in text(capfd)


FOREIGN = {
    *("--help", "--traceback", "--install-completion", "--show-completion"),
    *("--run", "--task-param", "--logdir", "--nproc_per_node", "--num_processes", "--stronglyTyped"),
}
"""Flags of others: Typer, openjd, TensorBoard, torchrun, accelerate, trtexec."""

PAGES = ("editors", "compositors", "farms", "data", "training", "evaluation", "export", "tensorrt", "worker")


def flags_of(command: Any) -> set[str]:  # noqa: ANN401  Click, under whichever name Typer has it
    """All options of a command and of those below it."""
    own = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return own.union(*(flags_of(below) for below in getattr(command, "commands", {}).values()))


def test_the_readme_s_flags_exist() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in PAGES)]
    known = flags_of(typer.main.get_command(app)) | FOREIGN
    for page in pages:
        flags = set(re.findall(r"(?<![\w-])--[a-z][a-zA-Z_-]+", page.read_text(encoding="utf-8")))
        assert flags <= known, f"{page.name}: {sorted(flags - known)}"


def test_the_readme_s_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
