from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tkinter", reason="the node's script is read by a real Tcl")

from tests.plugin.nuke.fakes import FakeNuke

WIDTH, HEIGHT = 48, 32


def forget_the_plugin() -> None:
    for name in [name for name in sys.modules if name.startswith("plugin.nuke")]:
        del sys.modules[name]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeNuke]:
    """A Nuke whose plugins are loaded anew."""
    fake = FakeNuke(tmp_path)
    forget_the_plugin()
    monkeypatch.setitem(sys.modules, "nuke", fake)
    yield fake
    running: Any = sys.modules.get("plugin.nuke.running")
    for engine in running._ENGINES.values() if running else ():
        engine.close()
    forget_the_plugin()
