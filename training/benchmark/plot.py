"""Line charts as SVG: x on a logarithmic axis, y on a logarithmic or an even one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Mark", "Panel", "Series", "line_chart"]

_COLOURS = ("#0b6e99", "#e07a1f", "#6a9a3b", "#8a5aa8", "#b3374a", "#5f6b76")
_INK, _SOFT, _GRID = "#22282e", "#5f6b76", "#e3e7ea"
_FONT = "font-family='Helvetica, Arial, sans-serif'"
_PANEL_WIDTH, _PANEL_HEIGHT = 420, 300
_LEFT, _TOP, _BETWEEN, _BOTTOM, _RIGHT = 74, 96, 92, 92, 30


@dataclass(frozen=True)
class Series:
    """A line: its name and its points (x, y), all above zero; points with NaN are left out."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Mark:
    """A dotted horizontal line at ``y`` with a word on it."""

    y: float
    text: str


@dataclass(frozen=True)
class Panel:
    """One pair of axes; ``linear`` makes y an even one, for what is a logarithm already, such as decibels."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_ticks: tuple[float, ...]
    marks: tuple[Mark, ...] = ()
    linear: bool = False


def line_chart(title: str, panels: Sequence[Panel]) -> str:
    """Panels side by side with one legend: a line of the same name has the same colour in all of them.

    Returns:
        A whole SVG document.
    """
    names = list(dict.fromkeys(series.name for panel in panels for series in panel.series))
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
    width = _LEFT + len(panels) * _PANEL_WIDTH + (len(panels) - 1) * _BETWEEN + _RIGHT
    height = _TOP + _PANEL_HEIGHT + _BOTTOM
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>",
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
        _text(_LEFT, 36, title, 18, _INK, "start", "bold"),
    ]
    for index, panel in enumerate(panels):
        parts += _panel(panel, _LEFT + index * (_PANEL_WIDTH + _BETWEEN), _TOP, colours)
    parts += _legend(names, colours, _TOP + _PANEL_HEIGHT + 70)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, left: float, top: float, colours: dict[str, str]) -> list[str]:
    points = [p for s in panel.series for p in s.points if _drawn(p)]
    values = [y for _, y in points] + [mark.y for mark in panel.marks]
    low, high, ticks = _even(values or [0.0, 1.0]) if panel.linear else _decades(values or [0.1, 1.0])
    scale = float if panel.linear else math.log10
    first, last = math.log(min(panel.x_ticks)), math.log(max(panel.x_ticks))

    def across(x: float) -> float:
        return left + _PANEL_WIDTH * (math.log(x) - first) / max(last - first, 1e-9)

    def down(y: float) -> float:
        return top + _PANEL_HEIGHT * (1.0 - (scale(y) - low) / (high - low))

    right, bottom = left + _PANEL_WIDTH, top + _PANEL_HEIGHT
    parts = [_text(left, top - 22, panel.title, 14, _INK, "start", "bold")]
    for tick in ticks:
        y = down(tick)
        parts.append(_line(left, y, right, y, _GRID))
        parts.append(_text(left - 9, y + 4, f"{tick:g}", 11, _SOFT, "end"))
    for tick in panel.x_ticks:
        x = across(tick)
        parts.append(_line(x, top, x, bottom, _GRID))
        parts.append(_text(x, bottom + 18, f"{tick:g}", 11, _SOFT, "middle"))
    parts.append(_line(left, bottom, right, bottom, _SOFT))
    parts.append(_line(left, top, left, bottom, _SOFT))
    parts.append(_text((left + right) / 2, bottom + 38, panel.x_label, 12, _SOFT, "middle"))
    parts.append(_text(left - 50, top - 8, panel.y_label, 11, _SOFT, "start"))
    for mark in panel.marks:
        y = down(mark.y)
        parts.append(_line(left, y, right, y, _INK, "1 4"))
    for series in panel.series:
        place = [(across(x), down(y)) for x, y in series.points if _drawn((x, y))]
        parts += _curve(place, colours[series.name], series.name)
    parts += [_text(right - 4, down(mark.y) - 5, mark.text, 10.5, _INK, "end") for mark in panel.marks]
    return parts


def _drawn(point: tuple[float, float]) -> bool:
    """A logarithmic axis has no place for zero, nor any axis for what is not known."""
    return all(math.isfinite(value) and value > 0 for value in point)


def _decades(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Exponents of ten a little beyond the values, at the next tick of 1, 2 or 5, and the ticks between them."""
    ends = [math.log10(step) + power for power in range(-6, 7) for step in (1, 2, 5)]
    low, high = math.log10(min(values)), math.log10(max(values))
    low, high = max(t for t in ends if t <= low - 0.02), min(t for t in ends if t >= high + 0.02)
    steps = (1, 2, 5) if high - low < 3.2 else (1,)
    ticks = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return low, high, [tick for tick in ticks if low - 1e-9 <= math.log10(tick) <= high + 1e-9]


def _even(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Even ticks of 1, 2 or 5 times a power of ten, four to ten of them, from below the values to above them."""
    span = max(max(values) - min(values), 1e-6)
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(step * power for step in (1, 2, 5, 10) if span / (step * power) <= 8)
    first, last = math.floor(min(values) / step), math.ceil(max(values) / step)
    last = max(last, first + 1)
    return first * step, last * step, [round(index * step, 9) for index in range(first, last + 1)]


def _curve(place: Sequence[tuple[float, float]], colour: str, name: str) -> list[str]:
    if not place:
        return []
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
    dots = [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.6' fill='{colour}' stroke='#ffffff'/>" for x, y in place]
    line = f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2.2' stroke-linejoin='round'>"
    return [f"{line}<title>{escape(name)}</title></polyline>", *dots]


def _legend(names: Sequence[str], colours: dict[str, str], y: float) -> list[str]:
    parts, x = [], float(_LEFT)
    for name in names:
        parts.append(_line(x, y - 4, x + 24, y - 4, colours[name], width=3))
        parts.append(_text(x + 31, y, name, 12, _INK, "start"))
        x += 31 + 7.0 * len(name) + 26
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "", width: float = 1) -> str:
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    ends = f"x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}'"
    return f"<line {ends} stroke='{colour}' stroke-width='{width}'{dashes}/>"


def _text(x: float, y: float, words: str, size: float, colour: str, anchor: str, weight: str = "normal") -> str:
    style = f"{_FONT} font-size='{size}' font-weight='{weight}' fill='{colour}' text-anchor='{anchor}'"
    # A white rim keeps words readable where a line runs through them.
    style += " stroke='#ffffff' stroke-width='3' paint-order='stroke'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(words)}</text>"
