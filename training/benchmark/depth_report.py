"""What the benchmark on spoiled depth found, as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from training.benchmark.composed import FOCUSES
from training.benchmark.contenders import OWN
from training.benchmark.table import Rows, best, finite, mean, number

__all__ = ["Behind", "DepthReport", "DepthScore"]

_EXACT: Final = "exact"


@dataclass(frozen=True)
class DepthScore:
    """One renderer on one shot with one way of spoiled disparity. NaN where a measure is not defined.

    Attributes:
        shot, group, way, renderer: what was measured.
        psnr, edge_psnr: decibels over the shot, and within 12 pixels of depth edges.
        speckle: share of calm pixels beside depth edges that stand off their surroundings.
        flicker, faint_flicker: shares of still pixels beside depth edges that change by over 0.08, and by over 0.02.
        cpu_seconds: a frame.
    """

    shot: str
    group: str
    way: str
    renderer: str
    psnr: float
    edge_psnr: float
    speckle: float
    flicker: float
    faint_flicker: float
    cpu_seconds: float


@dataclass(frozen=True)
class Behind:
    """A mean in which one of ours is worse than the best of the others.

    Attributes:
        group, way, renderer: whose mean.
        measure: which field of :class:`DepthScore`.
        value, best: its own and the best other's.
    """

    group: str
    way: str
    renderer: str
    measure: str
    value: float
    best: float


_COMPARED: Final = {"psnr": True, "edge_psnr": True, "speckle": False, "flicker": False, "faint_flicker": False}
"""Measures in which others must not be better, and whether more is better."""

_MEASURES: Final = tuple(f.name for f in fields(DepthScore) if f.type == "float")


@dataclass(frozen=True)
class DepthReport:
    """What :func:`training.benchmark.run_depth` found.

    Attributes:
        scores: of every shot, way and renderer, in the order in which they ran.
        ways: those that were tried, and what each does.
        versions: of the renderers that took part.
        skipped: renderers that did not take part, and why.
        pictures: where the pictures are, if any were asked for.
    """

    scores: tuple[DepthScore, ...]
    ways: dict[str, str]
    versions: dict[str, str]
    skipped: dict[str, str]
    pictures: Path | None = None

    def means(self) -> tuple[DepthScore, ...]:
        """The mean over the shots of a group, for every way and renderer; the shot is called ``mean``."""
        groups = dict.fromkeys(score.group for score in self.scores)
        return tuple(
            _mean(found, group, way, renderer)
            for group in groups
            for way in self.ways
            for renderer in self.versions
            if (found := self._of(group, way, renderer))
        )

    def behind(self) -> tuple[Behind, ...]:
        """Every mean in which a renderer of ours is worse than the best of the others, in any measure but time."""
        means = self.means()
        found = []
        for mine in (m for m in means if m.renderer in OWN):
            others = [m for m in means if (m.group, m.way) == (mine.group, mine.way) and m.renderer not in OWN]
            for measure, larger in _COMPARED.items():
                value, goal = getattr(mine, measure), best((getattr(m, measure) for m in others), larger)
                if (value < goal) if larger else (value > goal):
                    found.append(Behind(mine.group, mine.way, mine.renderer, measure, value, goal))
        return tuple(found)

    def rows(self) -> Rows:
        """The means, with what each way costs a renderer against exact disparity (in decibels, positive is lost)."""
        means = self.means()
        exact = {(m.group, m.renderer): m for m in means if m.way == _EXACT}
        lines = []
        for m in means:
            base = exact[m.group, m.renderer]
            # In decibels first, then shares in hundredths, then seconds.
            cells = (
                *(number(value, 2) for value in (m.psnr, base.psnr - m.psnr)),
                *(number(value, 2) for value in (m.edge_psnr, base.edge_psnr - m.edge_psnr)),
                *(number(100.0 * share, 3) for share in (m.speckle, m.flicker, m.faint_flicker)),
                number(m.cpu_seconds, 3),
            )
            lines.append((m.group, m.way, m.renderer, *cells))
        return (_HEADER, *lines)

    def cells(self) -> Rows:
        """PSNR of the composed pictures, a row for a picture, way and renderer: near / far / both."""
        composed = {
            (score.shot, score.way, score.renderer): score.psnr for score in self.scores if score.group == "composed"
        }
        pictures = dict.fromkeys(shot.rpartition("-")[0] for shot, _, _ in composed)
        lines = []
        for picture in pictures:
            for way in self.ways:
                for renderer in self.versions:
                    values = [composed.get((f"{picture}-{focus}", way, renderer)) for focus in FOCUSES]
                    cell = " / ".join("-" if value is None else number(value, 1) for value in values)
                    lines.append((picture, way, renderer, cell))
        return (("picture", "way", "renderer", f"PSNR dB, {' / '.join(FOCUSES)}"), *lines)

    def to_json(self) -> str:
        """All of it as a JSON object."""
        return json.dumps(
            {
                "shots": [_plain(score) for score in self.scores],
                "means": [_plain(score) for score in self.means()],
                "behind": [{**asdict(b), "value": finite(b.value), "best": finite(b.best)} for b in self.behind()],
                "ways": self.ways,
                "versions": self.versions,
                "skipped": self.skipped,
                "pictures": str(self.pictures) if self.pictures else None,
            },
            indent=2,
        )

    def _of(self, group: str, way: str, renderer: str) -> list[DepthScore]:
        return [s for s in self.scores if (s.group, s.way, s.renderer) == (group, way, renderer)]


_HEADER = (
    "shots",
    "way",
    "renderer",
    "PSNR dB",
    "lost",
    "edge PSNR dB",
    "lost",
    "speckle %",
    "flicker %",
    "faint flicker %",
    "CPU s/frame",
)


def _mean(scores: Sequence[DepthScore], group: str, way: str, renderer: str) -> DepthScore:
    values = {key: mean(getattr(score, key) for score in scores) for key in _MEASURES}
    return DepthScore("mean", group, way, renderer, **values)


def _plain(score: DepthScore) -> dict[str, object]:
    return {key: finite(value) if isinstance(value, float) else value for key, value in asdict(score).items()}
