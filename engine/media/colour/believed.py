"""What a plate's file says of its colours, and what is made of it.

The order in which a file's words count, the first that is there and makes sense: EXR ``colorInteropID``,
``chromaticities``, ``acesImageContainerFlag``, ``oiio:ColorSpace``; stills ``cICP``, ICC profile, sRGB, gamma and
chromaticities, Exif; DPX its transfer; movies the codes of H.273.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.errors import FormatError
from engine.media.colour.curves import CINEON, LINEAR
from engine.media.colour.encodings import SRGB, VIDEO, Encoding
from engine.media.colour.icc import Profile, read_profile
from engine.media.colour.primaries import REC709, Primaries
from engine.media.colour.spaces import CAMERA_CONFIG, ColourSpaces
from engine.media.colour.video import MATRICES, PRIMARIES, REFUSED, TRANSFERS, Codes
from engine.notices import Notice

__all__ = ["Believed", "believe"]

_CALL_IT: Final = "set plate.colour_space if they are others"
_FLAT: Final = frozenset({"", "undefined", "user defined", "unspecified", "unspecified video", "none"})


_PICTURES: Final = ("gif", "apng", "png", "webp", "awebp", "bmp")
"""Codecs of moving pictures that are sRGB where they say nothing, as stills of them are."""


@dataclass(frozen=True)
class Believed:
    """The colours of a file.

    Attributes:
        space: the name of its space, in ``ColourSpaces``.
        told: whether the file says it, or a name was given; else it is the convention of its format.
        notices: what should be heard of it.
    """

    space: str
    told: bool
    notices: tuple[Notice, ...] = ()


@dataclass
class _Reading:
    """One file's words while they are read."""

    spaces: ColourSpaces
    file_format: str
    is_float: bool
    words: Mapping[str, Any]
    notices: list[Notice] = field(default_factory=list)

    def note(self, kind: str, message: str) -> None:
        self.notices.append(Notice(f"colour.{kind}", message))

    def told(self, encoding: Encoding) -> Believed:
        return Believed(self.spaces.named(encoding), True, tuple(self.notices))

    def named(self, name: str) -> Believed:
        return Believed(name, True, tuple(self.notices))

    def assumed(self) -> Believed:
        return Believed(self.spaces.default(self.file_format, self.is_float), False, tuple(self.notices))


def believe(spaces: ColourSpaces, file_format: str, is_float: bool, words: Mapping[str, Any]) -> Believed:
    """The colours of a file that the shot names no space for.

    Args:
        spaces: of the configuration.
        file_format: ``openexr``, ``png``, ``movie`` ...
        is_float: whether its values are floats.
        words: entries of its header, and those of ``file_words``.

    Raises:
        FormatError: a movie's matrix is one that is not read.
    """
    reading = _Reading(spaces, file_format, is_float, words)
    if file_format == "movie":
        return _movie(reading)
    if file_format == "openexr":
        return _exr(reading)
    if file_format in {"dpx", "cineon"}:
        return _dpx(reading)
    return _still(reading)


def _exr(reading: _Reading) -> Believed:
    words, spaces = reading.words, reading.spaces
    primaries = _primaries(reading, words.get("chromaticities"))
    known = str(words.get("colorInteropID", "")).strip()
    if known.lower() == "data":
        reading.note("data", 'the plate\'s header says "data": its values are no light, and are blurred as they are')
        return reading.assumed()
    if known and known.lower() != "unknown":
        # Some names were OpenColorIO's own before they were everybody's.
        name = next(filter(None, map(spaces.find, (known, f"ocio:{known}", known.partition(":")[2]))), None)
        if name is None:
            reading.note("interop", f'the header\'s colorInteropID "{known}" is not known here; {_CALL_IT}')
        else:
            own = spaces.encoding(name)
            if primaries is not None and own is not None and own.primaries != primaries:
                reading.note(
                    "conflict",
                    f'the header says "{known}" and the chromaticities of {primaries.name}; the first is believed: '
                    f"set plate.colour_space if the second is right",
                )
            return reading.named(name)
    if primaries is not None:
        return reading.told(Encoding(LINEAR, primaries))
    if words.get("acesImageContainerFlag") == 1:
        return reading.named(spaces.find("lin_ap0_scene") or spaces.find("Linear AP0") or spaces.linear)
    name = spaces.find(str(words.get("oiio:ColorSpace", "")))
    return reading.assumed() if name is None else reading.named(name)


def _primaries(reading: _Reading, said: object) -> Primaries | None:
    if not isinstance(said, tuple):
        return None
    primaries = Primaries.of(said)
    if primaries is None:
        numbers = " ".join(f"{value:g}" for value in said if isinstance(value, int | float))
        reading.note("primaries", f"the header's chromaticities ({numbers}) are those of no colours; {_CALL_IT}")
    return primaries


