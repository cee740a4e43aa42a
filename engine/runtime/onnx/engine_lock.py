"""One process at a time for one job, told by a file: who holds it, whether they still live, and how to wait."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from engine.errors import CancelledError
from engine.processes import is_alive, machine_mark

__all__ = ["hold", "is_held"]

RENEWAL: Final = 15.0
"""Seconds between signs of life of who holds a lock."""

SILENCE: Final = 900.0
"""Seconds without a sign of life after which a lock is taken for abandoned, where its process cannot be looked up
(another machine on a shared disk) or the number may by now be another process's. Long, for the runtime may keep the
interpreter from running our thread while it builds."""

POLL: Final = 0.2
"""Seconds between looks at a lock that another holds."""


@contextmanager
def hold(
    path: Path, cancelled: Callable[[], bool] = lambda: False, waiting: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold a lock file while the block runs; wait for whoever holds it before.

    The lock saves work, no more: what it guards must be right when two hold it, which a shared disk may bring about.

    Args:
        path: the file; its folder exists.
        cancelled: looked at while waiting.
        waiting: told once, in words, whom we wait for.

    Raises:
        CancelledError: ``cancelled`` became true while waiting.
        OSError: the file cannot be made.
    """
    token = uuid.uuid4().hex
    told = False
    while not _take(path, token):
        owner = _owner(path)
        if _abandoned(path, owner):
            _break(path, owner)
            continue
        if not told and owner:
            waiting(f"process {owner.get('pid')} on {owner.get('host')}")
            told = True
        if cancelled():
            raise CancelledError("stopped while another process was building the same engine")
        time.sleep(POLL)
    released = threading.Event()
    renewal = threading.Thread(target=_renew, args=(path, released), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        released.set()
        if _owner(path).get("token") == token:
            with suppress(OSError):
                path.unlink()


def is_held(path: Path) -> bool:
    """Whether a living process holds a lock file."""
    return path.exists() and not _abandoned(path, _owner(path))


def _take(path: Path, token: str) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "machine": machine_mark(), "token": token}
        json.dump(owner, file)
    return True


def _owner(path: Path) -> dict[str, Any]:
    """Who says to hold it; empty while the file is being written, or where it is no such file."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _abandoned(path: Path, owner: dict[str, Any]) -> bool:
    try:
        silent = time.time() - path.stat().st_mtime
    except OSError:
        return False  # gone already: the next try takes it
    ours = owner.get("machine") == machine_mark()  # a name alone is shared by nodes and containers
    if ours and isinstance(owner.get("pid"), int) and not is_alive(owner["pid"]):
        return True
    # A file without an owner was left between its making and its writing.
    return silent > (SILENCE if owner else RENEWAL)


def _break(path: Path, owner: dict[str, Any]) -> None:
    """Remove an abandoned lock, and not the fresh one of somebody who was quicker."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with suppress(OSError):
        path.rename(aside)
        if _owner(aside).get("token") != owner.get("token"):
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def _renew(path: Path, released: threading.Event) -> None:
    while not released.wait(RENEWAL):
        with suppress(OSError):
            os.utime(path)
