"""From one picture and its depth to two surfaces a pixel: what is seen, and what is hidden behind it.

A plate stores one colour and one depth a pixel. At the silhouette of a near thing that is not enough: the pixel's
colour is a mixture of near and far, and once the near thing is blurred and becomes translucent, what it hid is seen. So
each pixel gets a *front* and, close to silhouettes, a *back*. Radii are signed and in pixels, positive behind the focal
plane: a larger radius is farther away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.background import INVENTED, extend_background, smooth_background
from engine.renderers.optical.matte_edges import find_matte_edges
from engine.renderers.optical.silhouettes import find_silhouettes
from engine.renderers.optical.spread import spread_light
from engine.renderers.optical.stack import Stack
from engine.renderers.optical.unmix import unmix
from engine.renderers.optical.wide_edges import find_wide_edges, split_wide_edges

__all__ = ["Surfaces", "find_surfaces"]


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Two surfaces a pixel.

    Attributes:
        front: (H, W, C) float32 colour of what is seen, as if it covered the whole pixel.
        coverage: (H, W) float32 share of the pixel that the front covers, 0..1.
        front_radius: (H, W) float32 signed radius of the front.
        back: (H, W, C) float32 colour behind the front, where ``back_kind`` is not NONE.
        back_radius: (H, W) float32.
        back_kind: (H, W) uint8: NONE, REAL (unmixed from the plate) or INVENTED (grown from the surroundings).
    """

    front: Float32Array
    coverage: Float32Array
    front_radius: Float32Array
    back: Float32Array
    back_radius: Float32Array
    back_kind: NDArray[np.uint8]

    def widened(self, pad: int) -> Surfaces:
        """Both surfaces with ``pad`` mirrored columns on both sides, and two last channels: invented share, radius."""
        height, width, channels = self.front.shape
        wide = (height, width + 2 * pad)
        out = Surfaces(
            front=np.empty((*wide, channels + 2), np.float32),
            coverage=np.empty(wide, np.float32),
            front_radius=np.empty(wide, np.float32),
            back=np.zeros((*wide, channels + 2), np.float32),
            back_radius=np.empty(wide, np.float32),
            back_kind=np.empty(wide, np.uint8),
        )
        _widen(*self.arrays(), pad, *out.arrays())
        return out

    def arrays(
        self,
    ) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array, Float32Array, NDArray[np.uint8]]:
        """The fields in order, for a kernel."""
        return self.front, self.coverage, self.front_radius, self.back, self.back_radius, self.back_kind


def find_surfaces(
    image: Float32Array,
    radius: Float32Array,
    *,
    reach: int,
    judged: int,
    sweeps: int,
    stack: Stack,
    step: np.float32,
    matte: Float32Array | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Surfaces:
    """Split a picture into front and back surfaces.

    Args:
        image: (H, W, C) float32, premultiplied.
        radius: (H, W) float32, signed circle of confusion in pixels.
        reach: how many pixels around a silhouette are searched for pure colours; 0 leaves mixed pixels alone, 1 those
            of wide edges.
        judged: channels from which the coverage of a mixed pixel is judged, from the first.
        sweeps: how often invented background is smoothed.
        stack: slices of ``radius``: light is spread by what their views miss.
        step: difference in radius from which neighbours are two surfaces.
        matte: (H, W) coverage of the subject, where a person gave one.
        checkpoint: called between the steps, and may raise to stop: the steps of a large frame take a while.
    """
    surfaces = Surfaces(
        front=image.copy(),
        coverage=np.ones(radius.shape, np.float32),
        front_radius=radius.copy(),
        back=np.empty_like(image),
        back_radius=radius.copy(),
        back_kind=np.zeros(radius.shape, np.uint8),
    )
    front, coverage, front_radius, back, back_radius, back_kind = surfaces.arrays()
    side = find_silhouettes(radius, step)
    if reach > 0:
        unmix(image, radius, side, reach, judged, step, *surfaces.arrays())
        checkpoint()
    if reach > 1:
        _split_wide(image, radius, side, judged, matte, surfaces)
        checkpoint()
    spread_light(radius, stack, step, front, back, back_radius, back_kind)
    checkpoint()
    places = extend_background(radius, side, step, front, coverage, front_radius, back, back_radius, back_kind)
    checkpoint()
    for _ in range(sweeps):
        smooth_background(1, places, radius, front, back, back_radius, back_kind)
        checkpoint()
    return surfaces


def _split_wide(
    image: Float32Array,
    radius: Float32Array,
    side: NDArray[np.uint8],
    judged: int,
    matte: Float32Array | None,
    surfaces: Surfaces,
) -> None:
    """Edges that are mixed over more than the pixels next to the silhouette: found in the plate, or told by a matte."""
    found, models, lengths = find_wide_edges(image, radius, side, judged)
    if lengths.any():
        split_wide_edges(image, radius, found, models, *surfaces.arrays())
    if matte is not None:
        found, models = find_matte_edges(image, radius, matte)
        split_wide_edges(image, radius, found, models, *surfaces.arrays())


@nb.njit(cache=True, parallel=True, nogil=True)
def _widen(
    front: Float32Array,
    coverage: Float32Array,
    front_radius: Float32Array,
    back: Float32Array,
    back_radius: Float32Array,
    back_kind: NDArray[np.uint8],
    pad: int,
    wide_front: Float32Array,
    wide_coverage: Float32Array,
    wide_front_radius: Float32Array,
    wide_back: Float32Array,
    wide_back_radius: Float32Array,
    wide_back_kind: NDArray[np.uint8],
) -> None:
    height, width, channels = front.shape
    for y in nb.prange(height):
        for to in range(width + 2 * pad):
            x = to - pad
            if x < 0:
                x = min(-1 - x, width - 1)
            elif x >= width:
                x = max(2 * width - 1 - x, 0)
            for c in range(channels):
                wide_front[y, to, c] = front[y, x, c]
            wide_front[y, to, channels] = 0.0
            wide_front[y, to, channels + 1] = front_radius[y, x]
            wide_coverage[y, to] = coverage[y, x]
            wide_front_radius[y, to] = front_radius[y, x]
            wide_back_radius[y, to] = back_radius[y, x]
            wide_back_kind[y, to] = back_kind[y, x]
            if back_kind[y, x] != 0:
                for c in range(channels):
                    wide_back[y, to, c] = back[y, x, c]
                wide_back[y, to, channels] = 1.0 if back_kind[y, x] == INVENTED else 0.0
                wide_back[y, to, channels + 1] = back_radius[y, x]
