"""What hangs before the wall in composed pictures: a disc, wires, and shapes that are kept for the last look."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.benchmark.composed import Picture, Plane

__all__ = ["HELD_PICTURES", "TUNE_PICTURES"]

Cover = NDArray[np.bool_]

DARK: Final = (0.02, 0.02, 0.02)
BRIGHT: Final = (0.8, 0.8, 0.8)
INK: Final = (0.05, 0.04, 0.04)
PAPER: Final = (0.80, 0.72, 0.60)
CLAY: Final = (0.16, 0.07, 0.05)
PLASTER: Final = (0.50, 0.48, 0.44)
LEAF: Final = (0.06, 0.13, 0.03)
SKY: Final = (0.42, 0.52, 0.70)

MOVED: Final = 3.0
"""Pixels that the moving thing goes on from frame to frame."""


def _disc(x: Plane, y: Plane, size: float, frame: int, share: float = 0.27) -> Cover:
    del frame
    return np.asarray(np.hypot(x - 0.501 * size, y - 0.498 * size) < share * size)


def _ring(x: Plane, y: Plane, size: float, frame: int) -> Cover:
    del frame
    away = np.hypot(x - 0.49 * size, y - 0.51 * size)
    return np.asarray((away > 0.2 * size) & (away < 0.3 * size))


def _disc_and_passer_by(x: Plane, y: Plane, size: float, frame: int) -> Cover:
    """A disc that stands still, and a post to its right that walks on."""
    still = np.hypot(x - 0.36 * size, y - 0.498 * size) < 0.2 * size
    post = np.abs(x - 0.85 * size - MOVED * frame) < 0.02 * size
    return np.asarray(still | post)


def _wires(x: Plane, y: Plane, size: float, frame: int, thick: float) -> Cover:
    """Straight wires of a thickness in pixels, each at its own angle."""
    del frame
    cover = np.zeros(x.shape, np.bool_)
    for number, angle in enumerate((0.05, 0.31, 0.78, 1.22, 1.55, 2.03)):
        across = np.float32(np.sin(angle)) * (x - 0.5 * size) - np.float32(np.cos(angle)) * (y - 0.5 * size)
        cover |= np.abs(across - np.float32((0.07 * number - 0.2) * size)) < 0.5 * thick
    return cover


def _comb(x: Plane, y: Plane, size: float, frame: int) -> Cover:
    """A back with teeth that grow from 2 pixels to 12, and gaps that grow alike."""
    del frame
    cover = (np.abs(y - 0.2 * size) < 0.06 * size) & (np.abs(x - 0.5 * size) < 0.42 * size)
    left = 0.1 * size
    for thick in range(2, 13):
        if left + thick < 0.9 * size:
            cover |= (x > left) & (x < left + thick) & (y > 0.2 * size) & (y < 0.8 * size)
        left += 2.0 * thick + 0.37
    return np.asarray(cover)


def _leaves(x: Plane, y: Plane, size: float, frame: int) -> Cover:
    """A twig with pointed leaves; it stands still but for one leaf that sways."""
    rng = np.random.default_rng(5)
    cover = np.abs(y - 0.9 * size + 0.75 * x + 12.0 * np.sin(x / 40.0)) < 1.2
    for number in range(16):
        across, along = rng.uniform(0.15, 0.85, 2)
        angle, length = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.05, 0.11) * size
        angle += 0.1 * frame if number == 0 else 0.0
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        u, v = c * (x - across * size) + s * (y - along * size), c * (y - along * size) - s * (x - across * size)
        # Two circles that overlap make a leaf.
        cover |= np.hypot(u, np.abs(v) + 0.8 * length) < 1.3 * length
    return np.asarray(cover)


def _wired(thick: int) -> Picture:
    return Picture(f"wires-{thick}px", partial(_wires, thick=float(thick)), DARK, BRIGHT)


TUNE_PICTURES: Final = (
    Picture("disc", _disc, DARK, BRIGHT),
    Picture("textured", _disc, INK, PAPER, texture=0.3),
    _wired(1),
    _wired(2),
    _wired(3),
    Picture("passer-by", _disc_and_passer_by, CLAY, PLASTER, texture=0.25, moving=True),
)
"""To develop by."""

HELD_PICTURES: Final = (
    Picture("ring", _ring, PLASTER, CLAY, texture=0.2),
    Picture("comb", _comb, DARK, SKY),
    Picture("leaves", _leaves, LEAF, SKY, texture=0.2, moving=True),
)
"""To look at only at the end."""
