"""Ten thousand requests, one in twenty of them broken; the quick version sends five hundred."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.engine.render.shots import make_plates, shot_data
from tests.engine.worker.wire import HELLO, Worker

BAD_SHARE = 0.05
AT_ONCE = 40
"""Requests on their way before the answers are waited for."""

GROWTH = 24 << 20
"""Bytes that the process may have grown by since a fifth of the requests: allocators keep some of what they had (the
sixteen last previews, arenas of threads). A leak of 4 KB a request would be 32 MiB."""


class Host:
    """Sends good and bad lines at random, and knows what must come back."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        make_plates(folder, 3, 32, 24)
        self._folder = folder
        self._number = 0
        self.unnumbered = 0
        """Bad lines that can only be answered without a number."""
        self.numbered: set[int] = set()
        """Good requests, and bad ones whose number can be read."""

    def lines(self, count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield self._bad() if self._random.random() < BAD_SHARE else self._good()

    def _good(self) -> bytes:
        method = self._random.choices(("sample", "preview", "render", "cancel", "initialize"), (40, 25, 5, 20, 10))[0]
        return self._numbered(method, self._parameters(method))

    def _parameters(self, method: str) -> dict[str, object]:
        frame = self._random.choice((1001, 1002, 1003, 1003, 1004))  # the last is not in the shot
        shot = shot_data(self._folder, blur={"keys": [{"frame": 1001, "value": self._random.choice((2, 3))}]})
        if method == "sample":
            x, y = self._random.uniform(-2, 34), self._random.uniform(0, 24)
            return {"shot": shot, "frame": frame, "x": x, "y": y, "radius": self._random.randrange(4)}
        if method == "preview":
            return {"shot": shot, "frame": frame, "scale": self._random.choice((0.25, 0.5, 1.0))}
        if method == "render":
            return {"shot": shot, "frames": "1001-1002", "overwrite": self._random.random() < 0.5}
        return {"request": self._random.randrange(self._number + 1)} if method == "cancel" else HELLO

    def _numbered(self, method: str, parameters: object) -> bytes:
        self._number += 1
        self.numbered.add(self._number)
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters}
        return json.dumps(message).encode() + b"\n"

    def _bad(self) -> bytes:
        unreadable: tuple[Callable[[], bytes], ...] = (
            lambda: self._random.randbytes(self._random.randrange(1, 400)).replace(b"\n", b"").strip() + b"\xff\n",
            lambda: (
                json.dumps({"jsonrpc": "2.0", "method": "sample"}).encode()[: self._random.randrange(1, 30)] + b"\n"
            ),
            lambda: b"[" * 50_000 + b"\n",
            lambda: b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"\n",
            lambda: b'{"jsonrpc": "2.0", "id": ' + b"7" * 5000 + b"}\n",
            lambda: b"[1, 2, 3]\n",
            lambda: b'"text"\n',
            lambda: b'{"jsonrpc": "1.0", "id": null, "method": "sample"}\n',
            lambda: b'{"jsonrpc": "2.0", "id": [1], "method": "sample"}\n',
        )
        readable: tuple[Callable[[], bytes], ...] = (
            lambda: self._numbered("explode", {}),
            lambda: self._numbered("__init__", {}),
            lambda: self._numbered("render", [1, 2]),
            lambda: self._numbered("render", {"shot": "a text", "frames": 5}),
            lambda: self._numbered("preview", {"shot": {}, "frame": 1e300}),
            lambda: self._numbered("preview", {"shot": {}, "frame": 10**400}),
            lambda: self._numbered("preview", {"shot": shot_data(self._folder), "frame": 1001, "scale": float("inf")}),
            lambda: self._numbered("preview", {"shot": shot_data(self._folder), "frame": 1001, "region": [0, 0, 1]}),
            lambda: self._numbered("sample", {"shot": {}, "frame": 1001, "x": float("nan"), "y": 1}),
            lambda: self._numbered("sample", {"shot": {"plate": {"path": "\0" * 40}}, "frame": 1, "x": 1, "y": 1}),
            lambda: self._numbered("sample", {"shot": {"schema_version": 10**30}, "frame": 1, "x": 1, "y": 1}),
            lambda: self._numbered("cancel", {"request": {"deep": [1]}}),
        )
        if self._random.random() < 0.5:
            self.unnumbered += 1
            return self._random.choice(unreadable)()
        return self._random.choice(readable)()


def talk(worker: Worker, host: Host, count: int) -> list[int]:
    """Send everything; returns the process's memory after each fifth."""
    process = psutil.Process(worker.process.pid)
    memory: list[int] = []
    waiting: set[int] = set()
    unnumbered = 0
    known: set[int] = set()
    for sent, line in enumerate(host.lines(count), 1):
        worker.say(line)
        waiting |= host.numbered - known
        known |= host.numbered
        if len(waiting) >= AT_ONCE or sent == count:
            for number in sorted(waiting):
                answer = worker.wait(number)
                assert ("result" in answer) != ("error" in answer)
                assert answer.get("error", {}).get("code") != -32603, answer
            waiting.clear()
            known.clear()
            host.numbered.clear()
            worker.progress.clear()
            while unnumbered < host.unnumbered:
                assert worker.wait(None)["error"]["code"] in (-32700, -32600)
                unnumbered += 1
        if sent % (count // 5) == 0:
            memory.append(process.memory_info().rss)
    return memory


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_valid_request_goes_unanswered_and_memory_stays_flat(count: int, tmp_path: Path) -> None:
    with Worker() as worker:
        memory = talk(worker, Host(tmp_path, seed=count), count)
        print(f"{count} requests: {[round(size / 2**20, 1) for size in memory]} MiB after each fifth")
        assert memory[-1] - memory[0] < GROWTH
        assert not worker.answers
        assert worker.ask("initialize", HELLO)["protocol"] == 1
        assert worker.end() == 0
        assert not worker.strays
        assert len(list((tmp_path / "out").glob(".*"))) == 0


def test_a_line_longer_than_any_message_is_passed_over_and_what_follows_is_answered(tmp_path: Path) -> None:
    with Worker() as worker:
        assert worker.ask("initialize", HELLO)["protocol"] == 1
        # What an engine loads behind the greeting is not to be taken for the line's: this is answered when it is there.
        assert "error" in worker.wait(
            worker.send("sample", {"shot": shot_data(tmp_path), "frame": 1001, "x": 1, "y": 1})
        )
        before = psutil.Process(worker.process.pid).memory_info().rss
        for _ in range(100):
            worker.say(b"x" * (1 << 20))
        worker.say(b"\n")
        assert worker.wait(None)["error"]["code"] == -32700
        assert worker.ask("initialize", HELLO)["protocol"] == 1
        # A line is kept up to 32 MiB, and read again in pieces beyond.
        assert psutil.Process(worker.process.pid).memory_info().rss - before < 100 << 20


def test_half_a_line_at_the_end_is_no_request() -> None:
    worker = Worker()
    worker.say(b'{"jsonrpc": "2.0", "id": 77, "method": "initialize"')
    assert worker.end() == 0
    assert not worker.answers
