"""Starts the engine as another process and talks to it: JSON-RPC 2.0 over its standard streams, see ``docs/worker.md``.

    engine = Engine(host="Nuke 16.0")
    request = engine.render(shot)
    while not request.done():
        for event in request.poll():
            show(event)
    result = request.wait()

Standard library only, Python 3.9, Windows, macOS and Linux: threads and pipes, nothing that waits on several files.
No call but those that say "waits" blocks, not even while the engine starts.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import EngineDied, EngineError, EngineMissing, EngineProtocol, EngineTimeout
from .finding import clean_environment, find_engine
from .process import NUMBERS, JsonObject, Life, Progress, Request

__all__ = [
    "Engine",
    "EngineDied",
    "EngineError",
    "EngineMissing",
    "EngineProtocol",
    "EngineTimeout",
    "Request",
    "clean_environment",
    "find_engine",
]


class Engine:
    """The engine; started with the first request, and again with the next one after it died.

    A request that is under way when the engine dies fails with EngineDied: it is never repeated in silence. Use it as
    a context manager or call ``close``; what is left open is closed when the interpreter ends.

    Args:
        command: command line of ``rackfocus``, without ``worker``; ``find_engine()`` when not given.
        host: name and version of the host, for the engine's log.
        start_timeout: seconds that the engine has to say hello.
        environment: variables to set for it, or with None to leave out, see ``clean_environment``.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        host: str = "",
        start_timeout: float = 60.0,
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        self._command = None if command is None else list(command)
        self._host = host
        self._start_timeout = start_timeout
        self._environment = environment
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._farewell: weakref.finalize[..., Engine] | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the engine's process runs."""
        life = self._life
        return life is not None and life.alive

    @property
    def last_lines(self) -> list[str]:
        """The last lines of the engine's log."""
        life = self._life
        return [] if life is None else life.last_lines()

    def start(self) -> JsonObject:
        """Start the engine if it does not run; waits until it has said hello.

        Returns:
            What it said: ``version``, ``pid``, ``methods``, ``renderers``, ``shot_schema``.

        Raises:
            EngineMissing, EngineDied, EngineTimeout, EngineProtocol: it cannot be started.
        """
        return self._living().hello.wait()

    def close(self) -> None:
        """End the engine; waits a few seconds at most. Requests under way fail; the next one starts it again."""
        with self._lock:
            farewell, self._life, self._farewell = self._farewell, None, None
        if farewell is not None:
            farewell()

    def restart(self) -> JsonObject:
        """End the engine and start it again; waits."""
        self.close()
        return self.start()

    def render(
        self,
        shot: Mapping[str, Any],
        frames: str | None = None,
        overwrite: bool = False,
        on_progress: Progress | None = None,
    ) -> Request:
        """Render a shot, or some of its frames.

        Args:
            shot: its document, see ``document.shot_document``; paths absolute.
            frames: of the shot, like ``1001-1024``; all when not given.
            overwrite: render frames that are there already.
            on_progress: called with each event, in the reader's thread. Hosts that may only be touched from their main
                thread use ``Request.poll`` instead.

        Raises:
            EngineMissing: there is no engine to start. All other failures come from ``Request.wait``.
        """
        return self._ask("render", {"shot": shot, "frames": frames, "overwrite": overwrite}, on_progress)

    def preview(
        self,
        shot: Mapping[str, Any],
        frame: int,
        scale: float = 0.25,
        region: Sequence[float] | None = None,
        path: str | None = None,
    ) -> Request:
        """Render a small picture of one frame; a newer preview takes the place of an older one.

        Args:
            shot: its document.
            frame: of the shot.
            scale: of the picture, up to 1.
            region: left, top, right, bottom in pixels of the plate's display window; all of it when not given.
            path: the EXR file to write; a temporary one when not given, which goes with the engine.

        Raises:
            EngineMissing: there is no engine to start. All other failures come from ``Request.wait``.
        """
        where = None if region is None else list(region)
        return self._ask("preview", {"shot": shot, "frame": frame, "scale": scale, "region": where, "path": path})

    def sample(self, shot: Mapping[str, Any], frame: int, x: float, y: float, radius: int = 0) -> Request:
        """Disparity and distance under a pixel of the display window, counted from its top left.

        Raises:
            EngineMissing: there is no engine to start. All other failures come from ``Request.wait``.
        """
        return self._ask("sample", {"shot": shot, "frame": frame, "x": x, "y": y, "radius": radius})

    def _ask(self, method: str, parameters: JsonObject, on_progress: Progress | None = None) -> Request:
        request = Request(next(NUMBERS), method, on_progress)
        self._living().send(request, parameters)
        return request

    def _living(self) -> Life:
        with self._lock:
            if self._life is None or not self._life.alive:
                if self._farewell is not None:
                    self._farewell()
                command = self._command if self._command is not None else find_engine()
                self._life = Life(command, self._host, self._start_timeout, clean_environment(self._environment))
                # Also when the interpreter ends, or nothing refers to this any longer.
                self._farewell = weakref.finalize(self, self._life.close)
            return self._life
