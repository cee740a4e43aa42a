"""A conversation with a real worker, line by line."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "rackfocus", "worker")
PATIENCE = 60.0
"""Seconds for an answer; kernels may be compiled first, on a machine that is shared."""

HELLO = {"protocol": 1, "client": {"name": "tests", "version": "1", "host": "none"}}


class Worker:
    """A worker's process; everything that it says is kept."""

    def __init__(self, greet: bool = True, **variables: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        self.log: list[bytes] = []
        self.progress: list[dict[str, Any]] = []
        self.answers: defaultdict[object, deque[dict[str, Any]]] = defaultdict(deque)
        self.strays: list[bytes] = []
        self._heard: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._keep_log)]
        for thread in self._threads:
            thread.start()
        self._last = 0
        if greet:
            self.ask("initialize", HELLO)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def send(self, method: str, parameters: Mapping[str, Any]) -> int:
        self._last += 1
        message = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": parameters}
        self.say(json.dumps(message).encode() + b"\n")
        return self._last

    def wait(self, request: object) -> dict[str, Any]:
        """The answer to a request."""
        while not self.answers[request]:
            self._take(self._heard.get(timeout=PATIENCE))
        answer = self.answers[request].popleft()
        if not self.answers[request]:
            del self.answers[request]
        return answer

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next notification of that kind."""
        while not any(told["event"] == event for told in self.progress):
            self._take(self._heard.get(timeout=PATIENCE))
        return next(told for told in self.progress if told["event"] == event)

    def ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, wait for its result."""
        answer = self.wait(self.send(method, parameters))
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def refusal(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, wait for its error."""
        error: dict[str, Any] = self.wait(self.send(method, parameters))["error"]
        return error

    def end(self) -> int:
        """Close its input, wait for its end."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        for thread in self._threads:
            thread.join(10)
        return status

    def _take(self, message: dict[str, Any] | None) -> None:
        assert message is not None, f"the worker ended: {b''.join(self.log[-20:]).decode()}"
        if "method" in message:
            self.progress.append(message["params"])
        else:
            self.answers[message["id"]].append(message)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                self.strays.append(line)
                continue
            self._heard.put(message)
        self._heard.put(None)

    def _keep_log(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)
