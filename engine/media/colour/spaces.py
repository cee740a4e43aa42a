"""Colour spaces: from a file's encoding to scene-linear light and back.

The configuration is OpenColorIO's built-in CG config, by its full name, because ``ocio://default`` is another one in
every version. ``$OCIO`` takes its place where the operator set it. Beside its spaces there are our own encodings
(``encodings``), of any curve and any primaries, for what it has no space for: HLG, P3 and Rec.2020 video, Cineon.

The working space is the plate's own where that is linear, else linear light of the plate's own primaries, so that no
colour is cut off and a linear plate comes back untouched; with ``$OCIO`` it is the operator's ``scene_linear``.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.errors import ColourError
from engine.frames import Float32Array
from engine.media.colour.curves import CINEON, from_light, to_light
from engine.media.colour.encodings import CONFIGURED, DISPLAYS, HLG_2020, LINEAR_REC709, PQ_2020, SRGB, VIDEO, Encoding
from engine.media.colour.primaries import matrix

__all__ = ["BUILT_IN_CONFIG", "CAMERA_CONFIG", "ColourSpaces", "colour_spaces"]

BUILT_IN_CONFIG: Final = "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
CAMERA_CONFIG: Final = "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5"

_MOST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class ColourSpaces:
    """The colour spaces of one OpenColorIO configuration, and our own encodings beside them.

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
        return (*self._known.getColorSpaceNames(), CINEON, PQ_2020.name, HLG_2020.name)

    def resolve(self, name: str, field: str) -> str:
        """The configuration's own name of a space, role or alias, or that of one of our encodings.

        Raises:
            ColourError: there is none of that name.
        """
        found = self.find(name)
        if found is None:
            some = ", ".join(f'"{known}"' for known in self._some())
            raise ColourError(
                f'{field}: colour space "{name}" is not in {self.config}; use one of its spaces, like {some}'
                + ("" if self.operators else f" (for camera spaces set OCIO={CAMERA_CONFIG})")
            )
        return found

    def find(self, name: str) -> str | None:
        """As ``resolve``; None where there is none of that name."""
        if name.strip() == "":
            return None
        resolved = str(self._known.resolve(name))
        if resolved in self._known.getColorSpaceNames():
            return resolved
        own = None if name != name.strip() else Encoding.parse(name)
        return None if own is None else self.named(own)

    @property
    def linear(self) -> str:
        """The working space of plates that say none: linear Rec.709, or the operator's ``scene_linear``."""
        role = self._in_config(("scene_linear",))
        return role if self.operators and role is not None else self.named(LINEAR_REC709)

    def named(self, encoding: Encoding) -> str:
        """The name of an encoding: the configuration's where it has it, else our own."""
        found = self._in_config(CONFIGURED.get(encoding, ()))
        return encoding.name if found is None else found

    def encoding(self, name: str) -> Encoding | None:
        """Curve and primaries of a space; None where they are the configuration's secret."""
        return self._encodings.get(name) or (None if self._has(name) else Encoding.parse(name))

    def said_as(self, name: str) -> Encoding | None:
        """The encoding that a file of a space says of itself: as ``encoding``, and that of a configuration's screen."""
        own = self.encoding(name)
        if own is None and self._has(name):
            own = next((DISPLAYS[alias] for alias in DISPLAYS if self._in_config((alias,)) == name), None)
        return own

    def interop_id(self, name: str) -> str | None:
        """What OpenColorIO's own configurations call a space in ``colorInteropID``, if the space can be found by it."""
        known = (str(alias) for alias in self._known.getAliases(name))
        return next((alias for alias in known if alias.startswith("ocio:") and self.find(alias) == name), None)

    def is_linear(self, name: str) -> bool:
        """Whether a space is linear light, so that blurring in it is right."""
        own = self.encoding(name)
        if own is not None:
            return own.is_linear
        return bool(self._known.isColorSpaceLinear(name) or self._known.isData(name))

    def default(self, file_format: str, is_float: bool) -> str:
        """The space of a file that says nothing: EXR and floats linear, movies gamma 2.4, DPX Cineon, others sRGB."""
        if file_format == "openexr" or (is_float and file_format != "movie"):
            return self.linear
        if file_format == "movie":
            return self.named(VIDEO)
        return CINEON if file_format in {"dpx", "cineon"} else self.named(SRGB)

    def working(self, space: str) -> str:
        """The linear space in which a plate of ``space`` is blurred."""
        if self.is_linear(space):
            return space
        own = self.encoding(space)
        return self.linear if self.operators or own is None else self.named(own.linear)

    def convert(self, image: Float32Array, source: str, target: str) -> Float32Array:
        """Convert R, G, B of an (H, W, 3) image. Returns a new array or the same one; what was finite stays finite.

        Raises:
            ColourError: OpenColorIO cannot go from one to the other.
        """
        if source == target:
            return image
        made = self._converted(image, source, target)
        low, high = made.min(initial=0), made.max(initial=0)
        if np.isfinite(low) and np.isfinite(high):
            return made
        return np.nan_to_num(made, nan=0.0, posinf=_MOST, neginf=-_MOST)

    def _converted(self, image: Float32Array, source: str, target: str) -> Float32Array:
        ours, theirs = self._own(source), self._own(target)
        if ours is None and theirs is None:
            return self._by_config(image, source, target)
        light, at = image, source
        if ours is not None:
            light, at = to_light(image, ours.curve), ""
            way = theirs or self._via(target)
            if ours.primaries != way.primaries:
                with np.errstate(over="ignore", invalid="ignore"):
                    light = light @ matrix(ours.primaries, way.primaries).T
            if theirs is None:
                return self._by_config(light, self.named(way), target)
        assert theirs is not None
        if at:
            way = self._via(source)
            light = self._by_config(image, source, self.named(way))
            if way.primaries != theirs.primaries:
                with np.errstate(over="ignore", invalid="ignore"):
                    light = light @ matrix(way.primaries, theirs.primaries).T
        return from_light(light, theirs.curve)

    def _by_config(self, image: Float32Array, source: str, target: str) -> Float32Array:
        if source == target:
            return image
        # A ColorConfig keeps its last error in itself, so that two threads must not convert with one at a time.
        with self._lock:
            buffer = oiio.ImageBuf(np.ascontiguousarray(image))
            if _kept() == self.config:
                made = oiio.ImageBufAlgo.colorconvert(buffer, source, target, unpremult=False)
            else:
                made = oiio.ImageBufAlgo.colorconvert(buffer, source, target, unpremult=False, colorconfig=self.config)
        if made.has_error:
            raise ColourError(
                f'colour cannot be converted from "{source}" to "{target}" ({made.geterror().strip()}); name others'
            )
        return np.asarray(made.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(image.shape)

    def _own(self, name: str) -> Encoding | None:
        """The encoding of a space that the configuration lacks."""
        return None if self._has(name) else Encoding.parse(name)

    def _via(self, target: str) -> Encoding:
        """Linear light that the configuration knows, by which one of its spaces is reached from ours."""
        own = self.encoding(target)
        wanted = [own.linear] if own is not None else []
        for encoding in (*wanted, LINEAR_REC709, *CONFIGURED):
            if encoding.is_linear and self._in_config(CONFIGURED.get(encoding, ())) is not None:
                return encoding
        raise ColourError(
            f"{self.config} has no linear colour space that is known by name, like lin_rec709 or ACEScg; "
            "set plate.colour_space and output.colour_space to spaces of its own"
        )

    @cached_property
    def _encodings(self) -> dict[str, Encoding]:
        """The configuration's spaces whose curve and primaries are known."""
        found = {self._in_config(names): encoding for encoding, names in reversed(CONFIGURED.items())}
        return {name: encoding for name, encoding in found.items() if name is not None}

    def _has(self, name: str) -> bool:
        return name in self._known.getColorSpaceNames()

    def _in_config(self, names: tuple[str, ...]) -> str | None:
        for name in names:
            resolved = str(self._known.resolve(name))
            if self._has(resolved):
                return resolved
        return None

    def _some(self) -> list[str]:
        usual = (self.find(name) for name in ("lin_rec709_scene", "ACEScg", "srgb_rec709_scene", "g24_rec709"))
        return list(dict.fromkeys(name for name in usual if name is not None)) or list(self.names[:4])


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
    _kept()
    return ColourSpaces(config, bool(operators), known, threading.Lock())


@cache
def _kept() -> str:
    """Make OpenImageIO's default configuration ours, and give its name.

    Its Python binding loads a configuration and builds a processor anew in every conversion for which one is named (20
    to 130 ms, OpenImageIO 3.2.2); those of the default one, which is read from ``$OCIO`` at first use, are kept. A
    process that sees a second configuration converts with that one by name.
    """
    before = os.environ.get("OCIO")
    try:
        os.environ["OCIO"] = (before or "").strip() or BUILT_IN_CONFIG
        return str(oiio.ColorConfig.default_colorconfig().configname())
    finally:
        if before is None:
            del os.environ["OCIO"]
        else:
            os.environ["OCIO"] = before
