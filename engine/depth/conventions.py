"""What depth values mean: from a channel's own values to disparity, 1 nearest to 0 farthest.

| convention | value      | near, far where not given | disparity                               |
|------------|------------|---------------------------|-----------------------------------------|
| distance   | z          | found, infinity           | ``(1/z - 1/far) / (1/near - 1/far)``    |
| inverse    | 1/z        | found, 0                  | ``(v - far) / (near - far)``            |
| near1      | normalised | 1, 0                      | ``(v - far) / (near - far)``            |
| far1       | normalised | 0, 1                      | ``(v - far) / (near - far)``            |
| direct     | disparity  | 1, 0                      | the value itself                        |

Near and far are values of the channel itself; disparity is clamped to 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Final

import numba
import numpy as np

from engine.depth.repair import fill_from_nearest
from engine.errors import DepthRangeError, OpticsError, require
from engine.frames import Float32Array

if TYPE_CHECKING:
    from engine.shot import Depth

__all__ = ["EMPTY_ALPHA", "DepthLimits", "Disparity", "to_disparity"]

DEFAULTS: Final[dict[str, tuple[float | None, float]]] = {
    "distance": (None, inf),
    "inverse": (None, 0.0),
    "near1": (1.0, 0.0),
    "far1": (0.0, 1.0),
    "direct": (1.0, 0.0),
}
"""Near and far of each convention where the document gives none; None has to be found in the shot."""

EMPTY_ALPHA: Final = 1e-3
"""Alpha at or under which a pixel shows nothing, so that dividing by it would only raise noise."""


@dataclass(frozen=True)
class DepthLimits:
    """The values of the depth channel at disparity 1 (near) and at disparity 0 (far), fixed for the shot."""

    near: float
    far: float

    @classmethod
    def given(cls, settings: Depth) -> DepthLimits | None:
        """The limits that the document gives or the convention implies; None if near has to be found in the shot.

        Raises:
            DepthRangeError: the limits leave no range, or lie the wrong way round for the convention.
        """
        near, far = DEFAULTS[settings.convention]
        near = settings.near if settings.near is not None else near
        far = settings.far if settings.far is not None else far
        return None if near is None else cls(near, far).checked(settings.convention)

    def checked(self, convention: str) -> DepthLimits:
        """Itself, if it makes a range under that convention.

        Raises:
            DepthRangeError: it does not.
        """
        near, far = self.near, self.far
        if convention == "distance":
            usable, rule = isfinite(near) and 0 < near < far, "0 < near < far"
        elif convention == "inverse":
            usable, rule = isfinite(near) and 0 <= far < near, "near > far >= 0, both one over a distance"
        elif convention == "far1":
            usable, rule = isfinite(near) and isfinite(far) and near < far, "near < far"
        elif convention == "near1":
            usable, rule = isfinite(near) and isfinite(far) and near > far, "near > far"
        else:
            usable, rule = (near, far) == (1.0, 0.0), "no limits, or near 1 and far 0; near1 takes others"
        require(
            usable and not isnan(far),
            DepthRangeError,
            f'depth.near {near:g} and depth.far {far:g} leave no range for the convention "{convention}", '
            f"which needs {rule}; correct them",
        )
        return self

    def distances(self, settings: Depth) -> tuple[float, float]:
        """Near and far as distances in world units, for a real lens and for focus by distance.

        Raises:
            OpticsError: normalised depth holds no distances.
        """
        if settings.convention == "distance":
            return self.near, self.far
        require(
            settings.convention == "inverse",
            OpticsError,
            f'depth.convention: "{settings.convention}" holds no distances, which a lens and a focus by distance need; '
            'give depth as "distance" or "inverse", or use disparity and K',
        )
        return 1 / self.near, 1 / self.far if self.far > 0 else inf

    def disparity_at(self, distance: float, settings: Depth) -> float:
        """Disparity of a distance in world units; beyond the limits it goes on past 0 and 1."""
        near, far = self.distances(settings)
        return (1 / distance - 1 / far) / (1 / near - 1 / far)

    def distance_at(self, disparity: float, settings: Depth) -> float:
        """Distance in world units at a disparity; infinity where parallel rays meet or beyond."""
        near, far = self.distances(settings)
        inverse = 1 / far + disparity * (1 / near - 1 / far)
        return 1 / inverse if inverse > 0 else inf


@dataclass(frozen=True, eq=False)
class Disparity:
    """Disparity of a frame, every pixel usable.

    Attributes:
        values: (H, W) float32, 1 nearest to 0 farthest.
        repaired: number of pixels that held no usable depth and took their nearest neighbour's.
    """

    values: Float32Array
    repaired: int


def to_disparity(
    values: Float32Array,
    settings: Depth,
    limits: DepthLimits,
    alpha: Float32Array | None = None,
    *,
    frame: int | None = None,
) -> Disparity:
    """Disparity from a depth channel's own values.

    A distance of infinity is the farthest point. Values that no depth has (NaN, negative; a distance of 0; infinity
    under the other conventions) take the value of the nearest usable pixel. Where alpha says that nothing is seen, such
    values, and all values if they are to be unpremultiplied, are the farthest point.

    Args:
        values: (H, W) float32, the channel's values.
        settings: convention, and whether to unpremultiply.
        limits: of the shot, in the channel's values.
        alpha: (H, W) float32, the plate's alpha, where it has one.
        frame: the frame's number, for messages.

    Raises:
        DepthRangeError: no pixel holds a usable value, or the limits leave no range.
    """
    limits.checked(settings.convention)
    metric = settings.convention == "distance"
    far_end = 1 / limits.far if metric else limits.far
    near_end = 1 / limits.near if metric else limits.near
    signed = settings.convention not in ("distance", "inverse")
    source = np.ascontiguousarray(values, dtype=np.float32)
    cover = np.ones((1, 1), np.float32) if alpha is None else np.ascontiguousarray(alpha, dtype=np.float32)
    divide = settings.unpremultiply and alpha is not None
    disparity = np.empty_like(source)
    _normalise(source, cover, alpha is not None, divide, metric, signed, far_end, 1 / (near_end - far_end), disparity)
    invalid = np.isnan(disparity)
    count = int(np.count_nonzero(invalid))
    if count == disparity.size:
        where = "depth" if frame is None else f"frame {frame}: depth"
        raise DepthRangeError(
            f'{where} holds no value that "{settings.convention}" allows; {remedy(settings, bool((source < 0).any()))}'
        )
    if count:
        disparity = fill_from_nearest(disparity, invalid)
    return Disparity(disparity, count)


def remedy(settings: Depth, negative: bool) -> str:
    """What to do where no value of a depth can be used; distances along -z are negative."""
    if negative and settings.convention in ("distance", "inverse"):
        turned = -settings.scale
        return f"they are negative: set depth.scale (--depth-scale) to {turned:g} if they are distances along -z"
    return "check depth.channel and depth.convention"


@numba.njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _normalise(
    values: Float32Array,
    alpha: Float32Array,
    has_alpha: bool,
    divide: bool,
    metric: bool,
    signed: bool,
    far_end: float,
    scale: float,
    out: Float32Array,
) -> None:
    """Disparity into ``out``; NaN where the value is not usable."""
    height, width = values.shape
    for y in numba.prange(height):
        for x in range(width):
            v = np.float64(values[y, x])
            empty = has_alpha and not alpha[y, x] > EMPTY_ALPHA
            if divide and not empty:
                v /= alpha[y, x]
            usable = (np.isfinite(v) and (signed or v >= 0)) if not metric else v > 0
            if empty and (divide or not usable):
                out[y, x] = 0
            elif usable:
                d = ((1 / v if metric else v) - far_end) * scale
                out[y, x] = min(max(d, 0.0), 1.0)
            else:
                out[y, x] = np.nan
