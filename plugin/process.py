"""One process of the engine, and what it is asked."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import EngineDied, EngineError, EngineMissing, EngineProtocol, EngineTimeout

__all__ = ["JsonObject", "Life", "Progress", "Request"]

VERSION = "0.1.0"
PROTOCOL = 1
LAST_LINES = 30
LONGEST_LINE = 64 << 20
MOST_GARBAGE = 1000
"""Lines that are no message before the engine is given up; a banner or a library's print is passed over."""

CLOSING = 3.0
"""Seconds that an engine has to end by itself."""

JsonObject = dict[str, Any]
Progress = Callable[[JsonObject], None]
NUMBERS = itertools.count(1)


class Request:
    """Something that the engine was asked to do, and has perhaps not done yet."""

    def __init__(self, number: int, method: str, on_progress: Progress | None = None) -> None:
        self.number = number
        self.method = method
        self.progress: JsonObject | None = None
        """The latest event."""
        self._on_progress = on_progress
        self._events: deque[JsonObject] = deque()
        self._ended = threading.Event()
        self._result: JsonObject = {}
        self._error: EngineError | None = None
        self._life: Life | None = None

    def done(self) -> bool:
        """Whether it is answered, well or not."""
        return self._ended.is_set()

    def wait(self, timeout: float | None = None) -> JsonObject:
        """Wait for the answer.

        Raises:
            EngineError: what went wrong.
            EngineTimeout: there is no answer after ``timeout`` seconds; the work goes on.
        """
        if not self._ended.wait(timeout):
            raise EngineTimeout(f"the engine has not answered {self.method} after {timeout:g} seconds")
        if self._error is not None:
            raise self._error
        return self._result

    def poll(self) -> list[JsonObject]:
        """The events since the last call, oldest first; for hosts that look from a timer."""
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def cancel(self) -> None:
        """Ask the engine to stop this; ``wait`` then raises an EngineError with the code ``cancelled``."""
        life = self._life
        if life is not None and not self.done():
            life.send(Request(next(NUMBERS), "cancel"), {"request": self.number})

    def _hear(self, event: JsonObject) -> None:
        self.progress = event
        self._events.append(event)
        if self._on_progress is not None:
            try:
                self._on_progress(event)
            except Exception:  # noqa: BLE001  the host's own fault, and the reader must go on
                traceback.print_exc()

    def _end(self, result: JsonObject | None, error: EngineError | None) -> None:
        if not self._ended.is_set():
            self._result, self._error = result or {}, error
            self._ended.set()


