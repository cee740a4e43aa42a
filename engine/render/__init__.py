"""The streaming loop: read ahead, render, write behind, resume, progress, cancel."""

from __future__ import annotations

from engine.render.check import Findings, check
from engine.render.digest import DIGEST
from engine.render.inputs import Inputs
from engine.render.limits import fixed_limits, with_limits
from engine.render.loop import render
from engine.render.report import (
    EdgesMeasured,
    Event,
    LimitsFound,
    Opened,
    Report,
    Resuming,
    Searching,
    Started,
    Summary,
    Warned,
    Written,
)

__all__ = [
    "DIGEST",
    "EdgesMeasured",
    "Event",
    "Findings",
    "Inputs",
    "LimitsFound",
    "Opened",
    "Report",
    "Resuming",
    "Searching",
    "Started",
    "Summary",
    "Warned",
    "Written",
    "check",
    "fixed_limits",
    "render",
    "with_limits",
]
