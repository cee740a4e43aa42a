"""Runs of the tiny networks on the set that the tests share."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import torch

from engine.errors import DataSetError, OutputExistsError, OutputWriteError, TrainingError
from engine.networks.checkpoint import open_weights
from tests.training.stages.toys import tiny_run
from training.data.clips import ClipSet
from training.stages.batches import ClipWindows
from training.stages.devices import open_accelerator
from training.stages.events import Event, StageEnded, Trained, Validated
from training.stages.folder import RunFolder
from training.stages.loop import StageJob, train_stage
from training.stages.running import train
from training.stages.starting import starting_networks
from training.stages.steps import stage_step, training_behaviour

# One process runs them all, so that the run which most of them look at is made once.
pytestmark = [pytest.mark.early, pytest.mark.xdist_group("runs of the tiny networks")]

ROOT = Path(__file__).resolve().parents[3]
STAGES = (1, 3)


@dataclass(frozen=True)
class Unbroken:
    folder: Path
    events: list[Event]


@pytest.fixture(scope="module")
def unbroken(tiny_clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    events: list[Event] = []
    train(tiny_run(tiny_clips), folder, STAGES, report=events.append)
    return Unbroken(folder, events)


def weights(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.safetensors")}


@pytest.mark.parametrize("stage", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_stage_that_is_killed_anywhere_and_resumed_has_the_same_weights(
    stage: int, unbroken: Unbroken, tiny_clips: ClipSet, tmp_path: Path
) -> None:
    folder, step = tmp_path / "run", random.randint(1, 4)
    if stage > 1:  # the run as it stood before the stage
        shutil.copytree(unbroken.folder, folder)
        shutil.rmtree(folder / f"stage-{stage}")
    words = [str(tiny_clips.folder), str(folder), str(stage), str(step)]
    killed = subprocess.run([sys.executable, "-m", "tests.training.stages.killed", *words], cwd=ROOT, check=False)
    assert killed.returncode == -9, f"stage {stage}, step {step}"
    assert not (folder / f"stage-{stage}").exists()
    train(tiny_run(tiny_clips), folder, (stage,), resume=True)
    wanted = weights(unbroken.folder / f"stage-{stage}")
    assert len(wanted) == 3
    assert weights(folder / f"stage-{stage}") == wanted, f"killed in stage {stage} after step {step}"


def test_each_stage_leaves_weights_that_load_and_the_last_are_the_runs(unbroken: Unbroken) -> None:
    for number in STAGES:
        assert open_weights(unbroken.folder / f"stage-{number}").size == (64, 64)
    assert weights(unbroken.folder / "weights") == weights(unbroken.folder / "stage-3")
    assert not list((unbroken.folder / "checkpoints").iterdir())
    assert [event.stage for event in unbroken.events if isinstance(event, StageEnded)] == list(STAGES)


def test_a_validation_leaves_a_picture_and_a_line_in_the_log(unbroken: Unbroken) -> None:
    told = [event for event in unbroken.events if isinstance(event, Validated)]
    assert [(event.stage, event.step) for event in told] == [(n, step) for n in STAGES for step in (0, 3, 4)]
    assert all(np.isfinite([event.loss, event.psnr]).all() for event in told)
    sheets = sorted(path.name for path in (unbroken.folder / "samples").iterdir())
    assert sheets == [f"stage-{event.stage}-{event.step:06}.png" for event in told]
    spec = oiio.ImageInput.open(str(unbroken.folder / "samples" / sheets[0])).spec()
    assert (spec.width, spec.height) == (3 * 64 + 2 * 4, 64)
    assert all(list((unbroken.folder / "log" / f"stage-{n}").glob("events*")) for n in STAGES)


def test_a_stage_that_has_ended_is_not_trained_again(unbroken: Unbroken, tiny_clips: ClipSet, tmp_path: Path) -> None:
    folder, events = shutil.copytree(unbroken.folder, tmp_path / "run"), list[Event]()
    shutil.rmtree(folder / "weights")
    train(tiny_run(tiny_clips), folder, STAGES, resume=True, report=events.append)
    assert events == [Trained(str(folder / "weights"))]
    assert weights(folder / "weights") == weights(folder / "stage-3")


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_what_should_train_moves_and_the_rest_stands_still(stage: int, tiny_clips: ClipSet, tmp_path: Path) -> None:
    run = tiny_run(tiny_clips)
    settings, behaviour = run.stages[stage].model_copy(update={"steps": 2}), training_behaviour("paper")
    run = run.model_copy(update={"stages": {stage: settings}})
    networks = starting_networks(run.start, (64, 64))
    step = stage_step(stage, networks, settings, behaviour)
    before = {name: tensor.clone() for name, tensor in step.state_dict().items()}
    windows = ClipWindows([tiny_clips], 2, (64, 64), behaviour, seed=0)
    job = StageJob(stage, run, step, windows, None, RunFolder(tmp_path), "")
    # Two updates: behind a gate that starts closed the second is the first with a gradient.
    train_stage(job, open_accelerator(settings, tmp_path / "log"), None, lambda _: None, lambda: False)
    after, trained = step.state_dict(), step.trained_parameters().keys()
    still = [name for name in trained if torch.equal(before[name], after[name])]
    moved = [name for name in after.keys() - trained if not torch.equal(before[name], after[name])]
    assert trained
    assert not still
    assert not moved


def test_clips_that_are_held_back_are_never_trained_on(tiny_clips: ClipSet, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_clips.folder, tmp_path / "set")
    last = ClipSet(folder).finished[-1]
    for picture in (folder / last).rglob("*.exr"):
        picture.unlink()
    windows = ClipWindows([ClipSet(folder)], 2, (64, 64), training_behaviour("paper"), seed=0, hold_back=1)
    for epoch in range(3):
        windows.set_epoch(epoch)
        for index in range(len(windows)):
            windows[index]
    with pytest.raises(Exception, match=last):
        train(tiny_run(ClipSet(folder)), tmp_path / "run", (1,))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"profile": "released"}, "profile = paper, and released"),
        ({"start": {"preset": "tiny", "seed": 1}}, "start.seed = 0, and 1"),
        ({"hold_back": 0}, "hold_back = 1, and 0"),
    ],
)
def test_a_run_goes_on_only_as_it_began(
    change: dict[str, Any], said: str, unbroken: Unbroken, tiny_clips: ClipSet
) -> None:
    with pytest.raises(TrainingError, match=said):
        train(tiny_run(tiny_clips, **change), unbroken.folder, STAGES, resume=True)


def test_a_run_goes_on_with_the_same_clips_wherever_they_lie(
    unbroken: Unbroken, tiny_clips: ClipSet, tmp_path: Path
) -> None:
    moved = shutil.copytree(tiny_clips.folder, tmp_path / "moved")
    train(tiny_run(ClipSet(moved)), unbroken.folder, STAGES, resume=True)
    clip = next(moved.glob("clip-*/clip.json"))
    clip.write_text(clip.read_text() + "\n")
    with pytest.raises(TrainingError, match="not the clips"):
        train(tiny_run(ClipSet(moved)), unbroken.folder, STAGES, resume=True)


def test_a_folder_that_holds_something_is_not_begun_in(unbroken: Unbroken, tiny_clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError, match="add --resume"):
        train(tiny_run(tiny_clips), unbroken.folder)
    (tmp_path / "letter").touch()
    with pytest.raises(OutputExistsError, match="not empty"):
        train(tiny_run(tiny_clips), tmp_path)
    with pytest.raises(TrainingError, match="no run to resume"):
        train(tiny_run(tiny_clips), tmp_path / "new", resume=True)


def test_what_the_clips_or_the_disk_lack_is_said_before_any_work(tiny_clips: ClipSet, tmp_path: Path) -> None:
    long = {"stages": {"1": {"steps": 1, "frames": 99, "size": "64x64", "learning_rate": 1.0}}}
    with pytest.raises(DataSetError, match="99 frames"):
        train(tiny_run(tiny_clips, **long), tmp_path / "a")
    with pytest.raises(DataSetError, match="none are left"):
        train(tiny_run(tiny_clips, hold_back=2), tmp_path / "b")
    with pytest.raises(TrainingError, match="no settings for stage 0"):
        train(tiny_run(tiny_clips, stages={"1": dict(long["stages"]["1"], frames=2)}), tmp_path / "c", (0,))
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputWriteError, match="free some space"):
        train(tiny_run(tiny_clips, keep=10**9), tmp_path / "d", (1,))
