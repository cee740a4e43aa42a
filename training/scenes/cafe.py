"""The demo's scene: a cafe table on a terrace at night, above a street full of lights."""

from __future__ import annotations

import numpy as np

from engine.frames import Float32Array
from training.scenes import foliage, objects, textures
from training.scenes.motion import Motion
from training.scenes.scene import Element

__all__ = ["cafe"]

HORIZON = -0.10
SLOPE = 2.35
"""The table: disparity is ``SLOPE * (y - HORIZON)``, y in frame widths below the middle of the frame."""


def _on_table(disparity: float, height: float) -> float:
    """Where the middle of a thing of a height on screen is, if its foot stands on the table at a disparity.

    The height is twice that from the middle of its surface down to the front of its foot: what lies lower is inside
    the table.
    """
    return HORIZON + disparity / SLOPE - 0.5 * height


def _backdrop(width: int) -> Element:
    w, h = int(1.9 * width), int(1.2 * width)
    picture = objects.city(h, w, 11, street=0.56)
    lights = np.concatenate(
        [
            objects.scattered_lights(21, 46, (-0.32, -0.06, 0.32, 0.045), 0.0011, 25.0, 160.0),
            objects.scattered_lights(22, 26, (-0.32, -0.17, 0.32, -0.05), 0.0008, 15.0, 90.0, objects.WARM),
            objects.scattered_lights(23, 14, (-0.30, 0.0, 0.30, 0.035), 0.0014, 60.0, 240.0, objects.SIGNALS),
        ]
    )
    return Element(objects.cut(picture), 1.9, Motion(0.0, -0.01, 0.03), lights=lights, endless=True)


def _strings(width: int) -> tuple[Element, ...]:
    w, h = int(1.3 * width), int(0.5 * width)
    far, far_lights = objects.light_string(h, w, 31, ((-0.14, -0.10, 0.05), (-0.12, -0.17, 0.07)), 15, 0.0032, 42.0)
    near, near_lights = objects.light_string(h, w, 32, ((-0.16, -0.06, 0.045),), 10, 0.0046, 30.0)
    return (
        Element(near, 1.5, Motion(0.05, -0.09, 0.22, sway=(0.0, 0.003), period=60.0), lights=near_lights),
        Element(far, 1.3, Motion(-0.02, -0.08, 0.12, sway=(0.0, 0.002), period=50.0, phase=1.0), lights=far_lights),
    )


CUP, CANDLE, BOTTLE = (-0.19, 0.68), (0.055, 0.47), (0.21, 0.40)
"""Place on screen across, and disparity, of what stands on the table."""


def _table(width: int) -> Element:
    w, h = int(2.2 * width), int(1.55 * width)
    size, middle = 1.75, 0.44
    wood = textures.wood(h, w, 41, (0.150, 0.082, 0.046), (0.040, 0.019, 0.011), planks=5.0)

    def pool(
        place: tuple[float, float], radius: tuple[float, float], colour: tuple[float, float, float]
    ) -> Float32Array:
        """A glow around a thing's foot: from the screen to the table, whose depth axis is stretched by perspective."""
        x, d = place
        across = x / d * middle / size
        along = (1.0 / d - 1.0 / middle) * 1.2 * middle / size
        return objects.glow(h, w, across, -along, radius, colour)

    wood *= 0.55 + pool(CANDLE, (0.17, 0.16), (5.0, 4.2, 3.2)) + pool((0.0, 0.3), (0.5, 0.12), (0.9, 0.9, 1.0))
    for place, foot in ((CUP, 0.024), (CANDLE, 0.020), (BOTTLE, 0.034)):
        wood *= 1.0 - pool(place, (1.5 * foot, 1.2 * foot), (0.75, 0.75, 0.75))
    return Element(objects.cut(wood), size, Motion(0.0, HORIZON + middle / SLOPE, middle), tilt=(0.0, SLOPE))


def _bottle(n: int) -> Float32Array:
    height = int(2.9 * n)
    bottle = objects.turned(
        height, n,
        (
            (0.02, 0.105), (0.05, 0.12), (0.07, 0.10), (0.28, 0.11), (0.36, 0.18),
            (0.44, 0.30), (0.50, 0.33), (0.93, 0.33), (0.955, 0.30),
        ),
        (0.020, 0.05, 0.028), 51, 0.8, key=-1.0, view=0.14,
        bands=((0.56, 0.82, (0.55, 0.47, 0.34)), (0.0, 0.15, (0.20, 0.02, 0.025))),
    )  # fmt: skip
    letters = objects.sign(int(0.17 * height), int(0.5 * n), 52, 2, 0.013)
    top, left = int(0.61 * height), int(0.25 * n)
    bottle[top : top + letters.shape[0], left : left + letters.shape[1], :3] *= 1.0 - 0.75 * letters[..., None]
    return bottle


