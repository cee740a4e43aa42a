"""Ctrl-C and SIGTERM, turned into a wish to stop that the loop looks at."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stop_on_signals"]


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Within the block Ctrl-C and SIGTERM set the event; a second signal does what the system does by itself."""
    wish = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        wish.set()
        restore()

    for number in before:
        signal.signal(number, stop)
    try:
        yield wish
    finally:
        restore()
