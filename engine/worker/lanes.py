"""Work that takes a while: jobs, and the threads that do them one after another."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from engine.errors import CancelledError, RackfocusError
from engine.worker.messages import Fault, Id, fault_of

__all__ = ["Job", "Lane"]

P = TypeVar("P")
Answer = Callable[[Mapping[str, Any] | Fault], None]
Notify = Callable[[Mapping[str, Any]], None]


class Job(Generic[P]):
    """A request that is being worked on; it is answered once.

    Args:
        request: its number.
        parameters: what was asked.
        answer: called with the result or the fault, once.
        notify: called with each event of its progress.

    Attributes:
        stop: set when it is to end: it was cancelled, or the worker shuts down.
    """

    def __init__(self, request: Id, parameters: P, answer: Answer, notify: Notify) -> None:
        self.request = request
        self.parameters = parameters
        self.notify = notify
        self.stop = threading.Event()
        self._answer = answer
        self._lock = threading.Lock()
        self._answered = False
        self._halt: Callable[[], None] | None = None

    @property
    def answered(self) -> bool:
        """Whether nobody waits for it any longer."""
        return self._answered

    def end(self, answer: Mapping[str, Any] | Fault) -> None:
        """Answer, unless that was done before."""
        with self._lock:
            if self._answered:
                return
            self._answered = True
        self._answer(answer)

    def cancel(self) -> None:
        """Ask for its end; the answer comes from whoever works on it."""
        self.stop.set()
        self._break_off()

    def replace(self) -> None:
        """Answer that a newer one took its place. What others can use, such as depth limits, is still finished."""
        self.end(fault_of(CancelledError("a newer preview took the place of this one"), replaced=True))
        self._break_off()

    def halted_by(self, halt: Callable[[], None]) -> None:
        """What breaks off its work from now on.

        Raises:
            CancelledError: it is to end already.
        """
        self._halt = halt
        self.check()

    def check(self) -> None:
        """Raise CancelledError if it is to end, or its answer is no longer wanted."""
        if self.stop.is_set() or self._answered:
            raise CancelledError("stopped, as the host asked")

    def _break_off(self) -> None:
        halt = self._halt
        if halt is not None:
            halt()


class Lane(Generic[P]):
    """A thread that does jobs in the order in which they came."""

    def __init__(self, name: str, work: Callable[[Job[P]], Mapping[str, Any]]) -> None:
        self._work = work
        self._waiting: deque[Job[P]] = deque()
        self._running: Job[P] | None = None
        self._condition = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"rackfocus-{name}", daemon=True)
        self._thread.start()

    def add(self, job: Job[P]) -> None:
        """Put a job at the end of the queue."""
        with self._condition:
            self._waiting.append(job)
            self._condition.notify()

    def replace(self, kind: type[P]) -> None:
        """Answer all jobs of a kind, waiting or running, that newer ones take their place."""
        with self._condition:
            jobs = [*self._waiting, *([self._running] if self._running else [])]
        for job in jobs:
            if isinstance(job.parameters, kind):
                job.replace()

    def cancel(self, job: Job[P]) -> None:
        """Stop a job; one that has not begun is answered here."""
        job.cancel()
        with self._condition:
            begun = job not in self._waiting
            if not begun:
                self._waiting.remove(job)
        if not begun:
            job.end(fault_of(CancelledError("stopped before it began, as the host asked")))

    def close(self, patience: float) -> None:
        """Cancel all jobs, and wait ``patience`` seconds for the one that runs."""
        with self._condition:
            self._closed = True
            jobs = [*self._waiting, *([self._running] if self._running else [])]
            self._condition.notify()
        for job in jobs:
            self.cancel(job)
        self._thread.join(patience)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._running = self._waiting.popleft()
            job.end(self._outcome(job))
            with self._condition:
                self._running = None

    def _outcome(self, job: Job[P]) -> Mapping[str, Any] | Fault:
        try:
            job.check()
            return self._work(job)
        except RackfocusError as error:
            return fault_of(error)
        except BaseException as error:  # noqa: BLE001  the lane goes on, whatever a library raises
            traceback.print_exc(file=sys.stderr)
            return fault_of(error)