def _still(reading: _Reading) -> Believed:
    words = reading.words
    if words.get("jpeg:gain_map"):
        reading.note(
            "gain_map",
            "the picture has a gain map for screens of high dynamic range, which is not used: its base is read",
        )
    codes = words.get("png:cicp", words.get("CICP"))
    if isinstance(codes, tuple) and len(codes) == 4:
        found = Codes(int(codes[0]), int(codes[1]))
        if not found.untold:
            return reading.told(found.encoding)
        reading.note("codes", f"the colour codes {codes[0]} and {codes[1]} of its cICP are not known here; {_CALL_IT}")
    data = words.get("png:icc", words.get("ICCProfile"))
    profile = read_profile(data) if isinstance(data, bytes) else None
    if profile is not None and profile.encoding is not None:
        if not profile.exact:
            reading.note(
                "profile",
                f'the curve of the ICC profile "{profile.description}" is read as {profile.encoding.curve.lower()}, '
                "the nearest that is known here; convert the picture to a standard profile where that is too coarse",
            )
        return reading.told(profile.encoding)
    if profile is not None:
        _unusable(reading, profile)
    elif reading.file_format == "png":
        return _png(reading)
    if words.get("Exif:ColorSpace") == 2 or (words.get("Exif:ColorSpace") != 1 and words.get("jpeg:adobe_rgb")):
        return reading.named(reading.spaces.find("g22_adobergb_scene") or "Gamma 2.19921875 Encoded AdobeRGB")
    return reading.assumed()


def _unusable(reading: _Reading, profile: Profile) -> None:
    assumed = reading.spaces.default(reading.file_format, reading.is_float)
    what = (
        "has lookup tables and no matrix"
        if profile.model == "RGB"
        else f"is of {profile.model or 'an unknown'} colours"
    )
    reading.note(
        "profile",
        f'the ICC profile "{profile.description}" {what}, and is not followed: {assumed} is assumed; '
        "convert the picture to sRGB or Display P3 first, or set plate.colour_space",
    )


def _png(reading: _Reading) -> Believed:
    words = reading.words
    gamma, chroma = words.get("png:gamma"), words.get("png:chroma")
    if words.get("png:srgb"):
        return reading.told(SRGB)
    if chroma is None and not isinstance(gamma, float):
        return reading.assumed()
    primaries = REC709 if chroma is None else _primaries(reading, chroma) or REC709
    # Chromaticities of sRGB beside a gamma of 1/2.2 are how programs said sRGB before there was a word for it.
    usual = chroma is not None and isinstance(gamma, float) and abs(gamma - 1 / 2.2) < 2e-3
    if not isinstance(gamma, float) or usual or not 0.25 <= gamma <= 1:
        return reading.told(Encoding("sRGB", primaries))
    return reading.told(Encoding(LINEAR if gamma == 1 else f"Gamma {round(1 / gamma, 3):g}", primaries))


def _dpx(reading: _Reading) -> Believed:
    transfer = str(reading.words.get("dpx:Transfer", "")).strip().lower()
    if transfer == "linear":
        return reading.named(reading.spaces.linear)
    if any(video in transfer for video in ("709", "601", "smpte")):
        return reading.told(VIDEO)
    if transfer in _FLAT and reading.file_format == "dpx":
        reading.note(
            "untagged",
            "the header does not say its curve: printing density (Cineon) is assumed; for camera log or video set "
            f'plate.colour_space, like "{reading.spaces.named(VIDEO)}"',
        )
        return reading.assumed()
    return Believed(CINEON, True, tuple(reading.notices))


def _movie(reading: _Reading) -> Believed:
    words = reading.words
    codes = Codes(*(int(words.get(f"movie:{name}", 2)) for name in ("primaries", "transfer", "matrix")))
    if codes.matrix in REFUSED:
        raise FormatError(
            f"the movie's colours are {REFUSED[codes.matrix]}, a matrix that is not read; "
            "export it as Rec.2020 of non-constant luminance (bt2020nc), or as ProRes or an EXR sequence"
        )
    if codes.matrix in {10, 13}:
        reading.note("matrix", f"the movie's matrix is {MATRICES[codes.matrix]}: colours are near, not exact")
    found = codes.encoding
    name = reading.spaces.named(found)
    if words.get("movie:dolby_vision"):
        reading.note("dolby_vision", f"Dolby Vision metadata of the movie is neither used nor kept: {name} is read")
    if not codes.untold:
        return reading.told(found)
    if str(words.get("movie:codec", "")).startswith(_PICTURES) and len(codes.untold) == 2:
        return Believed(reading.spaces.named(SRGB), False, tuple(reading.notices))
    said = [f"{what} {number}" for what, number, table in _numbers(codes) if number not in table and number > 3]
    which = (
        f"says {' and '.join(said)}, which is not known here"
        if said
        else f"does not say its {' and '.join(codes.untold)}"
    )
    reading.note(
        "untagged",
        f"the movie {which}: {name} is assumed; if it is another, or camera log, set plate.colour_space "
        f'(for log: OCIO={CAMERA_CONFIG} and a name like "S-Log3 S-Gamut3.Cine", "V-Log V-Gamut" or "Apple Log")',
    )
    return Believed(name, False, tuple(reading.notices))


def _numbers(codes: Codes) -> tuple[tuple[str, int, Mapping[int, str]], ...]:
    return ("primaries", codes.primaries, PRIMARIES), ("transfer", codes.transfer, TRANSFERS)
