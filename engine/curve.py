"""Animation curves: keys, tangents, interpolation, and what happens before the first and after the last key.

A curve is what an artist sees in a host's curve editor: between two keys it is constant, linear, or a cubic Bezier
whose handles lie at any place in the plane of frames and values. It is evaluated one frame at a time.

Automatic tangents are those of Blender's "Auto Clamped" handles (smoothing "None"): a third of the way to the
neighbour, flat at extremes and at ends that hold, else the mean of the two slopes, limited so that nothing overshoots.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isfinite
from typing import Any, Final, Literal, Protocol

from engine.errors import KeysError, require

__all__ = ["Curve", "CurveKey", "Extrapolation", "Interpolation"]

Interpolation = Literal["constant", "linear", "bezier", "ease-in", "ease-out", "ease-in-out", "settle"]
Extrapolation = Literal["hold", "linear"]
Offset = tuple[float, float]

EASES: Final[dict[str, tuple[float, float]]] = {
    "ease-in": (0.0, 1 / 3),  # t^2
    "ease-out": (2 / 3, 1.0),  # 1 - (1 - t)^2
    "ease-in-out": (0.0, 1.0),  # 3 t^2 - 2 t^3
    "settle": (1.0, 1.0),  # 1 - (1 - t)^3
}
"""Values of the two inner control points in the unit square; their times are 1/3 and 2/3, so time runs evenly."""


class HandleShape(Protocol):
    """A handle of the shot document."""

    @property
    def frames(self) -> float: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102


class KeyShape(Protocol):
    """A key of the shot document."""

    @property
    def frame(self) -> float: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def interpolation(self) -> Interpolation: ...  # noqa: D102
    @property
    def left(self) -> Any: ...  # noqa: D102
    @property
    def right(self) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class CurveKey:
    """A key: where, how much, how the curve runs on to the next key.

    Attributes:
        frame: frame number; may lie between frames.
        value: value at the key, which the curve takes exactly.
        interpolation: of the segment from this key to the next.
        left, right: Bezier handles as offsets (frames, value) from the key; None for an automatic, smooth one.
    """

    frame: float
    value: float
    interpolation: Interpolation = "bezier"
    left: Offset | None = None
    right: Offset | None = None

    @classmethod
    def of(cls, key: KeyShape, value: float | None = None) -> CurveKey:
        """A key of the shot document, with another value if one is given."""
        left = None if key.left is None else (key.left.frames, key.left.value)
        right = None if key.right is None else (key.right.frames, key.right.value)
        return cls(key.frame, key.value if value is None else value, key.interpolation, left, right)


@dataclass(frozen=True)
class _Segment:
    """The curve between two keys: four control points, or a step (``steps``), or a straight line (``straight``)."""

    frames: tuple[float, float, float, float]
    values: tuple[float, float, float, float]
    kind: Literal["step", "straight", "bezier"]

    def __call__(self, frame: float) -> float:
        first, last = self.frames[0], self.frames[3]
        if self.kind == "step":
            return self.values[0]
        u = (frame - first) / (last - first)
        if self.kind == "straight":
            return self.values[0] * (1 - u) + self.values[3] * u
        return _bernstein(self.values, self._parameter(u))

    def _parameter(self, u: float) -> float:
        """The Bezier parameter t at which the share u of the segment's time has passed."""
        first, a, b, last = self.frames
        length = last - first
        return solve_time(u, (a - first) / length, (b - first) / length)

    def slope(self, end: Literal["start", "end"]) -> float:
        """Value per frame at an end; 0 for a step and for a tangent that stands upright."""
        if self.kind == "step":
            return 0.0
        points = list(zip(self.frames, self.values, strict=True))
        if end == "end":
            points.reverse()
        if self.kind == "straight":
            points = [points[0], points[3]]
        here = points[0]
        # A handle of no length leaves the tangent to the next control point.
        for there in points[1:]:
            if there != here:
                rise, run = there[1] - here[1], there[0] - here[0]
                return rise / run if run else 0.0
        return 0.0

    def split(self, frame: float) -> tuple[_Segment, _Segment]:
        """The two parts before and after a frame inside, together exactly the same curve (de Casteljau)."""
        first, last = self.frames[0], self.frames[3]
        u = (frame - first) / (last - first)
        t = self._parameter(u) if self.kind == "bezier" else u
        before_f, after_f = _subdivide(self.frames, t)
        before_v, after_v = _subdivide(self.values, t)
        if self.kind == "step":
            before_v = after_v = (self.values[0],) * 4
        # The cut is put at the frame itself, not a rounding error beside it.
        before = _Segment((*before_f[:3], frame), before_v, self.kind)
        return before, _Segment((frame, *after_f[1:]), after_v, self.kind)