class Life:
    """One process of the engine, from its start to its end.

    Three threads: one reads messages, one reads log lines, one writes, so that no call of a host waits for a pipe.
    """

    def __init__(self, command: Sequence[str], host: str, start_timeout: float, environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, Request] = {}
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._cause: EngineError | None = None
        self._over = False
        self._process = _launch(list(command), environment)
        self._threads = [
            threading.Thread(target=work, name=f"rackfocus-{name}", daemon=True)
            for name, work in (("read", self._read), ("log", self._keep_lines), ("write", self._write))
        ]
        self.hello = Request(next(NUMBERS), "initialize")
        client = {"name": "rackfocus-plugin", "version": VERSION, "host": host}
        self.send(self.hello, {"protocol": PROTOCOL, "client": client})
        self._watch = threading.Timer(start_timeout, self._too_late, (start_timeout,))
        self._watch.daemon = True
        for thread in (*self._threads, self._watch):
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether requests may be sent."""
        return not self._over and self._process.poll() is None

    def last_lines(self) -> list[str]:
        """The last lines of its log."""
        return list(self._lines)

    def send(self, request: Request, parameters: JsonObject) -> None:
        """Send a request; one that cannot be sent ends with the reason."""
        message = {"jsonrpc": "2.0", "id": request.number, "method": request.method, "params": parameters}
        # A number that is not finite goes too: the engine refuses it in a sentence that names its field.
        line = json.dumps(message).encode("utf-8") + b"\n"
        with self._lock:
            if not self._over:
                request._life = self
                self._requests[request.number] = request
                self._outgoing.put(line)
                return
        request._end(None, self._reason())

    def close(self) -> None:
        """Ask it to end, then make it end; no process and no thread is left."""
        if self._process.poll() is None:
            self.send(Request(next(NUMBERS), "shutdown"), {})
        self._outgoing.put(None)
        self._end_process(CLOSING)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(CLOSING)

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        garbage = 0
        while True:
            line = stream.readline(LONGEST_LINE)
            if not line:
                break
            if not self._take(line):
                garbage += 1
                self._lines.append(line[:200].decode("utf-8", "replace").rstrip())
                if garbage > MOST_GARBAGE or len(line) >= LONGEST_LINE:
                    self._give_up(EngineProtocol("what was started is no engine of Rackfocus", self.last_lines()))
                    break
        self._watch.cancel()
        self._end_process(CLOSING)
        self._threads[1].join(1.0)  # its last lines
        with self._lock:
            self._over = True
            left = list(self._requests.values())
            self._requests.clear()
        for request in left:
            request._end(None, self._reason())
        self._outgoing.put(None)

    def _take(self, line: bytes) -> bool:
        """Give a message to the request that it is for; False if it is no message."""
        try:
            message = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            return False
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return False
        if message.get("method") == "progress":
            event = dict(message.get("params") or {})
            request = self._requests.get(event.pop("request", None))
            if request is not None:
                request._hear(event)
            return True
        number = message.get("id")
        with self._lock:
            answered = self._requests.pop(number, None) if isinstance(number, int) else None
        if answered is None:
            return True
        error = message.get("error")
        if answered is self.hello:
            self._watch.cancel()
            self._greet(message.get("result"), error)
        elif error is not None:
            answered._end(None, _engine_error(error))
        else:
            answered._end(message.get("result") or {}, None)
        return True

    def _greet(self, result: object, error: object) -> None:
        said = result if isinstance(result, dict) else {}
        protocol = said.get("protocol")
        if error is None and protocol == PROTOCOL:
            self.hello._end(said, None)
            return
        told = error.get("message") if isinstance(error, dict) else f"the engine speaks protocol {protocol}"
        cause = EngineProtocol(f"{told}; this plugin speaks protocol {PROTOCOL}. Install both from one version.")
        self.hello._end(None, cause)
        self._give_up(cause)

    def _keep_lines(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        while True:
            line = stream.readline(1 << 16)
            if not line:
                return
            self._lines.append(line.decode("utf-8", "replace").rstrip())

    def _write(self) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            while True:
                line = self._outgoing.get()
                if line is None:
                    break
                stream.write(line)
                stream.flush()
            stream.close()
        except (OSError, ValueError):  # it died, which the reader sees
            pass

    def _too_late(self, seconds: float) -> None:
        self._give_up(
            EngineTimeout(
                f"the engine did not start within {seconds:g} seconds; try it in a terminal: rackfocus doctor"
            )
        )

    def _give_up(self, cause: EngineError) -> None:
        self._cause = self._cause or cause
        self._end_process(0.0)

    def _end_process(self, patience: float) -> None:
        """Wait for the process to end, and kill it if it does not."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _reason(self) -> EngineError:
        return self._cause or EngineDied(self._process.poll(), self.last_lines())


def _launch(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    further: dict[str, Any] = {}
    if sys.platform == "win32":
        further["creationflags"] = subprocess.CREATE_NO_WINDOW
    else:
        further["start_new_session"] = True  # Ctrl-C in the host's terminal is the host's
    try:
        return subprocess.Popen(
            [*command, "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            **further,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EngineMissing(
            f"Rackfocus's engine cannot be started ({' '.join(command)}: {reason}). Check its path in the settings, or "
            "run rackfocus install again."
        ) from error


def _engine_error(error: object) -> EngineError:
    told = error if isinstance(error, dict) else {}
    data = told.get("data")
    data = data if isinstance(data, dict) else {}
    code = data.get("code") or "rpc.{}".format(told.get("code"))
    return EngineError(code, str(told.get("message") or "the engine gave no reason"), data)
