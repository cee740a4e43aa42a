"""Curves as Nuke has them: slopes and tensions on both sides of a key, and what lies beyond the ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass
class AnimationKey:
    """A key: value, slopes in value per frame, and tensions, which are handle lengths in thirds of the gap."""

    x: float
    y: float
    lslope: float = 0.0
    rslope: float = 0.0
    la: float = 1.0
    ra: float = 1.0
    interpolation: str = "user"  # to the next key: user, constant, linear


class AnimationCurve:
    """Evaluated in floats of 64 bits; beyond the ends it is held, or the end's tangent goes on."""

    def __init__(self, keys: Sequence[AnimationKey], extrapolation: str = "constant") -> None:
        self._keys = sorted(keys, key=lambda key: key.x)
        self.extrapolation = extrapolation

    @property
    def all_keys(self) -> list[AnimationKey]:
        return list(self._keys)

    def scaled(self, by: float) -> AnimationCurve:
        """The same shape, so many times as high."""
        keys = [replace(k, y=k.y * by, lslope=k.lslope * by, rslope=k.rslope * by) for k in self._keys]
        return AnimationCurve(keys, self.extrapolation)

    def set_key(self, x: float, y: float) -> None:
        self._keys = sorted([k for k in self._keys if k.x != x] + [AnimationKey(x, y)], key=lambda key: key.x)

    def evaluate(self, t: float) -> float:
        first, last = self._keys[0], self._keys[-1]
        if t <= first.x or t >= last.x:
            end, slope = (first, first.lslope) if t <= first.x else (last, last.rslope)
            return end.y + (slope * (t - end.x) if self.extrapolation == "linear" else 0.0)
        at = max(i for i, key in enumerate(self._keys) if key.x <= t)
        return _between(self._keys[at], self._keys[at + 1], t)


def _between(a: AnimationKey, b: AnimationKey, t: float) -> float:
    if a.interpolation == "constant" or t == a.x:
        return a.y
    width = b.x - a.x
    if a.interpolation == "linear":
        return a.y + (b.y - a.y) * (t - a.x) / width
    across, back = a.ra * width / 3, b.la * width / 3
    times = (a.x, a.x + across, b.x - back, b.x)
    values = (a.y, a.y + a.rslope * across, b.y - b.lslope * back, b.y)
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _bezier(times, middle) < t else (low, middle)
    return _bezier(values, (low + high) / 2)


def _bezier(points: tuple[float, float, float, float], s: float) -> float:
    r = 1 - s
    return r**3 * points[0] + 3 * r * r * s * points[1] + 3 * r * s * s * points[2] + s**3 * points[3]
