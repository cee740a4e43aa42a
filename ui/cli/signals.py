"""Ctrl-C, SIGTERM and Ctrl-Break, turned into a wish to stop that the loop looks at."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from engine.errors import CancelledError
from engine.processes import STOP_SIGNALS

__all__ = ["interrupt_on_signals", "stop_on_signals"]

PATIENCE: Final = 0.9
"""Seconds after which the process ends anyway: something that cannot be interrupted (a kernel being compiled, a
network disk that hangs) has the main thread, and a person who asked to stop is served within a second."""


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Within the block Ctrl-C and SIGTERM set the event; a second signal does what the system does by itself."""
    wish = threading.Event()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    watch = threading.Timer(PATIENCE, _end)
    watch.daemon = True

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        wish.set()
        restore()
        watch.start()

    for number in before:
        signal.signal(number, stop)
    try:
        yield wish
    finally:
        watch.cancel()
        restore()


@contextmanager
def interrupt_on_signals() -> Iterator[Callable[[], None]]:
    """Within the block Ctrl-C and SIGTERM end the work where it stands; it comes out as CancelledError.

    For work in steps of minutes that must clear away what it has begun. Call what the block is given between steps: it
    raises again what is lost where Python stands in a callback of foreign code, or in a finaliser.
    """
    wish = threading.Event()

    def look_up() -> None:
        if wish.is_set():
            raise KeyboardInterrupt

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        wish.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield look_up
    except KeyboardInterrupt:  # which Typer would turn into silence
        raise CancelledError("stopped; nothing is left behind") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    sys.stdout.flush()
    print("rackfocus: error: cancelled: stopped at once; frames that are done are kept", file=sys.stderr, flush=True)
    os._exit(CancelledError.exit_status)
