"""What a run of training says while it goes on. No Torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Event", "Report", "StageEnded", "StageStarted", "Stepped", "Stored", "Trained", "Validated"]


@dataclass(frozen=True)
class StageStarted:
    """A stage begins, or goes on.

    Attributes:
        stage: its number.
        step: updates done before.
        steps: updates of the whole stage.
        windows: of an epoch.
        parameters: numbers that it trains.
    """

    stage: int
    step: int
    steps: int
    windows: int
    parameters: int


@dataclass(frozen=True)
class Stepped:
    """An update was made.

    Attributes:
        stage, step, steps: which.
        loss: its mean over the update's batches and all devices.
        skipped: whether the weights were left alone, since something was not finite.
        per_second: updates a second, since the stage began here.
        seconds_left: of the stage, by that.
    """

    stage: int
    step: int
    steps: int
    loss: float
    skipped: bool
    per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Validated:
    """The held-back clips were looked at.

    Attributes:
        stage, step: when.
        loss: its mean over their windows.
        psnr: in decibels, of the networks' pictures against the truth.
    """

    stage: int
    step: int
    loss: float
    psnr: float


@dataclass(frozen=True)
class Stored:
    """A checkpoint was written."""

    stage: int
    step: int
    path: str


@dataclass(frozen=True)
class StageEnded:
    """A stage ended; its weights lie in a folder.

    Attributes:
        stage: its number.
        weights: the folder.
        seconds: that it took here.
    """

    stage: int
    weights: str
    seconds: float


@dataclass(frozen=True)
class Trained:
    """All that was asked for is done; the last stage's weights lie in a folder."""

    weights: str


Event = StageStarted | Stepped | Validated | Stored | StageEnded | Trained
Report = Callable[[Event], None]