@dataclass(frozen=True)
class Curve:
    """An animation curve: call it with a frame number, whole or not, to get its value.

    Attributes:
        keys: one or more, in rising order of frames.
        before, after: outside the keys the end's value is held, or the end's tangent goes on.

    Raises:
        KeysError: no keys, keys out of order or repeated, values that are not finite, a handle on the wrong side.
    """

    keys: tuple[CurveKey, ...]
    before: Extrapolation = "hold"
    after: Extrapolation = "hold"
    _segments: tuple[_Segment, ...] = field(init=False, repr=False, compare=False)
    _frames: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.keys)
        object.__setattr__(self, "_frames", tuple(key.frame for key in self.keys))
        handles = [_handles(self, at) for at in range(len(self.keys))]
        segments = tuple(
            _segment(key, after, handles[at][1], handles[at + 1][0])
            for at, (key, after) in enumerate(pairwise(self.keys))
        )
        object.__setattr__(self, "_segments", segments)

    @classmethod
    def of(cls, keys: Iterable[KeyShape], before: Extrapolation = "hold", after: Extrapolation = "hold") -> Curve:
        """A curve of the shot document's keys."""
        return cls(tuple(CurveKey.of(key) for key in keys), before, after)

    @classmethod
    def constant(cls, value: float) -> Curve:
        """A curve that is the same everywhere."""
        return cls((CurveKey(0.0, value),))

    def __call__(self, frame: float) -> float:
        """The value at a frame; exactly the key's value at a key."""
        require(isfinite(frame), KeysError, f"frame {frame} is not a frame number; give a finite number")
        at = bisect_right(self._frames, frame) - 1
        if at < 0:
            return self._beyond(frame, self.keys[0], self.before, "start")
        if frame == self._frames[at]:
            return self.keys[at].value
        if at == len(self.keys) - 1:
            return self._beyond(frame, self.keys[-1], self.after, "end")
        return self._segments[at](frame)

    def _beyond(self, frame: float, key: CurveKey, mode: Extrapolation, end: Literal["start", "end"]) -> float:
        if mode == "hold":
            return key.value
        return key.value + self._end_slope(end) * (frame - key.frame)

    def _end_slope(self, end: Literal["start", "end"]) -> float:
        """Tangent at an end, from inside; a lone key has only its handles."""
        if self._segments:
            return self._segments[0 if end == "start" else -1].slope(end)
        handle = self.keys[0].right or self.keys[0].left
        return handle[1] / handle[0] if handle is not None and handle[0] else 0.0

    def trim(self, first: float, last: float, mode: Literal["hold", "expand"] = "hold") -> Curve:
        """The curve of a clip whose in and out points have been moved.

        Args:
            first, last: the in and out frame.
            mode: ``hold`` cuts the curve at in and out, with its shape between them kept exactly, and holds the cut's
                values outside. ``expand`` stretches the keys' times so that the first key lies at in and the last at
                out; a lone key moves to in.

        Raises:
            KeysError: out is before in, or keys would fall together.
        """
        require(
            isfinite(first) and isfinite(last) and first <= last,
            KeysError,
            f"cannot trim keys to {first:g}-{last:g}; give an out frame that is not before the in frame",
        )
        return self._cut(first, last) if mode == "hold" else self._stretched(first, last)

    def _stretched(self, first: float, last: float) -> Curve:
        if len(self.keys) == 1:
            return replace(self, keys=(replace(self.keys[0], frame=first),))
        require(first < last, KeysError, f"cannot expand {len(self.keys)} keys into the one frame {first:g}; widen it")
        start, end = self._frames[0], self._frames[-1]
        scale = (last - first) / (end - start)

        def moved(key: CurveKey) -> CurveKey:
            left = None if key.left is None else (key.left[0] * scale, key.left[1])
            right = None if key.right is None else (key.right[0] * scale, key.right[1])
            # Both ends are hit exactly, whatever the rounding of the scale.
            share = (key.frame - start) / (end - start)
            return replace(key, frame=first * (1 - share) + last * share, left=left, right=right)

        return replace(self, keys=tuple(moved(key) for key in self.keys))

    def _cut(self, first: float, last: float) -> Curve:
        if first == last:
            return Curve((CurveKey(first, self(first)),))
        pieces = [self._extended(first, self._frames[0], "start")] if first < self._frames[0] else []
        pieces += self._segments
        if last > self._frames[-1]:
            pieces.append(self._extended(self._frames[-1], last, "end"))
        kept: list[_Segment] = []
        for piece in pieces:
            if piece.frames[3] <= first or piece.frames[0] >= last:
                continue
            if piece.frames[0] < first:
                piece = piece.split(first)[1]
            if piece.frames[3] > last:
                piece = piece.split(last)[0]
            kept.append(piece)
        return Curve(_keys_of(kept, self(last)))

    def _extended(self, first: float, last: float, end: Literal["start", "end"]) -> _Segment:
        """The extrapolated stretch outside the keys as a segment of its own."""
        return _line(first, self(first), last, self(last))


