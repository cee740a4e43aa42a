"""The engine as a process that hosts talk to: JSON-RPC 2.0 over its standard streams, see ``docs/worker.md``.

A line comes in through ``transport``, becomes one of the requests in ``messages``, and is answered by ``server``: at
once, or by one of two ``lanes``, ``rendering`` (one shot after another) and ``viewing`` (previews and samples).
"""

from engine.worker.messages import PROTOCOL
from engine.worker.server import serve

__all__ = ["PROTOCOL", "serve"]
