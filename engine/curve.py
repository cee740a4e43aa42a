"""Animation curves: keys, tangents, interpolation, and what happens before the first and after the last key.

A curve is what an artist sees in a host's curve editor: between two keys it is constant, linear, or a cubic Bezier
whose handles lie at any place in the plane of frames and values. It is evaluated one frame at a time.

Automatic tangents follow Blender's "Auto Clamped" handles: a third of the way to the neighbour, flat at extremes and at
ends that hold, else the mean of the two slopes, limited so that nothing overshoots. Each depends on the two
neighbouring keys alone, so that moving a key never changes a distant part of the curve.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isfinite
from typing import Final, Literal, Protocol

from engine.bezier import Segment, steepness, straight
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
    def frames(self) -> float: ...
    @property
    def value(self) -> float: ...


class KeyShape(Protocol):
    """A key of the shot document."""

    @property
    def frame(self) -> float: ...
    @property
    def value(self) -> float: ...
    @property
    def interpolation(self) -> Interpolation: ...
    @property
    def left(self) -> HandleShape | None: ...
    @property
    def right(self) -> HandleShape | None: ...


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
    _segments: tuple[Segment, ...] = field(init=False, repr=False, compare=False)
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
        return steepness(handle[1], handle[0]) if handle is not None else 0.0

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
        pieces = (
            [straight(first, self(first), self._frames[0], self(self._frames[0]))] if first < self._frames[0] else []
        )
        pieces += self._segments
        if last > self._frames[-1]:
            pieces.append(straight(self._frames[-1], self(self._frames[-1]), last, self(last)))
        kept: list[Segment] = []
        for piece in pieces:
            if piece.frames[3] <= first or piece.frames[0] >= last:
                continue
            if piece.frames[0] < first:
                piece = piece.split(first)[1]
            if piece.frames[3] > last:
                piece = piece.split(last)[0]
            kept.append(piece)
        return Curve(_keys_of(kept, self(last)))


def _keys_of(segments: list[Segment], last_value: float) -> tuple[CurveKey, ...]:
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
    into = _secant(previous, key) if previous else None
    out = _secant(key, following) if following else None
    left = right = _automatic_slope(into, out, curve.before, curve.after)
    given = key.left or key.right
    if given is not None and given[0]:
        # An automatic handle goes on in line with the one that is given, as far as it does not overshoot.
        left, right = _limited(given[1] / given[0], into), _limited(given[1] / given[0], out)
    back = (key.frame - previous.frame) / 3 if previous else 0.0
    ahead = (following.frame - key.frame) / 3 if following else 0.0
    return key.left or (-back, -back * left), key.right or (ahead, ahead * right)


def _secant(key: CurveKey, following: CurveKey) -> float:
    return (following.value - key.value) / (following.frame - key.frame)


def _automatic_slope(into: float | None, out: float | None, before: Extrapolation, after: Extrapolation) -> float:
    """Value per frame of an automatic tangent between the straight lines into and out of a key."""
    if into is None:
        return out if out is not None and before == "linear" else 0.0
    if out is None:
        return into if after == "linear" else 0.0
    return _limited(_limited(into / 2 + out / 2, into), out)


def _limited(slope: float, secant: float | None) -> float:
    """The slope, but no steeper than lets the curve overshoot: three times the straight line's, and never against it.

    Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation", 1980.
    """
    if secant is None or (slope > 0) != (secant > 0) or secant == 0:
        return 0.0
    return min(slope, 3 * secant) if slope > 0 else max(slope, 3 * secant)


def _segment(key: CurveKey, following: CurveKey, right: Offset, left: Offset) -> Segment:
    first, last, start, end = key.frame, following.frame, key.value, following.value
    if key.interpolation == "linear":
        return straight(first, start, last, end)
    if key.interpolation == "constant":
        return Segment((first, first, last, last), (start, start, start, start), "step")
    if key.interpolation in EASES:
        a, b = EASES[key.interpolation]
        rise, third = end - start, (last - first) / 3
        return Segment(
            (first, first + third, last - third, last), (start, start + a * rise, start + b * rise, end), "bezier"
        )
    right, left = _within(right, left, last - first)
    return Segment(
        (first, first + right[0], last + left[0], last), (start, start + right[1], end + left[1], end), "bezier"
    )


def _within(right: Offset, left: Offset, length: float) -> tuple[Offset, Offset]:
    """Handles scaled back, time and value together, so that neither reaches past the other key and time cannot turn."""
    if right[0] > length:
        right = (length, right[1] * (length / right[0]))
    if -left[0] > length:
        left = (-length, left[1] * (length / -left[0]))
    return right, left
