"""From one picture and its depth to two surfaces a pixel: what is seen, and what is hidden behind it.

A plate stores one colour and one depth a pixel. At the silhouette of a near thing that is not enough: the pixel's
colour is a mixture of near and far, and once the near thing is blurred and becomes translucent, what it hid is seen.
So each pixel gets a *front* (colour, coverage, radius) and, close to silhouettes, a *back* (colour, radius):

1. ``unmix`` splits the mixed colours along a silhouette into front colour, coverage and back colour, so that near
   over far gives back the plate's own pixel;
2. ``extend_background`` grows the far surface underneath the near one, as far as any point of the lens can see it.

Radii are signed and in pixels, positive behind the focal plane: a larger radius is farther away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from engine.renderers.optical.spread import STEP, spread_light

__all__ = ["STEP", "Surfaces", "find_surfaces"]

NONE, REAL, INVENTED = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Two surfaces a pixel.

    Attributes:
        front: (H, W, C) colour of what is seen, as if it covered the whole pixel.
        coverage: (H, W) share of the pixel that the front covers, 0..1.
        front_radius: (H, W) signed radius of the front.
        back: (H, W, C) colour behind the front, where ``back_kind`` is not NONE.
        back_radius: (H, W).
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
        width = self.coverage.shape[1]
        columns = np.pad(np.arange(width), pad, mode="symmetric")
        no_share = np.zeros_like(self.coverage)
        invented = (self.back_kind == INVENTED).astype(np.float32)

        def wide(plane: NDArray[Any]) -> NDArray[Any]:
            return np.take(plane, columns, axis=1)

        return Surfaces(
            front=wide(np.dstack([self.front, no_share, self.front_radius])),
            coverage=wide(self.coverage),
            front_radius=wide(self.front_radius),
            back=wide(np.dstack([self.back, invented, self.back_radius])),
            back_radius=wide(self.back_radius),
            back_kind=wide(self.back_kind),
        )


def find_surfaces(
    image: Float32Array, radius: Float32Array, *, reach: int, sweeps: int, distance: float, aspect: float
) -> Surfaces:
    """Split a picture into front and back surfaces.

    Args:
        image: (H, W, C) float32, premultiplied.
        radius: (H, W) float32, signed circle of confusion in pixels.
        reach: how many pixels around a silhouette are searched for pure colours; 0 leaves mixed pixels alone.
        distance: between lens points, in radii: light is spread over it.
        aspect: pixel aspect.
    """
    height, width, _ = image.shape
    surfaces = Surfaces(
        front=image.copy(),
        coverage=np.ones((height, width), np.float32),
        front_radius=radius.copy(),
        back=np.zeros_like(image),
        back_radius=radius.copy(),
        back_kind=np.zeros((height, width), np.uint8),
    )
    side = _silhouettes(radius, STEP)
    if reach > 0:
        _unmix(
            image, radius, side, reach, STEP,
            surfaces.front, surfaces.coverage, surfaces.front_radius,
            surfaces.back, surfaces.back_radius, surfaces.back_kind,
        )  # fmt: skip
    _spread(surfaces, radius, distance, aspect)
    places = _extend_background(
        radius, STEP, surfaces.front, surfaces.back, surfaces.back_radius, surfaces.back_kind,
    )  # fmt: skip
    if sweeps > 0 and places.size > 0:
        _smooth_background(
            radius, STEP, sweeps, places, surfaces.front, surfaces.back, surfaces.back_radius, surfaces.back_kind,
        )  # fmt: skip
    return surfaces


def _spread(surfaces: Surfaces, radius: Float32Array, distance: float, aspect: float) -> None:
    """Spread light on the surface that each pixel's own depth says: the back where only its rim was mixed in."""
    if float(np.abs(radius).max()) * distance * 0.55 < 1.0:
        return
    behind = (surfaces.back_kind == REAL) & (radius >= surfaces.back_radius)
    own = np.where(behind[..., None], surfaces.back, surfaces.front)
    own = spread_light(own, radius, distance, aspect)
    surfaces.back[behind] = own[behind]
    surfaces.front[~behind] = own[~behind]


@nb.njit(cache=True, parallel=True, nogil=True)
def _silhouettes(radius: Float32Array, step: float) -> NDArray[np.uint8]:
    """1 where a neighbour is farther (near side), 2 where a neighbour is nearer (far side), 3 both, 0 elsewhere."""
    height, width = radius.shape
    side = np.zeros((height, width), np.uint8)
    for y in nb.prange(height):
        for x in range(width):
            here = radius[y, x]
            found = 0
            for dy in range(-1, 2):
                yy = min(max(y + dy, 0), height - 1)
                for dx in range(-1, 2):
                    xx = min(max(x + dx, 0), width - 1)
                    difference = radius[yy, xx] - here
                    if difference > step:
                        found |= 1
                    elif difference < -step:
                        found |= 2
            side[y, x] = found
    return side


