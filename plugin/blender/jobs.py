"""Work that takes a while, done in steps in Blender's main thread, so that nothing blocks."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Callable

__all__ = ["Job", "Status", "Work", "until_done"]

STEP = 0.03
"""Seconds of one step: a timer's interval in which the interface stays alive."""


@dataclass(frozen=True)
class Status:
    """What is being done.

    Attributes:
        text: for a person.
        share: done so far, 0 to 1; None where it cannot be told.
        waiting: nothing is to be done until something else happens.
    """

    text: str
    share: float | None = None
    waiting: bool = False


Work = Generator[Status, None, str]
"""Yields what it does, and returns what there is to say at its end."""


class Job:
    """A piece of work under way; ``step`` raises what goes wrong in it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.status = Status("")
        self.message = ""

    def step(self, seconds: float = STEP) -> bool:
        """Go on for a moment, less where there is nothing to do.

        Returns:
            Whether it is finished; ``message`` then says with what.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.status = next(self._work)
            except StopIteration as done:
                self.message = done.value
                return True
            if self.status.waiting:
                break
        return False

    def run(self) -> str:
        """Go on to the end; for scripts and ``blender -b``."""
        while not self.step():
            if self.status.waiting:
                time.sleep(STEP)
        return self.message

    def cancel(self) -> None:
        """Stop; the work puts right what it has changed."""
        self._work.close()


def until_done(done: Callable[[], bool], text: str) -> Generator[Status, None, None]:
    """Wait, as a part of some work."""
    while not done():
        yield Status(text, waiting=True)
