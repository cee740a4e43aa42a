"""Transfer curves of our own: from what a file holds to light and back, for what the configuration has no space for.

All of them are mirrored below zero, and give a finite number for every finite number.

* ``Linear``, ``sRGB`` (IEC 61966-2-1), ``Gamma 2.2`` and every other gamma from 1 to 4.
* ``Camera Rec.709``: the camera's curve of BT.709, which some ICC profiles hold.
* ``PQ`` (BT.2100): light of the display, 203 nits (the reference white of BT.2408) being 1.0 and 10,000 nits 49.3.
* ``HLG`` (BT.2100): light of the scene, by the inverse OETF without OOTF; the reference white of BT.2408, a signal of
  75 %, is 1.0, and the full signal 3.77.
* ``ST 428``: cinema's gamma 2.6, where 48 of 52.37 is white.
* ``Cineon``: Kodak's printing density, where the 10-bit code 685 is 1.0 and 95 is black, 0.002 of density a code,
  gamma 0.6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

import numpy as np

from engine.frames import Float32Array

__all__ = ["CINEON", "HIGH_RANGE", "LINEAR", "from_light", "is_curve", "spelt", "to_light"]

LINEAR: Final = "Linear"
CINEON: Final = "Cineon"
HIGH_RANGE: Final = frozenset({"PQ", "HLG"})
"""Curves whose signal goes on far above the white of paper."""

_GAMMA: Final = re.compile(r"gamma (\d+(?:\.\d+)?)", re.IGNORECASE)

PQ_WHITE: Final = 203.0 / 10_000
"""Reference white on PQ's scale, where 1 is 10,000 nits (ITU-R BT.2408)."""

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_HLG_A: Final = 0.17883277
_HLG_B: Final = 1 - 4 * _HLG_A
_HLG_C: Final = 0.5 - _HLG_A * math.log(4 * _HLG_A)
HLG_WHITE: Final = (math.exp((0.75 - _HLG_C) / _HLG_A) + _HLG_B) / 12
"""Light of the scene at a signal of 75 %, HLG's own scale (0.265)."""

_CAMERA_A, _CAMERA_B = 1.09929682680944, 0.018053968510807
"""BT.709's 1.099 and 0.018 in full, so that the curve has no step."""

_CINEON_BLACK: Final = 10 ** ((95 - 685) * 0.002 / 0.6)
_ST428: Final = 52.37 / 48
_MOST: Final = float(np.finfo(np.float32).max)


def spelt(name: str) -> str | None:
    """A curve's own spelling; None where there is none of that name."""
    for known in (LINEAR, *_CURVES):
        if known.lower() == name.strip().lower():
            return known
    match = _GAMMA.fullmatch(name.strip())
    return f"Gamma {float(match[1]):.9g}" if match and 1 <= float(match[1]) <= 4 else None


def is_curve(name: str) -> bool:
    """Whether there is a curve of that spelling."""
    return spelt(name) == name


def to_light(values: Float32Array, curve: str) -> Float32Array:
    """Light of an array of code values, 0..1 as far as the file's range goes."""
    return _through(values, curve, 0)


def from_light(values: Float32Array, curve: str) -> Float32Array:
    """Code values of an array of light."""
    return _through(values, curve, 1)


def _through(values: Float32Array, curve: str, way: int) -> Float32Array:
    if curve == LINEAR:
        return values
    if curve == CINEON:
        return _from_cineon(values) if way == 0 else _to_cineon(values)
    match = _GAMMA.fullmatch(curve)
    magnitude = np.abs(values)
    with np.errstate(over="ignore"):
        if match:
            gamma = float(match[1])
            made = magnitude ** np.float32(gamma if way == 0 else 1 / gamma)
        else:
            made = _CURVES[curve][way](magnitude)
        return np.asarray(np.copysign(np.minimum(made, np.float32(_MOST)), values), np.float32)


def _srgb(code: Float32Array) -> Float32Array:
    power = ((code + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.asarray(np.where(code <= 0.04045, code / 12.92, power), np.float32)


def _to_srgb(light: Float32Array) -> Float32Array:
    power = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.asarray(np.where(light <= 0.0031308, light * np.float32(12.92), power), np.float32)


def _camera(code: Float32Array) -> Float32Array:
    power = ((code + np.float32(_CAMERA_A - 1)) / np.float32(_CAMERA_A)) ** np.float32(1 / 0.45)
    return np.asarray(np.where(code < 4.5 * _CAMERA_B, code / 4.5, power), np.float32)


def _to_camera(light: Float32Array) -> Float32Array:
    power = np.float32(_CAMERA_A) * light ** np.float32(0.45) - np.float32(_CAMERA_A - 1)
    return np.asarray(np.where(light < _CAMERA_B, light * np.float32(4.5), power), np.float32)


def _pq(code: Float32Array) -> Float32Array:
    # A code above 1 is none: the curve has a pole a little above it.
    power = np.minimum(code, 1).astype(np.float64) ** (1 / _M2)
    light = (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)
    return np.asarray((light / PQ_WHITE), np.float32)


def _to_pq(light: Float32Array) -> Float32Array:
    power = (np.minimum(light.astype(np.float64) * PQ_WHITE, 1)) ** _M1
    return np.asarray((((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2), np.float32)


def _hlg(code: Float32Array) -> Float32Array:
    high = np.exp(np.minimum((code - _HLG_C) / _HLG_A, 80).astype(np.float32)) + np.float32(_HLG_B)
    return np.asarray((np.where(code <= 0.5, 4 * code * code, high) / np.float32(12 * HLG_WHITE)), np.float32)


def _to_hlg(light: Float32Array) -> Float32Array:
    scene = light * np.float32(HLG_WHITE)
    high = _HLG_A * np.log(np.maximum(12 * scene - np.float32(_HLG_B), np.float32(1e-6))) + _HLG_C
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), high), np.float32)


def _st428(code: Float32Array) -> Float32Array:
    return np.asarray((code ** np.float32(2.6) * np.float32(_ST428)), np.float32)


def _to_st428(light: Float32Array) -> Float32Array:
    return np.asarray((light / np.float32(_ST428)) ** np.float32(1 / 2.6), np.float32)


def _from_cineon(code: Float32Array) -> Float32Array:
    # Codes far above 1023 are no density: 10 to that power would be no number.
    exponent = np.clip((code.astype(np.float64) * 1023 - 685) * (0.002 / 0.6), -60, 38)
    return np.asarray(((10**exponent - _CINEON_BLACK) / (1 - _CINEON_BLACK)), np.float32)


def _to_cineon(light: Float32Array) -> Float32Array:
    kept = np.maximum(light.astype(np.float64) * (1 - _CINEON_BLACK) + _CINEON_BLACK, 1e-9)
    return np.asarray(((685 + np.log10(kept) * (0.6 / 0.002)) / 1023), np.float32)


_CURVES: Final[dict[str, tuple[Callable[[Float32Array], Float32Array], Callable[[Float32Array], Float32Array]]]] = {
    "sRGB": (_srgb, _to_srgb),
    "Camera Rec.709": (_camera, _to_camera),
    "PQ": (_pq, _to_pq),
    "HLG": (_hlg, _to_hlg),
    "ST 428": (_st428, _to_st428),
    CINEON: (_from_cineon, _to_cineon),
}
