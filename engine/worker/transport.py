"""Lines in, lines out: the worker's own copies of its standard streams."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, Final

from engine.json_text import json_text

__all__ = ["LONGEST_LINE", "Channel", "TooLong"]

LONGEST_LINE: Final = 32 << 20
"""Bytes of a message. Keys on each of 100,000 frames are a quarter of that."""

PIECE: Final = 1 << 16

MOST_AHEAD: Final = 16
"""Lines that wait to be taken where a thread reads them."""

BLINK: Final = 0.1
"""Seconds between two looks at whether to end, where a thread reads."""


class TooLong:
    """Stands for a line of more than ``LONGEST_LINE`` bytes, which was passed over."""


class Channel:
    """Messages to and from the host.

    Args:
        incoming, outgoing: binary streams.
        in_thread: wait for lines in a thread of its own. On Windows, where nothing breaks off a read and no signal's
            handler runs before its end, this is what ``hang_up`` needs.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, in_thread: bool = sys.platform == "win32") -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._in_thread = in_thread
        self._over = threading.Event()
        self._lock = threading.Lock()

    @classmethod
    def of_standard_streams(cls) -> Channel:
        """Take the process's standard streams away, so that nobody else reads or writes there.

        What libraries print, in Python or in C, goes to standard error from now on; who reads gets nothing.
        """
        sys.stdout.flush()
        incoming, outgoing = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        if sys.platform == "win32":
            import msvcrt

            for stream in (incoming, outgoing):
                msvcrt.setmode(stream, os.O_BINARY)
        return cls(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"))

    def lines(self) -> Iterator[bytes | TooLong]:
        """Each line that is not empty, until the host closes its end; half a line at the end is none."""
        yield from self._lines_of_a_thread() if self._in_thread else self._lines()

    def _lines_of_a_thread(self) -> Iterator[bytes | TooLong]:
        arrived: queue.Queue[bytes | TooLong | None] = queue.Queue(MOST_AHEAD)

        def read() -> None:
            for line in self._lines():
                arrived.put(line)
            arrived.put(None)

        threading.Thread(target=read, name="rackfocus-lines", daemon=True).start()
        while not self._over.is_set():
            with suppress(queue.Empty):
                line = arrived.get(timeout=BLINK)  # between two of them Python runs the handlers of signals
                if line is None:
                    return
                yield line

    def _lines(self) -> Iterator[bytes | TooLong]:
        while True:
            line = self._incoming.readline(LONGEST_LINE)
            if line.endswith(b"\n"):
                if line.strip():
                    yield line
            elif len(line) < LONGEST_LINE:
                return
            else:
                del line
                self._pass_over()
                yield TooLong()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; from any thread.

        Raises:
            OSError: nobody is there any longer.
        """
        line = json_text(message).encode("ascii") + b"\n"
        with self._lock:
            self._outgoing.write(line)
            self._outgoing.flush()

    def hang_up(self) -> None:
        """Let ``lines`` end; from a signal's handler, which is what breaks off the wait for a line."""
        if self._in_thread:
            self._over.set()
            return
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, self._incoming.fileno())
        os.close(nothing)

    def _pass_over(self) -> None:
        while True:
            piece = self._incoming.readline(PIECE)
            if not piece or piece.endswith(b"\n"):
                return
