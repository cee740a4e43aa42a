"""Whether a process of this machine is still there."""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["is_alive"]


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs here, whoever owns it."""
    if sys.platform == "win32":  # os.kill would end it there
        query, running = 0x1000, 259
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query, False, pid)
        if not handle:
            return False
        status = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(status))
        kernel.CloseHandle(handle)
        return bool(status.value == running)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, and is another user's
        return True
    return True
