"""Input that cannot be meant: what a shot says is compared with what a few of its frames hold.

Nothing here stops a render. Each finding is one sentence with numbers and the setting that helps; where a picture
could be as it is on purpose, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.depth import DepthLimits
from engine.errors import RackfocusError
from engine.frames import Float32Array, FrameRange
from engine.notices import Notice
from engine.render.looking import Look
from engine.shot import Shot

if TYPE_CHECKING:
    from engine.render.pull import FocusPull

__all__ = ["Facts", "implausible"]

METRIC: Final = ("distance", "inverse")

TOO_MANY: Final = 0.02
"""Share of normalised values that may lie beyond the limits: ringing, a few fireflies."""

MARGIN: Final = 0.01
"""Of the limits' range, by which a value may lie beyond them."""

TOO_NEAR: Final = 0.05
MOSTLY: Final = 0.6
"""Shares of distances that may lie nearer than near, as things that brush the lens do, and farther than far."""

SQUEEZED: Final = 0.02
"""Normalised depth that fills less of 0 to 1 was probably scaled for other limits."""

ZEROS: Final = 0.001
NEGATIVE: Final = 0.5

UNSHARP: Final = 2.0
"""Radius in pixels of a picture 1080 rows high up to which blur is hardly seen."""

INVERTED: Final = (0.8, 0.45)
"""Disparity at the top of the picture above, and at its bottom below which the depth looks turned round."""

EVEN: Final = 0.08
"""A sky or a wall at the top of the picture is all at one depth; what hangs before the lens is not."""

SOFT: Final = 0.36
"""Steepness of the sharpest edges below which a plate is not sharp. Photographs, rendered scenes and pictures enlarged
twice have 0.5 to 2, all of them after a Gaussian blur of 4 pixels 0.25 to 0.43."""

MOVED: Final = 0.08
MOVING: Final = 0.1
"""A block of the plate has changed by so much; a plate moves if so many of its blocks have."""


@dataclass(frozen=True)
class Facts:
    """What is compared.

    Attributes:
        shot: what was said.
        looks: a few frames, in order; none where none can be read.
        limits: of the depth.
        frames: of the shot.
        pull: d_f and K of a frame; None where they are not known.
        bits: of the depth's whole numbers; 0 for floats.
    """

    shot: Shot
    looks: Sequence[Look]
    limits: DepthLimits
    frames: FrameRange
    pull: FocusPull | None
    bits: int

    @property
    def convention(self) -> str:
        """Of the depth."""
        return self.shot.depth.convention

    def values(self) -> Float32Array:
        """The finite depth values of all looks."""
        values = np.concatenate([look.values for look in self.looks])
        found: Float32Array = values[np.isfinite(values)]
        return found

    def range(self) -> tuple[float, float]:
        """The least and the greatest depth value, but for one in a thousand."""
        low, high = np.percentile(self.values(), (0.1, 99.9))
        return float(low), float(high)


def implausible(facts: Facts) -> tuple[Notice, ...]:
    """What should be heard of a shot whose settings and files do not go together, each kind once."""
    if not facts.looks or not facts.values().size:
        return ()
    return tuple(notice for find in _FINDERS for notice in find(facts))


def _whole_numbers(facts: Facts) -> Iterator[Notice]:
    """Integers read as 0 to 1, taken for distances: they are millimetres, or no distances at all."""
    depth = facts.shot.depth
    if facts.convention != "distance" or not facts.bits or depth.scale != 1:
        return
    low, high = facts.range()
    most = 2**facts.bits - 1
    millimetres = f"depth.scale (--depth-scale) to {most / 1000:g} for metres of millimetres, or " if most > 255 else ""
    yield Notice(
        "depth.whole-numbers",
        f"the depth is stored as whole numbers of {facts.bits} bits, which are read as 0 to 1 and taken as distances "
        f"from {low:.3g} to {high:.3g}; set {millimetres}depth.convention (--depth-kind) to near1 (white is near), "
        "far1 (black is near) or inverse",
    )


