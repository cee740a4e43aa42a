"""A bundle is what Open Job Description and AWS Deadline Cloud take, and says all that a task needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import MissingFrameError, OutputExistsError, ShotError
from engine.shot import load_shot, shot_from_dict
from plugin.farm import plan_job, write_bundle
from plugin.farm.template import job_template
from tests.engine.render.shots import make_plates, make_shot, shot_data, write_exr
from tests.plugin.farm.jobs import make_job, read_yaml
from ui.cli.app import run


def steps_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in template["steps"]}


def amounts_of(step: dict[str, Any]) -> dict[str, int]:
    return {entry["name"]: entry["min"] for entry in step["hostRequirements"]["amounts"]}


def test_openjd_deals_the_frames_out_in_chunks(tmp_path: Path) -> None:
    pytest.importorskip("openjd.model")
    job = make_job(tmp_path, 24, 7)
    assert job.bundle.tasks == ("1001-1006", "1007-1012", "1013-1018", "1019-1024")


def test_frames_on_twos_are_chunks_and_no_single_frames(tmp_path: Path) -> None:
    pytest.importorskip("openjd.model")
    job = make_job(tmp_path, 24, 6, frames="1001-1024x2")
    assert job.bundle.tasks == ("1001-1011:2", "1013-1023:2")


def test_the_steps_follow_each_other(tmp_path: Path) -> None:
    template = job_template(plan_job(make_shot(tmp_path)))
    after = {name: [d["dependsOn"] for d in step.get("dependencies", [])] for name, step in steps_of(template).items()}
    assert after == {"Check": [], "Render": ["Check"], "Assemble": ["Render"]}


def test_a_bundle_s_shot_has_its_limits_and_its_frames(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    shot = load_shot(job.bundle.folder / "shot.json")
    assert shot.depth.near is not None
    assert shot.plate.frames == "1001-1024"
    assert load_shot(job.document).depth.near is None, "the document itself is left as it is"


def test_files_that_are_read_and_written_are_named_for_farms_without_a_shared_disk(tmp_path: Path) -> None:
    job = make_job(tmp_path, 5)
    said = read_yaml(job.bundle.folder / "asset_references.yaml")["assetReferences"]
    assert {Path(name) for name in said["inputs"]["filenames"]} == {
        path for name in ("plate", "depth") for path in (tmp_path / name).iterdir()
    }
    assert said["outputs"]["directories"] == [str(tmp_path / "out")]
    values = read_yaml(job.bundle.folder / "parameter_values.yaml")["parameterValues"]
    assert {entry["name"]: entry["value"] for entry in values} == {
        "PlateFolder": str(tmp_path / "plate"),
        "DepthFolder": str(tmp_path / "depth"),
        "OutputFolder": str(tmp_path / "out"),
    }


def test_optics_need_no_card_and_a_system_only_where_one_is_asked_for(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    step = steps_of(job_template(plan_job(shot)))["Render"]
    assert "amount.worker.gpu" not in amounts_of(step)
    assert "attributes" not in step["hostRequirements"]
    step = steps_of(job_template(plan_job(shot, systems=("linux",))))["Render"]
    assert step["hostRequirements"]["attributes"] == [{"name": "attr.worker.os.family", "anyOf": ["linux"]}]


@pytest.mark.parametrize("build", [None, "tensorrt"])
def test_a_learned_render_asks_for_a_card_and_builds_engines_only_where_asked(
    build: str | None, tmp_path: Path
) -> None:
    model = pytest.importorskip("openjd.model")
    renderer = {"name": "any-to-bokeh", "any_to_bokeh": {"weights": str(tmp_path / "weights")}}
    plan = plan_job(make_shot(tmp_path, renderer=renderer), build=build)
    template = job_template(plan)
    model.decode_job_template(template=template, supported_extensions=["TASK_CHUNKING"])
    steps = steps_of(template)
    assert amounts_of(steps["Render"])["amount.worker.gpu"] == 1
    assert amounts_of(steps["Render"])["amount.worker.gpu.memory"] >= 8192
    assert "amount.worker.gpu" not in amounts_of(steps["Assemble"])
    assert list(steps) == ["Check", *(["Build"] if build else []), "Render", "Assemble"]
    assert bool(template.get("jobEnvironments")) == bool(build)
    made = write_bundle(plan, tmp_path / "bundle")
    assert made.values["Weights"] == str(tmp_path / "weights")
    assert ("EngineCache" in made.values) == bool(build)


def test_a_card_is_not_asked_for_where_the_shot_says_cpu(tmp_path: Path) -> None:
    options = {"weights": "/w", "device": "cpu"}
    plan = plan_job(make_shot(tmp_path, renderer={"name": "any-to-bokeh", "any_to_bokeh": options}))
    assert plan.needs.gpus == 0


def test_the_memory_asked_for_grows_with_the_frame(tmp_path: Path) -> None:
    make_plates(tmp_path / "small", 1)
    make_plates(tmp_path / "large", 1, 1024, 512)
    small, large = (plan_job(shot_from_dict(shot_data(tmp_path / n), "test")).needs for n in ("small", "large"))
    assert small.memory < large.memory < small.memory + 200


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("rackfocus", ("rackfocus",)),
        ("python3 -m rackfocus", ("python3", "-m", "rackfocus")),
        (r'"C:\Program Files\Rackfocus\rackfocus.exe"', (r"C:\Program Files\Rackfocus\rackfocus.exe",)),
        (r"C:\rackfocus\rackfocus.exe", (r"C:\rackfocus\rackfocus.exe",)),
    ],
)
def test_the_program_may_have_several_words_and_lie_on_windows(
    command: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    assert plan_job(make_shot(tmp_path), command=command).command == words


def test_a_job_is_called_what_people_call_the_shot(tmp_path: Path) -> None:
    assert plan_job(make_shot(tmp_path, name="sh010\nbeauty {{x}}")).name == "sh010 beauty {{x}}"
    assert plan_job(make_shot(tmp_path)).name == "out"


def test_a_movie_cannot_be_rendered_in_pieces(tmp_path: Path) -> None:
    shot = make_shot(tmp_path, output={"path": str(tmp_path / "out.mov")})
    with pytest.raises(ShotError, match="--movie"):
        plan_job(shot)


def test_engines_are_not_built_for_optics(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match="any-to-bokeh"):
        plan_job(make_shot(tmp_path), build="tensorrt")


def test_a_frame_that_is_missing_is_found_before_the_job_is_sent(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    (tmp_path / "plate" / "plate.1003.exr").unlink()
    with pytest.raises(MissingFrameError, match="1003"):
        plan_job(shot)


def test_a_bundle_replaces_a_bundle_and_nothing_else(tmp_path: Path) -> None:
    plan = plan_job(make_shot(tmp_path))
    write_bundle(plan, tmp_path / "bundle")
    write_bundle(plan, tmp_path / "bundle")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="something else"):
        write_bundle(plan, tmp_path / "mine")
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_the_command_line_says_what_to_do_with_the_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job(tmp_path)
    assert run(["farm", "bundle", str(job.document), "--out", str(tmp_path / "b"), "--chunk", "6"]) == 0
    said = capsys.readouterr().out
    assert f"openjd run {tmp_path / 'b' / 'template.yaml'}" in said
    assert "deadline bundle submit" in said
    assert run(["farm", "bundle", str(job.document), "--out", str(tmp_path / "b"), "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "bundle"
    assert last["parameters"]["OutputFolder"] == str(job.out)


@pytest.mark.parametrize(("channels", "more"), [(4, 0), (8, 12), (12, 24), (28, 72), (52, 144)])
def test_the_memory_asked_for_grows_with_the_channels(channels: int, more: int, tmp_path: Path) -> None:
    """Measured peaks: 52 channels of 512x384 take up to 550 MiB more than four, or 144 MiB for 512x100."""
    for name, count in (("four", 4), ("all", channels)):
        make_plates(tmp_path / name, 1, 512, 100)
        names = ("R", "G", "B", "A", *(f"light{at // 4}.{'RGBA'[at % 4]}" for at in range(count - 4)))
        image = np.full((100, 512, count), 0.5, np.float32)
        write_exr(tmp_path / name / "plate" / "plate.1001.exr", image, names, "half")

    def memory(name: str) -> int:
        data = shot_data(tmp_path / name)
        data["plate"]["extra_layers"] = ["*"]
        return plan_job(shot_from_dict(data)).needs.memory

    assert more * 0.8 <= memory("all") - memory("four") <= more * 1.2


def test_every_parameter_has_a_default(tmp_path: Path) -> None:
    renderer = {"name": "any-to-bokeh", "any_to_bokeh": {"weights": str(tmp_path / "weights")}}
    for plan in (plan_job(make_shot(tmp_path)), plan_job(make_shot(tmp_path, renderer=renderer), build="tensorrt")):
        assert all("default" in parameter for parameter in job_template(plan)["parameterDefinitions"])
