"""Fusion's splines as keys of a shot document.

A spline is read as it is, tangents included, and then held against the values that Fusion itself gives on every frame.
Fusion's documents and its users disagree on what its tables mean (handles as places or as offsets; which side of a key
a step is on), and extrapolation is not in the tables at all: the reading that goes through every value is the right
one. Where none does (loops, other modifiers, expressions), the values themselves are kept, frame by frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from ..document import curve_keys, sampled_keys
from .kinds import Table

__all__ = ["Curve", "curve_of"]

CLOSE = 1e-7
"""How far a curve may lie from Fusion's own values, where those are about 1."""

Pair = tuple[float, float]


class Curve(NamedTuple):
    """An animated value: part of a shot document.

    Attributes:
        keys: of the document, on frames of the comp.
        before, after: beyond the first and last key, ``hold`` or ``linear``.
        exact: whether the keys are those of the spline, and not values of single frames.
    """

    keys: list[dict[str, Any]]
    before: str = "hold"
    after: str = "hold"
    exact: bool = True

    def part(self, offset: int = 0) -> dict[str, Any]:
        """``focus`` or ``blur`` of the document, ``offset`` frames later."""
        keys = [{**key, "frame": key["frame"] + offset} for key in self.keys]
        return {"keys": keys, "before": self.before, "after": self.after}


class _Key(NamedTuple):
    """A key; handles are offsets from it, ``step`` says that the curve stays at its value until the next."""

    frame: float
    value: float
    left: Pair | None
    right: Pair | None
    step: bool


def curve_of(samples: Mapping[float, float], spline: Table | None = None, kind: str = "value") -> Curve:
    """The curve of a control.

    Args:
        samples: value that Fusion gives for every frame of the shot.
        spline: what ``GetKeyFrames`` of a BezierSpline gives: ``{frame: {1: value, "LH": {1: frame, 2: value}, "RH":
            {...}, "Flags": {"StepIn": True}}}``; None where the control has no spline.
        kind: ``value``, ``disparity`` or ``distance``, see ``document.curve_keys``.
    """
    if spline:
        for absolute, into in product((True, False), (True, False)):
            read = _read(spline, absolute, into)
            ends = None if read is None else _ends(read, samples)
            if read is not None and ends is not None:
                return Curve(curve_keys(_written(read), kind), *ends)
    keys = [{(kind if name == "value" else name): v for name, v in key.items()} for key in sampled_keys(samples)]
    return Curve(keys, exact=len(keys) == 1)


def _read(spline: Table, absolute: bool, into: bool) -> list[_Key] | None:
    """The keys by one reading of the table; None where it cannot be read so.

    Args:
        absolute: handles are places in the plane of frames and values, else offsets from their key.
        into: StepIn is about the way to its key and StepOut about the way from it, else the other way round.
    """
    frames = sorted(frame for frame in spline if isinstance(frame, (int, float)))
    rows = [spline[frame] for frame in frames]
    keys: list[_Key] = []
    for at, (frame, row) in enumerate(zip(frames, rows)):
        value = _entry(row, 0)
        following = rows[at + 1] if at + 1 < len(rows) else None
        here, there = ("StepOut", "StepIn") if into else ("StepIn", "StepOut")
        step = _flag(row, here) or (following is not None and _flag(following, there))
        left, right = (_handle(row, side, (frame, value) if absolute else (0.0, 0.0)) for side in ("LH", "RH"))
        if (left is not None and left[0] > CLOSE) or (right is not None and right[0] < -CLOSE):
            return None
        keys.append(_Key(float(frame), value, left, right, step))
    return keys or None


def _entry(row: Any, at: int) -> float:  # noqa: ANN401  a table, a list or a number
    """An entry of a table, which may have come as a list or, where it holds but one, as that."""
    if isinstance(row, Mapping):
        return float(row[at + 1])
    return float(row[at]) if isinstance(row, (list, tuple)) else float(row)


def _flag(row: Any, name: str) -> bool:  # noqa: ANN401
    flags = row.get("Flags") if isinstance(row, Mapping) else None
    return bool(isinstance(flags, Mapping) and flags.get(name))


