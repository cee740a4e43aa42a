"""Colour spaces: from a file's encoding to scene-linear light and back.

The configuration is OpenColorIO's built-in CG config, by its full name, because ``ocio://default`` is another one in
every version. ``$OCIO`` takes its place where the operator set it. Defaults, where the shot names no space:

* EXR, and TIFF of floats: scene-linear as they are, of the primaries that the header says, else Rec.709
  (with ``$OCIO``: its ``scene_linear``).
* PNG, TIFF and JPEG of integers: sRGB curve, Rec.709 primaries (``sRGB Encoded Rec.709 (sRGB)``).
* Movies: gamma 2.4, Rec.709 primaries, as a BT.1886 screen shows them (``Gamma 2.4 Encoded Rec.709``).
* DPX: as its header says: linear, video (gamma 2.4 Rec.709), else ``Cineon``.

``Cineon`` is our own addition: Kodak's printing density, where the 10-bit code 685 is 1.0 and 95 is black, 0.002 of
density a code, gamma 0.6. The working space is the plate's own where that is linear, else linear Rec.709, so that a
linear plate comes back untouched.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.errors import ColourError, require
from engine.frames import Float32Array

__all__ = ["BUILT_IN_CONFIG", "CINEON", "ColourSpaces", "colour_spaces"]

BUILT_IN_CONFIG: Final = "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
CAMERA_CONFIG: Final = "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
CINEON: Final = "Cineon"

_LINEAR: Final = ("lin_rec709_scene", "lin_rec709", "Linear Rec.709 (sRGB)", "Utility - Linear - Rec.709", "lin_srgb")
_SRGB: Final = ("srgb_rec709_scene", "srgb_tx", "sRGB - Texture", "Utility - sRGB - Texture", "sRGB")
_VIDEO: Final = (
    "g24_rec709_scene",
    "g24_rec709",
    "Gamma 2.4 Rec.709 - Texture",
    "Utility - Rec.709 - Display",
    "Rec.709",
)
_HIGH_RANGE: Final = {16: "PQ", 18: "HLG"}
"""Transfer curves (ITU-T H.273) that are not guessed."""

_PRIMARIES: Final = (
    ((0.64, 0.33, 0.30, 0.60, 0.15, 0.06), _LINEAR),
    ((0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077), ("lin_ap0_scene", "aces2065_1", "ACES2065-1", "ACES - ACES2065-1")),
    ((0.713, 0.293, 0.165, 0.830, 0.128, 0.044), ("lin_ap1_scene", "lin_ap1", "ACEScg", "ACES - ACEScg")),
    ((0.708, 0.292, 0.170, 0.797, 0.131, 0.046), ("lin_rec2020_scene", "lin_rec2020", "Linear Rec.2020")),
    ((0.680, 0.320, 0.265, 0.690, 0.150, 0.060), ("lin_p3d65_scene", "lin_p3d65", "Linear P3-D65")),
)


@dataclass(frozen=True, eq=False)
class ColourSpaces:
    """The colour spaces of one OpenColorIO configuration.

    Attributes:
        config: name or path of the configuration.
        operators: whether it came from ``$OCIO``.
    """

    config: str
    operators: bool
    _known: oiio.ColorConfig
    _lock: threading.Lock

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the configuration's order."""
        return (*self._known.getColorSpaceNames(), CINEON)

    def resolve(self, name: str, field: str) -> str:
        """The configuration's own name of a space, role or alias.

        Raises:
            ColourError: there is none of that name.
        """
        found = self._find(name)
        if found is None:
            some = ", ".join(f'"{known}"' for known in self._some())
            raise ColourError(
                f'{field}: colour space "{name}" is not in {self.config}; use one of its spaces, like {some}'
                + ("" if self.operators else f" (for camera spaces set OCIO={CAMERA_CONFIG})")
            )
        return found

    @property
    def linear(self) -> str:
        """The working space of plates that say none: linear Rec.709, or the operator's ``scene_linear``."""
        return self._first(("scene_linear",) if self.operators else (*_LINEAR, "scene_linear"), "scene-linear")

    def is_linear(self, name: str) -> bool:
        """Whether a space is linear light, so that blurring in it is right."""
        return name != CINEON and bool(self._known.isColorSpaceLinear(name) or self._known.isData(name))

    def default(self, file_format: str, is_float: bool, metadata: Mapping[str, Any]) -> str:
        """The space of a file that the shot does not name one for; see the table above.

        Raises:
            ColourError: the operator's configuration has no space for this kind of file.
        """
        if file_format == "openexr" or (is_float and file_format != "movie"):
            return self._by_primaries(metadata.get("chromaticities")) or self.linear
        if file_format == "movie":
            curve = _HIGH_RANGE.get(metadata.get("movie:transfer", 0))
            require(
                curve is None,
                ColourError,
                f'plate.colour_space: the movie is encoded as {curve}; name its space, like "Rec.2100-PQ - Display"',
            )
            return self._first(_VIDEO, "Rec.709 video")
        if file_format in {"dpx", "cineon"}:
            transfer = str(metadata.get("dpx:Transfer", "")).lower()
            if transfer == "linear":
                return self.linear
            return (
                self._first(_VIDEO, "Rec.709 video") if any(v in transfer for v in ("709", "601", "smpte")) else CINEON
            )
        return self._first(_SRGB, "sRGB")

    def working(self, space: str) -> str:
        """The linear space in which a plate of ``space`` is blurred."""
        return space if self.is_linear(space) else self.linear

    def convert(self, image: Float32Array, source: str, target: str) -> Float32Array:
        """Convert R, G, B of an (H, W, 3) image; alpha must not be multiplied in. Returns a new array or the same one.

        Raises:
            ColourError: OpenColorIO cannot go from one to the other.
        """
        if source == target:
            return image
        if source == CINEON:
            return self.convert(_from_cineon(image), self._first((*_LINEAR, "scene_linear"), "scene-linear"), target)
        if target == CINEON:
            return _to_cineon(self.convert(image, source, self._first((*_LINEAR, "scene_linear"), "scene-linear")))
        # A ColorConfig keeps its last error in itself, so that two threads must not convert with one at a time.
        with self._lock:
            buffer = oiio.ImageBuf(np.ascontiguousarray(image))
            made = oiio.ImageBufAlgo.colorconvert(buffer, source, target, unpremult=False, colorconfig=self.config)
        if made.has_error:
            raise ColourError(
                f'colour cannot be converted from "{source}" to "{target}" ({made.geterror().strip()}); name others'
            )
        return np.asarray(made.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(image.shape)

    def _some(self) -> list[str]:
        usual = [self._find(name) for name in (_LINEAR[0], "ACEScg", _SRGB[0], _VIDEO[0])]
        found = [name for name in dict.fromkeys(usual) if name is not None]
        return found or list(self.names[:4])

    def _find(self, name: str) -> str | None:
        if name.strip() == "":
            return None
        resolved = str(self._known.resolve(name))
        if resolved in self._known.getColorSpaceNames():
            return resolved
        return CINEON if name.lower() == CINEON.lower() else None

    def _first(self, names: tuple[str, ...], what: str) -> str:
        for name in names:
            found = self._find(name)
            if found is not None:
                return found
        raise ColourError(f"{self.config} has no {what} colour space; set plate.colour_space and output.colour_space")

    def _by_primaries(self, chromaticities: object) -> str | None:
        if not isinstance(chromaticities, tuple) or len(chromaticities) != 8:
            return None
        for primaries, names in _PRIMARIES:
            if np.allclose(chromaticities[:6], primaries, atol=2e-3):
                return next((found for found in map(self._find, names) if found is not None), None)
        return None


def colour_spaces() -> ColourSpaces:
    """The spaces of ``$OCIO`` where it is set, else of the built-in configuration.

    Raises:
        ColourError: the configuration cannot be loaded.
    """
    return _load(os.environ.get("OCIO", "").strip())


@cache
def _load(operators: str) -> ColourSpaces:
    config = operators or BUILT_IN_CONFIG
    known = oiio.ColorConfig(config)
    # OpenImageIO 3.2.2 goes on with a dozen spaces of its own where a configuration is missing or broken.
    said = known.geterror()
    if said:
        place = "$OCIO" if operators else "the built-in configuration"
        raise ColourError(
            f'{place} cannot be loaded from "{config}" ({said.strip().splitlines()[0]}); correct or unset it'
        )
    return ColourSpaces(config, bool(operators), known, threading.Lock())


_BLACK: Final = 10 ** ((95 - 685) * 0.002 / 0.6)


def _from_cineon(image: Float32Array) -> Float32Array:
    light = (10 ** ((image.astype(np.float64) * 1023 - 685) * (0.002 / 0.6)) - _BLACK) / (1 - _BLACK)
    return light.astype(np.float32)


def _to_cineon(image: Float32Array) -> Float32Array:
    light = np.maximum(image.astype(np.float64) * (1 - _BLACK) + _BLACK, 1e-9)
    return ((685 + np.log10(light) * (0.6 / 0.002)) / 1023).astype(np.float32)
