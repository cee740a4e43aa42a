"""The speed benchmark: processor time over blur strength and over size, and peak memory."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.errors import DependencyError, OutputWriteError
from engine.frames import PlateFrame
from training.benchmark.contenders import CONTENDERS, OWN, contenders
from training.benchmark.memory import MemoryPoint, measure_memory
from training.benchmark.plate import speed_plate
from training.benchmark.plot import Mark, Panel, Series, line_chart
from training.benchmark.table import Rows, finite, number
from training.peers import Peer

__all__ = ["SpeedOptions", "SpeedPoint", "SpeedReport", "measure_speed", "run_speed"]

BASE_WIDTH = 1024
"""Width at which K is varied, and to which K belongs when the size is varied."""

BASE_STRENGTH = 20.0
"""K at the base width when the size is varied; at other widths it scales with them."""

NOISE = 1.0
"""Pixels of radius by which noisy depth jitters from pixel to pixel, at the base width and strength."""

VIEWER = Mark(2.0 / 24.0, "24 frames a second on 2 cores")


@dataclass(frozen=True)
class SpeedOptions:
    """What to measure.

    Attributes:
        renderers: of ``final draft gegl blender``.
        strengths: values of K at 1024x576.
        widths: of 16:9 frames, with K = 20 at 1024 and in proportion.
        repeats: the least time of so many runs counts.
        limit: a peer that would need more CPU seconds for a frame than this is not run at that point.
        memory: (width, height, K) of the frame whose peak memory is measured for our qualities; none if None.
        plot: SVG file to write; none if None.
        say: gets a line of text for every step.
    """

    renderers: tuple[str, ...] = CONTENDERS
    strengths: tuple[float, ...] = (8.0, 16.0, 20.0, 32.0, 48.0, 64.0, 80.0)
    widths: tuple[int, ...] = (512, 1024, 2048, 3840)
    repeats: int = 3
    limit: float = 60.0
    memory: tuple[int, int, float] | None = (3840, 2160, 80.0)
    plot: Path | None = None
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)


@dataclass(frozen=True)
class SpeedPoint:
    """CPU seconds for one frame; NaN where it was not run."""

    sweep: str
    renderer: str
    width: int
    height: int
    strength: float
    cpu_seconds: float


@dataclass(frozen=True)
class SpeedReport:
    """What :func:`run_speed` found.

    Attributes:
        points: of the sweeps ``K`` and ``size``, and of ``noise``: one frame with noisy depth.
        memory: peaks of our qualities.
        versions: of the renderers that took part.
        skipped: renderers or points that were not run, and why.
        plot: where the chart is, if one was asked for.
    """

    points: tuple[SpeedPoint, ...]
    memory: tuple[MemoryPoint, ...]
    versions: dict[str, str]
    skipped: dict[str, str]
    plot: Path | None = None

    def rows(self) -> Rows:
        """CPU seconds a frame: a row for each K, for each size and for noisy depth; last the peaks of memory in MiB. A
        column for each renderer."""
        header = ("frame", "K", *self.versions)
        settings = list(dict.fromkeys((p.sweep, p.width, p.height, p.strength) for p in self.points))
        found = {(p.sweep, p.width, p.strength, p.renderer): p.cpu_seconds for p in self.points}
        lines = []
        for sweep, width, height, strength in settings:
            times = [found.get((sweep, width, strength, name), math.nan) for name in self.versions]
            frame = f"{width}x{height}" + (" noisy depth" if sweep == "noise" else "")
            lines.append((frame, f"{strength:g}", *(number(t, 3) for t in times)))
        for size in dict.fromkeys((m.width, m.height, m.strength) for m in self.memory):
            peaks = {m.renderer: m.peak for m in self.memory if (m.width, m.height, m.strength) == size}
            cells = (number(peaks.get(name, math.nan), 0) for name in self.versions)
            lines.append((f"{size[0]}x{size[1]} peak MiB", f"{size[2]:g}", *cells))
        return (header, *lines)

    def to_json(self) -> str:
        """All of it as a JSON object."""
        return json.dumps(
            {
                "points": [{**asdict(p), "cpu_seconds": finite(p.cpu_seconds)} for p in self.points],
                "memory": [asdict(m) for m in self.memory],
                "versions": self.versions,
                "skipped": self.skipped,
                "plot": str(self.plot) if self.plot else None,
            },
            indent=2,
        )


def run_speed(options: SpeedOptions = SpeedOptions()) -> SpeedReport:
    """Measure every renderer found on one frame at each setting.

    Raises:
        ShotError: a renderer that was asked for does not exist.
        OutputWriteError: the plot cannot be written.
    """
    return measure_speed(contenders(options.renderers, options.repeats), options)


def measure_speed(peers: Sequence[Peer], options: SpeedOptions) -> SpeedReport:
    """:func:`run_speed` with these renderers.

    Raises:
        OutputWriteError: the plot cannot be written.
    """
    points: list[SpeedPoint] = []
    versions: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for peer in peers:
        here = peer.available()
        if not here.found:
            skipped[peer.name] = here.reason
            continue
        versions[peer.name] = peer.version()
        points += _sweep("K", peer, [(BASE_WIDTH, strength) for strength in options.strengths], options, skipped)
        sizes = [(width, BASE_STRENGTH * width / BASE_WIDTH) for width in options.widths]
        points += _sweep("size", peer, sizes, options, skipped)
        points += _sweep("noise", peer, [(BASE_WIDTH, BASE_STRENGTH)], options, skipped)
    report = SpeedReport(tuple(points), _memory(options, skipped), versions, skipped, options.plot)
    if options.plot is not None:
        _write_plot(report, options.plot)
    return report


def _sweep(
    sweep: str, peer: Peer, settings: Sequence[tuple[int, float]], options: SpeedOptions, skipped: dict[str, str]
) -> list[SpeedPoint]:
    """One line of the plot, from cheap to dear; ends early where the next point is forecast beyond the limit."""
    points: list[SpeedPoint] = []
    for width, strength in settings:
        height = width * 9 // 16
        forecast = _forecast(points, width, strength)
        if forecast > options.limit:
            skipped[f"{peer.name} at {width}x{height}, K {strength:g}"] = f"about {forecast:.0f} CPU seconds a frame"
            points.append(SpeedPoint(sweep, peer.name, width, height, strength, math.nan))
            continue
        options.say(f"{peer.name}: {width}x{height}, K {strength:g}")
        try:
            noise = NOISE if sweep == "noise" else 0.0
            seconds = _least(peer, speed_plate(width, height, strength, noise), options.repeats)
        except DependencyError as error:
            skipped[f"{peer.name} at {width}x{height}, K {strength:g}"] = error.message
            seconds = math.nan
        points.append(SpeedPoint(sweep, peer.name, width, height, strength, seconds))
    return points


def _forecast(points: Sequence[SpeedPoint], width: int, strength: float) -> float:
    """CPU seconds if the cost grows with the pixels and with the square of K, which no renderer exceeds."""
    known = [p for p in points if not math.isnan(p.cpu_seconds)]
    if not known:
        return 0.0
    last = known[-1]
    return last.cpu_seconds * (width / last.width) ** 2 * max(strength / last.strength, 1.0) ** 2


def _least(peer: Peer, plate: PlateFrame, repeats: int) -> float:
    """Peers repeat inside :meth:`Peer.render`, where start-up can be shared; ours repeats here."""
    runs = repeats if peer.name in OWN else 1
    return min(seconds for _ in range(max(1, runs)) for seconds in peer.render([plate]).cpu_seconds)


def _memory(options: SpeedOptions, skipped: dict[str, str]) -> tuple[MemoryPoint, ...]:
    if options.memory is None:
        return ()
    width, height, strength = options.memory
    points = []
    for name in options.renderers:
        if name not in OWN.values():
            continue
        options.say(f"peak memory of Rackfocus {name}: {width}x{height}, K {strength:g}")
        try:
            points.append(measure_memory(width, height, strength, "draft" if name == "draft" else "final"))
        except DependencyError as error:
            skipped[f"memory of Rackfocus {name}"] = error.message
    return tuple(points)


def _write_plot(report: SpeedReport, path: Path) -> None:
    """Two panels: over K and over width."""
    chart = line_chart(
        "Processor time for one frame, start-up and files left out",
        (
            _panel(report, "K", "1024 x 576, over blur strength", "K (pixels)"),
            _panel(report, "size", "K = 20 at 1024 and in proportion, over size", "width (pixels, 16:9)"),
        ),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(chart, encoding="utf-8")
    except OSError as error:
        raise OutputWriteError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _panel(report: SpeedReport, sweep: str, title: str, x_label: str) -> Panel:
    mine = [p for p in report.points if p.sweep == sweep]

    def place(point: SpeedPoint) -> float:
        return point.strength if sweep == "K" else float(point.width)

    lines = tuple(
        Series(name, tuple((place(p), p.cpu_seconds) for p in mine if p.renderer == name)) for name in report.versions
    )
    ticks = tuple(dict.fromkeys(place(p) for p in mine)) or (1.0,)
    return Panel(title, x_label, "CPU seconds", lines, ticks, (VIEWER,))
