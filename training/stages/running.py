"""A run of training: its stages one after the other, each from the weights of the one before."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from engine.errors import OutputWriteError, TrainingError, require
from engine.files import discard
from engine.networks.saving import save_weights
from training.data.clips import ClipSet
from training.stages.batches import ClipWindows
from training.stages.checkpoints import checkpoints_of, load_checkpoint
from training.stages.configuration import TrainingRun
from training.stages.devices import open_accelerator, this_process
from training.stages.events import Report, StageEnded, Trained
from training.stages.folder import RunFolder, RunRecord, set_digest
from training.stages.loop import StageJob, train_stage
from training.stages.starting import networks_from_folder, starting_networks
from training.stages.steps import StageStep, TrainingNetworks, stage_step, training_behaviour

__all__ = ["train"]

_NUMBER: Final = 4
"""Bytes of a number in fp32, in which weights are kept."""


def train(
    run: TrainingRun,
    out: str | Path,
    stages: Sequence[int] = (),
    *,
    resume: bool = False,
    report: Report = lambda _: None,
    stops: Callable[[], bool] = lambda: False,
) -> Path:
    """Train, and leave a folder as ``training.stages.folder`` draws it.

    Args:
        run: all settings.
        out: folder of the run.
        stages: numbers to train now; those of ``run.order`` when empty. A stage that has ended is passed over.
        resume: go on with the run that the folder holds, which must have been begun with the same settings and clips.
        report: called with what happens, on the main process only.
        stops: asked after each update whether to stop there.

    Returns:
        The folder of the last stage's weights.

    Raises:
        TrainingError: a stage has no settings, the run was begun with others, or its losses are not finite.
        DataSetError: a set cannot be used, or has not the clips that a stage wants.
        WeightsError: the weights to start from cannot be used.
        OutputExistsError: the folder holds something, and ``resume`` is not set.
        OutputWriteError: it cannot be written, or has too little room.
        CancelledError: ``stops`` said so; a checkpoint was written.
    """
    process, folder = this_process(), RunFolder(Path(out).expanduser().absolute())
    sets = [ClipSet(place) for place in run.data]
    wanted = tuple(sorted(stages)) or run.order
    for number in wanted:
        require(
            number in run.stages,
            TrainingError,
            f"the run has no settings for stage {number}; add them to its file, or choose of {list(run.stages)}",
        )
    digests = tuple(set_digest(clips) for clips in sets)
    if resume:
        folder.require_same(run, digests)
    windows = {number: _windows(run, sets, number) for number in wanted}  # what clips lack is said at once
    if not resume and process.is_main_process:
        folder.begin(RunRecord(made_by=f"rackfocus {version('rackfocus')}", run=run, sets=digests))
    process.wait_for_everyone()
    for number in wanted:
        if not folder.stage(number).is_dir():
            _train(run, folder, number, *windows[number], report, stops)
    if process.is_main_process:
        folder.publish(max(number for number in run.stages if folder.stage(number).is_dir()))
        report(Trained(str(folder.weights)))
    process.wait_for_everyone()
    return folder.weights


def _windows(run: TrainingRun, sets: list[ClipSet], number: int) -> tuple[ClipWindows, ClipWindows | None]:
    """What a stage trains on, and what it is validated with."""
    settings = run.stages[number]
    of_stage = partial(
        ClipWindows,
        sets,
        settings.frames,
        settings.width_height,
        training_behaviour(run.profile),
        seed=settings.seed,
        hold_back=run.hold_back,
    )
    windows = of_stage(perturbation=settings.perturbation, perturb_probability=settings.perturb_probability)
    return windows, of_stage(held_back=True) if run.hold_back else None


def _train(
    run: TrainingRun,
    folder: RunFolder,
    number: int,
    windows: ClipWindows,
    held: ClipWindows | None,
    report: Report,
    stops: Callable[[], bool],
) -> None:
    """One stage, and its folder of weights."""
    began = time.monotonic()
    settings, process = run.stages[number], this_process()
    found = checkpoints_of(folder.checkpoints, number)
    checkpoint = load_checkpoint(found[-1]) if found else None
    before = checkpoint.begun_from if checkpoint else folder.before(number)
    size = run.stages[max(run.stages)].width_height
    networks = networks_from_folder(folder.place / before, size) if before else starting_networks(run.start, size)
    step = stage_step(number, networks, settings, training_behaviour(run.profile))
    accelerator = open_accelerator(settings, folder.log)
    if accelerator.is_main_process:
        _require_room(folder, networks, step, run.keep)
    train_stage(StageJob(number, run, step, windows, held, folder, before), accelerator, checkpoint, report, stops)
    if process.is_main_process:
        save_weights(folder.stage(number), networks.unet, networks.vae, networks.image_encoder)
        folder.publish(number)
        for path in checkpoints_of(folder.checkpoints, number):
            discard(path)
        report(StageEnded(number, str(folder.stage(number)), time.monotonic() - began))
    process.wait_for_everyone()


def _require_room(folder: RunFolder, networks: TrainingNetworks, step: StageStep, keep: int) -> None:
    """Make sure that the disk takes the checkpoints of a stage, one more while it is written, and its weights."""
    trained = sum(parameter.numel() for parameter in step.trained_parameters().values())
    everything = sum(
        parameter.numel()
        for network in (networks.unet, networks.vae, networks.image_encoder)
        for parameter in network.parameters()
    )
    copies = 3 if step.settings.ema is None else 4  # the weights, AdamW's two means, and the running mean
    wanted = _NUMBER * (trained * copies * (keep + 1) + everything)
    free = shutil.disk_usage(folder.place).free
    require(
        free >= wanted,
        OutputWriteError,
        f"{folder.place} has {free / 1e9:.1f} GB left, but this stage wants {wanted / 1e9:.1f} GB for "
        f"{keep + 1} checkpoints and its weights; free some space, choose another disk, or keep fewer",
    )
