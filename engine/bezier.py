"""Cubic Bezier segments in the plane of frames and values: evaluation, tangents at the ends, exact subdivision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Four", "Segment", "solve_time", "steepness", "straight"]

Four = tuple[float, float, float, float]


def steepness(rise: float, run: float) -> float:
    """Value per frame of a tangent; 0 for one that stands upright, to a millionth of a frame."""
    return rise / run if abs(run) > 1e-6 else 0.0


@dataclass(frozen=True)
class Segment:
    """The curve between two keys.

    Attributes:
        frames, values: the four control points; the frames are in rising order or equal.
        kind: ``bezier``; or ``straight``, of which only the ends count; or ``step``, which stays at the first value.
    """

    frames: Four
    values: Four
    kind: Literal["step", "straight", "bezier"]

    def __call__(self, frame: float) -> float:
        """The value at a frame inside the segment."""
        first, last = self.frames[0], self.frames[3]
        if self.kind == "step":
            return self.values[0]
        u = (frame - first) / (last - first)
        if self.kind == "straight":
            return self.values[0] + (self.values[3] - self.values[0]) * u
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
                return steepness(rise, run)
        return 0.0

    def split(self, frame: float) -> tuple[Segment, Segment]:
        """The two parts before and after a frame inside, together exactly the same curve (de Casteljau)."""
        first, last = self.frames[0], self.frames[3]
        u = (frame - first) / (last - first)
        t = self._parameter(u) if self.kind == "bezier" else u
        before_f, after_f = _subdivide(self.frames, t)
        before_v, after_v = _subdivide(self.values, t)
        if self.kind == "step":
            before_v = after_v = (self.values[0],) * 4
        # The cut is put at the frame itself, not a rounding error beside it.
        before = Segment((*before_f[:3], frame), before_v, self.kind)
        return before, Segment((frame, *after_f[1:]), after_v, self.kind)


def straight(first: float, start: float, last: float, end: float) -> Segment:
    """A straight segment between two points."""
    third = (last - first) / 3
    rise = (end - start) / 3
    return Segment((first, first + third, last - third, last), (start, start + rise, end - rise, end), "straight")


def _bernstein(p: Four, t: float) -> float:
    # As offsets from the first point, so that a flat segment is flat to the last bit.
    s = 1 - t
    return p[0] + (3 * (p[1] - p[0]) * s * s * t + 3 * (p[2] - p[0]) * s * t * t + (p[3] - p[0]) * t * t * t)


def _subdivide(p: Four, t: float) -> tuple[Four, Four]:
    def mix(a: float, b: float) -> float:
        return a + (b - a) * t

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
