"""``rackfocus worker``: the engine as a process that hosts talk to."""

from __future__ import annotations

import os
import sys

__all__ = ["worker"]


def worker() -> None:
    """Answer a host's requests over standard input and output; for plugins, not for people (see docs/worker.md)."""
    from engine.worker import serve
    from rackfocus import __version__

    status = serve(__version__)
    sys.stderr.flush()
    os._exit(status)  # a kernel that is being compiled may still hold a thread
