"""Things to look at: a street at night, turned glass and china, strings of lights, signs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array
from training.scenes import mattes
from training.scenes.textures import mixed, noise

__all__ = ["city", "cut", "glow", "light_string", "scattered_lights", "sign", "turned"]

Colour = Sequence[float]

WARM = ((1.0, 0.62, 0.28), (1.0, 0.48, 0.18), (1.0, 0.78, 0.5))
COOL = ((0.45, 0.72, 1.0), (0.7, 0.85, 1.0))
SIGNALS = ((1.0, 0.12, 0.06), (0.15, 1.0, 0.45))


def cut(colour: Float32Array, matte: Float32Array | None = None) -> Float32Array:
    """Colour (h, w, 3) under a matte (h, w), opaque if None: premultiplied RGBA."""
    alpha = np.ones(colour.shape[:2], np.float32) if matte is None else matte
    premultiplied = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=-1)
    return np.asarray(premultiplied, np.float32)


def city(height: int, width: int, seed: int, street: float = 0.62) -> Float32Array:
    """Facades at night with lit windows under a deep blue sky, (h, w, 3).

    Args:
        height, width: in pixels.
        seed: of everything random.
        street: where the pavement begins, as a share of the height.
    """
    rng = np.random.default_rng(seed)
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    haze = noise(height, width, seed, 3.0, 5)
    picture = mixed(np.clip(rows / street, 0.0, 1.0) ** 2, (0.010, 0.018, 0.045), (0.075, 0.060, 0.085))
    picture *= (0.7 + 0.6 * haze)[..., None]
    foot = int(street * height)
    for layer in range(3):
        x = -0.02
        while x < 1.0:
            across = rng.uniform(0.05, 0.12) * (1.0 + 0.35 * layer)
            top = int(foot * rng.uniform(0.02 + 0.2 * layer, 0.40 + 0.16 * layer))
            left, right = max(0, int(x * width)), min(width, int((x + across) * width))
            # A house has its own generator, so that the next one does not depend on its size in pixels.
            own = np.random.default_rng(rng.integers(1 << 32))
            if right > left + 2:
                _facade(picture[top:foot, left:right], own, layer, width)
            x += across * rng.uniform(0.92, 1.25)
    _pavement(picture, foot, rng)
    warmth = np.exp(-np.abs(rows - street) * 14.0) * (0.4 + 0.9 * haze)
    return np.asarray(picture + warmth[..., None] * np.array([0.17, 0.085, 0.035], np.float32), np.float32)


def _facade(wall: Float32Array, rng: np.random.Generator, layer: int, width: int) -> None:
    """Paint one house: stone, window grid, some of them lit; in place."""
    h, w = wall.shape[:2]
    tone = np.array([0.030, 0.027, 0.033]) * rng.uniform(0.6, 1.6) * (1.15 - 0.2 * layer)
    grain = noise(h, w, int(rng.integers(1 << 30)), 3.0, 6)
    wall[:] = tone * (0.6 + 0.8 * grain)[..., None]
    pitch = width * rng.uniform(0.011, 0.017) * (1.0 + 0.3 * layer)
    storey = pitch * rng.uniform(1.3, 1.8)
    u = np.arange(w) / pitch
    v = np.arange(h) / storey
    column, row = u.astype(int), v.astype(int)
    fx, fy = u - column, v - row
    lit = rng.random((row.max() + 1, column.max() + 1)) < rng.uniform(0.18, 0.5)
    palette = np.array([(1.0, 0.60, 0.25), (1.0, 0.72, 0.42), (0.95, 0.88, 0.7), (0.55, 0.75, 1.0)])
    tint = palette[rng.choice(4, lit.shape, p=[0.5, 0.3, 0.14, 0.06])] * rng.lognormal(-0.9, 0.6, (*lit.shape, 1))
    tint = np.where(lit[..., None], tint, np.array([0.012, 0.014, 0.02]))
    inside = _bar(fx, 0.22, 0.78, 1.2 / pitch)[None, :] * _bar(fy, 0.18, 0.8, 1.2 / storey)[:, None]
    mullion = 1.0 - 0.75 * _bar(fx, 0.48, 0.52, 1.0 / pitch)[None, :]
    cross = 1.0 - 0.75 * _bar(fy, 0.38, 0.42, 1.0 / storey)[:, None]
    curtain = 0.55 + 0.45 * fy[:, None] + 0.35 * (noise(h, w, int(rng.integers(1 << 30)), 30.0, 3) - 0.5)
    pane = tint[row[:, None], column[None, :]] * (mullion * cross * curtain)[..., None]
    wall += (inside[..., None] * (pane - wall)).astype(np.float32)
    ledge = _bar(fy, 0.9, 0.96, 1.0 / storey)[:, None, None]
    wall *= (1.0 + 0.8 * ledge).astype(np.float32)


def _bar(t: NDArray[np.float64], low: float, high: float, ramp: float) -> NDArray[np.float64]:
    """1 between low and high with ramps beside them."""
    result: NDArray[np.float64] = np.clip((t - low) / ramp + 0.5, 0.0, 1.0) * np.clip((high - t) / ramp + 0.5, 0.0, 1.0)
    return result


def _pavement(picture: Float32Array, foot: int, rng: np.random.Generator) -> None:
    """Shop fronts at street level and their smeared reflection on wet stone; in place."""
    height, width = picture.shape[:2]
    band = max(int(0.075 * height), 2)
    shop = picture[foot - band : foot]
    cells = noise(1, width, int(rng.integers(1 << 30)), 14.0, 2)[0]
    open_ = np.clip((cells - 0.42) * 8.0, 0.0, 1.0)
    warm = mixed(noise(band, width, int(rng.integers(1 << 30)), 60.0, 4), (0.16, 0.06, 0.02), (1.0, 0.58, 0.24))
    posts = 1.0 - 0.85 * _bar((np.arange(width) / width * 37.0) % 1.0, 0.44, 0.56, 60.0 / width)
    goods = noise(band, width, int(rng.integers(1 << 30)), 130.0, 3)
    rise = np.linspace(1.0, 0.25, band)[:, None] + 0.9 * (goods - 0.5)
    shop += ((open_ * posts)[None, :, None] * warm * np.clip(rise, 0.05, 1.6)[..., None]).astype(np.float32)
    depth = height - foot
    mirrored = picture[max(foot - depth, 0) : foot][::-1].mean(axis=0, keepdims=True)
    fade = np.exp(-np.linspace(0.0, 4.0, depth, dtype=np.float32))[:, None, None]
    ripple = noise(depth, width, int(rng.integers(1 << 30)), 50.0, 5)[..., None]
    picture[foot:] = np.array([0.014, 0.014, 0.02], np.float32) + mirrored * fade * (0.25 + 0.9 * ripple)


def scattered_lights(
    seed: int,
    count: int,
    box: tuple[float, float, float, float],
    radius: float,
    low: float,
    high: float,
    palette: Sequence[Colour] = (*WARM, *WARM, *COOL, *SIGNALS),
) -> Float32Array:
    """Lights at random: (N, 6) as `Element.lights`.

    Args:
        seed, count: of the draw.
        box: left, top, right, bottom, in widths of the element from its middle.
        radius: of a light in the same measure, give or take a third.
        low, high: radiance, evenly in stops.
        palette: tints.
    """
    rng = np.random.default_rng(seed)
    tint = np.array(palette)[rng.integers(len(palette), size=count)]
    power = np.exp(rng.uniform(np.log(low), np.log(high), (count, 1)))
    place = rng.uniform(box[:2], box[2:], (count, 2))
    return np.hstack([place, radius * rng.uniform(0.7, 1.35, (count, 1)), tint * power]).astype(np.float32)


def light_string(
    height: int,
    width: int,
    seed: int,
    spans: Sequence[tuple[float, float, float]],
    bulbs: int,
    radius: float,
    power: float,
) -> tuple[Float32Array, Float32Array]:
    """Cables with bulbs.

    Args:
        height, width: in pixels.
        seed: of small unevenness.
        spans: of every cable: height at the left end, at the right end, and sag; in widths from the middle.
        bulbs: on each cable. radius: of a bulb, in widths. power: radiance of a bulb.

    Returns:
        The surface, (h, w, 4), and its lights, (N, 6).
    """
    rng = np.random.default_rng(seed)
    t = np.linspace(-0.52, 0.52, 90)

    def hang(at: NDArray[np.float64], span: tuple[float, float, float]) -> NDArray[np.float64]:
        left, right, sag = span
        return left + (right - left) * (at + 0.5) + sag * (1.0 - (at / 0.5) ** 2)

    cable = np.stack([np.stack([t, hang(t, s), np.full_like(t, 0.0011)], axis=1) for s in spans])
    surface = cut(np.full((height, width, 3), (0.012, 0.011, 0.013), np.float32), mattes.strokes(height, width, cable))
    lights = []
    for span in spans:
        x = (np.arange(bulbs) + 0.5) / bulbs - 0.5 + rng.normal(0.0, 0.004, bulbs)
        y = hang(x, span) + 0.008
        tint = np.array(WARM)[rng.integers(len(WARM), size=bulbs)]
        bright = power * rng.lognormal(0.0, 0.25, (bulbs, 1))
        lights.append(np.hstack([x[:, None], y[:, None], np.full((bulbs, 1), radius), tint * bright]))
        sockets = np.stack(
            [np.stack([x, y - 0.008, 0 * x + 0.0022], 1), np.stack([x, y + 0.0, 0 * x + 1.15 * radius], 1)], 1
        )
        matte = mattes.strokes(height, width, sockets)
        lit = cut(np.full((height, width, 3), (0.35, 0.19, 0.07), np.float32), matte)
        surface = lit + surface * (1.0 - matte[..., None])
    return surface.astype(np.float32), np.concatenate(lights).astype(np.float32)


def turned(
    height: int,
    width: int,
    profile: Sequence[tuple[float, float]],
    colour: Colour,
    seed: int,
    gloss: float = 1.0,
    key: float = -1.0,
    rim: Colour = (0.9, 0.5, 0.2),
    bands: Sequence[tuple[float, float, Colour]] = (),
    view: float = 0.16,
    inside: Colour | None = None,
) -> Float32Array:
    """A thing made on a lathe, lit from both sides as among many lamps: bottle, cup, candle.

    Args:
        height, width: in pixels.
        profile: (share of the height from the top, half width in widths), joined smoothly.
        colour: of the material.
        seed: of its unevenness.
        gloss: strength of highlights.
        key: -1 if the main light comes from the left, 1 from the right.
        rim: colour of the light along the edges.
        bands: (from, to, colour) of labels and contents, in shares of the height.
        view: how far one looks down on it: height over width of its circles.
        inside: colour seen through its open top, closed if None.

    Returns:
        (h, w, 4) float32, premultiplied RGBA.
    """
    x = ((np.arange(width) + 0.5) / width - 0.5)[None, :]
    plain = (np.arange(height) + 0.5) / height
    stops, radii = np.array(profile).T
    kernel = np.hanning(max(int(0.04 * height), 3) + 2)[1:-1]
    rough = np.interp(plain, stops, radii)
    smooth = np.convolve(np.pad(rough, kernel.size // 2, mode="edge"), kernel / kernel.sum(), mode="valid")[:height]
    # Every horizontal circle hangs down in front by view * sqrt(r^2 - x^2): bend the rows by it, radius by radius.
    v = np.broadcast_to(plain[:, None], (height, width))
    for _ in range(8):
        radius = np.interp(v, plain, smooth)
        v = plain[:, None] - view * np.sqrt(np.maximum(radius**2 - x**2, 0.0)) * width / height
    radius = np.interp(np.clip(v, stops[0], stops[-1]), plain, smooth)
    n = np.clip(x / np.maximum(radius, 1e-4), -1.0, 1.0)
    ends = np.minimum(v - stops[0], stops[-1] - v) * height
    matte = np.clip((radius - np.abs(x)) * width / 1.5 + 0.5, 0.0, 1.0) * np.clip(ends + 0.5, 0.0, 1.0)
    base = np.ones((height, width, 3)) * np.asarray(colour)
    for first, last, paint in bands:
        band = _bar(v, first, last, 2.0 / height)[..., None]
        base += band * (np.asarray(paint) * (0.75 + 0.5 * noise(height, width, seed + 3, 20.0, 4))[..., None] - base)
    facing = np.sqrt(np.maximum(1.0 - n * n, 0.0))
    diffuse = 0.10 + 0.60 * np.clip(0.55 * facing + 0.7 * key * n, 0.0, None) + 0.10 * np.clip(-key * n, 0.0, None)
    streaks = np.exp(-(((n - 0.62 * key) / 0.06) ** 2)) + 0.4 * np.exp(-(((n + 0.55 * key) / 0.05) ** 2))
    streaks = streaks * (0.4 + 1.1 * noise(height, width, seed, 2.0, 3))
    edge = np.clip(np.abs(n) - 0.6, 0.0, None) ** 2 * 3.0
    shade = base * diffuse[..., None] * (0.9 + 0.2 * noise(height, width, seed + 1, 7.0, 6))[..., None]
    shade *= (0.35 + 0.65 * np.clip((stops[-1] - v) * 6.0, 0.0, 1.0))[..., None]
    lit = shade + gloss * (0.22 * streaks[..., None] + 0.30 * edge[..., None] * np.asarray(rim))
    picture = cut(lit.astype(np.float32), matte.astype(np.float32))
    if inside is not None:
        picture = _opening(picture, stops[0], float(smooth[int(stops[0] * height)]), view, inside, lit)
    return picture


def _opening(
    picture: Float32Array, top: float, radius: float, view: float, inside: Colour, lit: NDArray[np.float64]
) -> Float32Array:
    """Lay the ellipse of an open top over a turned thing: a lip as bright as its side, and what is inside."""
    height, width = picture.shape[:2]
    x = ((np.arange(width) + 0.5) / width - 0.5)[None, :]
    y = ((np.arange(height) + 0.5) / width - top * height / width)[:, None]
    away = np.sqrt(x**2 + (y / view) ** 2)
    whole = np.clip((radius - away) * width * view * 2.0 + 0.5, 0.0, 1.0)[..., None].astype(np.float32)
    hole = np.clip((0.92 * radius - away) * width * view * 2.0 + 0.5, 0.0, 1.0)[..., None].astype(np.float32)
    lip = np.full((height, width, 3), np.percentile(lit, 88, axis=(0, 1)), np.float32)
    depth = np.clip(0.35 - 0.9 * y / (radius * view), 0.12, 1.0)[..., None]
    filled = lip + hole * ((np.asarray(inside) * depth).astype(np.float32) - lip)
    return np.asarray(picture * (1.0 - whole) + cut(filled) * whole, np.float32)


def glow(height: int, width: int, x: float, y: float, radius: tuple[float, float], colour: Colour) -> Float32Array:
    """A soft pool of light, (h, w, 3); place and radii in widths from the middle. Negative colours make a shadow."""
    u = ((np.arange(width) + 0.5) / width - 0.5 - x) / radius[0]
    v = ((np.arange(height) + 0.5 - height / 2.0) / width - y) / radius[1]
    fall = np.exp(-(u[None, :] ** 2 + v[:, None] ** 2))
    return np.asarray(fall[..., None] * np.asarray(colour), np.float32)


def sign(height: int, width: int, seed: int, rows: int, stroke: float = 0.004) -> Float32Array:
    """The matte of rows of text-like strokes."""
    rng = np.random.default_rng(seed)
    tall = height / width
    line = tall / (rows + 1)
    letters = []
    for row in range(rows):
        x = -0.44
        while x < 0.42:
            size = 0.33 * line
            corner = np.array([x, (row + 1) * line - 0.5 * tall])
            for _ in range(int(rng.integers(2, 5))):
                ends = (
                    rng.integers(0, 3, (2, 2)) * np.array([0.4 * size, 0.5 * size])
                    + corner
                    - np.array([0.0, 0.5 * size])
                )
                letters.append(np.column_stack([ends, [stroke, stroke]]))
            x += size * rng.choice([1.15, 1.15, 1.15, 1.9])
    return mattes.strokes(height, width, np.array(letters))
