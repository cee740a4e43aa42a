"""Engines that behave badly: small programs in place of the real one."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

HELLO = """
import json, os, sys, time
def answer(message, **outcome):
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}), flush=True)
def tell(message, **event):
    event["request"] = message["id"]
    print(json.dumps({"jsonrpc": "2.0", "method": "progress", "params": event}), flush=True)
def listen():
    for line in sys.stdin:
        message = json.loads(line)
        if message["method"] == "initialize":
            answer(message, result={"protocol": 1, "version": "fake", "pid": os.getpid()})
        elif message["method"] == "shutdown":
            answer(message, result={})
            sys.exit()
        else:
            yield message
"""


def fake(folder: Path, program: str, name: str = "fake") -> list[str]:
    """Command line of an engine that runs ``program``; ``listen``, ``answer`` and ``tell`` are there."""
    script = folder / f"{name}.py"
    script.write_text(HELLO + textwrap.dedent(program), encoding="utf-8")
    return [sys.executable, str(script)]
