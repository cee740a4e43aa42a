"""What a task of the farm runs, and how it tells the scheduler about it.

A scheduler of Open Job Description reads these lines of standard output: ``openjd_progress: 12.5`` in percent,
``openjd_status: frame 1003 written``, and ``openjd_fail: media.corrupt: ...`` before the task ends with the error's
exit status.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.cancelling import NEVER, Cancel
from engine.errors import RackfocusError
from engine.frames import FrameRange
from engine.render import (
    EdgesMeasured,
    Event,
    LimitsFound,
    Opened,
    Resuming,
    Searching,
    Started,
    Summary,
    Warned,
    Written,
    check,
    render,
)
from engine.render.loop import asked_frames
from engine.render.report import counted
from engine.shot import Shot, load_shot, shot_from_json, shot_to_json
from plugin.farm.paths import PathMapping, with_folders

__all__ = ["TaskLog", "check_task", "load_here", "render_task", "telling_failures"]


class TaskLog:
    """The lines that a scheduler reads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._percent = -1

    def status(self, text: str) -> None:
        """What is going on, in a line."""
        self._say("status", text)

    def progress(self, done: int, total: int) -> None:
        """How much of the task is done; told once for each whole percent."""
        percent = 100 * done / total if total else 100.0
        if int(percent) != self._percent:
            self._percent = int(percent)
            self._say("progress", f"{percent:.1f}")

    def failure(self, code: str, sentence: str) -> None:
        """Why the task fails."""
        self._say("fail", f"{code}: {sentence}")

    def line(self, text: str) -> None:
        """A line for people."""
        print(" ".join(text.split()), file=self._out, flush=True)

    def _say(self, kind: str, text: str) -> None:
        self.line(f"openjd_{kind}: {text}")


def load_here(document: Path, mapping: Path | None, folders: Mapping[str, Path | None]) -> Shot:
    """The shot of a document, with the paths of this machine.

    Args:
        document: the shot document.
        mapping: the session's rules of path mapping.
        folders: that the job names itself, by the names of ``plugin.farm.paths.FOLDERS``; they come after the rules.

    Raises:
        ShotError: the document or the rules cannot be read.
    """
    shot, rules = load_shot(document), PathMapping.read(mapping)
    if rules.rules:
        # As they stand in the document: Windows would put its own drive before a path of Linux.
        mapped = rules.apply(shot_from_json(document.read_bytes(), str(document)))
        shot = shot_from_json(shot_to_json(mapped), str(document), document.absolute().parent)
    return with_folders(shot, folders)


def check_task(shot: Shot, frames: str | None, log: TaskLog) -> None:
    """Look at all that would stop the job; what lies at its output already, each task looks at itself.

    Raises:
        RackfocusError: the first cause; the log has all of them.
    """
    findings = check(shot, log.progress, overwrite=True)
    if frames is not None and not findings.problems:
        with findings.collecting():
            # The document of a bundle names its frames, whatever files are here.
            asked_frames(frames, FrameRange.parse(shot.plate.frames or frames))
    for problem in findings.problems:
        log.line(f"rackfocus: error: {problem.code}: {problem.message}")
    if findings.problems:
        raise findings.problems[0]
    log.progress(1, 1)
    log.status(f"{counted(findings.frames)}, all well")


def render_task(
    shot: Shot,
    frames: str | None,
    log: TaskLog,
    *,
    overwrite: bool = False,
    cancel: Cancel = NEVER,
) -> Summary:
    """Render the frames of one task; it may be killed, run again, and run twice at once.

    Frames that are whole and up to date are skipped, and each is renamed to its place when it is whole: whatever
    happens, what lies there afterwards is what one run would have left.

    Raises:
        RackfocusError: a frame cannot be made; those before it stay.
    """
    return render(shot, frames, report=_Report(log), overwrite=overwrite, cancel=cancel)


class _Report:
    """The events of a render, as lines for the scheduler."""

    def __init__(self, log: TaskLog) -> None:
        self._log = log
        self._done = self._total = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Searching):
            if event.done == 0:
                self._log.status(f"finding the depth limits of {counted(event.total)}")
        elif isinstance(event, Resuming):
            if event.done == 0:
                self._log.status(f"looking at {counted(event.total)} made before")
        elif isinstance(event, LimitsFound):
            self._log.status(f"depth limits found: near {event.near}, far {event.far}")
        elif isinstance(event, Opened | EdgesMeasured):
            self._log.status(str(event))
        elif isinstance(event, Started):
            self._done, self._total = event.skipped, event.skipped + event.total
            self._log.status(f"rendering {counted(event.total)}, {event.skipped} up to date")
            self._log.progress(self._done, self._total)
        elif isinstance(event, Written):
            self._done += 1
            self._log.status(f"frame {event.frame} written")
            self._log.progress(self._done, self._total)
        elif isinstance(event, Warned):
            self._log.line(f"rackfocus: warning: {event.kind}: {event.message}")
        else:
            self._log.status(f"{counted(event.written)} written, {event.skipped} up to date, {event.seconds:.1f} s")


@contextmanager
def telling_failures(log: TaskLog) -> Iterator[None]:
    """Tell the scheduler why the block fails, and let the error on to the command line, which knows its status."""
    try:
        yield
    except RackfocusError as error:
        log.failure(error.code, error.message)
        raise
    except MemoryError:
        log.failure("memory", "there is not enough memory for this frame")
        raise
    except Exception as error:
        log.failure("internal", f"{type(error).__name__}: {error}")
        raise
