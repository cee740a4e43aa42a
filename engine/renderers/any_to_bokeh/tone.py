"""The curve between scene-linear light and the display-referred pictures that the network was trained on.

From black to a display value of 0.8 it is sRGB's own (IEC 61966-2-1), so that ordinary pictures look to the network as
they always did. From there a shoulder, logarithmic and with the slope of sRGB at its start, goes up to two stops over
white. Further it does not go: each stop more leaves fewer of the network's steps to all of them. At the top an error
of 1/255 is 6 percent of the light, near the knee 1 percent. What is brighter is blurred in linear light instead (see
``highlights``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log1p
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["BRIGHTEST", "Tone", "measure_exposure"]

BRIGHTEST: Final = 4.0
"""Light at the top of the curve, where white is 1."""

KNEE: Final = 0.8
"""Display value where the shoulder begins."""

GREY: Final = 0.18
"""Light in the middle of an ordinary picture."""

ORDINARY: Final = 2.0
"""Stops from grey within which a shot is left as it is: the network has seen night and snow, and they look like it."""

MOST_STOPS: Final = 10.0
"""Bound of a measured exposure, to both sides."""

DARKEST: Final = 1e-6
"""Light below this says nothing about the exposure: mattes, borders, what filters leave in the black."""

SAMPLES: Final = 1 << 16
"""Pixels of a frame that are looked at, about."""

_BEND: Final = 0.0031308
_SLOPE: Final = 12.92
_GAMMA: Final = 2.4
_KNEE_LIGHT: Final = ((KNEE + 0.055) / 1.055) ** _GAMMA
_KNEE_SLOPE: Final = 1.055 / _GAMMA * _KNEE_LIGHT ** (1 / _GAMMA - 1)


def _steepness() -> float:
    """b of the shoulder ``0.8 + slope / b * log(1 + b * (light - knee))`` that ends at BRIGHTEST and 1."""
    low, high = 1e-3, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        end = KNEE + _KNEE_SLOPE / middle * log1p(middle * (BRIGHTEST - _KNEE_LIGHT))
        low, high = (middle, high) if end > 1 else (low, middle)
    return low


_B: Final = _steepness()
_A: Final = _KNEE_SLOPE / _B


@dataclass(frozen=True)
class Tone:
    """The curve at an exposure.

    Attributes:
        exposure: stops by which the plate's light is raised first.
    """

    exposure: float = 0.0

    @property
    def gain(self) -> float:
        """The light that the network's white stands for is ``1 / gain``."""
        return float(2.0**self.exposure)

    @property
    def limit(self) -> float:
        """The brightest light of the plate that the curve holds."""
        return BRIGHTEST / self.gain

    def encode(self, light: Float32Array) -> Float32Array:
        """Display values, 0 to 1, of scene-linear light; what lies beyond 0 and the limit is clipped, NaN is black."""
        flat = np.ascontiguousarray(light, np.float32).reshape(-1)
        encoded: Float32Array = _encode(flat, self.gain)
        return encoded.reshape(light.shape)

    def decode(self, display: Float32Array) -> Float32Array:
        """Scene-linear light of display values, which are clipped to 0 and 1."""
        flat = np.ascontiguousarray(display, np.float32).reshape(-1)
        decoded: Float32Array = _decode(flat, 1.0 / self.gain)
        return decoded.reshape(display.shape)


def measure_exposure(images: Iterable[Float32Array]) -> float:
    """Stops that bring a shot near enough to ordinary pictures.

    The middle of a shot is the mean of the logarithms of its luminances between their tenth and ninetieth percentile;
    black and what is not finite is not looked at. Up to two stops beside grey nothing is done, and beyond them only
    what leads there.

    Args:
        images: (H, W, C) float32 scene-linear frames of the shot; red, green and blue first, or grey alone.

    Returns:
        A multiple of a quarter stop from -10 to 10; 0 for a black shot.
    """
    seen = [_log_luminance(image) for image in images]
    logs = np.sort(np.concatenate([np.empty(0), *seen]))
    if len(logs) == 0:
        return 0.0
    tenth = len(logs) // 10
    off = float(logs[tenth : len(logs) - tenth].mean()) - float(np.log2(GREY))
    beyond = off - min(max(off, -ORDINARY), ORDINARY)
    return min(max(-round(4.0 * beyond) / 4.0, -MOST_STOPS), MOST_STOPS) + 0.0


def _log_luminance(image: Float32Array) -> NDArray[np.float64]:
    """Of a grid of pixels, those that are lit."""
    step = max(int((image.shape[0] * image.shape[1] / SAMPLES) ** 0.5), 1)
    some = image[::step, ::step].astype(np.float64)
    luminance = some[..., :3] @ np.array([0.2126, 0.7152, 0.0722]) if some.shape[2] >= 3 else some[..., 0]
    logs: NDArray[np.float64] = np.log2(luminance[np.isfinite(luminance) & (luminance > DARKEST)])
    return logs


@nb.njit(cache=True, parallel=True, nogil=True)
def _encode(light: Float32Array, gain: float) -> Float32Array:
    out = np.empty_like(light)
    for i in nb.prange(len(light)):
        value = light[i] * gain
        if not value > 0.0:
            out[i] = 0.0
        elif value <= _BEND:
            out[i] = _SLOPE * value
        elif value <= _KNEE_LIGHT:
            out[i] = 1.055 * value ** (1.0 / _GAMMA) - 0.055
        else:
            out[i] = min(KNEE + _A * np.log1p(_B * (value - _KNEE_LIGHT)), 1.0)
    return out


@nb.njit(cache=True, parallel=True, nogil=True)
def _decode(display: Float32Array, scale: float) -> Float32Array:
    out = np.empty_like(display)
    for i in nb.prange(len(display)):
        value = min(float(display[i]), 1.0)
        if not value > 0.0:
            light = 0.0
        elif value <= _SLOPE * _BEND:
            light = value / _SLOPE
        elif value <= KNEE:
            light = ((value + 0.055) / 1.055) ** _GAMMA
        else:
            light = _KNEE_LIGHT + np.expm1((value - KNEE) / _A) / _B
        out[i] = light * scale
    return out
