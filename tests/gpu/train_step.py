"""Measure training on a card, in one call: ``python -m tests.gpu.train_step [FOLDER] [--preset tiny|small|full]``.

Steps a second and peak memory of stages 1 to 3 with random weights and random batches, checkpointing off and on, then
the largest number of frames of a window that a stage can train on. Each is measured in a process of its own, since a
process that ran out of memory is no place to measure in. Without a card: tiny on the CPU, which shows that the script
runs. Prints a table; with FOLDER keeps it there as JSON too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import torch

from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import PRESETS, PresetName
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE
from engine.runtime.torch.memory import ran_out_of_memory
from training.benchmark import aligned
from training.benchmark.peak import peak_memory
from training.stages.configuration import StageSettings, run_from_dict
from training.stages.steps import Batch, TrainingNetworks, stage_step, training_behaviour

STAGES: Final = (1, 2, 3)
REPEATS: Final = 3
MOST: Final = 64
"""Frames beyond which no longer window is tried."""

TYPES: Final = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Trial:
    """What is measured."""

    preset: PresetName
    stage: int
    frames: int
    checkpointing: bool
    repeats: int = REPEATS


@dataclass(frozen=True)
class Measured:
    """What it came to; NaN and the device's memory where it did not fit."""

    seconds: float
    gibibytes: float

    @property
    def fits(self) -> bool:
        return self.seconds == self.seconds


def stage_settings(preset: PresetName, stage: int) -> StageSettings:
    given = {"preset": preset, "data": ["none"], "start": {"preset": preset}}
    return run_from_dict(given, "the measurement").stages[stage]


def random_batch(settings: StageSettings, device: torch.device) -> Batch:
    """Values as a window has them; what they show changes no time."""
    (width, height), frames = settings.width_height, settings.frames
    picture = torch.rand(1, frames, 3, height, width, device=device)
    return {
        "picture": picture,
        "target": picture.flip(-1),
        "defocus": torch.rand(1, frames, height, width, device=device),
        "strength_embedding": torch.rand(1, frames, 32, device=device),
        "regions": torch.randint(4, (1, frames, height, width), dtype=torch.uint8, device=device),
    }


def measure(trial: Trial) -> Measured:
    """Updates with AdamW, as the stage makes them: forward, backward, and the optimiser's step."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    change = {"frames": trial.frames, "checkpointing": trial.checkpointing, "batch": 1}
    settings = stage_settings(trial.preset, trial.stage).model_copy(update=change)
    sizes = PRESETS[trial.preset]
    try:
        with device:  # Torch's own start, which is made on the card itself
            networks = TrainingNetworks(AnyToBokehUNet(sizes.unet), AnyToBokehVAE(sizes.vae), ImageEncoder(sizes.clip))
        step = stage_step(trial.stage, networks, settings, training_behaviour("paper")).to(device)
        optimizer = torch.optim.AdamW(step.trained_parameters().values(), lr=1e-6, fused=device.type == "cuda")
        scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        batch = random_batch(settings, device)
        narrow = TYPES.get(settings.precision)

        def update() -> None:
            with torch.autocast(device.type, narrow or torch.bfloat16, enabled=narrow is not None):
                loss = step(batch)["total"]
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()

        update()  # makes the optimiser's state
        seconds = timed(update, trial.repeats, device)
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        return Measured(float("nan"), peak(device))
    return Measured(seconds, peak(device))


def timed(run: Callable[[], None], repeats: int, device: torch.device) -> float:
    """Seconds of the quickest run."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def peak(device: torch.device) -> float:
    used = torch.cuda.max_memory_reserved() if device.type == "cuda" else peak_memory()
    return used / 2**30


def alone(trial: Trial) -> Measured:
    """Measured in a process of its own; one that is killed did not fit."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(measure, trial).result()
        except BrokenProcessPool:
            return Measured(float("nan"), float("nan"))


def longest(preset: PresetName, stage: int, most: int) -> tuple[int, Measured]:
    """The most frames of a window that fit with checkpointing: doubled while they fit, then halved in between."""
    fits, found, first_too_long = 0, Measured(float("nan"), float("nan")), most + 1
    frames = min(8, most)
    while fits < frames < first_too_long:
        measured = alone(Trial(preset, stage, frames, checkpointing=True, repeats=1))
        if measured.fits:
            fits, found = frames, measured
        else:
            first_too_long = frames
        frames = min(2 * fits, most) if first_too_long > most else (fits + first_too_long) // 2
    return fits, found


def main() -> None:
    """Run all of it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", nargs="?", type=Path)
    words.add_argument("--preset", default="full" if torch.cuda.is_available() else "tiny")
    words.add_argument("--most", type=int, default=MOST if torch.cuda.is_available() else 9)
    given = words.parse_args()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    rows = [("stage", "frames", "checkpointing", "steps/s", "GiB")]
    kept: list[dict[str, object]] = []

    def tell(trial: Trial, measured: Measured, note: str = "") -> None:
        speed = f"{1 / measured.seconds:.3f}" if measured.fits else "does not fit"
        row = (str(trial.stage), str(trial.frames), note or ("on" if trial.checkpointing else "off"), speed)
        rows.append((*row, f"{measured.gibibytes:.2f}"))
        kept.append({"device": device, **asdict(trial), **asdict(measured), "longest": bool(note)})
        print("  ".join(rows[-1]), flush=True)

    for stage in STAGES:
        for checkpointing in (False, True):
            trial = Trial(given.preset, stage, stage_settings(given.preset, stage).frames, checkpointing)
            tell(trial, alone(trial))
    for stage in STAGES:
        fits, measured = longest(given.preset, stage, given.most)
        tell(Trial(given.preset, stage, fits, checkpointing=True, repeats=1), measured, "on, longest window")
    print(f"\n{given.preset} on {device}\n{aligned(tuple(rows))}")
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        (given.folder / f"train-{given.preset}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
