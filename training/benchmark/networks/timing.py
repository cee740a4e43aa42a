"""What a runtime is timed with, and what comes out of it. No Torch here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from engine.networks.presets import PresetName
from engine.shot import AnyToBokehOptions

__all__ = ["PARTS", "Clock", "Job", "Rates", "RuntimeSpeed"]

PARTS: Final = ("encode", "CLIP", "U-Net", "decode", "transfer")
"""What an output frame is made of."""


@dataclass(frozen=True)
class Job:
    """What a runtime is given to do.

    Attributes:
        preset: size of the networks.
        renderer: device, precision, compilation, windows and profile; as weights an export, or none.
        size: width and height of the picture, multiples of 64.
        repeats: runs of each part that count; the median is told.
        warm: runs before them that do not.
    """

    preset: PresetName
    renderer: AnyToBokehOptions
    size: tuple[int, int]
    repeats: int
    warm: int


@dataclass(frozen=True)
class Rates:
    """What a device can do at best; NaN where Torch cannot tell.

    Attributes:
        matrix: TFLOP per second of one large matrix product, in the precision that was timed.
        bandwidth: GB per second that a copy of a large array reads and writes.
    """

    matrix: float
    bandwidth: float


@dataclass(frozen=True)
class RuntimeSpeed:
    """What one runtime took.

    Attributes:
        runtime: ``torch``, ``torch compiled`` or ``onnx``.
        version: of it.
        precision: that it computed in.
        device: where it ran.
        milliseconds: of each part, per output frame.
        peak_memory: bytes that the networks took, beyond what the process held before: of the card, or of the machine
            on a CPU. NaN where nothing tells.
        rates: of the device.
        notes: what ran elsewhere than asked, and why.
    """

    runtime: str
    version: str
    precision: str
    device: str
    milliseconds: dict[str, float]
    peak_memory: float
    rates: Rates
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Milliseconds of an output frame."""
        return sum(self.milliseconds.values())


class Clock:
    """Times a call.

    Args:
        warm: runs that do not count.
        repeats: runs that do.
        wait: returns when the device has done all that it was given.
    """

    def __init__(self, warm: int, repeats: int, wait: Callable[[], object] = lambda: None) -> None:
        self._warm = warm
        self._repeats = repeats
        self._wait = wait

    def milliseconds(self, run: Callable[[], object]) -> float:
        """The median run, the device waited for."""
        for _ in range(self._warm):
            run()
        times = []
        for _ in range(self._repeats):
            self._wait()
            begin = time.perf_counter()
            run()
            self._wait()
            times.append(time.perf_counter() - begin)
        return median(times) * 1000
