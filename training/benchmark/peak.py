"""How much memory this process has had at most."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory"]


def peak_memory() -> int:
    """Bytes that this process has had in memory at most.

    On Linux by ``VmHWM`` of ``/proc/self/status`` (proc_pid_status(5)): ``ru_maxrss`` outlives the start of a program,
    and is never less than what its parent held. On Windows it takes psutil.
    """
    if sys.platform == "linux":
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