def _beyond(facts: Facts) -> Iterator[Notice]:
    """Values beyond the limits."""
    near, far = facts.limits.near, facts.limits.far
    values = facts.values()
    rising = far > near
    with np.errstate(over="ignore"):  # of two values at either end of all numbers
        nearer = near - values if rising else values - near
        farther = values - far if rising else far - values
    if facts.convention in METRIC:
        room = MARGIN * abs(near)
        closer, beyond = float(np.mean(nearer > room)), float(np.mean(farther > 0)) if isfinite(far) else 0.0
        if closer <= TOO_NEAR and beyond <= MOSTLY:
            return
        side = f"nearer than depth.near {near:g}" if closer > TOO_NEAR else f"farther than depth.far {far:g}"
        share = closer if closer > TOO_NEAR else beyond
    else:
        room = MARGIN * abs(far - near)
        share = float(np.mean((nearer > room) | (farther > room)))
        side = f"beyond depth.near {near:g} and depth.far {far:g}"
        if share <= TOO_MANY:
            return
    low, high = facts.range()
    ends = (low, high) if rising else (high, low)
    yield Notice(
        "depth.beyond",
        f"{share:.0%} of the depth's values lie {side}, where all is equally near or far; they go from {low:.4g} to "
        f"{high:.4g}; set depth.near (--near) to {ends[0]:.4g} and depth.far (--far) to {ends[1]:.4g}, or correct "
        f"depth.convention (--depth-kind){_perhaps(facts.convention, low, high)}",
    )


def _perhaps(convention: str, low: float, high: float) -> str:
    """The other convention that values beyond 0 to 1 may have."""
    if convention in METRIC or low < 0 or high <= 1.5:
        return ""
    return ': "inverse" for relative inverse depth as estimators write it, "distance" for distances'


def _squeezed(facts: Facts) -> Iterator[Notice]:
    """Normalised values that fill next to nothing of 0 to 1."""
    depth = facts.shot.depth
    if facts.convention in METRIC or depth.near is not None or depth.far is not None:
        return
    low, high = facts.range()
    if 0 < high - low < SQUEEZED and low >= -MARGIN and high <= 1 + MARGIN:
        ends = (low, high) if facts.limits.far > facts.limits.near else (high, low)
        yield Notice(
            "depth.squeezed",
            f"the depth's values go only from {low:.4g} to {high:.4g} of 0 to 1, so that all is at almost one depth; "
            f"set depth.near (--near) to {ends[0]:.4g} and depth.far (--far) to {ends[1]:.4g}",
        )


def _zeros(facts: Facts) -> Iterator[Notice]:
    """Zeros among distances, of which the document does not say what they are."""
    if facts.convention != "distance" or facts.shot.depth.nothing_is != "auto":
        return
    share = float(np.mean([look.zeros for look in facts.looks]))
    if share <= ZEROS:
        return
    taken, other = (
        (
            "are filled from their neighbours, as holes of a depth camera; set depth.nothing_is (--nothing-is) to "
            '"far"',
            "",
        )
        if facts.bits
        else ('are taken as infinitely far; set depth.nothing_is (--nothing-is) to "unknown"', " not")
    )
    yield Notice(
        "depth.zeros",
        f"{share:.1%} of the depth's values are 0, which is no distance: they {taken} if they do{other} mean that "
        "nothing is there",
    )


def _negative(facts: Facts) -> Iterator[Notice]:
    """Distances of which most are negative: the camera looks along -z."""
    share = float(np.mean(facts.values() < 0))
    if facts.convention in METRIC and share > NEGATIVE:
        yield Notice(
            "depth.negative",
            f"{share:.0%} of the depth's values are negative, which no distance is; set depth.scale (--depth-scale) to "
            f"{-facts.shot.depth.scale:g} if they are distances along -z",
        )


