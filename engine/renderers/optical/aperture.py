"""The lens's opening as a set of weighted points.

The opening is what a point of light looks like out of focus. It is sampled by points that lie evenly in it: each is an
eye that looks at the scene, and its weight is the light that passes there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sqrt

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.errors import OpticsError, require
from engine.frames import Float32Array
from engine.shot import Aperture

__all__ = ["NEAREST_GRID", "Lens", "lens_points", "opening_integral", "points_for"]

GOLDEN_ANGLE = pi * (3.0 - sqrt(5.0))
OPENING_GRID = 512
NEAREST_GRID = 96


@dataclass(frozen=True, eq=False)
class Lens:
    """Lens points.

    Attributes:
        points: (N, 3) float32: x to the right, y down, both within the unit disc (a custom picture: the unit square),
            and weight; the weights sum to one.
        spacing: typical distance between neighbouring points along x and y, in radii.
        nearest: (P P, K) int32, the points nearest to each cell of the square from (-1, -1) to (1, 1), for lamps: a
            thin, blurred thing in front hides a place from a few points, and one alone would answer yes or no.
        opening: (G + 1, G + 1) integral of the opening's light over the same square; the last value is 1.
        cats_eye: 0 to 1, as in :class:`~engine.shot.Aperture`.
    """

    points: Float32Array
    spacing: tuple[float, float]
    nearest: NDArray[np.int32]
    opening: NDArray[np.float64]
    cats_eye: float


def points_for(radius: float, *, distance: float, rate: float, least: int, most: int) -> int:
    """How many points a largest disc of ``radius`` pixels is given.

    Enough that they lie ``distance`` pixels apart, but no more than ``rate * sqrt(radius)``: cost then grows more
    slowly than the radius, and what lies between the points is spread (see ``spread``).
    """
    return int(min(max(min(pi * (radius / distance) ** 2, rate * sqrt(radius)), least), most))


def lens_points(
    aperture: Aperture,
    number: int,
    opening: NDArray[np.float64],
    picture: Float32Array | None = None,
    *,
    askers: int = 9,
) -> Lens:
    """Even points in the opening.

    A disc is filled by Vogel's spiral (H. Vogel, "A better way to construct the sunflower head", 1979), whose points
    have equal areas and, seen from any side, no two in line. Other outlines stretch the disc, and weights keep the
    light per area even.

    Args:
        aperture: the shape.
        number: how many points.
        opening: see :func:`opening_integral`.
        picture: (H, W) weights of a custom shape, zero or more; used in place of blades and ring.
        askers: how many points a place of the opening asks whether it sees a lamp.
    """
    if picture is not None:
        points, distance = _points_in_picture(picture, number)
        turn = np.radians(aperture.rotation)
    else:
        points, distance = _points_in_outline(aperture, number), sqrt(pi / number)
        turn = 0.0
    x = points[:, 0] * np.cos(turn) + points[:, 1] * np.sin(turn)
    y = -points[:, 0] * np.sin(turn) + points[:, 1] * np.cos(turn)
    # The squeeze of an anamorphic lens is the last thing to happen: the oval stands upright whatever the rotation.
    wide, high = min(aperture.aspect, 1.0), 1.0 / max(aperture.aspect, 1.0)
    x, y = x * wide, y * high
    weight = points[:, 2] / points[:, 2].sum()
    stacked = np.ascontiguousarray(np.stack([x, y, weight], axis=1).astype(np.float32))
    return Lens(
        points=stacked,
        spacing=(distance * wide, distance * high),
        nearest=_nearest_points(stacked, NEAREST_GRID, min(askers, len(stacked))),
        opening=opening,
        cats_eye=aperture.cats_eye,
    )


def opening_integral(aperture: Aperture, picture: Float32Array | None = None) -> NDArray[np.float64]:
    """Integral of the opening's light over the square, from its top left corner; (G + 1, G + 1), the last value is 1.

    Raises:
        OpticsError: the custom picture is black.
    """
    middle = (np.arange(OPENING_GRID, dtype=np.float64) + 0.5) / OPENING_GRID * 2.0 - 1.0
    x, y = np.meshgrid(middle / min(aperture.aspect, 1.0), middle * max(aperture.aspect, 1.0))
    if picture is None:
        angle = np.arctan2(y, x)
        share = np.hypot(x, y) / _outline(angle, aperture)
        light = np.where(share <= 1.0, _profile(np.minimum(share, 1.0), aperture), 0.0)
    else:
        turn = np.radians(aperture.rotation)
        u = x * np.cos(turn) - y * np.sin(turn)
        v = x * np.sin(turn) + y * np.cos(turn)
        height, width = picture.shape
        side = max(height, width) / 2.0
        column = np.floor(u * side + width / 2.0).astype(int)
        row = np.floor(v * side + height / 2.0).astype(int)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        clean = np.maximum(np.nan_to_num(picture.astype(np.float64)), 0.0)
        light = np.where(inside, clean[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)], 0.0)
    total = light.sum()
    require(total > 0.0, OpticsError, "aperture.image: the picture is black everywhere; paint the opening in white")
    integral = np.zeros((OPENING_GRID + 1, OPENING_GRID + 1))
    integral[1:, 1:] = (light / total).cumsum(0).cumsum(1)
    return integral


@nb.njit(cache=True, parallel=True, nogil=True)
def _nearest_points(points: Float32Array, grid: int, number: int) -> NDArray[np.int32]:
    nearest = np.empty((grid * grid, number), np.int32)
    for j in nb.prange(grid):
        v = np.float32((j + 0.5) / grid * 2.0 - 1.0)
        distance = np.empty(number, np.float32)
        for i in range(grid):
            u = np.float32((i + 0.5) / grid * 2.0 - 1.0)
            distance[:] = 1e30
            cell = j * grid + i
            for n in range(points.shape[0]):
                candidate = (points[n, 0] - u) ** 2 + (points[n, 1] - v) ** 2
                if candidate >= distance[number - 1]:
                    continue
                # Into its place among the nearest so far.
                k = number - 1
                while k > 0 and distance[k - 1] > candidate:
                    distance[k] = distance[k - 1]
                    nearest[cell, k] = nearest[cell, k - 1]
                    k -= 1
                distance[k] = candidate
                nearest[cell, k] = n
    return nearest


def _points_in_outline(aperture: Aperture, number: int) -> NDArray[np.float64]:
    index = np.arange(number, dtype=np.float64)
    share = np.sqrt((index + 0.5) / number)
    angle = index * GOLDEN_ANGLE
    edge = _outline(angle, aperture)
    weight = edge**2 * _profile(share, aperture)
    return np.stack([edge * share * np.cos(angle), edge * share * np.sin(angle), weight], axis=1)


def _outline(angle: NDArray[np.float64], aperture: Aperture) -> NDArray[np.float64]:
    """Distance from the middle to the outline in each direction; 1 at a blade's corner."""
    if aperture.blades == 0:
        return np.ones_like(angle)
    wedge = 2.0 * pi / aperture.blades
    # One corner points up at rotation 0; y runs down, so that a counter-clockwise turn is added to the angle.
    offset = np.mod(angle + pi / 2.0 + np.radians(aperture.rotation), wedge) - wedge / 2.0
    straight = cos(wedge / 2.0) / np.cos(offset)
    outline: NDArray[np.float64] = straight + aperture.roundness * (1.0 - straight)
    return outline


