"""One read at a time, and a closing that does not wait for a read that hangs (a server that went away)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

__all__ = ["Turns"]

PATIENCE: Final = 0.05
"""Seconds that closing waits for a read; three readers together stay well below the second of a cancelled render."""


class Turns:
    """A lock for reading; whoever reads while it is closed lets go of the files when the read comes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._let_go: Callable[[], None] | None = None

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._leave()

    def close(self, let_go: Callable[[], None]) -> None:
        """Call ``let_go`` once nobody reads: now, or else in the reading thread, when its read ends.

        Args:
            let_go: closes the files.
        """
        self._let_go = let_go
        if self._lock.acquire(timeout=PATIENCE):
            self._leave()

    def _leave(self) -> None:
        let_go, self._let_go = self._let_go, None
        try:
            if let_go is not None:
                let_go()
        finally:
            self._lock.release()
