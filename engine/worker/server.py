"""The worker itself: every line is answered, whatever it holds, and nothing outlives the host."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, get_args

from engine.errors import CancelledError, ProtocolError
from engine.processes import STOP_SIGNALS, is_alive
from engine.runtime.extras import TORCH_PACKAGES
from engine.shot import SCHEMA_VERSION, RendererChoice
from engine.worker.lanes import Job, Lane
from engine.worker.messages import (
    INTERNAL,
    PROTOCOL,
    REQUESTS,
    UNREADABLE,
    Call,
    Cancel,
    Fault,
    Initialize,
    Preview,
    Render,
    Shutdown,
    fault_of,
    parse,
)
from engine.worker.transport import LONGEST_LINE, Channel, TooLong

if TYPE_CHECKING:
    from engine.worker.rendering import RenderDesk
    from engine.worker.viewing import ViewDesk

__all__ = ["serve"]

PATIENCE: Final = 1.5
"""Seconds that work under way has to end when the worker does: enough to leave no file half written."""

WATCH: Final = 1.0
"""Seconds between two looks at whether the host's process is still there."""

MOST_WAITING: Final = 1000
"""Requests that may wait for their turn; a host that asks for more has lost count."""


def serve(version: str, channel: Channel | None = None) -> int:
    """Answer requests until the host asks for the end, closes its end, or dies.

    Args:
        version: of Rackfocus.
        channel: to the host; the process's standard streams when not given.

    Returns:
        The process's exit status, 0.
    """
    channel = channel or Channel.of_standard_streams()
    _end_with_host(channel)
    server = Server(version, channel)
    server.run()
    server.close()
    return 0


class Server:
    """Takes requests one by one, and has them answered.

    Args:
        version: of Rackfocus.
        channel: to the host.
    """

    def __init__(self, version: str, channel: Channel) -> None:
        self._version = version
        self._channel = channel
        self._desks = _Desks()
        self._rendering: Lane[Render] = Lane("renders", self._desks.render)
        self._viewing: Lane[Any] = Lane("views", self._desks.view)
        self._jobs: dict[int | str, tuple[Job[Any], Lane[Any]]] = {}
        self._lock = threading.Lock()
        self._greeted = False

    def run(self) -> None:
        """Answer every line, until ``shutdown`` or the end of the input."""
        for line in self._channel.lines():
            try:
                if isinstance(line, TooLong):
                    raise Fault(UNREADABLE, f"the line is longer than {LONGEST_LINE >> 20} MiB; send less at once")
                call = parse(line)
            except Fault as fault:
                self._fail(fault.request, fault)
                continue
            if isinstance(call.parameters, Shutdown):
                self.close()
                self._answer(call.request, {})
                return
            self._take(call)

    def close(self) -> None:
        """Stop all work; each request under way is answered as cancelled."""
        deadline = time.monotonic() + PATIENCE
        for lane in (self._rendering, self._viewing):
            lane.close(max(deadline - time.monotonic(), 0.0))
        with self._lock:
            left = [job for job, _ in self._jobs.values()]
        for job in left:  # it stands in something that cannot be broken off, and goes with the process
            job.end(fault_of(CancelledError("stopped, because the worker ends")))
        self._desks.close()

    def _take(self, call: Call) -> None:
        try:
            asked = call.parameters
            if isinstance(asked, Initialize):
                self._answer(call.request, self._greet(asked))
                self._desks.prepare()
                return
            if not self._greeted:
                raise ProtocolError(f"the first request is {call.method}; send initialize first")
            if isinstance(asked, Cancel):
                self._answer(call.request, {"cancelled": self._cancel(asked)})
            else:
                self._start(call)
        except Exception as error:  # noqa: BLE001  a host goes on after a request that failed
            self._fail(call.request, fault_of(error))

    def _greet(self, asked: Initialize) -> Mapping[str, Any]:
        if asked.protocol != PROTOCOL:
            raise ProtocolError(
                f"the host speaks protocol {asked.protocol} and this engine ({self._version}) protocol {PROTOCOL}; "
                "install plugin and engine from the same version"
            )
        self._greeted = True
        client = asked.client
        who = " ".join(filter(None, (client.name, client.version, client.host))) or "a host without a name"
        print(f"worker {self._version}: at the service of {who}", file=sys.stderr, flush=True)
        return {
            "protocol": PROTOCOL,
            "version": self._version,
            "pid": os.getpid(),
            "methods": list(REQUESTS),
            "renderers": _renderers(),
            "shot_schema": SCHEMA_VERSION,
        }

    def _start(self, call: Call) -> None:
        request, asked = call.request, call.parameters
        if request is None:
            return  # a notification: nobody would hear of the result
        with self._lock:
            if request in self._jobs or len(self._jobs) >= MOST_WAITING:
                raise Fault(-32600, "the id is that of a request under way, or too many wait; ask again later")
            lane: Lane[Any] = self._rendering if isinstance(asked, Render) else self._viewing
            job = Job(
                request,
                asked,
                lambda outcome: self._finish(request, outcome),
                lambda event: self._notify(request, event),
            )
            self._jobs[request] = job, lane
        if isinstance(asked, Preview):
            lane.replace(Preview)
        lane.add(job)

    def _cancel(self, asked: Cancel) -> bool:
        with self._lock:
            found = self._jobs.get(asked.request)
        if found is None:
            return False
        job, lane = found
        lane.cancel(job)
        return True

    def _finish(self, request: int | str, outcome: Mapping[str, Any] | Fault) -> None:
        with self._lock:
            self._jobs.pop(request, None)
        if isinstance(outcome, Fault):
            self._fail(request, outcome)
        else:
            self._answer(request, outcome)

    def _notify(self, request: int | str, event: Mapping[str, Any]) -> None:
        self._send({"jsonrpc": "2.0", "method": "progress", "params": {"request": request, **event}})

    def _answer(self, request: int | str | None, result: Mapping[str, Any]) -> None:
        if request is not None:
            self._send({"jsonrpc": "2.0", "id": request, "result": result})

    def _fail(self, request: int | str | None, fault: Fault) -> None:
        self._send({"jsonrpc": "2.0", "id": request, "error": fault.to_json()})

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._channel.send(message)
        except ValueError:  # an answer that JSON cannot say must not be lost
            fault = Fault(INTERNAL, "the answer holds a number that is not finite; this is a fault of Rackfocus")
            self._channel.send({"jsonrpc": "2.0", "id": message.get("id"), "error": fault.to_json()})
        except OSError:
            pass  # the host is gone, which the reader or the watch sees


