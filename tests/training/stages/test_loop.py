"""A stage under way, with one of three numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import CancelledError, TrainingError
from tests.training.stages.toy_windows import ToyWindows
from tests.training.stages.toys import ToyStep, toy_job
from training.stages.checkpoints import Checkpoint, checkpoints_of, load_checkpoint
from training.stages.devices import open_accelerator
from training.stages.events import Event, Stepped, Stored
from training.stages.loop import MOST_SKIPPED, train_stage, updates


class Trained:
    """A toy stage that was trained, and what it said."""

    def __init__(
        self,
        folder: Path,
        windows: ToyWindows | None = None,
        stop_after: int | None = None,
        checkpoint: Checkpoint | None = None,
        noise: float = 0.1,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        self.step = ToyStep(noise)
        self.events: list[Event] = []
        self.weights: list[torch.Tensor] = []
        job = toy_job(folder, windows or ToyWindows(3), self.step, settings, save_every=2)
        self.steps = job.settings.steps

        def stops() -> bool:
            return stop_after is not None and len(self.weights) >= stop_after

        try:
            train_stage(job, open_accelerator(job.settings, folder / "log"), checkpoint, self.hear, stops)
        except CancelledError as error:
            self.cancelled: CancelledError | None = error
        else:
            self.cancelled = None

    def hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Stepped):
            self.weights.append(self.step.weight.detach().clone())

    def said(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.mark.parametrize("stop_after", [1, 2, 5])
@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_stage_that_was_stopped_goes_on_bit_by_bit(tmp_path: Path, stop_after: int, ema: float | None) -> None:
    unbroken = Trained(tmp_path / "a", ema=ema, accumulate=2)
    stopped = Trained(tmp_path / "b", ema=ema, accumulate=2, stop_after=stop_after)
    assert stopped.cancelled is not None
    assert f"after step {stop_after} of stage 1" in stopped.cancelled.message
    kept = load_checkpoint(checkpoints_of(tmp_path / "b" / "checkpoints", 1)[-1])
    assert kept.step == stop_after
    resumed = Trained(tmp_path / "b", ema=ema, accumulate=2, checkpoint=kept)
    assert torch.equal(unbroken.step.weight, resumed.step.weight)
    assert unbroken.step.seen == stopped.step.seen + resumed.step.seen


def test_accumulated_batches_make_the_update_of_a_large_one(tmp_path: Path) -> None:
    large = Trained(tmp_path, ToyWindows(4), batch=4, noise=0.0)
    gathered = Trained(tmp_path, ToyWindows(4), batch=2, accumulate=2, noise=0.0)
    # The loss is the square of a mean: the gradient of the mean of two is that of the whole.
    torch.testing.assert_close(large.step.weight, gathered.step.weight)
    assert large.step.seen == gathered.step.seen


def test_the_running_mean_is_what_is_left(tmp_path: Path) -> None:
    plain, averaged = Trained(tmp_path), Trained(tmp_path, ema=0.5)
    mean = torch.zeros(3)
    for number, weight in enumerate(plain.weights, start=1):
        # No decay at first, then (1 + n) / (10 + n) up to the one that was asked for.
        decay = 0.0 if number == 1 else min(0.5, number / (9 + number))
        mean = decay * mean + (1 - decay) * weight
    torch.testing.assert_close(averaged.step.weight.detach(), mean)
    assert not torch.equal(averaged.step.weight, plain.step.weight)
    assert all(torch.equal(*pair) for pair in zip(plain.weights, averaged.weights, strict=True))


def test_an_update_that_is_not_finite_is_skipped_and_told(tmp_path: Path) -> None:
    trained = Trained(tmp_path, ToyWindows(1, broken=range(2, 4)))
    assert [event.skipped for event in trained.said(Stepped)] == [False, False, True, True, False, False]
    assert torch.equal(trained.weights[1], trained.weights[3])
    assert not torch.equal(trained.weights[3], trained.weights[4])
    assert torch.isfinite(trained.step.weight).all()


def test_a_first_update_that_is_not_finite_ends_the_run_at_once(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the first update is not finite"):
        Trained(tmp_path, ToyWindows(1, broken=range(9)))


def test_too_many_in_a_row_end_it_with_the_step(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"step {MOST_SKIPPED + 3}: the total was not finite"):
        Trained(tmp_path, ToyWindows(1, broken=range(3, 99)), steps=99)


def test_checkpoints_come_at_their_steps_and_not_at_the_end(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    assert [event.step for event in trained.said(Stored)] == [2, 4]


def test_an_epoch_is_a_pass_over_all_windows_of_all_devices(tmp_path: Path) -> None:
    settings = toy_job(tmp_path, ToyWindows(1), ToyStep(), {"steps": None, "epochs": 1.5, "batch": 2}).settings
    assert updates(settings, windows=10, processes=1) == 8
    assert updates(settings, windows=10, processes=4) == 2


def test_half_precision_without_a_gpu_is_one_sentence(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    settings = toy_job(tmp_path, ToyWindows(1), ToyStep(), {"precision": "fp16"}).settings
    with pytest.raises(TrainingError, match="set precision to fp32"):
        open_accelerator(settings, tmp_path)
