"""Which frames of a result are done: by their headers first, and only those that would be kept are decoded."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from engine.cancelling import Cancel
from engine.errors import CancelledError, OutputExistsError, OutputWriteError, require
from engine.media import FrameWriter
from engine.render.digest import DIGEST
from engine.render.report import Report, Resuming
from engine.render.stages import BLINK

__all__ = ["finished_frames", "require_ours"]

READERS: Final = 2
"""Threads that look at files: one waits for the server while the other decodes; each holds a frame in memory."""


def finished_frames(digests: Mapping[int, str], writer: FrameWriter, report: Report, cancel: Cancel) -> frozenset[int]:
    """The frames whose file is whole and carries the digest that the frame would get now.

    A file of another digest is not decoded. Files are read in threads of their own, so that a person who wants to stop
    is served though a server does not answer.

    Args:
        digests: of each frame that may be done.
        writer: of the result.
        report: gets ``Resuming`` where there are files to look at.
        cancel: stops it.

    Raises:
        OutputExistsError: a file is there that Rackfocus did not make.
        CancelledError: ``cancel`` was set.
    """
    there = [frame for frame in digests if writer.path(frame).exists()]
    results: SimpleQueue[_Look] = SimpleQueue()
    waiting: SimpleQueue[int] = SimpleQueue()
    for frame in there:
        waiting.put(frame)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                frame = waiting.get_nowait()
            except Empty:
                return
            results.put(_look(writer, frame, digests[frame]))

    finished: set[int] = set()
    for number in range(min(READERS, len(there))):
        threading.Thread(target=work, name=f"rackfocus-resume-{number}", daemon=True).start()
    try:
        for done in range(len(there)):
            report(Resuming(done, len(there)))
            look = _next(results, cancel)
            if look.error is not None:
                raise look.error
            if look.is_finished:
                finished.add(look.frame)
    finally:
        stop.set()
    return frozenset(finished)


def require_ours(writer: FrameWriter, frame: int) -> Mapping[str, object] | None:
    """The header of a finished frame; None where there is none that can be read.

    Raises:
        OutputExistsError: a file is there that Rackfocus did not make.
        OutputWriteError: a folder is there.
    """
    require(
        not writer.path(frame).is_dir(),
        OutputWriteError,
        f"frame {frame}: {writer.path(frame)} is a folder; remove it or choose another output",
    )
    header = writer.header(frame)
    if header is not None and DIGEST not in header:
        raise OutputExistsError(
            f"frame {frame}: {writer.path(frame)} exists and was not made by Rackfocus; "
            "choose another output or give --overwrite"
        )
    return header


@dataclass(frozen=True)
class _Look:
    """What one file is."""

    frame: int
    is_finished: bool = False
    error: BaseException | None = None


def _look(writer: FrameWriter, frame: int, digest: str) -> _Look:
    try:
        header = require_ours(writer, frame)
        same = header is not None and header[DIGEST] == digest
        return _Look(frame, same and writer.is_whole(frame) is not None)
    except BaseException as error:  # noqa: BLE001  the calling thread raises it
        return _Look(frame, error=error)


def _next(results: SimpleQueue[_Look], cancel: Cancel) -> _Look:
    while not cancel.is_set():
        try:
            return results.get(timeout=BLINK)
        except Empty:
            continue
    raise CancelledError("stopped while looking for frames that are done; nothing was written")
