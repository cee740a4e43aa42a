"""Curves of an evaluation as SVG: PSNR over K, and over the distance from a depth edge."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from training.benchmark.plot import Panel, Series, line_chart
from training.evaluation.jobs import Score
from training.evaluation.running import SetEvaluation
from training.metrics import EDGE_BINS, decibels

__all__ = ["curves", "over_distance", "over_strength"]

Points = tuple[tuple[float, float], ...]

_STEPS: Final = 2
"""Bins of K for each doubling."""


def over_strength(scores: Sequence[Score]) -> Points:
    """(K, PSNR): frames whose K lies within the same half of a doubling are pooled; K is their geometric mean.

    Frames without blur are left out, since K has no logarithm there.
    """
    bins: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for score in scores:
        for strength, error in zip(score.strengths, score.squared_errors, strict=True):
            if strength > 0:
                bins[round(math.log2(strength) * _STEPS)].append((strength, error))
    points = []
    for _, held in sorted(bins.items()):
        strength = math.exp(sum(math.log(k) for k, _ in held) / len(held))
        points.append((strength, decibels(sum(error for _, error in held) / len(held))))
    return tuple(points)


def over_distance(scores: Sequence[Score]) -> Points:
    """(distance in pixels, PSNR): errors of all frames pooled in each of ``EDGE_BINS``; a bin stands at its middle.

    The bin without an end stands at twice its beginning.
    """
    points = []
    for index, (begin, end) in enumerate(pairwise(EDGE_BINS)):
        total = sum(score.distance_errors[index][0] for score in scores)
        count = sum(score.distance_errors[index][1] for score in scores)
        middle = 2.0 * begin if math.isinf(end) else (begin + end) / 2.0
        if count:
            points.append((middle, decibels(total / count)))
    return tuple(points)


def curves(found: SetEvaluation) -> str:
    """Both curves of every contender, on unspoiled disparity if there is any; a whole SVG document."""
    way = found.plain.name
    mine = {spec.name: found.of(spec.name, way) for spec in found.options.contenders}
    strengths = tuple(Series(name, over_strength(scores)) for name, scores in mine.items() if scores)
    distances = tuple(Series(name, over_distance(scores)) for name, scores in mine.items() if scores)
    ticks = [2.0**power for power in range(-1, 8)]
    largest = max((k for series in strengths for k, _ in series.points), default=32.0)
    least = min((k for series in strengths for k, _ in series.points), default=1.0)
    low = max((tick for tick in ticks if tick <= least), default=ticks[0])
    high = min((tick for tick in ticks if tick >= max(largest, 2.0 * low)), default=ticks[-1])
    return line_chart(
        "How near to the truth",
        (
            Panel(
                "by blur strength", "K, pixels", "PSNR dB", strengths,
                tuple(tick for tick in ticks if low <= tick <= high), linear=True,
            ),
            Panel(
                "by distance from a depth edge", "pixels", "PSNR dB", distances, (0.5, 1.5, 3, 6, 12, 24, 48, 128),
                linear=True,
            ),
        ),
    )  # fmt: skip
