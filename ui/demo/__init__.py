"""The demo: a focus pull with a known answer, from files to files, and a sheet to look at."""

from __future__ import annotations

from ui.demo.run import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]
