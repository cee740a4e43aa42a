"""The benchmark's scenes: each is hard in its own way, and none is a test card.

Every function takes the width of the picture in pixels and returns its elements, nearest first.
"""

from __future__ import annotations

import numpy as np

from engine.frames import Float32Array
from training.scenes import foliage, mattes, objects, textures
from training.scenes.motion import Motion
from training.scenes.objects import cut
from training.scenes.scene import Element

__all__ = ["cutout", "fence", "floor", "gallery", "meadow", "papers", "portrait", "wires"]


def _wall(width: int, seed: int, size: float = 1.7) -> Float32Array:
    w, h = int(size * width), int(0.7 * size * width)
    wall = textures.bricks(h, w, seed, (0.30, 0.115, 0.07), (0.22, 0.20, 0.18), across=11.0 * size)
    return wall * (0.45 + objects.glow(h, w, -0.12, -0.05, (0.32, 0.22), (0.9, 0.8, 0.65)))


def _head(width: int, seed: int) -> Float32Array:
    """Somebody with a lot of hair, seen against the light."""
    n = int(0.75 * width)
    shape = mattes.hair(n, n, seed, count=1500, root=0.2, length=0.24, radius=0.0011)
    hair = textures.mixed(textures.noise(n, n, seed + 1, 40.0, 4), (0.05, 0.026, 0.014), (0.30, 0.15, 0.06))
    face = textures.skin(n, n, seed + 2, (0.52, 0.30, 0.21))
    inner = mattes.blob(n, n, seed + 3, 0.165, 0.12, 0.05)[..., None]
    colour = hair + inner * (face - hair)
    # Light from behind runs through the ends of the hair.
    x = (np.arange(n) + 0.5) / n - 0.5
    rim = np.clip((np.hypot(x[None, :], x[:, None]) - 0.19) / 0.2, 0.0, 1.0)[..., None]
    return cut((colour * (0.7 + 2.2 * rim)).astype(np.float32), shape)