def _keys_of(segments: list[_Segment], last_value: float) -> tuple[CurveKey, ...]:
    """Keys with all handles written out, of segments that follow on each other."""
    keys: list[CurveKey] = []
    names: dict[str, Interpolation] = {"step": "constant", "straight": "linear", "bezier": "bezier"}
    left: Offset | None = None
    for segment in segments:
        f, v = segment.frames, segment.values
        bezier = segment.kind == "bezier"
        right = (f[1] - f[0], v[1] - v[0]) if bezier else None
        keys.append(CurveKey(f[0], v[0], names[segment.kind], left, right))
        left = (f[2] - f[3], v[2] - v[3]) if bezier else None
    return (*keys, CurveKey(segments[-1].frames[3], last_value, "bezier", left, None))


def _check(keys: tuple[CurveKey, ...]) -> None:
    require(len(keys) > 0, KeysError, "keys: a curve needs at least one key; add one")
    for before, after in pairwise(keys):
        if not before.frame < after.frame:
            raise KeysError(
                f"keys: the key at frame {after.frame:g} follows the key at frame {before.frame:g}; "
                "put keys in rising order, one to a frame"
            )
    for key in keys:
        numbers = (key.frame, key.value, *(key.left or ()), *(key.right or ()))
        require(
            all(map(isfinite, numbers)), KeysError, f"keys: the key at frame {key.frame:g} holds a value not finite"
        )
        backwards = (key.left is not None and key.left[0] > 0) or (key.right is not None and key.right[0] < 0)
        require(
            not backwards,
            KeysError,
            f"keys: a handle of the key at frame {key.frame:g} is on the wrong side; "
            "the left handle's frames are zero or less, the right handle's zero or more",
        )


def _handles(curve: Curve, at: int) -> tuple[Offset, Offset]:
    """Left and right handle of a key, automatic where none is given."""
    key = curve.keys[at]
    previous = curve.keys[at - 1] if at > 0 else None
    following = curve.keys[at + 1] if at + 1 < len(curve.keys) else None
    slope = _automatic_slope(key, previous, following, curve.before, curve.after)
    given = key.left or key.right
    if given is not None and given[0]:  # the automatic handle goes on in line with the one that is given
        slope = given[1] / given[0]
    back = (key.frame - previous.frame) / 3 if previous else 0.0
    ahead = (following.frame - key.frame) / 3 if following else 0.0
    return key.left or (-back, -back * slope), key.right or (ahead, ahead * slope)


