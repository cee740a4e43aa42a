"""The worker beside the plain renderer: how soon it is there, how soon it shows a frame, how soon it stops."""

from __future__ import annotations

import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from engine.errors import DependencyError
from engine.frames import PlateFrame
from engine.media.saving import NewPart, save_image
from engine.renderers.optical import OpticalRenderer
from training.benchmark.plate import FOCUS, speed_plate
from training.benchmark.table import Rows, number

__all__ = ["WorkerOptions", "WorkerReport", "WorkerTimes", "run_worker"]

STRENGTH: Final = 20 / 1024
"""K as a share of the width."""

SCALE: Final = 0.25
SILENCE: Final = 300.0
"""Seconds without a word after which the worker is given up."""


@dataclass(frozen=True)
class WorkerOptions:
    """What to measure.

    Attributes:
        repeats: of each measurement.
        width: of the plate, which is 16:9.
        frames: of the shot.
        say: gets a line of text for every step.
    """

    repeats: int = 9
    width: int = 1920
    frames: int = 24
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)


@dataclass(frozen=True)
class WorkerTimes:
    """Wall-clock seconds of the runs of one measurement."""

    name: str
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class WorkerReport:
    """What :func:`run_worker` found.

    Attributes:
        times: of each measurement.
        versions: of Rackfocus.
        skipped: nothing.
    """

    times: tuple[WorkerTimes, ...]
    versions: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Rows:
        """Milliseconds: least, median and most of each measurement."""
        lines = [
            (t.name, *(number(1000 * value, 0) for value in (min(t.seconds), median(t.seconds), max(t.seconds))))
            for t in self.times
        ]
        return (("milliseconds", "least", "median", "most"), *lines)

    def to_json(self) -> str:
        """All of it as a JSON object."""
        times = {t.name: list(t.seconds) for t in self.times}
        return json.dumps({"seconds": times, "versions": self.versions, "skipped": self.skipped}, indent=2)


def run_worker(options: WorkerOptions = WorkerOptions()) -> WorkerReport:
    """Measure the worker beside the renderer on its own.

    Raises:
        DependencyError: the worker does not start, or ends.
    """
    with tempfile.TemporaryDirectory(prefix="rackfocus-bench-") as folder:
        shot = _shot(Path(folder), options)
        options.say("starting the worker")
        times = [_starts(options.repeats)]
        with _Host() as host:
            version = str(host.hello["version"])
            options.say(f"previews at a quarter of the width of {options.width}")
            times += _previews(host, shot, options)
            options.say("the renderer alone at that size")
            times.append(_alone(options))
            options.say("cancelling renders of the full size")
            times += _cancels(host, shot, options.repeats)
    return WorkerReport(tuple(times), {"rackfocus": version})


def _starts(repeats: int) -> WorkerTimes:
    seconds = []
    for _ in range(min(repeats, 5)):
        begin = time.perf_counter()
        with _Host():
            seconds.append(time.perf_counter() - begin)
    return WorkerTimes("start to the first answer", tuple(seconds))


def _previews(host: _Host, shot: Mapping[str, Any], options: WorkerOptions) -> list[WorkerTimes]:
    def preview(frame: int, focus: float = FOCUS) -> float:
        focal = {"keys": [{"frame": 1, "disparity": focus}]}
        begin = time.perf_counter()
        host.ask("preview", {"shot": {**shot, "focus": focal}, "frame": frame, "scale": SCALE})
        return time.perf_counter() - begin

    first = preview(1)
    others = tuple(preview(2 + repeat % (options.frames - 1)) for repeat in range(options.repeats))
    dragged = tuple(preview(1, FOCUS + 0.001 * repeat) for repeat in range(options.repeats + 1))[1:]
    return [
        WorkerTimes("preview, the first of all", (first,)),
        WorkerTimes("preview, a frame not seen before", others),
        WorkerTimes("preview, the same frame, another focus", dragged),
    ]


