"""``rackfocus train``: train the networks of the any-to-bokeh renderer."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from engine.json_text import json_text
from engine.processes import STOP_SIGNALS

if TYPE_CHECKING:
    from training.stages.configuration import TrainingRun
    from training.stages.events import Event, Stepped

__all__ = ["train"]

PRESETS: Final = ("tiny", "small", "full")
STAGES: Final = ("0", "1", "2", "3", "all")

_EVERY: Final = 2.0
"""Seconds from one line of progress to the next, where nothing else happens."""


def train(
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="Folder of the run: weights, checkpoints, samples, log.")
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="SET", help="Folder of clips, of rackfocus data make; several times for more."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="|".join(PRESETS),
            help="tiny: minutes on a CPU; small: a GPU, from random weights; full: the paper's numbers, from "
            "--weights. tiny when neither this nor --config is given.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The run as TOML or YAML; docs/training.md has its fields."),
    ] = None,
    stage: Annotated[
        str,
        typer.Option(
            "--stage",
            metavar="|".join(STAGES),
            help="0 the autoencoder, where all starts from random weights; 1 the U-Net; 2 its temporal blocks; "
            "3 the decoder; or all that the run has, in order.",
        ),
    ] = "all",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="START",
            help="Weights to start from: Any-to-Bokeh's, or Stable Video Diffusion's. Random ones when not given.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Updates of each stage, in place of its own.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in RUN, to the same weights as if it had not stopped.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Train the networks of the any-to-bokeh renderer on clips whose depth of field is known.

    Ctrl-C ends the update that is under way, keeps where it stands, and says how to go on. On several GPUs:
    accelerate launch -m rackfocus train, and the same options.
    """
    for value, choices, option in ((preset, PRESETS, "--preset"), (stage, STAGES, "--stage")):
        if value is not None and value not in choices:
            raise typer.BadParameter(f'{option} cannot be "{value}"; choose {", ".join(choices)}')
    if preset is not None and config is not None:
        raise typer.BadParameter("give --preset or --config; a file may name its preset itself")
    if not (data or config or resume):
        raise typer.BadParameter("give a set of clips with --data SET; rackfocus data make makes one")
    from engine.runtime.extras import require_torch
    from training.extras import require_training

    require_torch("rackfocus train")
    require_training("rackfocus train", "accelerate", "tensorboard", "cv2")
    run = _run_asked(out, data, preset, config, weights, steps, resume)
    from training.stages.running import train as train_run

    with _stop_after_update() as stops:
        train_run(run, out, () if stage == "all" else (int(stage),), resume=resume, report=_Teller(json), stops=stops)


def _run_asked(
    out: Path,
    data: list[Path] | None,
    preset: str | None,
    config: Path | None,
    weights: Path | None,
    steps: int | None,
    resume: bool,
) -> TrainingRun:
    """The run that the options name; where it is resumed, what they leave out is as it was."""
    from training.stages.configuration import load_run, run_from_dict
    from training.stages.folder import RunFolder

    changes: dict[str, Any] = {}
    began = RunFolder(out).record().run if resume else None
    if data:
        changes["data"] = [str(place.expanduser().absolute()) for place in data]
    elif began is not None and config is None:
        changes["data"] = began.data
    if weights is not None:
        changes["start"] = {"weights": str(weights.expanduser().absolute())}
    if config is not None:
        run = load_run(config, changes)
    elif began is not None and preset is None:
        run = run_from_dict({**began.model_dump(mode="json"), **changes}, "rackfocus train")
    else:
        run = run_from_dict({"preset": preset or PRESETS[0], **changes}, "rackfocus train")
    if steps is None:
        return run
    shorter = {
        number: settings.model_copy(update={"steps": steps, "epochs": None}) for number, settings in run.stages.items()
    }
    return run.model_copy(update={"stages": shorter})


@contextmanager
def _stop_after_update() -> Iterator[Callable[[], bool]]:
    """Within the block the first Ctrl-C or SIGTERM is a wish that the loop looks at; a second one ends the process."""
    wishes: list[int] = []
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def wish(number: int, _frame: FrameType | None) -> None:
        wishes.append(number)
        restore()
        print("rackfocus: stopping after this update; once more to stop at once", file=sys.stderr, flush=True)

    for number in before:
        signal.signal(number, wish)
    try:
        yield lambda: bool(wishes)
    finally:
        restore()


class _Teller:
    """Says what happens: a line for a person every few seconds, or every event as a JSON object."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._told = 0.0

    def __call__(self, event: Event) -> None:
        if self._as_json:
            values = {name: value if _is_said(value) else None for name, value in asdict(event).items()}
            print(json_text({"event": type(event).__name__.lower(), **values}), flush=True)
            return
        line = self._line(event)
        if line:
            print(line, file=sys.stderr, flush=True)

    def _line(self, event: Event) -> str:
        from training.stages.events import StageEnded, StageStarted, Stepped, Trained, Validated
        from training.stages.presets import STAGES as TITLES

        if isinstance(event, StageStarted):
            what = f"stage {event.stage}, {TITLES[event.stage]}: {event.parameters:,} parameters"
            return f"{what}, {event.steps} steps on {event.windows} windows" + (
                f", going on after {event.step}" if event.step else ""
            )
        if isinstance(event, Stepped):
            return self._step(event)
        if isinstance(event, Validated):
            return f"stage {event.stage}  step {event.step}  held back: loss {event.loss:.4g}, {event.psnr:.2f} dB"
        if isinstance(event, StageEnded):
            return f"stage {event.stage} ended after {_clock(event.seconds)}: {event.weights}"
        if isinstance(event, Trained):
            return f"trained; render with --renderer any-to-bokeh --weights {event.weights}"
        return ""

    def _step(self, event: Stepped) -> str:
        now = time.monotonic()
        if now - self._told < _EVERY and not event.skipped and event.step < event.steps:
            return ""
        self._told = now
        loss = "skipped, not finite" if event.skipped else f"loss {event.loss:.4g}"
        speed = f"{event.per_second:.2f} steps/s" if event.per_second >= 0.1 else f"{1 / event.per_second:.1f} s/step"
        return (
            f"stage {event.stage}  step {event.step}/{event.steps}  {loss}  {speed}  {_clock(event.seconds_left)} left"
        )


def _is_said(value: object) -> bool:
    """Whether JSON has the value."""
    return not isinstance(value, float) or isfinite(value)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
