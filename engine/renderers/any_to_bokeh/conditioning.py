"""What the network is told of a frame: picture, distance from the focal plane, K, and depth planes."""

from __future__ import annotations

from math import ceil
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array, PlateFrame
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.any_to_bokeh.tone import Tone
from engine.runtime import Behaviour, NetworkInput

__all__ = ["PLANES", "TRAINED_STRENGTH", "network_input", "regions", "strength_embedding", "whole_strength"]

PLANES: Final = 4
"""N of equation 2."""

TRAINED_STRENGTH: Final = 32
"""The largest K of the published training, about."""

FREQUENCIES: Final = 16
"""Of sine and cosine in the embedding of K, from 1 to 100 radians for each unit of K."""

MOST_IN_HALF: Final = 655.0
"""The largest K, nearly, whose phase of 100 radians a unit is a number of half precision."""

STEEPEST: Final = 1e6
"""Exponent of the planes' borders where the focus is at infinity and equation 2 divides by zero."""


def strength_embedding(strength: float, mode: Literal["half", "training", "exact"]) -> Float32Array:
    """What the network is told of K: ``sin(f_j K), cos(f_j K)`` in turn, with ``f_j = 100 ^ (j / 15)``.

    Args:
        strength: K, in pixels of the network.
        mode: ``half`` rounds exponents, frequencies, phases and their sines to half precision, as the published
            inference does; ``training`` only the exponents, as its training does; ``exact`` nothing. A K whose phases
            half precision cannot hold is embedded as in training.

    Returns:
        (32,) float32, finite.
    """
    phases: NDArray[np.floating]
    if mode == "half" and strength <= MOST_IN_HALF:
        half = np.float16
        phases = (half(100) ** _half_exponents() * half(strength)).astype(half)
    elif mode != "exact":
        phases = np.float32(100) ** _half_exponents().astype(np.float32) * np.float32(strength)
    else:
        phases = 100.0 ** np.linspace(0.0, 1.0, FREQUENCIES) * strength
    return np.stack([np.sin(phases), np.cos(phases)], axis=1).reshape(-1).astype(np.float32)


def _half_exponents() -> NDArray[np.float16]:
    """0 to 1 in half precision as Torch steps them: from the nearer end, by a step that is itself rounded."""
    step = np.float32(np.float16(1 / (FREQUENCIES - 1)))
    up = np.arange(FREQUENCIES, dtype=np.float32) * step
    return np.where(np.arange(FREQUENCIES) < FREQUENCIES // 2, up, 1 - up[::-1]).astype(np.float16)


def whole_strength(strength: float, largest_defocus: float) -> tuple[int, float]:
    """K as a whole number, and the factor of the defocus map that leaves every radius as it is.

    The network was trained on whole numbers up to about 32, and because the phases of a fraction alias it takes 16.5
    for something quite unlike 16. The defocus map stays within 1 where any number up to 32 allows it.

    Args:
        strength: K in pixels of the network, zero or more.
        largest_defocus: the largest radius of the frame over K.

    Returns:
        (1, 0) for K = 0.
    """
    if strength <= 0:
        return 1, 0.0
    # A thousandth of a pixel is no reason for another number: K comes from a product with the plate's scale.
    least = max(min(strength, TRAINED_STRENGTH), strength * largest_defocus) - 1e-3
    whole = max(ceil(least), 1)
    return whole, strength / whole


def regions(disparity: Float32Array, focus: float, exponent: float) -> NDArray[np.uint8]:
    """The depth plane of each pixel: how many of ``h_i = (i / 4) ^ (1 / d_f ^ exponent)`` its ``abs(d - d_f)`` exceeds.

    Args:
        disparity: (H, W) float32.
        focus: d_f.
        exponent: of d_f; 1 in equation 2.

    Returns:
        (H, W), 0 around the focal plane to 3.
    """
    power = 1.0 / max(focus**exponent, 1.0 / STEEPEST) if focus > 0 else STEEPEST
    borders = (np.arange(1, PLANES) / PLANES) ** power
    distance = np.abs(disparity - np.float32(focus))
    planes: NDArray[np.uint8] = np.searchsorted(borders.astype(np.float32), distance, side="left").astype(np.uint8)
    return planes


def network_input(
    plate: PlateFrame,
    index: int,
    base: Float32Array,
    radius: Float32Array,
    fit: Fit,
    tone: Tone,
    behaviour: Behaviour,
    strength_values: Literal["whole", "as-is"] = "whole",
) -> NetworkInput:
    """What the networks are given of a frame.

    Args:
        plate: disparity, focus and K of the frame.
        index: place of the frame in the shot.
        base: (H, W, 3) float32 scene-linear, what the curve can hold of the plate.
        radius: (H, W) float32 signed circle of confusion in plate pixels, with all that departs from the plain lens.
        fit: the plate in the network's picture.
        tone: the curve.
        behaviour: how K is embedded, and whether there are masks.
        strength_values: K as a whole number, or as it is.
    """
    strength, largest = plate.strength * fit.row_scale, 0.0
    if plate.strength > 0:
        largest = float(np.abs(radius).max()) / plate.strength
    told: float = strength
    if strength_values == "whole":
        told, _ = whole_strength(strength, largest)
    # The radius in the network's pixels is K times the map.
    scale = fit.row_scale / told if strength > 0 else 0.0
    defocus = np.clip(fit.shrink(np.abs(radius)) * np.float32(scale), np.float32(0.0), np.float32(1.0))
    picture = fit.pad(tone.encode(fit.shrink(base)))
    planes = None
    if behaviour.mpi_masks == "threshold":
        planes = fit.pad(regions(fit.shrink(plate.disparity), plate.focus, behaviour.mask_exponent))
    return NetworkInput(
        index=index,
        picture=np.ascontiguousarray(picture.transpose(2, 0, 1)),
        defocus=fit.pad(defocus),
        strength_embedding=strength_embedding(told, behaviour.strength_embedding),
        regions=planes,
    )
