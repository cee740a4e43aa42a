"""One stage, from where it stands to its end.

An update is a function of the weights, the optimiser's state and its own number: the number says which windows it sees
and seeds all that it draws. So a stage that was killed goes on from its last checkpoint to the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf
from typing import Any, Final

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from engine.errors import CancelledError, TrainingError, require
from training.stages.checkpoints import Checkpoint, save_checkpoint
from training.stages.configuration import StageSettings, TrainingRun
from training.stages.course import Windows, course
from training.stages.devices import Accelerator
from training.stages.events import Report, StageStarted, Stepped, Stored, Validated
from training.stages.folder import RunFolder
from training.stages.steps import StageStep
from training.stages.validation import validate

__all__ = ["StageJob", "train_stage", "updates"]

MOST_SKIPPED: Final = 20
"""Updates in a row that may be skipped; fp16 looks for its scale in fewer."""

_EPSILON: Final = 1e-8
"""AdamW's, as published."""


@dataclass(frozen=True, eq=False)
class StageJob:
    """What a stage trains with.

    Attributes:
        stage: its number.
        run: all settings.
        step: from a batch to losses.
        windows: to train on.
        held: to validate with; None where nothing is held back.
        folder: of the run.
        begun_from: name of the folder that the networks came from; "" for the run's start.
    """

    stage: int
    run: TrainingRun
    step: StageStep
    windows: Windows
    held: Windows | None
    folder: RunFolder
    begun_from: str

    @property
    def settings(self) -> StageSettings:
        """Of this stage."""
        return self.run.stages[self.stage]


def updates(settings: StageSettings, windows: int, processes: int) -> int:
    """Updates of a stage on so many windows an epoch and so many devices."""
    if settings.steps is not None:
        return settings.steps
    assert settings.epochs is not None, "settings have one of both"
    return ceil(settings.epochs * windows / (settings.batch * settings.accumulate * processes))


def train_stage(
    job: StageJob, accelerator: Accelerator, checkpoint: Checkpoint | None, report: Report, stops: Callable[[], bool]
) -> None:
    """Train a stage to its end. Its networks are changed in place, in the end to the running mean if there is one.

    Args:
        job: what with.
        accelerator: of ``open_accelerator``.
        checkpoint: where it stands; None to begin.
        report: called with what happens, on the main process only.
        stops: whether a person wants it to stop after this update.

    Raises:
        CancelledError: it was stopped; a checkpoint was written.
        TrainingError: the losses are not finite.
        OutputWriteError: a checkpoint cannot be written.
    """
    _Stage(job, accelerator, report).run(checkpoint, stops)