def _automatic_slope(
    key: CurveKey, previous: CurveKey | None, following: CurveKey | None, before: Extrapolation, after: Extrapolation
) -> float:
    """Value per frame of an automatic tangent."""
    into = (key.value - previous.value) / (key.frame - previous.frame) if previous else None
    out = (following.value - key.value) / (following.frame - key.frame) if following else None
    if into is None:
        return out if out is not None and before == "linear" else 0.0
    if out is None:
        return into if after == "linear" else 0.0
    if into == 0 or out == 0 or (into > 0) != (out > 0):
        return 0.0
    # Three times the gentler slope is the steepest tangent that never overshoots (Fritsch and Carlson, 1980).
    size = min(abs(into / 2 + out / 2), 3 * abs(into), 3 * abs(out))
    return size if into > 0 else -size


def _segment(key: CurveKey, following: CurveKey, right: Offset, left: Offset) -> _Segment:
    first, last, start, end = key.frame, following.frame, key.value, following.value
    if key.interpolation == "linear":
        return _line(first, start, last, end)
    if key.interpolation == "constant":
        return _Segment((first, first, last, last), (start, start, start, start), "step")
    if key.interpolation in EASES:
        a, b = EASES[key.interpolation]
        rise, third = end - start, (last - first) / 3
        return _Segment(
            (first, first + third, last - third, last), (start, start + a * rise, start + b * rise, end), "bezier"
        )
    right, left = _within(right, left, last - first)
    return _Segment(
        (first, first + right[0], last + left[0], last), (start, start + right[1], end + left[1], end), "bezier"
    )


def _line(first: float, start: float, last: float, end: float) -> _Segment:
    third = (last - first) / 3
    rise = (end - start) / 3
    return _Segment((first, first + third, last - third, last), (start, start + rise, end - rise, end), "straight")


def _within(right: Offset, left: Offset, length: float) -> tuple[Offset, Offset]:
    """Handles scaled back, time and value together, so that neither reaches past the other key and time cannot turn."""
    if right[0] > length:
        right = (length, right[1] * (length / right[0]))
    if -left[0] > length:
        left = (-length, left[1] * (length / -left[0]))
    return right, left


def _bernstein(p: tuple[float, float, float, float], t: float) -> float:
    s = 1 - t
    return p[0] * s * s * s + 3 * p[1] * s * s * t + 3 * p[2] * s * t * t + p[3] * t * t * t


def _subdivide(
    p: tuple[float, float, float, float], t: float
) -> tuple[tuple[float, float, float, float], tuple[float, float, float, float]]:
    def mix(a: float, b: float) -> float:
        return a * (1 - t) + b * t

    ab, bc, cd = mix(p[0], p[1]), mix(p[1], p[2]), mix(p[2], p[3])
    abc, bcd = mix(ab, bc), mix(bc, cd)
    middle = mix(abc, bcd)
    return (p[0], ab, abc, middle), (middle, bcd, cd, p[3])


def solve_time(u: float, a: float, b: float) -> float:
    """The t in 0..1 with ``3 a t (1-t)^2 + 3 b t^2 (1-t) + t^3 = u``, for u, a and b in 0..1, where time only rises.

    Newton's steps, each kept inside the bracket that the signs have left, halved where a step leaves it; until the
    time is right to 1e-15 of the segment or nothing moves any more.
    """
    if abs(a - 1 / 3) < 1e-14 and abs(b - 2 / 3) < 1e-14:
        return u  # time runs evenly
    low, high, t = 0.0, 1.0, u
    for _ in range(200):
        s = 1 - t
        error = 3 * a * t * s * s + 3 * b * t * t * s + t * t * t - u
        if abs(error) < 1e-15 or high - low < 1e-16:
            break
        if error > 0:
            high = t
        else:
            low = t
        slope = 3 * (a * s * s + 2 * (b - a) * s * t + (1 - b) * t * t)
        step = t - error / slope if slope > 1e-9 else low
        t = step if low < step < high else (low + high) / 2
    return t
