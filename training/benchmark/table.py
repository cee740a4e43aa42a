"""Rows of text for tables, and numbers that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

__all__ = ["Report", "Rows", "aligned", "best", "finite", "mean", "number"]

Rows = tuple[tuple[str, ...], ...]
"""The first row is the header; all rows have its length."""


class Report(Protocol):
    """What a benchmark found out."""

    def rows(self) -> Rows:
        """As a table."""
        ...

    def to_json(self) -> str:
        """As a JSON object; numbers that are not finite are null."""
        ...


def number(value: float, digits: int) -> str:
    """A number for a table: ``-`` for what is not known, ``inf`` for a perfect result."""
    if math.isnan(value):
        return "-"
    return f"{value:.{digits}f}" if math.isfinite(value) else "inf"


def finite(value: float) -> float | None:
    """The number, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None


def mean(values: Iterable[float]) -> float:
    """Mean of the numbers that are known; NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def best(values: Iterable[float], larger: bool) -> float:
    """The largest or the least of the numbers that are known; NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    return max(known) if larger else min(known)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The table as plain text: the first column to the left, the others to the right, a line under the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("-" * width for width in widths), *(line(row) for row in rows[1:])])
