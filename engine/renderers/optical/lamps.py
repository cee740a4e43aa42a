"""Small, very bright things: lamps, sparkles, speculars.

Out of focus a lamp is an even disc with a crisp rim, the opening's own picture. A sum over lens points shows it as
dots, however many there are. So the light that stands far above its surroundings is taken out of the plate, and each
of its pixels is drawn as the opening's picture at that pixel's radius; where the opening is hidden by something nearer,
the views tell (see ``light_field``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array, count_colours
from engine.layer_kinds import COVERAGE, kind_of
from engine.renderers.optical.silhouettes import STEP

__all__ = ["Lamps", "take_out_lamps"]

CELL: Final = 4
"""Side of the squares in which the surroundings are measured, in pixels."""

WINDOW: Final = 4
"""The surroundings are the cells up to so many away: a square of 36 pixels."""

ABOVE_WHITE, ABOVE_SURROUNDINGS = np.float32(1.0), np.float32(2.0)
"""Light above ``1 + 2 m`` is a lamp's, with m the power mean (exponent 1/2) of the surroundings: a lamp itself hardly
moves m, a bright sky does."""


@dataclass(frozen=True, eq=False)
class Lamps:
    """Pixels of lamps.

    Attributes:
        place: (N, 2) int32 row and column.
        radius: (N,) float32 signed radius.
        light: (N, C) float32, taken out of the plate.
        aside: (N, 2) float32, how far down and to the right of the pixel's middle the lamp lies; None for not at all.
    """

    place: NDArray[np.int32]
    radius: Float32Array
    light: Float32Array
    aside: Float32Array | None = None

    def halved(self, radius: Float32Array) -> Lamps:
        """The same lamps in a picture of half the size, where a pixel is four; ``radius`` is theirs there.

        They keep their place, a quarter of a pixel aside of the middle of the pixel that they fall into. Filtered as
        the rest of the picture is, their discs would lose their rims (0.8 dB on wires before a street).
        """
        aside = np.where(self.place % 2 == 0, np.float32(-0.25), np.float32(0.25)).astype(np.float32)
        return Lamps(self.place // 2, radius, self.light * np.float32(0.25), aside)

    def arrays(self) -> tuple[NDArray[np.int32], Float32Array, Float32Array]:
        """Place, radius and light, for a kernel."""
        return self.place, self.radius, self.light


def take_out_lamps(
    image: Float32Array, channels: tuple[str, ...], radius: Float32Array, *, smallest: float = 1.0, most_drawn: float
) -> tuple[Float32Array, Lamps]:
    """Split a picture into one without lamps and the lamps; their sum is the picture.

    Args:
        image: (H, W, C) float32; not changed.
        channels: C names; alpha and mattes stay in the picture.
        radius: (H, W) float32, signed circle of confusion.
        smallest: radius in pixels up to which lamps stay in the plate; they come in over one pixel more.
        most_drawn: pixels that may be drawn for the lamps of a frame; of more lamps, the faintest stay in the plate.
    """
    carries = np.array([kind_of(name) is not COVERAGE for name in channels])
    brightness = _brightness(image, count_colours(channels))
    nothing = Lamps(np.empty((0, 2), np.int32), np.empty(0, np.float32), np.empty((0, len(channels)), np.float32))
    if float(brightness.max()) <= ABOVE_WHITE:
        return image, nothing
    share = _lamp_share(brightness, _power_mean(brightness))
    if float(share.max()) <= 0.0:
        return image, nothing
    place = np.argwhere(share > 0.0).astype(np.int32)
    lamp_radius = _radius_of_lamps(brightness, radius, place)
    own_radius = radius[place[:, 0], place[:, 1]]
    blurred = np.clip(np.abs(lamp_radius) - np.float32(smallest), np.float32(0.0), np.float32(1.0))
    # A lamp that shows through a nearer, blurred thing is drawn even where it is in focus itself.
    blurred[np.abs(own_radius - lamp_radius) > STEP] = 1.0
    lamp_share = share[place[:, 0], place[:, 1]] * blurred
    kept = (lamp_share > 0.0) & _within_budget(
        lamp_share * brightness[place[:, 0], place[:, 1]], lamp_radius, most_drawn
    )
    place, lamp_radius, lamp_share = place[kept], lamp_radius[kept], lamp_share[kept]
    rows, columns = place[:, 0], place[:, 1]
    light = image[rows, columns] * lamp_share[:, None] * carries
    rest = image.copy()
    rest[rows, columns] -= light
    return rest, Lamps(place, lamp_radius, np.ascontiguousarray(light, np.float32))


def _within_budget(light: NDArray[np.floating], radius: Float32Array, most_drawn: float) -> NDArray[np.bool_]:
    """Which lamps can be drawn: the brightest, as many as there is time for."""
    order = np.argsort(-light, kind="stable")
    spent = np.cumsum(4.0 * radius[order].astype(np.float64) ** 2)
    kept = np.empty(len(light), np.bool_)
    kept[order] = spent <= most_drawn
    return kept


@nb.njit(cache=True, parallel=True, nogil=True)
def _brightness(image: Float32Array, colours: int) -> Float32Array:
    """The brightest colour of each pixel."""
    height, width, _ = image.shape
    brightness = np.empty((height, width), np.float32)
    for y in nb.prange(height):
        for x in range(width):
            brightest = image[y, x, 0]
            for c in range(1, colours):
                brightest = max(brightest, image[y, x, c])
            brightness[y, x] = brightest
    return brightness


@nb.njit(cache=True, nogil=True)
def _power_mean(brightness: Float32Array) -> Float32Array:
    """Power mean with exponent 1/2 of the surroundings of each cell; (H / CELL, W / CELL)."""
    height, width = brightness.shape
    rows, columns = (height + CELL - 1) // CELL, (width + CELL - 1) // CELL
    integral = np.zeros((rows + 1, columns + 1))
    for j in range(rows):
        running = 0.0
        for i in range(columns):
            total = 0.0
            count = 0
            # A pixel in two along both ways is enough for a mean over hundreds.
            for y in range(j * CELL, min((j + 1) * CELL, height), 2):
                for x in range(i * CELL, min((i + 1) * CELL, width), 2):
                    total += np.sqrt(max(brightness[y, x], np.float32(0.0)))
                    count += 1
            running += total / count
            integral[j + 1, i + 1] = integral[j, i + 1] + running
    mean = np.empty((rows, columns), np.float32)
    for j in range(rows):
        a, b = max(j - WINDOW, 0), min(j + WINDOW + 1, rows)
        for i in range(columns):
            c, d = max(i - WINDOW, 0), min(i + WINDOW + 1, columns)
            total = integral[b, d] - integral[a, d] - integral[b, c] + integral[a, c]
            mean[j, i] = (total / ((b - a) * (d - c))) ** 2
    return mean


@nb.njit(cache=True, parallel=True, nogil=True)
def _lamp_share(brightness: Float32Array, mean: Float32Array) -> Float32Array:
    """Share of each pixel's light that is a lamp's."""
    height, width = brightness.shape
    share = np.zeros((height, width), np.float32)
    for y in nb.prange(height):
        for x in range(width):
            if brightness[y, x] > ABOVE_WHITE:
                level = ABOVE_WHITE + ABOVE_SURROUNDINGS * mean[y // CELL, x // CELL]
                if brightness[y, x] > level:
                    share[y, x] = np.float32(1.0) - level / brightness[y, x]
    return share


@nb.njit(cache=True, nogil=True)
def _radius_of_lamps(brightness: Float32Array, radius: Float32Array, place: NDArray[np.int32]) -> Float32Array:
    """How far away the lamp is that lights a pixel.

    At a silhouette a lamp behind shows through mixed pixels whose depth is the near thing's. There the lamp is behind
    if a pixel of the far side is at least half as bright as the brightest: a lamp in front covers less than half of
    the pixels around it that have the background's depth.
    """
    height, width = brightness.shape
    out = np.empty(place.shape[0], np.float32)
    for i in range(place.shape[0]):
        y, x = place[i, 0], place[i, 1]
        for _ in range(3):
            best_y, best_x = y, x
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(x - 1, 0), min(x + 2, width)):
                    if brightness[yy, xx] > brightness[best_y, best_x]:
                        best_y, best_x = yy, xx
            y, x = best_y, best_x
        nearest, farthest = radius[y, x], radius[y, x]
        for yy in range(max(y - 2, 0), min(y + 3, height)):
            for xx in range(max(x - 2, 0), min(x + 3, width)):
                nearest = min(nearest, radius[yy, xx])
                farthest = max(farthest, radius[yy, xx])
        out[i] = radius[y, x]
        if farthest - nearest <= STEP or radius[y, x] > np.float32(0.5) * (nearest + farthest):
            continue
        behind = np.float32(0.0)
        for yy in range(max(y - 2, 0), min(y + 3, height)):
            for xx in range(max(x - 2, 0), min(x + 3, width)):
                if radius[yy, xx] > np.float32(0.5) * (nearest + farthest) and brightness[yy, xx] > behind:
                    behind = brightness[yy, xx]
                    out[i] = radius[yy, xx]
        if behind < np.float32(0.5) * brightness[y, x]:
            out[i] = radius[y, x]
    return out
