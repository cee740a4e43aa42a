"""Colour maps in which depth is painted for people, and the way back to the depth.

Estimators save such pictures by default (Depth Anything ``Spectral_r``, Video Depth Anything ``inferno``, Depth Pro
``turbo``). No channel of one and no luma is the depth: most maps are not even rising.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["COLOUR_MAPS", "ColourMap", "colour_map", "likeliest_map"]

_ANCHORS: Final = {
    "turbo": (
        "31123c392a744040a24456c8476be3477ff74393ff37a7fb29bbec1ccdd817dcc31de8b030f2994cf97e6bfe638aff4ca3fd3b"
        "b8f734cced34dee037edd03af8c03afdae35fe982cfb8022f56817ec520ee14109d23105c12302ac1701950c017a0403"
    ),
    "inferno": (
        "0000030303120b0724150b37210c4a2f0a5b3c09654a0c6b57106e63146e70196e7d1e6d89226a962767a32b62af315cbb3755"
        "c63d4cd14545db4f3be45932eb6529f1711ef67f14f98d09fb9c05fcaa0efbba1ff9c932f5d949f2e965f2f586fbffa5"
    ),
    "magma": (
        "0000030303110a0822130d331d114628125a36106b430f7651127c5d177f691c817621818225818f2a819c2e7fa9327db6377a"
        "c33b75cf4170db476ae65163ef5c5ef5695cf9785cfb8761fd9668fea571feb47bfec387fed194fde0a1fceeb0fcfdbf"
    ),
    "plasma": (
        "0e07872206903105973f049c4c02a15901a56500a87200a87e03a88908a69511a29f1a9ca92396b32c8ebb3587c43e7fcb4778"
        "d25071d9596ae06263e66c5ceb7555f07f4ff48a48f89441fb9f3afdab33feb72dfdc328fcd025f9dd24f5eb27f0f923"
    ),
    "viridis": (
        "440154470d6048186a482274472d7b4536814240863f49893b528b375b8d33638d2f6b8e2c728e297a8e26818e23888e21908c"
        "1f978b1e9f8821a68527ae8031b57b3dbc744cc26c5cc9636ece5882d44c96d83fabdc32c0df24d5e219eae519fde724"
    ),
    "jet": "0000800000ff0080ff00ffff80ff80ffff00ff8000ff0000800000",
    "spectral": "9e0142d53e4ff46d43fdae61fee08bffffbfe6f598abdda466c2a53288bd5e4fa2",
}
"""Colours at equal steps from 0 to 1, between which the map is straight: turbo to viridis are fitted to the maps' 256
colours and differ from them by 2 in 255 at most; spectral is ColorBrewer's, with red at 0."""

COLOUR_MAPS: Final = (*_ANCHORS, "spectral_r")

STEPS: Final = 256
AWAY: Final = 0.14
"""Pixels farther from every colour of the map hold no depth: a mixture of two colours at an edge, or lettering."""

NEAR: Final = 0.06
SHARE: Final = 0.8
"""A picture is painted with a map if so many of its pixels lie so near to it."""


class ColourMap:
    """One map: a line through the cube of colours.

    Args:
        name: one of ``COLOUR_MAPS``; ``_r`` runs backwards.
    """

    def __init__(self, name: str) -> None:
        anchors = _ANCHORS[name.removesuffix("_r")]
        colours = np.frombuffer(bytes.fromhex(anchors), np.uint8).reshape(-1, 3) / 255.0
        places = np.linspace(0, 1, len(colours))
        line = np.stack([np.interp(np.linspace(0, 1, STEPS), places, c) for c in colours.T], axis=1)
        self._line: NDArray[np.float32] = (line[::-1] if name.endswith("_r") else line).astype(np.float32)
        self._known: Float32Array | None = None

    def paint(self, values: Float32Array) -> Float32Array:
        """Colours (..., 3) float32 of values in 0..1."""
        places = np.clip(values, 0, 1) * (STEPS - 1)
        below = np.minimum(places.astype(np.intp), STEPS - 2)
        above = (places - below)[..., None].astype(np.float32)
        painted: Float32Array = self._line[below] * (1 - above) + self._line[below + 1] * above
        return painted

    def read(self, colours: Float32Array) -> Float32Array:
        """Values 0..1 of the nearest colours of the map; NaN where a colour is none of the map's.

        Args:
            colours: (H, W, 3) float32 in 0..1; told apart by 1/255.
        """
        if self._known is None:
            self._known = np.full(1 << 24, -1, np.float32)  # 64 MiB, of which the system gives what is written
        codes = _codes(colours)
        new = np.unique(codes[self._known[codes] == -1])
        if new.size:
            places, away = self.nearest(_colours(new))
            self._known[new] = np.where(away > AWAY, np.float32(np.nan), places)
        return self._known[codes]

    def nearest(self, colours: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Place on the map, 0..1, of the point nearest to each of (N, 3) colours, and how far away it is."""
        places, away = np.empty(len(colours), np.float32), np.empty(len(colours), np.float32)
        for start in range(0, len(colours), 4096):
            part = slice(start, start + 4096)
            places[part], away[part] = self._project(colours[part])
        return places, away

    def _project(self, colours: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Onto the two pieces of the line that meet at the nearest of its points."""
        square = (self._line**2).sum(axis=1) - 2 * colours @ self._line.T
        point = square.argmin(axis=1)
        best, away = np.zeros(len(colours), np.float32), np.full(len(colours), np.inf, np.float32)
        for start in (np.maximum(point - 1, 0), np.minimum(point, STEPS - 2)):
            piece = self._line[start + 1] - self._line[start]
            length = np.maximum((piece**2).sum(axis=1), 1e-12)
            along = np.clip(((colours - self._line[start]) * piece).sum(axis=1) / length, 0, 1)
            off = np.linalg.norm(self._line[start] + along[:, None] * piece - colours, axis=1)
            nearer = off < away
            best[nearer], away[nearer] = ((start + along) / (STEPS - 1))[nearer], off[nearer]
        return best, away


@cache
def colour_map(name: str) -> ColourMap:
    """The map of that name, made once."""
    return ColourMap(name)


def likeliest_map(colours: Float32Array) -> tuple[str, float] | None:
    """The map with which a picture is painted, and the share of its pixels that lie on it; None where there is none.

    Args:
        colours: (N, 3) float32 in 0..1, of pixels that are not grey.
    """
    if not len(colours):
        return None
    found = {name: float(np.mean(colour_map(name).nearest(colours)[1] < NEAR)) for name in _ANCHORS}
    name = max(found, key=lambda n: found[n])
    return (name, found[name]) if found[name] > SHARE else None


def _codes(colours: Float32Array) -> NDArray[np.int32]:
    whole = np.rint(np.clip(np.nan_to_num(colours), 0, 1) * 255).astype(np.int32)
    codes: NDArray[np.int32] = (whole[..., 0] << 16) | (whole[..., 1] << 8) | whole[..., 2]
    return codes


def _colours(codes: NDArray[np.int32]) -> Float32Array:
    return (np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=1) / np.float32(255)).astype(np.float32)
