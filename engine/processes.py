"""Which processes are still there, and on which machine a process number means what."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import signal
import socket
import sys
import uuid
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["STOP_SIGNALS", "is_alive", "machine_mark"]

STOP_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
"""Signals that ask a process to end; Windows sends SIGBREAK, as schedulers do there, and no SIGTERM."""

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs here, whoever owns it."""
    if sys.platform == "win32":  # os.kill would end it there
        query, running, denied = 0x1000, 259, 5
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p  # a handle, which an int of 32 bits would cut
        handle = kernel.OpenProcess(query, False, pid)
        if not handle:
            return bool(ctypes.get_last_error() == denied)  # it lives, and is another user's
        status = ctypes.c_ulong()
        kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(status))
        kernel.CloseHandle(ctypes.c_void_p(handle))
        return bool(status.value == running)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it lives, and is another user's
        return True
    return True


@cache
def machine_mark() -> str:
    """Twelve hexadecimal digits: where processes have this mark in common, a number names one process.

    A name alone does not tell machines apart: nodes of a cluster are named alike, and containers share whole names and
    process numbers. The digest holds the name, the boot, and the space in which Linux counts processes (a container has
    one of its own). Elsewhere the hardware's address stands for the boot. A Linux that shows no boot gets a mark that
    no other process has, so that nothing is ever taken for its own.
    """
    return _digest(socket.gethostname(), *_place())


def _place() -> tuple[str, ...]:
    if not sys.platform.startswith("linux"):
        return (f"{uuid.getnode():012x}",)
    try:
        return _BOOT.read_text(encoding="ascii").strip(), os.readlink(_NAMESPACE)  # noqa: PTH115 - it leads nowhere
    except (OSError, ValueError):
        return (secrets.token_hex(16),)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]