@nb.njit(cache=True, parallel=True, nogil=True)
def _unmix(image, radius, side, reach, step, front, coverage, front_radius, back, back_radius, back_kind):  # type: ignore[no-untyped-def]
    """Split the pixels within ``MIXED`` of a silhouette into front, coverage and back.

    The pixel is taken as ``C = a F + (1 - a) B``, with F and B the mean of purer pixels of the near and the far surface
    in the window; a is the least-squares answer, drawn to 1 (near side) or 0 (far side) by as much as F and B vary.
    """
    height, width, channels = image.shape
    colours = min(channels, 3)
    for y in nb.prange(height):
        near_mean = np.zeros(4, np.float64)
        far_mean = np.zeros(4, np.float64)
        for x in range(width):
            # The silhouette must pass within two pixels.
            close = False
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    yy = min(max(y + dy, 0), height - 1)
                    xx = min(max(x + dx, 0), width - 1)
                    if side[yy, xx] != 0:
                        close = True
            if not close:
                continue
            nearest = radius[y, x]
            farthest = radius[y, x]
            for dy in range(-2, 3):
                yy = min(max(y + dy, 0), height - 1)
                for dx in range(-2, 3):
                    xx = min(max(x + dx, 0), width - 1)
                    value = radius[yy, xx]
                    nearest = min(nearest, value)
                    farthest = max(farthest, value)
            if farthest - nearest <= step:
                continue
            middle = 0.5 * (nearest + farthest)
            here_near = radius[y, x] < middle
            # Pure colours of both sides, and how much they vary.
            near_mean[:] = 0.0
            far_mean[:] = 0.0
            near_weight = 0.0
            far_weight = 0.0
            near_square = 0.0
            far_square = 0.0
            near_radius = 0.0
            far_radius = 0.0
            for dy in range(-reach, reach + 1):
                yy = min(max(y + dy, 0), height - 1)
                for dx in range(-reach, reach + 1):
                    xx = min(max(x + dx, 0), width - 1)
                    value = radius[yy, xx]
                    # Pixels on a silhouette are mixed themselves: they count only where nothing purer is near.
                    weight = 1.0 if side[yy, xx] == 0 else 0.01
                    weight /= 1.0 + 0.25 * (dx * dx + dy * dy)
                    if value < middle:
                        if value > nearest + 0.5 * (farthest - nearest):
                            continue
                        near_weight += weight
                        near_radius += weight * value
                        for c in range(colours):
                            near_mean[c] += weight * image[yy, xx, c]
                            near_square += weight * image[yy, xx, c] ** 2
                    else:
                        far_weight += weight
                        far_radius += weight * value
                        for c in range(colours):
                            far_mean[c] += weight * image[yy, xx, c]
                            far_square += weight * image[yy, xx, c] ** 2
            if near_weight == 0.0 or far_weight == 0.0:
                continue
            variance = near_square / near_weight + far_square / far_weight
            product = 0.0
            square = 0.0
            for c in range(colours):
                near_mean[c] /= near_weight
                far_mean[c] /= far_weight
                variance -= near_mean[c] ** 2 + far_mean[c] ** 2
                difference = near_mean[c] - far_mean[c]
                product += (image[y, x, c] - far_mean[c]) * difference
                square += difference * difference
            trust = 2.0 * max(variance, 0.0) + 1e-4
            prior = 1.0 if here_near else 0.0
            a = (product + trust * prior) / (square + trust)
            if here_near:
                a = min(max(a, 0.3), 1.0)
                if a > 0.97:
                    continue
            else:
                a = min(max(a, 0.0), 0.7)
                if a < 0.03:
                    continue
            coverage[y, x] = a
            front_radius[y, x] = near_radius / near_weight if not here_near else radius[y, x]
            back_radius[y, x] = radius[y, x] if not here_near else far_radius / far_weight
            back_kind[y, x] = 1
            for c in range(channels):
                value = image[y, x, c]
                if here_near:
                    # The far colour is the guess; the near colour then gives the pixel back exactly.
                    behind = far_mean[c] if c < colours else value
                    back[y, x, c] = behind
                    front[y, x, c] = max((value - (1.0 - a) * behind) / a, 0.0)
                else:
                    before = near_mean[c] if c < colours else value
                    before = min(before, value / a) if value >= 0.0 else before
                    front[y, x, c] = before
                    back[y, x, c] = (value - a * before) / (1.0 - a)


