"""What a result's file says of its colours: those of the pixels that are written, and nothing that is wrong.

EXR says primaries, and what ``colorInteropID`` has a word for. PNG and TIFF say the rest by an ICC profile, PNG says PQ
and HLG by cICP. DPX has words for linear, video and printing density of Rec.709 only. What a file cannot say is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.media.colour.curves import CINEON, LINEAR
from engine.media.colour.encodings import INTEROP_IDS, LINEAR_REC709, SRGB, VIDEO, Encoding
from engine.media.colour.icc import profile_of
from engine.media.colour.primaries import REC709
from engine.media.colour.spaces import ColourSpaces
from engine.media.colour.video import codes_of
from engine.notices import Notice

__all__ = ["Said", "can_say", "say", "untold"]

_UNSAID: Final = "unknown"
"""A colour space that OpenImageIO writes no tag for; without one it may write that of its own default."""

_DPX: Final = {LINEAR_REC709: "Linear", VIDEO: "ITU-R 709-4"}


@dataclass(frozen=True)
class Said:
    """What a file says.

    Attributes:
        entries: of its header.
        whole: whether a reader, this program too, finds the space by them.
    """

    entries: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = True


def say(spaces: ColourSpaces, space: str, file_format: str, is_float: bool) -> Said:
    """The header's entries that say a space, in a file of a format that holds stills."""
    encoding = spaces.said_as(space)
    if file_format == "openexr":
        return _exr(spaces, space, encoding)
    usual = spaces.default(file_format, is_float) == space
    if file_format == "dpx":
        return _dpx(spaces, space, encoding)
    if encoding == SRGB and not is_float:
        return Said({"oiio:ColorSpace": "sRGB"})
    codes = codes_of(encoding) if file_format == "png" else None
    entries: dict[str, Any] = {"oiio:ColorSpace": _UNSAID}
    if encoding is not None and codes is not None and encoding.is_high_range:
        return Said({**entries, "CICP": (codes.primaries, codes.transfer, 0, 1)})
    profile = None if encoding is None else profile_of(encoding, space)
    if profile is not None and not (usual and file_format == "tiff"):
        return Said({**entries, "ICCProfile": profile})
    return Said(entries, usual)


def can_say(spaces: ColourSpaces, space: str, file_format: str, is_float: bool) -> bool:
    """Whether a file of that format says a space so that readers find it."""
    return say(spaces, space, file_format, is_float).whole


def untold(space: str, what: str) -> Notice:
    """That whoever reads the result has to be told its space."""
    return Notice(
        "colour.untold",
        f'{what} cannot say the colour space "{space}" of its pixels: whoever reads it has to be told; '
        "set output.colour_space where that is not wanted",
    )


def _exr(spaces: ColourSpaces, space: str, encoding: Encoding | None) -> Said:
    known = INTEROP_IDS.get(encoding) if encoding is not None else None
    there = None if known is None else spaces.find(known)
    if there is None or spaces.said_as(there) != encoding:
        known = None
    entries: dict[str, Any] = {} if known is None else {"colorInteropID": known}
    if encoding is not None and encoding.is_linear:
        entries["chromaticities"] = tuple(float(value) for value in encoding.primaries.xy)
        return Said(entries)
    if known is None and encoding is None:
        alias = spaces.interop_id(space)
        return Said({"colorInteropID": alias} if alias else {}, alias is not None)
    return Said(entries, known is not None)


def _dpx(spaces: ColourSpaces, space: str, encoding: Encoding | None) -> Said:
    if space == CINEON:
        return Said({"dpx:Transfer": "Printing density", "dpx:Colorimetric": "Printing density"})
    if encoding is not None and encoding in _DPX:
        # What a linear file means is the operator's to say where there is a configuration of his.
        whole = encoding != LINEAR_REC709 or spaces.linear == space
        return Said({"dpx:Transfer": _DPX[encoding], "dpx:Colorimetric": "ITU-R 709-4"}, whole)
    linear = encoding is not None and encoding.curve == LINEAR and encoding.primaries != REC709
    return Said({"dpx:Transfer": "Linear" if linear else "User defined", "dpx:Colorimetric": "User defined"}, False)
