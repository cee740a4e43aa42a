"""Read ahead, render, write behind: three threads joined by short queues.

Only the rendering thread runs Numba, because two threads that both start parallel kernels end the process under
Numba's ``workqueue`` threading layer. The other two wait for disks and codecs, which let go of the interpreter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import Empty, Full, Queue, SimpleQueue
from typing import Final, Generic, TypeVar

from engine.cancelling import Cancel
from engine.errors import CancelledError

__all__ = ["Assembly", "Conveyor", "waited"]

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

DEPTH: Final = 2
"""Frames that wait between two stages: enough to hide a slow read, little enough for 4K."""

BLINK: Final = 0.05
"""Seconds between two looks at whether a person wants to stop."""

PATIENCE: Final = 0.7
"""Seconds that a cancelled render waits for its threads: a person who asks to stop is served within a second."""


def waited(call: Callable[[], T], cancel: Cancel) -> T:
    """The result of a read that may hang, made in a thread of its own; no Numba may run in it.

    Raises:
        CancelledError: ``cancel`` was set before it came back.
        BaseException: what ``call`` raised.
    """
    done: SimpleQueue[tuple[T] | _Failure] = SimpleQueue()

    def work() -> None:
        try:
            done.put((call(),))
        except BaseException as error:  # noqa: BLE001  the calling thread raises it
            done.put(_Failure(error))

    threading.Thread(target=work, name="rackfocus-look", daemon=True).start()
    while not cancel.is_set():
        try:
            result = done.get(timeout=BLINK)
        except Empty:
            continue
        if isinstance(result, _Failure):
            raise result.error
        return result[0]
    raise CancelledError("stopped while a frame was being read; nothing was written")


class _End:
    """Marks the end of a stream."""


class _Failure:
    """An error on its way downstream, behind the frames that were made before it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Conveyor(Generic[T]):
    """A bounded queue that ends, carries errors, and lets go when the work is stopped."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._queue: Queue[T | _End | _Failure] = Queue(maxsize=DEPTH)

    def fill(self, items: Callable[[], Iterable[T]]) -> None:
        """Put all ``items`` in, then the end or the error that stopped them."""
        try:
            for item in items():
                self._put(item)
        except CancelledError as error:
            if not self._stop.is_set():
                self._put(_Failure(error))
        except BaseException as error:  # noqa: BLE001  the next stage raises it
            self._put(_Failure(error))
        else:
            self._put(_End())

    def __iter__(self) -> Iterator[T]:
        """Take items out until the end.

        Raises:
            CancelledError: the work was stopped.
            BaseException: whatever stopped the stage before.
        """
        while True:
            item = self._get()
            if isinstance(item, _End):
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item

    def _put(self, item: T | _End | _Failure) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=BLINK)
            except Full:
                continue
        if not isinstance(item, (_End, _Failure)):
            raise CancelledError("stopped while frames were on their way")
        return None

    def _get(self) -> T | _End | _Failure:
        while not self._stop.is_set():
            try:
                return self._queue.get(timeout=BLINK)
            except Empty:
                continue
        raise CancelledError("stopped while waiting for a frame")


class Assembly(Generic[A, B, C]):
    """Three stages that run at the same time: ``source`` makes A, ``work`` turns A into B, ``sink`` turns B into C.

    Args:
        source: gives the items, in order; runs in its own thread.
        work: a generator over the source's items; runs in its own thread.
        sink: takes one item at a time, in order; runs in its own thread.
        halt: called when the work must stop, so that a long computation can be broken off.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[A]],
        work: Callable[[Iterable[A]], Iterable[B]],
        sink: Callable[[B], C],
        halt: Callable[[], None],
    ) -> None:
        self._stop = threading.Event()
        self._halt = halt
        read: Conveyor[A] = Conveyor(self._stop)
        made: Conveyor[B] = Conveyor(self._stop)
        self._done: SimpleQueue[C | _End | _Failure] = SimpleQueue()
        self._threads = (
            threading.Thread(target=lambda: read.fill(source), name="rackfocus-read", daemon=True),
            threading.Thread(target=lambda: made.fill(lambda: work(read)), name="rackfocus-render", daemon=True),
            threading.Thread(target=lambda: self._drain(made, sink), name="rackfocus-write", daemon=True),
        )

    def run(self, cancel: Cancel) -> Generator[C, None, None]:
        """Run all three; gives the sink's results in the calling thread, as they come.

        Raises:
            CancelledError: ``cancel`` was set; all threads were told to stop, and had ``PATIENCE`` to do so.
            BaseException: whatever stopped a stage, after the items before it went through.
        """
        for thread in self._threads:
            thread.start()
        try:
            yield from self._results(cancel)
        finally:
            self._stop.set()
            if any(thread.is_alive() for thread in self._threads[:2]):
                self._halt()
            self._join(cancel)

    def _results(self, cancel: Cancel) -> Iterator[C]:
        while True:
            if cancel.is_set():
                raise CancelledError("the render was stopped; frames that are done are kept, start it again to go on")
            try:
                item = self._done.get(timeout=BLINK)
            except Empty:
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item

    def _drain(self, made: Conveyor[B], sink: Callable[[B], C]) -> None:
        try:
            for item in made:
                self._done.put(sink(item))
        except BaseException as error:  # noqa: BLE001  the calling thread raises it
            self._done.put(_Failure(error))
        else:
            self._done.put(_End())

    def _join(self, cancel: Cancel) -> None:
        """Wait for the threads; once a person wants to stop, for ``PATIENCE`` at most: a read may hang."""
        deadline: float | None = None
        for thread in self._threads:
            while thread.is_alive() and (deadline is None or time.monotonic() < deadline):
                if deadline is None and cancel.is_set():
                    deadline = time.monotonic() + PATIENCE
                thread.join(BLINK)