def _alone(options: WorkerOptions) -> WorkerTimes:
    width = round(options.width * SCALE)
    plate = speed_plate(width, width * 9 // 16, STRENGTH * width)
    seconds = []
    for _ in range(options.repeats + 1):
        begin = time.perf_counter()
        OpticalRenderer().render(plate)
        seconds.append(time.perf_counter() - begin)
    return WorkerTimes("the renderer alone at that size", tuple(seconds[1:]))  # the first one loads its kernels


def _cancels(host: _Host, shot: Mapping[str, Any], repeats: int) -> list[WorkerTimes]:
    """A render is stopped somewhere in its second frame, wherever that is."""
    frames, answers, ends = [], [], []
    chance = random.Random(1)
    for _ in range(repeats):
        render = host.send("render", {"shot": shot, "overwrite": True})
        started = host.wait_for("started")
        written = host.wait_for("written")
        frames.append(written - started)
        time.sleep(chance.random() * frames[0])
        begin = time.perf_counter()
        cancel = host.send("cancel", {"request": render})
        answers.append(host.wait(cancel)[1] - begin)
        ends.append(max(host.wait(render)[1] - begin, 0.0))  # a small one may have ended by itself
    return [
        WorkerTimes("cancel, its answer", tuple(answers)),
        WorkerTimes("cancel, the render's end", tuple(ends)),
        WorkerTimes("a frame of that render", tuple(frames)),
    ]


def _shot(folder: Path, options: WorkerOptions) -> dict[str, Any]:
    """The plate that the speed of renderers is measured with, as a shot on disk; every frame is the same."""
    plate = speed_plate(options.width, options.width * 9 // 16, STRENGTH * options.width)
    for frame in range(1, options.frames + 1):
        _save(folder / f"plate.{frame:04}.exr", plate)
    return {
        "plate": {"path": str(folder / "plate.%04d.exr")},
        "depth": {"channel": "Z", "convention": "direct"},
        "focus": {"keys": [{"frame": 1, "disparity": FOCUS}]},
        "blur": {"keys": [{"frame": 1, "value": STRENGTH * options.width}]},
        "output": {"path": str(folder / "out" / "out.%04d.exr")},
    }


def _save(path: Path, plate: PlateFrame) -> None:
    image = np.concatenate([plate.image, plate.disparity[:, :, None]], axis=2)
    part = NewPart(image, (*plate.channels, "Z"), ("half", "half", "half", "float"), plate.window, compression="zips")
    save_image(path, "openexr", [part], str(path))


class _Host:
    """A host at its plainest: sends requests, and notes when each answer came."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rackfocus", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._heard: queue.SimpleQueue[tuple[dict[str, Any] | None, float]] = queue.SimpleQueue()
        self._answers: dict[int, tuple[dict[str, Any], float]] = {}
        self._events: dict[str, float] = {}
        self._count = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self.hello = self.ask("initialize", {"protocol": 1})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, wait for its result."""
        answer, _ = self.wait(self.send(method, parameters))
        if "error" in answer:
            raise DependencyError(f"the worker refused {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def send(self, method: str, parameters: Mapping[str, Any]) -> int:
        self._count += 1
        self._events.clear()
        message = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": parameters}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
        return self._count

    def wait(self, request: int) -> tuple[dict[str, Any], float]:
        """An answer, and when it came."""
        while request not in self._answers:
            self._take()
        return self._answers.pop(request)

    def wait_for(self, event: str) -> float:
        """When the first event of that kind since the last request came."""
        while event not in self._events:
            self._take()
        return self._events[event]

    def _take(self) -> None:
        try:
            message, when = self._heard.get(timeout=SILENCE)
        except queue.Empty:
            message, when = None, 0.0
        if message is None:
            raise DependencyError("the worker ended, or says nothing; run rackfocus doctor")
        if "method" in message:
            self._events.setdefault(message["params"]["event"], when)
        else:
            self._answers[message["id"]] = message, when

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.put((json.loads(line), time.perf_counter()))
        self._heard.put((None, time.perf_counter()))
