"""The focal point over time: keys as pixel, disparity or distance, resolved into one curve of disparity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, isfinite
from typing import TYPE_CHECKING

import numpy as np

from engine.curve import Curve, CurveKey
from engine.depth.conventions import DepthLimits
from engine.errors import KeysError, OpticsError, require
from engine.frames import Float32Array

if TYPE_CHECKING:
    from engine.shot import Depth, FocusKey, Shot

__all__ = ["Sampler", "focus_curve", "frame_of", "sample_disparity"]

Sampler = Callable[[int, float, float, int], float]
"""Disparity of a frame around x, y (pixels from the top left of the display window) within a radius in pixels."""


def focus_curve(shot: Shot, limits: DepthLimits, sample: Sampler) -> Callable[[float], float]:
    """The focal disparity d_f of every frame.

    Pixel keys are read once, here, each on its own frame (the nearest whole one). The curve runs through disparities,
    or through distances in world units if ``focus.space`` says so; handles of keys are in that same unit.

    Args:
        shot: its ``focus`` and ``depth``.
        limits: of the shot's depth.
        sample: reads the disparity that a pixel key points at.

    Returns:
        A function of the frame number; its value may lie outside 0..1 where the focus is nearer or farther than all
        that is seen. It raises OpticsError where a curve of distances reaches 0.

    Raises:
        OpticsError: distances are asked of a depth that holds none, or a key of a curve of distances is at infinity.
    """
    focus = shot.focus
    disparities = [_disparity_of(key, shot, limits, sample) for key in focus.keys]
    if focus.space == "disparity":
        keys = [_keyed(key, value) for key, value in zip(focus.keys, disparities, strict=True)]
        return Curve(tuple(keys), focus.before, focus.after)
    keys = []
    for key, disparity in zip(focus.keys, disparities, strict=True):
        distance = key.distance if key.distance is not None else limits.distance_at(disparity, shot.depth)
        require(
            isfinite(distance),
            OpticsError,
            f"focus.keys: the key at frame {key.frame:g} lies at infinity, through which no curve of distances runs; "
            'set focus.space to "disparity"',
        )
        keys.append(_keyed(key, distance))
    return _FocusThroughDistances(Curve(tuple(keys), focus.before, focus.after), limits, shot.depth)


@dataclass(frozen=True)
class _FocusThroughDistances:
    """A curve of distances, read as disparities."""

    curve: Curve
    limits: DepthLimits
    depth: Depth

    def __call__(self, frame: float) -> float:
        distance = self.curve(frame)
        require(
            distance > 0,
            OpticsError,
            f"frame {frame:g}: the focus distance is {distance:g}, but it must stay above 0; correct the focus keys",
        )
        return self.limits.disparity_at(distance, self.depth)


def _keyed(key: FocusKey, value: float) -> CurveKey:
    left = None if key.left is None else (key.left.frames, key.left.value)
    right = None if key.right is None else (key.right.frames, key.right.value)
    return CurveKey(key.frame, value, key.interpolation, left, right)


def _disparity_of(key: FocusKey, shot: Shot, limits: DepthLimits, sample: Sampler) -> float:
    if key.disparity is not None:
        return key.disparity
    if key.distance is not None:
        return limits.disparity_at(key.distance, shot.depth)
    assert key.pixel is not None  # the document holds exactly one of the three
    x, y = key.pixel
    return sample(frame_of(key), x, y, shot.focus.sample_radius)


def frame_of(key: FocusKey) -> int:
    """The frame that a pixel key reads: the nearest whole one."""
    # Halves go up, so that it does not depend on whether the number is even.
    return floor(key.frame + 0.5)


def sample_disparity(disparity: Float32Array, x: float, y: float, radius: int) -> float:
    """The disparity of what is seen at a point: the median over the disc of pixels around it.

    The median is always one of the pixels' own values (the lower of the middle two), so that a point on an edge reads
    one surface or the other and nothing between.

    Args:
        disparity: (H, W) float32.
        x, y: pixels from the array's top left; +0.5 is a pixel's centre.
        radius: in pixels; 0 reads the one pixel under the point.

    Raises:
        KeysError: the point is outside the picture.
    """
    height, width = disparity.shape
    require(
        0 <= x <= width and 0 <= y <= height,
        KeysError,
        f"focus point {x:g}, {y:g} is outside the picture of {width}x{height} pixels; move it inside",
    )
    column, row = min(int(x), width - 1), min(int(y), height - 1)
    left, top = max(column - radius, 0), max(row - radius, 0)
    area = disparity[top : row + radius + 1, left : column + radius + 1]
    rows, columns = np.ogrid[top - row : top - row + area.shape[0], left - column : left - column + area.shape[1]]
    values = np.sort(area[rows**2 + columns**2 <= radius**2])
    return float(values[(len(values) - 1) // 2])