def portrait(width: int) -> tuple[Element, ...]:
    """Hair before a lit wall with lamps, shoulders in cloth; the wall is seen between the strands."""
    m = int(0.8 * width)
    cloth = textures.fabric(m // 2, m, 12, (0.07, 0.11, 0.20), 120.0, (0.10, 0.15, 0.24))
    body = cut(cloth, mattes.rectangle(m // 2, m, 0.42, 0.22, 0.2))
    walk = (0.0025, -0.0006)
    lamps = objects.scattered_lights(14, 34, (-0.34, -0.2, 0.34, 0.16), 0.0011, 8.0, 260.0)
    return (
        Element(_head(width, 13), 0.62, Motion(-0.03, -0.04, 0.62, drift=walk, approach=0.003, sway_angle=0.03)),
        Element(body, 0.7, Motion(-0.03, 0.27, 0.60, drift=walk, approach=0.003)),
        Element(cut(_wall(width, 11)), 1.7, Motion(0.0, 0.0, 0.08, drift=(-0.0005, 0.0)), lights=lamps, endless=True),
    )


def fence(width: int) -> tuple[Element, ...]:
    """A chain-link fence close to the lens, a yard behind it, lamps in the distance."""
    p = int(1.3 * width)
    rust = textures.mixed(textures.noise(p, p, 21, 9.0), (0.20, 0.21, 0.23), (0.26, 0.12, 0.06))
    mesh = cut(rust, mattes.fence(p, p, 0.075, 0.0026))
    m = int(0.34 * width)
    crate = textures.wood(m, m, 22, (0.42, 0.26, 0.13), (0.16, 0.085, 0.04), 4.0)
    box = cut(crate, mattes.rectangle(m, m, 0.47, 0.47, 0.01))
    n = int(0.4 * width)
    bush = foliage.hedge(n, n, 23, 900, 0.09, -0.2, (0.02, 0.06, 0.02), (0.16, 0.26, 0.07))
    lamps = objects.scattered_lights(24, 40, (-0.3, -0.17, 0.3, 0.03), 0.0010, 10.0, 400.0)
    city = objects.city(int(1.1 * width), int(1.8 * width), 25, 0.58)
    return (
        Element(mesh, 1.3, Motion(0.0, 0.0, 0.92, drift=(0.002, 0.0007), approach=0.002, turn=0.002), tilt=(0.10, 0.0)),
        Element(box, 0.30, Motion(-0.2, 0.14, 0.48, angle_start=0.08)),
        Element(bush, 0.40, Motion(0.24, 0.12, 0.36, sway=(0.006, 0.0), period=20.0)),
        Element(cut(city), 1.8, Motion(0.0, 0.0, 0.05), lights=lamps, endless=True),
    )


def floor(width: int) -> tuple[Element, ...]:
    """A tiled floor that runs from the lens to the far wall, with vases on it."""
    slope, horizon = 2.2, -0.14
    w, h = int(2.2 * width), int(2.4 * width)
    ground = textures.tiles(h, w, 31, (0.46, 0.43, 0.38), (0.07, 0.075, 0.09), 12.0)
    middle = 0.30
    vases = []
    places = (
        (-0.27, 0.78, (0.10, 0.22, 0.36)),
        (0.13, 0.50, (0.45, 0.10, 0.06)),
        (-0.07, 0.33, (0.36, 0.30, 0.12)),
        (0.31, 0.64, (0.30, 0.34, 0.30)),
    )
    for k, (x, d, colour) in enumerate(places):
        n = int(0.42 * d * width)
        shape = ((0.03, 0.16), (0.08, 0.18), (0.2, 0.12), (0.45, 0.34), (0.6, 0.38), (0.85, 0.2), (0.95, 0.17))
        vase = objects.turned(
            int(1.7 * n), n, shape, colour, 32 + k, 1.2, -1.0, (0.5, 0.55, 0.7), inside=(0.02, 0.02, 0.02)
        )
        size = 0.36 * d
        place = Motion(x, horizon + d / slope - 0.79 * size, d, drift=(0.001 * (k - 1.5), 0.0))
        vases.append(Element(vase, size, place))
    lamps = objects.scattered_lights(36, 26, (-0.33, -0.22, 0.33, -0.08), 0.0012, 6.0, 120.0, objects.WARM)
    wall = textures.wood(int(0.9 * width), int(1.7 * width), 37, (0.24, 0.13, 0.07), (0.09, 0.045, 0.03), 9.0)
    return (
        *sorted(vases, key=lambda e: -e.motion.disparity),
        Element(cut(ground), 2.4, Motion(0.0, horizon + middle / slope, middle), tilt=(0.0, slope)),
        Element(cut(wall), 1.7, Motion(0.0, 0.0, 0.10), lights=lamps, endless=True),
    )


def papers(width: int) -> tuple[Element, ...]:
    """Sheets of cloth, wood and torn paper that overlap, each tilted its own way, moving six ways."""
    n = int(0.6 * width)
    page = textures.gradient(n, n, (0.72, 0.68, 0.58), (0.60, 0.52, 0.40), 41, 0.5)
    page *= 1.0 - 0.9 * objects.sign(n, n, 42, 14, 0.003)[..., None]
    torn = cut(page, mattes.holes(n, n, 43, 7.0, 0.42) * mattes.rectangle(n, n, 0.47, 0.47, 0.03))
    cloth = textures.fabric(n, n, 44, (0.42, 0.05, 0.06), 70.0, (0.30, 0.03, 0.09))
    round_ = cut(cloth, mattes.blob(n, n, 45, 0.4, 0.2, 0.012))
    plank = textures.wood(n // 2, n, 46, (0.45, 0.30, 0.16), (0.20, 0.11, 0.05), 3.0)
    board = cut(plank, mattes.rectangle(n // 2, n, 0.48, 0.22, 0.01))
    fluff = mattes.hair(n, n, 47, count=700, root=0.12, length=0.3, radius=0.0016)
    down = cut(textures.skin(n, n, 48, (0.55, 0.50, 0.36)), fluff)
    table = textures.fabric(int(1.1 * width), int(1.7 * width), 49, (0.10, 0.13, 0.13), 170.0, (0.13, 0.17, 0.15))
    lamps = objects.scattered_lights(50, 12, (-0.28, -0.16, 0.28, 0.16), 0.0012, 5.0, 60.0)
    return (
        Element(torn, 0.50, Motion(-0.22, -0.10, 0.90, drift=(0.016, 0.004), turn=0.02), tilt=(0.15, 0.1)),
        Element(round_, 0.52, Motion(0.20, 0.06, 0.66, drift=(-0.014, -0.003), approach=0.02), tilt=(-0.25, 0.0)),
        Element(down, 0.56, Motion(-0.02, 0.10, 0.50, drift=(0.004, -0.013), turn=-0.03)),
        Element(board, 0.62, Motion(0.05, -0.13, 0.33, drift=(-0.006, 0.010), approach=-0.02), tilt=(0.12, 0.12)),
        Element(cut(table), 1.7, Motion(0.0, 0.0, 0.10), lights=lamps, endless=True),
    )


def wires(width: int) -> tuple[Element, ...]:
    """Cables and strings of bulbs over a street: the thinnest things, and the brightest, near and far."""
    w, h = int(1.5 * width), int(0.8 * width)
    iron = np.full((h, w, 3), (0.05, 0.05, 0.055), np.float32) * (0.5 + textures.noise(h, w, 51, 60.0, 3))[..., None]
    cables = cut(iron, mattes.wires(h, w, 52, 9, 0.0011))
    sparks = objects.scattered_lights(53, 22, (-0.4, -0.24, 0.4, 0.24), 0.0013, 20.0, 1000.0, objects.WARM)
    spark_matte = mattes.strokes(
        h,
        w,
        np.repeat(np.pad(sparks[:, None, :2], ((0, 0), (0, 0), (0, 1)), constant_values=0.0016), 2, axis=1).astype(
            float
        ),
    )
    ember = cut(np.full((h, w, 3), (0.4, 0.16, 0.04), np.float32), spark_matte)
    bulbs, bulb_lights = objects.light_string(h, w, 54, ((-0.17, -0.06, 0.06), (-0.02, -0.12, 0.09)), 13, 0.0036, 35.0)
    city = objects.city(int(1.1 * width), int(1.8 * width), 55, 0.6)
    lamps = objects.scattered_lights(56, 50, (-0.3, -0.16, 0.3, 0.06), 0.0010, 10.0, 500.0)
    return (
        Element(ember, 1.3, Motion(0.0, 0.0, 0.95, drift=(0.006, -0.008)), lights=sparks),
        Element(cables, 1.4, Motion(0.0, 0.02, 0.72, drift=(-0.003, 0.001)), tilt=(0.3, 0.0)),
        Element(bulbs, 1.3, Motion(0.0, 0.03, 0.38, sway=(0.0, 0.004), period=24.0), lights=bulb_lights),
        Element(cut(city), 1.8, Motion(0.0, 0.0, 0.04, drift=(0.001, 0.0)), lights=lamps, endless=True),
    )


def meadow(width: int) -> tuple[Element, ...]:
    """Grass and twigs that wave and rush past before a hedge in the evening."""
    w, h = int(1.4 * width), int(0.5 * width)
    blades = foliage.grass(h, w, 61, 420, 0.30, (0.03, 0.09, 0.02), (0.34, 0.38, 0.10))
    n = int(0.7 * width)
    twig = foliage.branch(n, n, 62, (-0.42, -0.3), 0.5, 5, 0.6, 0.16, (0.03, 0.08, 0.02), (0.42, 0.30, 0.06), 0.7)
    hedge = foliage.hedge(h, w, 63, 3000, 0.03, -0.06, (0.012, 0.04, 0.02), (0.12, 0.20, 0.06))
    sky = textures.gradient(int(1.1 * width), int(1.7 * width), (0.16, 0.26, 0.48), (0.95, 0.52, 0.26), 64, 0.25)
    sun = objects.glow(sky.shape[0], sky.shape[1], 0.08, 0.06, (0.1, 0.07), (2.5, 1.5, 0.6))
    glints = objects.scattered_lights(65, 60, (-0.45, -0.05, 0.45, 0.12), 0.0009, 8.0, 90.0, objects.WARM)
    return (
        Element(blades, 1.25, Motion(0.0, 0.16, 0.88, drift=(0.018, 0.0), sway=(0.012, 0.0), period=16.0)),
        Element(twig, 0.6, Motion(-0.24, -0.10, 0.60, drift=(-0.010, 0.004), sway_angle=0.08, period=14.0)),
        Element(hedge, 1.3, Motion(0.0, 0.10, 0.24, drift=(0.004, 0.0)), lights=glints),
        Element(cut(sky + sun), 1.7, Motion(0.0, 0.0, 0.02), endless=True),
    )


def gallery(width: int) -> tuple[Element, ...]:
    """A wall that runs away from the lens to the left, a column and a curtain before it: slopes across and down."""
    w, h = int(2.4 * width), int(1.4 * width)
    wall = textures.bricks(h, w, 71, (0.42, 0.36, 0.30), (0.24, 0.22, 0.20), 26.0)
    wall *= 0.5 + objects.glow(h, w, 0.05, -0.03, (0.3, 0.2), (0.9, 0.85, 0.75))
    lamps = objects.scattered_lights(72, 18, (-0.25, -0.12, 0.25, 0.1), 0.0012, 6.0, 150.0, objects.WARM)
    n = int(0.5 * width)
    column = objects.turned(3 * n, n, ((0.0, 0.3), (1.0, 0.3)), (0.45, 0.43, 0.40), 73, 0.6, view=0.0)
    m = int(0.6 * width)
    lace = textures.fabric(int(1.5 * m), m, 74, (0.50, 0.44, 0.38), 60.0, (0.36, 0.30, 0.28))
    curtain = cut(
        lace, mattes.holes(int(1.5 * m), m, 75, 26.0, 0.36) * mattes.rectangle(int(1.5 * m), m, 0.46, 0.72, 0.02, 0.01)
    )
    return (
        Element(curtain, 0.45, Motion(0.26, 0.0, 0.86, drift=(-0.006, 0.0), sway_angle=0.02), tilt=(0.25, 0.0)),
        Element(column, 0.34, Motion(-0.10, 0.0, 0.66, drift=(0.005, 0.0))),
        Element(cut(wall), 2.2, Motion(0.05, 0.0, 0.33), tilt=(0.42, 0.06), lights=lamps),
        Element(cut(_wall(width, 76)), 1.7, Motion(0.0, 0.0, 0.05), endless=True),
    )


def cutout(width: int) -> tuple[Element, ...]:
    """Elements to be laid over something else: no background, so that alpha matters."""
    n = int(0.7 * width)
    twig = foliage.branch(n, n, 81, (-0.45, 0.35), -0.7, 6, 0.7, 0.15, (0.03, 0.10, 0.04), (0.35, 0.42, 0.12), 0.6)
    m = int(0.5 * width)
    cloth = textures.fabric(m, m, 82, (0.10, 0.20, 0.40), 60.0, (0.16, 0.28, 0.48))
    banner = cut(cloth, mattes.rectangle(m, m, 0.42, 0.36, 0.05, 0.01))
    lights = objects.scattered_lights(83, 10, (-0.36, -0.3, 0.36, 0.3), 0.004, 8.0, 80.0, objects.WARM)
    return (
        Element(twig, 0.6, Motion(-0.22, 0.05, 0.85, sway_angle=0.05, period=20.0)),
        Element(_head(width, 84), 0.5, Motion(0.12, 0.0, 0.55, drift=(0.005, 0.002))),
        Element(banner, 0.6, Motion(0.02, -0.02, 0.22, drift=(-0.004, 0.0)), tilt=(0.1, 0.0), lights=lights),
    )