def _handle(row: Any, side: str, origin: Pair) -> Pair | None:  # noqa: ANN401
    handle = row.get(side) if isinstance(row, Mapping) else None
    return None if handle is None else (_entry(handle, 0) - origin[0], _entry(handle, 1) - origin[1])


def _ends(keys: Sequence[_Key], samples: Mapping[float, float]) -> tuple[str, str] | None:
    """How the curve goes on beyond its ends, if it then goes through every value."""
    close = CLOSE * max(1.0, *(abs(value) for value in samples.values()))
    found = ["hold", "hold"]
    for end in (0, 1):
        key = keys[-end]
        beyond = {f: v for f, v in samples.items() if (f > key.frame if end else f < key.frame)}
        for mode in ("hold", "linear"):
            slope = _slope(keys, end) if mode == "linear" else 0.0
            if all(abs(key.value + slope * (f - key.frame) - v) <= close for f, v in beyond.items()):
                found[end] = mode
                break
        else:
            return None
    inside = {f: v for f, v in samples.items() if keys[0].frame <= f <= keys[-1].frame}
    fits = all(abs(_value(keys, frame) - value) <= close for frame, value in inside.items())
    return (found[0], found[1]) if fits else None


def _slope(keys: Sequence[_Key], end: int) -> float:
    """Value per frame at the first (0) or last (1) key, from inside."""
    if len(keys) == 1:
        return 0.0
    a, b = (keys[-2], keys[-1]) if end else (keys[0], keys[1])
    if a.step:
        return 0.0
    points = list(zip(*_segment(a, b)))
    if end:
        points.reverse()
    for point in points[1:]:
        if point != points[0]:
            run = point[0] - points[0][0]
            return (point[1] - points[0][1]) / run if run else 0.0
    return 0.0


def _value(keys: Sequence[_Key], frame: float) -> float:
    """The value of a frame between the first and the last key, as the engine has it."""
    at = bisect_right([key.frame for key in keys], frame) - 1
    a = keys[at]
    if frame == a.frame or a.step:
        return a.value
    times, values = _segment(a, keys[at + 1])
    low, high = 0.0, 1.0
    for _ in range(60):  # time never turns back, so halving finds it to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if _bezier(times, middle) < frame else (low, middle)
    return _bezier(values, (low + high) / 2)


def _segment(a: _Key, b: _Key) -> tuple[Sequence[float], Sequence[float]]:
    """Times and values of the four points; a handle that is not given is a third of the straight line."""
    length, rise = b.frame - a.frame, b.value - a.value
    out = a.right or (length / 3, rise / 3)
    back = b.left or (-length / 3, -rise / 3)
    # No handle reaches past the other key: time would turn back.
    out, back = (
        handle if abs(handle[0]) <= length else (handle[0] * (share := length / abs(handle[0])), handle[1] * share)
        for handle in (out, back)
    )
    return (
        (a.frame, a.frame + out[0], b.frame + back[0], b.frame),
        (a.value, a.value + out[1], b.value + back[1], b.value),
    )


def _bezier(p: Sequence[float], t: float) -> float:
    s = 1 - t
    return s * s * s * p[0] + 3 * s * s * t * p[1] + 3 * s * t * t * p[2] + t * t * t * p[3]


def _written(keys: Sequence[_Key]) -> list[dict[str, Any]]:
    """Keys as ``document.curve_keys`` takes them, with every handle that counts written out."""
    written: list[dict[str, Any]] = [{"frame": key.frame, "value": key.value} for key in keys]
    for at, (a, b) in enumerate(zip(keys, keys[1:])):
        kind = "constant" if a.step else "linear" if _is_straight(a, b) else "bezier"
        written[at]["interpolation"] = kind
        if kind == "bezier":
            times, values = _segment(a, b)
            written[at]["right"] = {"frame": times[1] - times[0], "value": values[1] - values[0]}
            written[at + 1]["left"] = {"frame": times[2] - times[3], "value": values[2] - values[3]}
    return written


def _is_straight(a: _Key, b: _Key) -> bool:
    times, values = _segment(a, b)
    length, rise = times[3] - times[0], values[3] - values[0]
    ends = ((times[1] - times[0], values[1] - values[0]), (times[3] - times[2], values[3] - values[2]))
    return all(abs(value * length - time * rise) <= 1e-12 * length * max(1.0, abs(rise)) for time, value in ends)