class _Desks:
    """Who does the work. They come after the greeting, because importing them takes longer than all else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[RenderDesk, ViewDesk] | None = None

    def prepare(self) -> None:
        """Have them come, without waiting."""
        threading.Thread(target=self._both, name="rackfocus-prepare", daemon=True).start()

    def render(self, job: Job[Render]) -> Mapping[str, Any]:
        return self._both()[0].render(job)

    def view(self, job: Job[Any]) -> Mapping[str, Any]:
        return self._both()[1].work(job)

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()

    def _both(self) -> tuple[RenderDesk, ViewDesk]:
        with self._lock:
            if self._open is None:
                from engine.worker.kernels import Kernels
                from engine.worker.rendering import RenderDesk
                from engine.worker.viewing import ViewDesk

                kernels = Kernels()
                self._open = RenderDesk(kernels), ViewDesk(kernels)
            return self._open


def _end_with_host(channel: Channel) -> None:
    """SIGTERM, SIGINT and the death of the parent end the worker as the end of its input does."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: channel.hang_up())
    parent = os.getppid()
    if parent > 1:
        threading.Thread(target=_watch, args=(parent, channel), name="rackfocus-watch", daemon=True).start()


def _watch(parent: int, channel: Channel) -> None:
    while os.getppid() == parent and is_alive(parent):
        time.sleep(WATCH)
    print("worker: the host is gone", file=sys.stderr)
    if sys.platform == "win32":
        channel.hang_up()
        time.sleep(2 * PATIENCE)
        os._exit(0)
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGTERM)


def _renderers() -> list[str]:
    """Those whose packages are installed."""
    names = list(get_args(RendererChoice.model_fields["name"].annotation))
    learned = all(map(find_spec, TORCH_PACKAGES)) or find_spec("onnxruntime") is not None
    return [name for name in names if name == "optical" or learned]