@nb.njit(cache=True, nogil=True)
def _extend_background(radius, step, front, back, back_radius, back_kind):  # type: ignore[no-untyped-def]
    """Grow the far surface underneath the near one, wave by wave, each pixel the mean of what is known around it.

    A lens point sees at most ``far radius - near radius`` pixels of what lies behind a silhouette, so that the growth
    ends there.
    """
    height, width, channels = front.shape
    queue_y = np.empty(height * width, np.int32)
    queue_x = np.empty(height * width, np.int32)
    wave = np.zeros((height, width), np.int16)
    mean = np.zeros(channels, np.float32)
    count = 0
    # First wave: near pixels that touch a farther one.
    for y in range(height):
        for x in range(width):
            if back_kind[y, x] == 1:
                if radius[y, x] < back_radius[y, x] - step:
                    wave[y, x] = 1
                    queue_y[count] = y
                    queue_x[count] = x
                    count += 1
                continue
            here = radius[y, x]
            for k in range(4):
                yy = y + (k == 0) - (k == 1)
                xx = x + (k == 2) - (k == 3)
                if 0 <= yy < height and 0 <= xx < width and radius[yy, xx] > here + step:
                    wave[y, x] = 1
                    queue_y[count] = y
                    queue_x[count] = x
                    count += 1
                    break
    head = 0
    while head < count:
        y = queue_y[head]
        x = queue_x[head]
        head += 1
        here = radius[y, x]
        number = wave[y, x]
        if back_kind[y, x] == 0:
            farthest = np.float32(-1e30)
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    yy, xx = y + dy, x + dx
                    if 0 <= yy < height and 0 <= xx < width:
                        if back_kind[yy, xx] != 0 and wave[yy, xx] < number:
                            farthest = max(farthest, back_radius[yy, xx])
                        elif number == 1 and back_kind[yy, xx] == 0 and radius[yy, xx] > here + step:
                            farthest = max(farthest, radius[yy, xx])
            if farthest <= here + step:
                continue
            total = np.float32(0.0)
            depth = np.float32(0.0)
            mean[:] = 0.0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    yy, xx = y + dy, x + dx
                    if not (0 <= yy < height and 0 <= xx < width):
                        continue
                    if back_kind[yy, xx] != 0 and wave[yy, xx] < number and back_radius[yy, xx] > farthest - 2.0:
                        weight = np.float32(1.0 if dx == 0 or dy == 0 else 0.7)
                        total += weight
                        depth += weight * back_radius[yy, xx]
                        for c in range(channels):
                            mean[c] += weight * back[yy, xx, c]
                    elif number == 1 and back_kind[yy, xx] == 0 and radius[yy, xx] > farthest - 2.0:
                        weight = np.float32(1.0 if dx == 0 or dy == 0 else 0.7)
                        total += weight
                        depth += weight * radius[yy, xx]
                        for c in range(channels):
                            mean[c] += weight * front[yy, xx, c]
            back_kind[y, x] = 2
            back_radius[y, x] = depth / total
            for c in range(channels):
                back[y, x, c] = mean[c] / total
        if number >= back_radius[y, x] - here + 1.0:
            continue
        for k in range(4):
            yy = y + (k == 0) - (k == 1)
            xx = x + (k == 2) - (k == 3)
            if (
                0 <= yy < height
                and 0 <= xx < width
                and wave[yy, xx] == 0
                and back_kind[yy, xx] == 0
                and radius[yy, xx] < back_radius[y, x] - step
            ):
                wave[yy, xx] = number + 1
                queue_y[count] = yy
                queue_x[count] = xx
                count += 1
    places = np.empty((count, 2), np.int32)
    kept = 0
    for parity in range(2):
        for i in range(count):
            y, x = queue_y[i], queue_x[i]
            if (y + x) % 2 == parity and back_kind[y, x] == 2:
                places[kept, 0] = y
                places[kept, 1] = x
                kept += 1
    return places[:kept]


@nb.njit(cache=True, parallel=True, nogil=True)
def _smooth_background(radius, step, sweeps, places, front, back, back_radius, back_kind):  # type: ignore[no-untyped-def]
    """Draw the invented colours towards the mean of their neighbours, so that what comes from different sides of a
    thin near thing meets without a seam (successive over-relaxation of Laplace's equation, red-black order)."""
    height, width, channels = front.shape
    number = places.shape[0]
    split = 0
    while split < number and (places[split, 0] + places[split, 1]) % 2 == 0:
        split += 1
    over = np.float32(1.6)
    for _ in range(sweeps):
        for parity in range(2):
            first = 0 if parity == 0 else split
            last = split if parity == 0 else number
            for i in nb.prange(first, last):
                y, x = places[i, 0], places[i, 1]
                depth = back_radius[y, x]
                mean = np.zeros(channels, np.float32)
                total = np.float32(0.0)
                for k in range(4):
                    yy = y + (k == 0) - (k == 1)
                    xx = x + (k == 2) - (k == 3)
                    if not (0 <= yy < height and 0 <= xx < width):
                        continue
                    if back_kind[yy, xx] != 0 and abs(back_radius[yy, xx] - depth) < 2.0:
                        total += np.float32(1.0)
                        for c in range(channels):
                            mean[c] += back[yy, xx, c]
                    elif back_kind[yy, xx] == 0 and abs(radius[yy, xx] - depth) < 2.0:
                        total += np.float32(1.0)
                        for c in range(channels):
                            mean[c] += front[yy, xx, c]
                if total > 0.0:
                    for c in range(channels):
                        back[y, x, c] += over * (mean[c] / total - back[y, x, c])