def _inverted(facts: Facts) -> Iterator[Notice]:
    """The top of the picture is near, its bottom far, and all between in order: ground and sky changed places."""
    top, bottom = INVERTED
    for look in facts.looks:
        bands = look.bands
        falling = np.count_nonzero(np.diff(bands) < 0.02)
        ordered = bands[0] >= top and bands[-1] <= bottom and falling >= len(bands) - 2  # not of NaN
        if not (ordered and look.top_spread < EVEN):
            return
    other = {"near1": "far1", "far1": "near1", "distance": "inverse", "inverse": "distance"}.get(facts.convention)
    said = (
        f'; set depth.convention (--depth-kind) to "{other}" if near and far are the wrong way round' if other else ""
    )
    first = facts.looks[0].bands
    yield Notice(
        "depth.inverted",
        f"the depth may be turned round: the top of the picture is near (disparity {first[0]:.2f}) and its bottom far "
        f"({first[-1]:.2f}){said}",
    )


def _focus_outside(facts: Facts) -> Iterator[Notice]:
    """Focus in front of or behind everything in every frame, so far that nothing is sharp."""
    shot, looks, pull = facts.shot, facts.looks, facts.pull
    if pull is None:
        return
    nearest = float(np.nanmax([look.nearest for look in looks]))
    farthest = float(np.nanmin([look.farthest for look in looks]))
    with suppress(RackfocusError):
        focus = [pull.focus(frame) for frame in facts.frames]
        gaps = [max(pull.focus(k.frame) - nearest, farthest - pull.focus(k.frame)) for k in looks]
        least = min(
            (gap - shot.in_focus_range) * pull.strength(look.frame) * 1080 / max(look.height, 1)
            for gap, look in zip(gaps, looks, strict=True)
        )
        front, behind = all(f > nearest for f in focus), all(f < farthest for f in focus)
        if (front or behind) and least > UNSHARP:
            yield _focus_notice(
                facts, min(focus), max(focus), (farthest, nearest), "in front of" if front else "behind"
            )


def _focus_notice(facts: Facts, low: float, high: float, depth: tuple[float, float], side: str) -> Notice:
    if facts.convention in METRIC:
        unit = "distance"
        lens = [facts.limits.distance_at(d, facts.shot.depth) for d in (high, low)]
        there = [facts.limits.distance_at(d, facts.shot.depth) for d in (depth[1], depth[0])]
    else:
        unit, lens, there = "disparity", [low, high], list(depth)
    where = (
        f"{_number(lens[0])}" if _number(lens[0]) == _number(lens[1]) else f"{_number(lens[0])} to {_number(lens[1])}"
    )
    correct = "the unit of focus.keys or of the depth (depth.scale)" if unit == "distance" else "focus.keys"
    return Notice(
        "focus.beyond",
        f"focus lies at {unit} {where}, {side} everything in the shot, which lies at {_number(there[0])} to "
        f"{_number(there[1])}: nothing is sharp in any frame; correct {correct}",
    )


def _number(value: float) -> str:
    return "infinity" if value == inf else f"{value:.4g}"


def _soft(facts: Facts) -> Iterator[Notice]:
    """A plate whose sharpest edges are wide in every frame."""
    steep = [look.steepest for look in facts.looks]
    if all(s < SOFT for s in steep):  # NaN, where there are too few edges to tell, is not below
        yield Notice(
            "plate.soft",
            f"the plate may not be sharp: even its sharpest edges are spread over {2 / max(steep):.0f} pixels or more; "
            "blur can be added to it but not taken away, so render it from a picture that is sharp throughout",
        )


def _still(facts: Facts) -> Iterator[Notice]:
    """Depth that never changes, of a plate that does."""
    first, *others = facts.looks
    if not others or any(look.depth != first.depth for look in others):
        return
    moved = [float(np.mean(np.abs(look.thumb - first.thumb) > MOVED)) for look in others]
    if max(moved) > MOVING:
        yield Notice(
            "depth.still",
            f"the depth is the same in all frames that were looked at, but {max(moved):.0%} of the plate changes; give "
            "depth.path (--depth) a sequence or a movie of the shot's own depth",
        )


_FINDERS: Final = (
    *(_whole_numbers, _beyond, _squeezed, _zeros, _negative, _inverted),
    *(_focus_outside, _soft, _still),
)