class _Stage:
    """A stage under way."""

    def __init__(self, job: StageJob, accelerator: Accelerator, report: Report) -> None:
        self.job, self.accelerator, self.report = job, accelerator, report
        self.settings = job.settings
        self.total = updates(job.settings, len(job.windows), accelerator.num_processes)
        self.parameters = job.step.trained_parameters()
        job.step.to(accelerator.device)
        optimizer = torch.optim.AdamW(
            self.parameters.values(),
            lr=self.settings.learning_rate,
            betas=self.settings.betas,
            eps=_EPSILON,
            weight_decay=self.settings.weight_decay,
            fused=accelerator.device.type == "cuda",
        )
        self.model, self.optimizer = accelerator.prepare(job.step, optimizer)
        self.mean = None
        if self.settings.ema is not None:
            self.mean = EMAModel(self.parameters.values(), decay=self.settings.ema)
        self.skipped = 0

    def run(self, checkpoint: Checkpoint | None, stops: Callable[[], bool]) -> None:
        job, done = self.job, self._restore(checkpoint)
        self._say(StageStarted(job.stage, done, self.total, len(job.windows), _numbers(self.parameters)))
        self.accelerator.init_trackers(f"stage-{job.stage}")
        try:
            if done == 0:
                self._validate(0)
            self._train(done, stops)
        finally:
            for tracker in self.accelerator.trackers:
                tracker.finish()  # accelerate's end_training would also part the processes, and there are more stages
        if self.mean is not None:
            self.mean.copy_to(self.parameters.values())

    def _train(self, done: int, stops: Callable[[], bool]) -> None:
        """The updates that are not done yet."""
        job, settings = self.job, self.settings
        each = settings.batch * settings.accumulate * self.accelerator.num_processes
        loader = course(job.windows, settings.batch, done * each, self.total * each, settings.seed, job.run.workers)
        batches = iter(self.accelerator.prepare(loader))
        began = time.monotonic()
        for number in range(done + 1, self.total + 1):
            losses = self._update(batches, number)
            self._tell(number, losses, (number - done) / (time.monotonic() - began))
            if number % job.run.validate_every == 0 or number == self.total:
                self._validate(number)
            stopped = self._any(stops()) and number < self.total
            if stopped or (number % job.run.save_every == 0 and number < self.total):
                self._store(number)
            if stopped:
                raise CancelledError(f"stopped after step {number} of stage {job.stage}; go on with --resume")

    def _update(self, batches: Iterator[dict[str, Tensor]], number: int) -> dict[str, float] | None:
        """One update: means of the losses, or None where it was skipped."""
        accelerator, optimizer = self.accelerator, self.optimizer
        sums: dict[str, Tensor] = {}
        finite = True
        for turn in range(self.settings.accumulate):
            batch = next(batches)
            torch.manual_seed(self._seed(number, turn))  # after the loader, which draws from it when it begins
            with accelerator.accumulate(self.model):
                losses = self.model(batch)
                told = accelerator.reduce({name: loss.detach().float() for name, loss in losses.items()}, "mean")
                finite = finite and bool(torch.isfinite(told["total"]))
                if finite:
                    accelerator.backward(losses["total"])
            sums = {name: sums.get(name, 0.0) + loss / self.settings.accumulate for name, loss in told.items()}
        if finite:
            longest = self.settings.clip_norm or inf
            sums["gradient"] = length = accelerator.clip_grad_norm_(list(self.parameters.values()), longest)
            finite = bool(torch.isfinite(length))
            if finite or accelerator.scaler is not None:
                optimizer.step()  # with a scale, it skips and scales anew by itself
        optimizer.zero_grad()
        self._count(finite, number, sums)
        if not finite:
            return None
        if self.mean is not None:
            self.mean.step(self.parameters.values())
        return {name: float(value) for name, value in sums.items()}

    def _seed(self, number: int, turn: int) -> int:
        """Of all that is drawn for a batch of an update; devices draw apart."""
        place = number * self.settings.accumulate + turn
        place = place * self.accelerator.num_processes + self.accelerator.process_index
        mixed: int = (self.settings.seed * 1_000_003 + self.job.stage * 500_009 + place * 7_919) % 2**31
        return mixed

    def _count(self, finite: bool, number: int, losses: Mapping[str, Tensor]) -> None:
        self.skipped = 0 if finite else self.skipped + 1
        worst = next((name for name, value in losses.items() if not torch.isfinite(value)), "loss")
        require(
            finite or number > 1 or self.accelerator.scaler is not None,
            TrainingError,
            f"stage {self.job.stage}: the {worst} of the first update is not finite; look at the clips, the "
            "weights that it starts from, and the precision",
        )
        require(
            self.skipped < MOST_SKIPPED,
            TrainingError,
            f"stage {self.job.stage}, step {number}: the {worst} was not finite {MOST_SKIPPED} times in a row; begin "
            "again with a smaller learning_rate, with clip_norm, or in bf16",
        )

    def _tell(self, number: int, losses: dict[str, float] | None, speed: float) -> None:
        if losses is not None:
            self.accelerator.log({f"train/{name}": value for name, value in losses.items()}, step=number)
        loss = losses["total"] if losses is not None else float("nan")
        left = (self.total - number) / speed
        self._say(Stepped(self.job.stage, number, self.total, loss, losses is None, speed, left))

    def _validate(self, number: int) -> None:
        """On the main process; the others wait."""
        job, accelerator = self.job, self.accelerator
        if job.held is not None and accelerator.is_main_process:
            sheet = job.folder.samples / f"stage-{job.stage}-{number:06}.png"
            with self._averaged():
                found = validate(job.step, job.held, accelerator, sheet, job.run.samples)
            told = {
                **{f"validation/{name}": value for name, value in found.losses.items()},
                "validation/psnr": found.psnr,
            }
            accelerator.log(told, step=number)
            self._say(Validated(job.stage, number, found.losses["total"], found.psnr))
        accelerator.wait_for_everyone()

    def _store(self, number: int) -> None:
        accelerator = self.accelerator
        if accelerator.is_main_process:
            checkpoint = Checkpoint(
                stage=self.job.stage,
                step=number,
                begun_from=self.job.begun_from,
                parameters={name: parameter.detach() for name, parameter in self.parameters.items()},
                optimizer=self.optimizer.state_dict(),
                ema=None if self.mean is None else self.mean.state_dict(),
                scaler=None if accelerator.scaler is None else accelerator.scaler.state_dict(),
            )
            path = save_checkpoint(self.job.folder.checkpoints, checkpoint, self.job.run.keep)
            self._say(Stored(self.job.stage, number, str(path)))
        accelerator.wait_for_everyone()

    def _restore(self, checkpoint: Checkpoint | None) -> int:
        """Updates that are done."""
        if checkpoint is None:
            return 0
        checkpoint.put_into(self.parameters)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        if self.mean is not None and checkpoint.ema is not None:
            self.mean.load_state_dict(checkpoint.ema)
            self.mean.to(self.accelerator.device)
        if self.accelerator.scaler is not None and checkpoint.scaler is not None:
            self.accelerator.scaler.load_state_dict(checkpoint.scaler)
        return checkpoint.step

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within the block the networks have the running mean, where there is one."""
        if self.mean is None:
            yield
            return
        self.mean.store(self.parameters.values())
        self.mean.copy_to(self.parameters.values())
        try:
            yield
        finally:
            self.mean.restore(self.parameters.values())

    def _any(self, wish: bool) -> bool:
        """Whether any process has the wish: all must stop at the same step."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = self.accelerator.reduce(torch.tensor(float(wish), device=self.accelerator.device), "sum")
        return bool(wishes > 0)

    def _say(self, event: Any) -> None:  # noqa: ANN401
        if self.accelerator.is_main_process:
            self.report(event)


def _numbers(parameters: Mapping[str, nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters.values())
