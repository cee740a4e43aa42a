"""The command line: ``rackfocus`` and its commands."""

from __future__ import annotations

from ui.cli.app import app, main

__all__ = ["app", "main"]
