"""A second ray tracer, of plain geometry: rays from points on a thin lens to planes in space. Shares no code with the
first one, and knows no mip levels, no boxes and no order of elements.

Space has the lens at its origin and looks along z. A screen offset q (in frame widths from the middle) at disparity d
is the point ``(q, f) / d``, f being the focal length of the camera in frame widths. A lens of radius ``K / width`` then
draws a disc of K pixels where ``abs(d - d_f)`` is 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FOCAL_LENGTH = 1.2


class Card(NamedTuple):
    """A textured rectangle as a person would place it: see `training.scenes.Element`, whose meaning it shares."""

    surface: NDArray[np.float32]
    size: float
    x: float
    y: float
    disparity: float
    tilt: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    endless: bool = False


def lifted(q: tuple[float, float], disparity: float) -> Floats:
    """The point in space that is seen at a screen offset with a disparity."""
    return np.array([q[0], q[1], FOCAL_LENGTH]) / disparity


def frame_of(card: Card) -> tuple[Floats, Floats, Floats, Floats]:
    """Middle, unit normal, and unit vectors along rows and columns of a card, from three of its points."""

    def on_plane(dx: float, dy: float) -> Floats:
        disparity = card.disparity + card.tilt[0] * dx + card.tilt[1] * dy
        return lifted((card.x + dx, card.y + dy), disparity)

    middle = on_plane(0.0, 0.0)
    step = 0.05
    normal = np.cross(on_plane(step, 0.0) - middle, on_plane(0.0, step) - middle)
    normal /= np.linalg.norm(normal)
    normal *= np.sign(normal[2])
    level = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    level /= np.linalg.norm(level)
    upright = np.cross(normal, level)
    across = np.cos(card.angle) * level + np.sin(card.angle) * upright
    return middle, normal, across, np.cross(normal, across)


def look_up(card: Card, columns: Floats, rows: Floats) -> Floats:
    """(N, 4): bilinear values, texel centres at halves; nothing beyond the border, or a mirror image if endless."""
    height, width = card.surface.shape[:2]
    padded = np.pad(card.surface, ((1, 1), (1, 1), (0, 0)), mode="symmetric" if card.endless else "constant")
    if card.endless:
        columns, rows = (n - np.abs(n - np.mod(at, 2 * n)) for at, n in ((columns, width), (rows, height)))
    inside = (columns > -0.5) & (columns < width + 0.5) & (rows > -0.5) & (rows < height + 0.5)
    c = np.clip(columns + 0.5, 0.0, width + 0.999)
    r = np.clip(rows + 0.5, 0.0, height + 0.999)
    c0, r0 = c.astype(int), r.astype(int)
    fc, fr = (c - c0)[:, None], (r - r0)[:, None]
    top = padded[r0, c0] * (1.0 - fc) + padded[r0, c0 + 1] * fc
    bottom = padded[r0 + 1, c0] * (1.0 - fc) + padded[r0 + 1, c0 + 1] * fc
    result: Floats = (top * (1.0 - fr) + bottom * fr) * inside[:, None]
    return result


def rays_of(count: int) -> tuple[Floats, Floats]:
    """Places in the pixel (N, 2) and on the unit lens (N, 2): a sunflower's seeds, and a lattice beside them."""
    n = np.arange(count)
    golden = np.pi * (3.0 - np.sqrt(5.0))
    radius = np.sqrt((n + 0.5) / count)
    lens = np.stack([radius * np.cos(n * golden), radius * np.sin(n * golden)], axis=-1)
    # Kronecker's sequence of the plastic number.
    pixel = np.stack([n * 0.7548776662466927, n * 0.5698402909980532], axis=-1) % 1.0
    return pixel, lens


def render(cards: list[Card], width: int, height: int, focus: float, strength: float, count: int) -> Floats:
    """(H, W, 4) premultiplied: the mean of ``count`` rays a pixel, composited front to back along each ray."""
    placed = [(card, *frame_of(card)) for card in cards]
    pixels, lens = rays_of(count)
    columns, rows = (grid.ravel() for grid in np.meshgrid(np.arange(width), np.arange(height)))
    picture = np.zeros((width * height, 4))
    for offset, point in zip(pixels, lens, strict=True):
        screen = np.stack([columns + offset[0] - width / 2.0, rows + offset[1] - height / 2.0], axis=-1) / width
        start = np.array([*(point * strength / width), 0.0])
        # Through the place in focus, (screen, f) / d_f, or towards it where that is infinitely far.
        away = np.concatenate([screen, np.full((len(screen), 1), FOCAL_LENGTH)], axis=-1) - focus * start
        picture += composite([meet(item, start, away) for item in placed])
    return (picture / count).reshape(height, width, 4)


def meet(placed: tuple[Card, Floats, Floats, Floats, Floats], start: Floats, away: Floats) -> tuple[Floats, Floats]:
    """How far along each ray a card is met (infinite where it is not), and the colour there."""
    card, middle, normal, across, down = placed
    with np.errstate(divide="ignore"):
        far = normal @ (middle - start) / (away @ normal)
    hit = np.isfinite(far) & (far > 0.0)
    where = start + np.where(hit, far, 1.0)[:, None] * away - middle
    height, width = card.surface.shape[:2]
    density = width / (card.size / card.disparity)
    colour = look_up(card, where @ across * density + width / 2.0, where @ down * density + height / 2.0)
    return np.where(hit, far, np.inf), colour * hit[:, None]


def composite(met: list[tuple[Floats, Floats]]) -> Floats:
    """Front to back, each ray in its own order."""
    order = np.argsort(np.stack([far for far, _ in met]), axis=0)
    colours = np.take_along_axis(np.stack([colour for _, colour in met]), order[..., None], axis=0)
    total = np.zeros(colours.shape[1:])
    left = np.ones((len(total), 1))
    for colour in colours:
        total += left * colour
        left = left * (1.0 - colour[:, 3:])
    return total