def _candle(m: int) -> Float32Array:
    height = int(1.25 * m)
    candle = objects.turned(
        height, m, ((0.05, 0.34), (0.12, 0.345), (0.80, 0.30), (0.90, 0.27), (0.94, 0.24)),
        (0.55, 0.17, 0.04), 53, 0.7, key=1.0, bands=((0.48, 0.90, (1.0, 0.42, 0.12)),), inside=(0.9, 0.36, 0.1),
    )  # fmt: skip
    light = objects.glow(height, m, 0.0, 0.02, (0.22, 0.30), (2.4, 0.95, 0.22))
    light += objects.glow(height, m, 0.0, -0.03, (0.035, 0.085), (14.0, 7.5, 2.4))
    candle[..., :3] += light * candle[..., 3:]
    return candle


def _things(width: int) -> tuple[Element, ...]:
    m = int(0.24 * width)
    cup = objects.turned(
        int(0.95 * m), int(1.1 * m),
        ((0.10, 0.40), (0.16, 0.40), (0.50, 0.36), (0.70, 0.29), (0.82, 0.20), (0.86, 0.18), (0.90, 0.20)),
        (0.46, 0.37, 0.29), 54, 0.35, key=1.0, rim=(0.6, 0.42, 0.26), inside=(0.09, 0.045, 0.022),
    )  # fmt: skip
    # Warm from the candle, cold from the night.
    cup[..., :3] *= 0.75 + objects.glow(cup.shape[0], cup.shape[1], 0.42, 0.0, (0.45, 0.8), (0.75, 0.38, 0.08))
    cup[..., :3] += (
        objects.glow(cup.shape[0], cup.shape[1], -0.42, 0.0, (0.13, 0.6), (0.012, 0.02, 0.045)) * cup[..., 3:]
    )
    flame = np.array([[0.0, -0.035, 0.030, 110.0, 60.0, 19.0], [0.0, -0.075, 0.02, 45.0, 21.0, 5.0]], np.float32)
    return (
        Element(cup, 0.19, Motion(CUP[0], _on_table(CUP[1], 0.1425), CUP[1])),
        Element(_candle(m), 0.11, Motion(CANDLE[0], _on_table(CANDLE[1], 0.130), CANDLE[1]), lights=flame),
        Element(_bottle(int(0.30 * width)), 0.125, Motion(BOTTLE[0], _on_table(BOTTLE[1], 0.341), BOTTLE[1])),
    )


def _plants(width: int) -> tuple[Element, ...]:
    w = int(0.75 * width)
    near = foliage.branch(
        int(0.9 * w), w, 61, (0.42, 0.40), -2.3, 7, 0.62, 0.16, (0.004, 0.014, 0.008), (0.055, 0.075, 0.030), 0.75
    )
    left = foliage.branch(w, w, 62, (-0.45, 0.30), -0.8, 7, 0.55, 0.14, (0.004, 0.013, 0.010), (0.04, 0.07, 0.045), 0.8)
    # The candle lights the sides of the plants that face it.
    near[..., :3] *= 1.0 + objects.glow(near.shape[0], near.shape[1], -0.35, -0.1, (0.3, 0.45), (2.6, 1.5, 0.6))
    left[..., :3] *= 1.0 + objects.glow(left.shape[0], left.shape[1], 0.35, 0.0, (0.35, 0.45), (2.2, 1.3, 0.6))
    hw, hh = int(1.3 * width), int(0.30 * width)
    bush = foliage.hedge(hh, hw, 63, 4200, 0.024, -0.045, (0.005, 0.013, 0.009), (0.030, 0.045, 0.020))
    bush[..., :3] *= 1.0 + objects.glow(hh, hw, 0.02, 0.0, (0.16, 0.1), (3.0, 1.7, 0.6))
    return (
        Element(near, 0.62, Motion(0.32, 0.13, 0.90, sway=(0.004, 0.002), sway_angle=0.012, period=40.0)),
        Element(left, 0.50, Motion(-0.40, 0.14, 0.82, sway=(0.003, 0.0), sway_angle=0.015, period=46.0, phase=0.8)),
        Element(bush, 1.45, Motion(0.0, 0.055, 0.17)),
    )


def cafe(width: int) -> tuple[Element, ...]:
    """The elements, nearest first, for a picture ``width`` pixels wide."""
    near, left, bush = _plants(width)
    return (near, left, *_things(width), _table(width), *_strings(width), bush, _backdrop(width))
