"""Progress as a person or a machine wants it: a bar on a terminal, plain lines otherwise, or JSON lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from engine.json_text import json_text
from engine.render.report import (
    EdgesMeasured,
    Event,
    LimitsFound,
    Opened,
    Report,
    Resuming,
    Searching,
    Started,
    Summary,
    Warned,
    Written,
    counted,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["NAMES", "counting", "describe_summary", "progress"]

NAMES: dict[type[Event], str] = {
    Opened: "opened",
    Searching: "searching",
    Resuming: "resuming",
    LimitsFound: "limits",
    EdgesMeasured: "edges",
    Started: "started",
    Written: "frame",
    Warned: "warning",
    Summary: "summary",
}
"""What ``--json`` calls each event."""


@contextmanager
def progress(as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> Iterator[Report]:
    """A report for ``engine.render.render``.

    Args:
        as_json: one JSON object a line on ``out``; nothing else.
        out: where results go; standard output when not given.
        err: where progress goes; standard error when not given. A bar if it is a terminal.
    """
    out, err = out or sys.stdout, err or sys.stderr
    if as_json:
        yield _JsonLines(out)
    elif err.isatty():
        with _bar() as bar:
            yield _Bar(bar, out)
    else:
        yield _Lines(out, err)


@contextmanager
def counting(what: str, err: TextIO | None = None) -> Iterator[Callable[[str, int, int, str], None]]:
    """Progress of work in other steps than frames.

    Args:
        what: is going on, for the bar.
        err: where it goes; standard error when not given. A bar if it is a terminal, else a line for each step.

    Yields:
        A function to call after each step with its line, how many are done, of how many, and the speed in words.
    """
    err = err or sys.stderr
    if not err.isatty():
        yield lambda line, done, total, speed: print(f"{line}  {done}/{total}  {speed}", file=err, flush=True)
        return
    with _bar() as bar:
        task = bar.add_task(what, total=None, speed="")
        yield lambda _line, done, total, speed: bar.update(task, completed=done, total=total, speed=speed)


def describe_summary(summary: Summary) -> str:
    """One line for a person."""
    speed = f" ({summary.frames_per_second:.2f} frames/s)" if summary.written else ""
    done = f"{counted(summary.written)} written{_up_to_date(summary.skipped)}"
    return f"{done}: {summary.output} in {summary.seconds:.1f} s{speed}"


def _up_to_date(skipped: int) -> str:
    return f", {skipped} {'is' if skipped == 1 else 'are'} up to date" if skipped else ""


class _JsonLines:
    """One object a line; ``event`` says which."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        print(json_text({"event": NAMES[type(event)], **asdict(event)}), file=self._out, flush=True)


class _Lines:
    """Plain lines, for a log or a farm."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._pace = _Pace(0)

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line:
            print(line, file=self._out if isinstance(event, Summary) else self._err, flush=True)

    def _line(self, event: Event) -> str:
        if isinstance(event, Searching):
            return f"finding the depth limits of {counted(event.total)}" if event.done == 0 else ""
        if isinstance(event, Resuming):
            return f"looking at {counted(event.total)} made before" if event.done == 0 else ""
        if isinstance(event, Started):
            self._pace = _Pace(event.total)
            return f"rendering {counted(event.total)}{_up_to_date(event.skipped)}"
        if isinstance(event, Written):
            return f"frame {event.frame} written  {self._pace.step()}"
        return _word(event)


class _Bar:
    """A bar with frames a second and the time that is left."""

    def __init__(self, bar: Progress, out: TextIO) -> None:
        self._bar = bar
        self._out = out
        self._task: TaskID | None = None
        self._speed = _Pace(0)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Searching):
            self._show("depth limits", event.total, event.done)
        elif isinstance(event, Resuming):
            self._show("made before", event.total, event.done, fresh=event.done == 0)
        elif isinstance(event, Started):
            self._speed = _Pace(event.total)
            self._show("rendering", event.total, 0, fresh=True)
        elif isinstance(event, Written):
            self._speed.step()
            assert self._task is not None
            self._bar.update(self._task, advance=1, speed=f"{self._speed.per_second:.2f} frames/s")
        elif isinstance(event, Summary):
            self._bar.stop()
            print(describe_summary(event), file=self._out, flush=True)
        else:
            self._bar.console.print(_word(event), markup=False, highlight=False)

    def _show(self, what: str, total: int, done: int, fresh: bool = False) -> None:
        if self._task is None or fresh:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, speed="")
        self._bar.update(self._task, completed=done)


class _Pace:
    """Frames a second, and the time left, since the first frame was asked for."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begin = time.monotonic()

    @property
    def per_second(self) -> float:
        spent = time.monotonic() - self._begin
        return self._done / spent if spent > 0 else 0.0

    def step(self) -> str:
        self._done += 1
        speed = self.per_second
        left = round((self._total - self._done) / speed) if speed > 0 else 0
        return (
            f"{self._done}/{self._total}  {speed:.2f} frames/s  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
        )


def _word(event: Event) -> str:
    if isinstance(event, LimitsFound):
        far = "infinity" if event.far is None else f"{event.far:g}"
        return f"depth limits found: near {event.near:g}, far {far}"
    if isinstance(event, Opened | EdgesMeasured):
        return str(event)
    if isinstance(event, Warned):
        return f"rackfocus: warning: {event.kind}: {event.message}"
    return describe_summary(event) if isinstance(event, Summary) else ""


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