def _profile(share: NDArray[np.float64], aperture: Aperture) -> NDArray[np.float64]:
    """Light over the way from the middle (0) to the outline (1)."""
    light = np.ones_like(share)
    if aperture.ring > 0:
        light = (1.0 - 0.6 * aperture.ring) + 3.0 * aperture.ring * _smoothstep(0.78, 0.95, share)
    elif aperture.ring < 0:
        light = 1.0 + aperture.ring * 0.95 * _smoothstep(0.2, 1.0, share)
    if aperture.softness > 0:
        light = light * (1.0 - _smoothstep(1.0 - aperture.softness, 1.0 + 1e-9, share))
    return light


def _smoothstep(low: float, high: float, value: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    step: NDArray[np.float64] = t * t * (3.0 - 2.0 * t)
    return step


def _points_in_picture(picture: Float32Array, number: int) -> tuple[NDArray[np.float64], float]:
    """Points of the square on a low-discrepancy lattice, the picture's mean around each as weight; their distance."""
    light = np.maximum(np.nan_to_num(picture.astype(np.float64)), 0.0)
    height, width = light.shape
    side = max(height, width)
    filled = light.sum() / (light.max() * side * side)
    # More points are laid over the square so that about ``number`` of them fall into the opening.
    laid = int(min(max(number / max(filled, 0.02), number), 40 * number))
    index = np.arange(laid)
    # Roberts' R2 sequence: the plastic number's powers.
    plastic = 1.32471795724474602596
    u = np.mod(0.5 + index / plastic, 1.0)
    v = np.mod(0.5 + index / plastic**2, 1.0)
    x = (2.0 * u - 1.0) * side / 2.0 + width / 2.0
    y = (2.0 * v - 1.0) * side / 2.0 + height / 2.0
    integral = np.zeros((height + 1, width + 1))
    integral[1:, 1:] = light.cumsum(0).cumsum(1)
    half = max(0.5, 0.5 * side / sqrt(laid))
    x0, x1 = (np.clip(np.round(x + s * half), 0, width).astype(int) for s in (-1, 1))
    y0, y1 = (np.clip(np.round(y + s * half), 0, height).astype(int) for s in (-1, 1))
    weight = integral[y1, x1] - integral[y0, x1] - integral[y1, x0] + integral[y0, x0]
    keep = weight > 1e-4 * weight.max()
    points = np.stack([2.0 * u - 1.0, 2.0 * v - 1.0, weight], axis=1)[keep]
    return np.asarray(points, np.float64), 2.0 / sqrt(laid)
