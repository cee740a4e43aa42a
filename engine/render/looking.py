"""What is kept of a frame that is looked at before the render: a few numbers of its plate and its depth."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.depth.conventions import EMPTY_ALPHA
from engine.frames import Float32Array

__all__ = ["Look", "hidden_places", "look_at"]

COUNTED: Final = 200_000
"""Pixels of a frame that are counted, about, spread evenly."""

STEP: Final = 4
"""Lines between those along which the plate's edges are measured."""

BANDS: Final = 10
"""Bands from the top of the picture to its bottom, whose depths are compared."""

THUMB: Final = 24
"""Blocks across and down, whose brightness is compared between frames."""

EDGE: Final = 0.08
"""Least change of brightness, of the picture's own range, that counts as an edge."""

REACH: Final = 4
"""Pixels on either side over which an edge's height is measured."""

FEWEST_EDGES: Final = 0.002
"""Share of places with an edge below which nothing is said of a plate's sharpness: fog, night, a title."""


@dataclass(frozen=True, eq=False)
class Look:
    """One frame.

    Attributes:
        frame: its number.
        values: (N,) float32, the depth channel's values at some of the pixels that show something.
        nearest, farthest: disparities of all pixels that show something; NaN where none does.
        bands: BANDS medians of the disparity, from the top; NaN where nothing is seen.
        top_spread: between the nearer and the farther fifth of the top band.
        zeros: share of the pixels whose depth is 0 in the file and which show something.
        depth: a fingerprint of all depth values.
        thumb: (THUMB, THUMB) brightness of the plate, 0 to 1.
        steepest: of the sharpest edges, the share of their height that lies between two pixels; NaN without edges.
        height: of the picture in pixels.
    """

    frame: int
    values: Float32Array
    nearest: float
    farthest: float
    bands: NDArray[np.float32]
    top_spread: float
    zeros: float
    depth: bytes
    thumb: Float32Array
    steepest: float
    height: int


def look_at(
    frame: int,
    image: Float32Array,
    depth: Float32Array,
    disparity: Float32Array,
    hidden: NDArray[np.bool_] | None,
    zeros: float,
) -> Look:
    """Look at a frame.

    Args:
        frame: its number.
        image: (H, W, C) float32, linear, R, G and B first.
        depth, disparity: (H, W) float32.
        hidden: (H, W) bool, where nothing is seen.
        zeros: share of zeros in the depth's file.
    """
    step = max(1, round((depth.size / COUNTED) ** 0.5))
    coarse = np.s_[::step, ::step]
    seen = np.ones_like(depth[coarse], dtype=bool) if hidden is None else ~hidden[coarse]
    values = depth[coarse]
    lost = float(np.mean(seen & ~(np.isfinite(values) & (values != 0))))
    banded = zip(np.array_split(disparity[coarse], BANDS), np.array_split(seen, BANDS), strict=True)
    fifths = [np.percentile(d[s], (20, 50, 80)) if s.any() else np.full(3, np.nan) for d, s in banded]
    shown = disparity if hidden is None else disparity[~hidden]
    light = _brightness(image)
    return Look(
        frame=frame,
        values=values[seen],
        nearest=float(shown.max()) if shown.size else float("nan"),
        farthest=float(shown.min()) if shown.size else float("nan"),
        bands=np.array([middle for _, middle, _ in fifths], np.float32),
        top_spread=float(fifths[0][2] - fifths[0][0]),
        # Zeros have become infinite or unknown by now; where nothing is seen they do not matter.
        zeros=min(zeros, lost),
        depth=hashlib.blake2b(np.ascontiguousarray(depth).view(np.uint8).data, digest_size=16).digest(),
        thumb=_thumb(light),
        steepest=_steepest(light),
        height=depth.shape[0],
    )


def hidden_places(alpha: Float32Array | None, empty: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Where a picture shows nothing: transparent, or outside its files' windows."""
    clear = None if alpha is None else ~(alpha > EMPTY_ALPHA)
    if clear is None or empty is None:
        return empty if clear is None else clear
    hidden: NDArray[np.bool_] = clear | empty
    return hidden


def _brightness(image: Float32Array) -> Float32Array:
    """(H, W) about as the eye sees it, 0 to 1 over the picture's own range."""
    light = np.sqrt(np.maximum(image[:, :, : min(3, image.shape[2])].mean(axis=2), 0))
    top = float(np.percentile(light[::STEP, ::STEP], 99))
    scaled: Float32Array = np.minimum(light / max(top, 1e-6), 1).astype(np.float32)
    return scaled


def _thumb(light: Float32Array) -> Float32Array:
    rows = [band.mean(axis=0) for band in np.array_split(light, min(THUMB, light.shape[0]))]
    blocks = [[part.mean() for part in np.array_split(row, min(THUMB, row.size))] for row in rows]
    return np.array(blocks, np.float32)


def _steepest(light: Float32Array) -> float:
    """How much of an edge lies between two neighbouring pixels, in the sharpest twentieth of the edges.

    1 of a hard edge, 1/3 of one that is three pixels wide; 1/(2 REACH) at least, so wide edges look alike.
    """
    found = []
    for lines in (light[::STEP], light[:, ::STEP].T):
        width = lines.shape[1] - 2 * REACH
        if width < 1:
            continue
        tall = np.abs(lines[:, 2 * REACH :] - lines[:, : -2 * REACH])
        steps = np.abs(np.diff(lines, axis=1))
        steepest = np.maximum.reduce([steps[:, at : at + width] for at in range(2 * REACH)])
        edge = tall > EDGE
        found.append((steepest[edge] / tall[edge], edge.size))
    ratios = np.concatenate([ratio for ratio, _ in found]) if found else np.zeros(0)
    places = sum(size for _, size in found)
    return float(np.percentile(ratios, 95)) if ratios.size > max(FEWEST_EDGES * places, 50) else float("nan")
