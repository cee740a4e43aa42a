from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import TrainingError
from training.stages import StageSettings, Start, TrainingRun, load_run, run_schema
from training.stages.configuration import run_from_dict
from training.stages.presets import preset_settings

MODELS = (StageSettings, Start, TrainingRun)


@pytest.mark.parametrize("preset", ["tiny", "small", "full"])
def test_a_preset_with_data_and_a_start_is_a_run(preset: str) -> None:
    run = run_from_dict({"preset": preset, "data": ["set"], "start": {"preset": preset}}, "test")
    assert set(run.stages) >= {1, 2, 3}
    assert run_from_dict(run.model_dump(mode="json"), "again") == run
    assert TrainingRun.model_validate_json(run.model_dump_json()) == run


def test_full_has_the_papers_numbers() -> None:
    run = run_from_dict({"preset": "full", "data": ["set"], "start": {"weights": "svd"}}, "test")
    assert [run.stages[n].frames for n in (1, 2, 3)] == [4, 8, 3]
    assert [run.stages[n].learning_rate for n in (1, 2, 3)] == [1e-5, 5e-6, 5e-6]
    assert [run.stages[n].epochs for n in (1, 2, 3)] == [15, 5, 10]
    assert {(s.size, s.batch, s.accumulate, s.weight_decay, s.clip_norm) for s in run.stages.values()} == {
        ("1024x576", 1, 2, 0.01, None)
    }
    assert run.stages[2].perturbation == "paper"


def test_a_file_says_only_what_differs_from_its_preset(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('preset = "full"\ndata = ["set"]\nstart = {weights = "svd"}\n[stages.1]\nsteps = 7\n')
    run = load_run(file)
    assert (run.stages[1].steps, run.stages[1].epochs, run.stages[1].frames) == (7, None, 4)
    assert run.stages[2].epochs == preset_settings("full")["stages"]["2"]["epochs"]


def test_folders_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("preset: tiny\ndata: [sets/a]\nstart: {weights: start}\nstages: {1: {learning_rate: 1e-4}}\n")
    run = load_run(file)
    assert run.data == (str(tmp_path / "sets/a"),)
    assert run.start.weights == str(tmp_path / "start")
    assert run.stages[1].learning_rate == 1e-4


def test_the_autoencoder_is_trained_only_from_random_weights() -> None:
    random = run_from_dict({"preset": "tiny", "data": ["set"]}, "test")
    trained = run_from_dict({"preset": "tiny", "data": ["set"], "start": {"weights": "folder"}}, "test")
    assert (random.order, trained.order) == ((0, 1, 2, 3), (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('preset = "huge"', "preset"),
        ("[stages.1]\nstepz = 3", "stages.1.stepz is not known; did you mean steps?"),
        ("[stages.1]\nsteps = 0", "stages.1.steps"),
        ("[stages.1]\nlearning_rate = -1.0", "stages.1.learning_rate"),
        ("[stages.1]\nlearning_rate = nan", "stages.1.learning_rate"),
        ("[stages.1]\nlearning_rate = inf", "stages.1.learning_rate"),
        ('[stages.1]\nsize = "100x64"', "multiples of 64"),
        ('[stages.1]\nsize = "0x64"', "multiples of 64"),
        ("[stages.1]\nsteps = 3\nepochs = 2", "either steps or epochs"),
        ('[stages.1]\nprecision = "int8"', "stages.1.precision"),
        ("[stages.4]\nsteps = 3", "there is no stage 4"),
        ("[stages.one]\nsteps = 3", "there is no stage one"),
        ("stages = 3", "stages"),
        ("hold = 1", "hold is not known; did you mean hold_back?"),
        ("[start]\nseed = 1", "either weights"),
        ("workers = 1.5", "workers"),
        ("this is no toml", "run.toml"),
    ],
)
def test_a_wrong_field_is_one_sentence_with_file_and_field(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    head = "" if "preset" in text else 'preset = "tiny"\n'
    file.write_text(f'data = ["set"]\n{head}{text}\n')
    with pytest.raises(TrainingError) as caught:
        load_run(file)
    assert str(file) in caught.value.message
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_a_run_without_a_start_says_so() -> None:
    with pytest.raises(TrainingError, match="start is missing; name weights"):
        run_from_dict({"preset": "full", "data": ["set"]}, "test")


def test_every_field_says_what_it_is_in_the_schema_too() -> None:
    schema = json.dumps(run_schema(), ensure_ascii=False)
    for model in MODELS:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
            assert field.description.endswith("."), f"{model.__name__}.{name}"
            assert json.dumps(field.description, ensure_ascii=False) in schema
