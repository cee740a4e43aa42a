"""Lines in, lines out: the worker's own copies of its standard streams."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from engine.json_text import json_text

__all__ = ["LONGEST_LINE", "Channel", "TooLong"]

LONGEST_LINE: Final = 32 << 20
"""Bytes of a message. Keys on each of 100,000 frames are a quarter of that."""

PIECE: Final = 1 << 16


class TooLong:
    """Stands for a line of more than ``LONGEST_LINE`` bytes, which was passed over."""


class Channel:
    """Messages to and from the host.

    Args:
        incoming, outgoing: binary streams.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
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
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, self._incoming.fileno())
        os.close(nothing)

    def _pass_over(self) -> None:
        while True:
            piece = self._incoming.readline(PIECE)
            if not piece or piece.endswith(b"\n"):
                return
