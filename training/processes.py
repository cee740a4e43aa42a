"""Work that is spread over processes, and that ends when it is stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait as wait_for_ends
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final, TypeVar

from engine.errors import MemoryShortError

__all__ = ["in_processes"]

Result = TypeVar("Result")

GRACE: Final = 2.0
"""Seconds to clear away what was begun; a long kernel cannot be interrupted, and is not waited for."""


def in_processes(
    work: Callable[..., Result],
    calls: Sequence[tuple[Any, ...]],
    processes: int,
    *,
    ready: Callable[[], None] | None = None,
) -> Generator[tuple[int, Result], None, None]:
    """Call ``work`` with each of the arguments, so many at a time; give each call's index and result as it ends.

    An exception here, in who takes the results, or in a signal's handler ends all processes and waits for none of their
    work; close the generator to be sure of it. A process whose parent is gone ends too.

    Args:
        work: a function that can be imported.
        calls: its arguments, which can be pickled.
        processes: how many at most.
        ready: what each process calls first.

    Raises:
        MemoryShortError: the system ended a process.
    """
    # Who is interrupted inside concurrent.futures, as it starts processes or waits for futures, may leave it locked for
    # ever. Signals interrupt the main thread only, so another one submits; and this queue can be left at any moment.
    ended: SimpleQueue[tuple[int, Future[Result]] | Exception] = SimpleQueue()
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(processes, len(calls)), multiprocessing.get_context("spawn"), initializer=_start, initargs=(ready,)
    )

    def submit() -> None:
        try:
            for index, arguments in enumerate(calls):
                pool.submit(_call, work, arguments).add_done_callback(partial(told, index))
        except Exception as error:  # noqa: BLE001  raised where the results are taken
            ended.put(error)

    def told(index: int, future: Future[Result]) -> None:
        ended.put((index, future))

    submitting = threading.Thread(target=submit, name="rackfocus-submit", daemon=True)
    try:
        submitting.start()
        for _ in calls:
            found = ended.get()
            if isinstance(found, Exception):
                raise found
            index, future = found
            yield index, future.result()
    except BrokenProcessPool as error:
        raise MemoryShortError(
            "one of the processes was ended by the system, most often for want of memory; use fewer processes"
        ) from error
    finally:
        if submitting.ident is not None:
            submitting.join()
        # After an error or a wish to stop nobody waits for work that takes minutes; after the last result all are idle.
        _end(set(multiprocessing.active_children()) - before)
        pool.shutdown(cancel_futures=True)


def _end(processes: set[multiprocessing.process.BaseProcess]) -> None:
    """Ask them to end, and make those end that do not."""
    for process in processes:
        process.terminate()
    patience = time.monotonic() + GRACE
    alive = [process.sentinel for process in processes]
    while alive and (left := patience - time.monotonic()) > 0:
        gone = wait_for_ends(alive, left)
        alive = [sentinel for sentinel in alive if sentinel not in gone]
    for process in processes:
        if process.sentinel in alive:
            process.kill()


def _start(ready: Callable[[], None] | None) -> None:
    """Ctrl-C is the parent's to hear; a process whose parent is gone goes too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if ready is not None:
        ready()


def _call(work: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    """Do the work; when asked to end, unwind first, so that temporary folders and other programs go too."""
    before = signal.signal(signal.SIGTERM, _unwind)
    try:
        return work(*arguments)
    except SystemExit:
        os._exit(1)
    finally:
        signal.signal(signal.SIGTERM, before)


def _unwind(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
