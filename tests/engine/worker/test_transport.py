"""Lines come and end alike, whether the process waits for them itself or a thread of its own does, as on Windows."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from math import inf, nan

import pytest

from engine.worker import transport
from engine.worker.transport import Channel, TooLong

EITHER_WAY = pytest.mark.parametrize("in_thread", [False, True], ids=["itself", "in a thread"])


@EITHER_WAY
@pytest.mark.parametrize(
    ("sent", "lines"),
    [
        (b"", []),
        (b"a\nb\n", [b"a\n", b"b\n"]),
        (b"a\n\n  \nb\nhalf", [b"a\n", b"b\n"]),
        (b"a\r\nb\n", [b"a\r\n", b"b\n"]),
        ("caf\u00e9 \u753b\n".encode(), ["caf\u00e9 \u753b\n".encode()]),
        (b"x" * 40 + b"\nb\n", ["too long", b"b\n"]),
        (b"".join(b"%d\n" % n for n in range(100)), [b"%d\n" % n for n in range(100)]),
    ],
)
def test_lines_come_as_they_were_sent(
    sent: bytes, lines: list[object], in_thread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LONGEST_LINE", 32)
    channel = Channel(io.BytesIO(sent), io.BytesIO(), in_thread)
    assert ["too long" if isinstance(line, TooLong) else line for line in channel.lines()] == lines


@EITHER_WAY
def test_who_waits_for_a_host_that_says_nothing_can_hang_up(in_thread: bool) -> None:
    theirs, ours = os.pipe()
    try:
        channel = Channel(os.fdopen(theirs, "rb"), io.BytesIO(), in_thread)
        os.write(ours, b"first\n")
        heard = []
        # Where nobody reads in a thread, a signal breaks the wait; here hanging up comes between two lines.
        for line in channel.lines():
            heard.append(line)
            channel.hang_up()
        assert heard == [b"first\n"]
    finally:
        os.close(ours)


def test_a_thread_that_waits_does_not_keep_the_worker_from_ending() -> None:
    theirs, ours = os.pipe()
    channel = Channel(os.fdopen(theirs, "rb"), io.BytesIO(), True)
    threading.Timer(0.2, channel.hang_up).start()
    begin = time.monotonic()
    assert not list(channel.lines())
    assert time.monotonic() - begin < 20
    os.close(ours)


@pytest.mark.parametrize("value", [nan, inf, -inf, [1.0, nan], {"a": {"b": inf}}])
def test_every_message_is_json(value: object) -> None:
    sent = io.BytesIO()
    Channel(io.BytesIO(), sent).send({"jsonrpc": "2.0", "result": value})
    assert sent.getvalue().count(b"\n") == 1
    assert json.loads(sent.getvalue(), parse_constant=pytest.fail)["jsonrpc"] == "2.0"
