"""How numbers in a file become light: a transfer curve and primaries, under one name.

Names are built as the configuration's own are: ``Linear Rec.2020``, ``sRGB Encoded P3-D65``, ``Gamma 2.4 Encoded
Rec.2020``, ``HLG Encoded Rec.2020``, or with eight numbers for primaries that have no name: ``Linear 0.7 0.3 ...``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.media.colour.curves import CINEON, HIGH_RANGE, LINEAR, spelt
from engine.media.colour.primaries import KNOWN, REC709, REC2020, Primaries, by_name

__all__ = ["CONFIGURED", "DISPLAYS", "HLG_2020", "INTEROP_IDS", "LINEAR_REC709", "PQ_2020", "SRGB", "VIDEO", "Encoding"]

_ADOBE: Final = "Gamma 2.19921875"
_ALSO: Final = {
    "rec.2100-pq": ("PQ", REC2020),
    "rec.2100-hlg": ("HLG", REC2020),
    "pq_rec2020": ("PQ", REC2020),
    "hlg_rec2020": ("HLG", REC2020),
}
"""Further names of our own encodings."""


@dataclass(frozen=True)
class Encoding:
    """A transfer curve and primaries.

    Attributes:
        curve: one of ``curves``, in its own spelling.
        primaries: with their white.
    """

    curve: str
    primaries: Primaries

    @classmethod
    def parse(cls, name: str) -> Encoding | None:
        """The encoding of a name; None where it is built otherwise."""
        text = " ".join(name.split())
        lower = text.lower()
        if lower == CINEON.lower():
            return cls(CINEON, REC709)
        if lower in _ALSO:
            return cls(*_ALSO[lower])
        if lower.startswith("linear "):
            primaries = by_name(text[7:])
            return None if primaries is None else cls(LINEAR, primaries)
        curve, _, rest = text.partition(" Encoded ")
        found, primaries = spelt(curve), by_name(rest)
        return cls(found, primaries) if found and primaries is not None and found != LINEAR else None

    @property
    def name(self) -> str:
        """Its name; ``parse`` reads it."""
        if self.curve == CINEON:
            return CINEON
        return f"Linear {self.primaries.name}" if self.is_linear else f"{self.curve} Encoded {self.primaries.name}"

    @property
    def is_linear(self) -> bool:
        """Whether it is light already."""
        return self.curve == LINEAR

    @property
    def is_high_range(self) -> bool:
        """Whether it goes on far above white: PQ and HLG."""
        return self.curve in HIGH_RANGE

    @property
    def linear(self) -> Encoding:
        """Its light."""
        return Encoding(LINEAR, self.primaries)


LINEAR_REC709: Final = Encoding(LINEAR, REC709)
SRGB: Final = Encoding("sRGB", REC709)
VIDEO: Final = Encoding("Gamma 2.4", REC709)
PQ_2020: Final = Encoding("PQ", REC2020)
HLG_2020: Final = Encoding("HLG", REC2020)

_CURVE_IDS: Final = {LINEAR: "lin", "sRGB": "srgb", "Gamma 1.8": "g18", "Gamma 2.2": "g22", "Gamma 2.4": "g24"}
_STANDARD_IDS: Final = frozenset(
    {
        *("lin_ap1_scene", "lin_ap0_scene", "lin_rec709_scene", "lin_p3d65_scene", "lin_rec2020_scene"),
        *("lin_adobergb_scene", "lin_ciexyzd65_scene", "srgb_rec709_scene", "g22_rec709_scene", "g18_rec709_scene"),
        *("srgb_ap1_scene", "g22_ap1_scene", "srgb_p3d65_scene", "g22_adobergb_scene", "ocio:g24_rec709_scene"),
    }
)
"""Identifiers of the Color Interop Forum, and one of OpenColorIO's own where that has none."""


def _ids(curve: str, primaries: Primaries) -> tuple[str, ...]:
    known = "g22" if (curve, primaries.interop_id) == (_ADOBE, "adobergb") else _CURVE_IDS.get(curve)
    if known is None or not primaries.interop_id:
        return ()
    plain = f"{known}_{primaries.interop_id}_scene"
    return (plain, f"ocio:{plain}")


_LEGACY: Final = {
    "lin_rec709_scene": ("lin_rec709", "Linear Rec.709 (sRGB)", "Utility - Linear - Rec.709", "lin_srgb"),
    "lin_ap0_scene": ("aces2065_1", "ACES2065-1", "ACES - ACES2065-1"),
    "lin_ap1_scene": ("lin_ap1", "ACEScg", "ACES - ACEScg"),
    "lin_rec2020_scene": ("lin_rec2020", "Linear Rec.2020", "Utility - Linear - Rec.2020"),
    "lin_p3d65_scene": ("lin_p3d65", "Linear P3-D65", "Utility - Linear - P3-D65"),
    "lin_adobergb_scene": ("lin_adobergb", "Utility - Linear - Adobe RGB"),
    "lin_ciexyzd65_scene": ("Utility - XYZ - D65",),
    "srgb_rec709_scene": ("srgb_tx", "sRGB - Texture", "Utility - sRGB - Texture", "sRGB"),
    "g24_rec709_scene": ("g24_rec709", "Gamma 2.4 Rec.709 - Texture", "Utility - Rec.709 - Display", "Rec.709"),
    "g22_rec709_scene": ("g22_rec709", "Gamma 2.2 Rec.709 - Texture", "Utility - Gamma 2.2 - Rec.709 - Texture"),
    "g18_rec709_scene": ("g18_rec709", "Gamma 1.8 Rec.709 - Texture", "Utility - Gamma 1.8 - Rec.709 - Texture"),
    "g22_adobergb_scene": ("adobergb",),
    "srgb_p3d65_scene": ("srgb_displayp3", "srgb_p3d65"),
    "srgb_ap1_scene": ("srgb_ap1",),
    "g22_ap1_scene": ("g22_ap1",),
}
"""Names that older configurations have for the same."""


def _configured() -> dict[Encoding, tuple[str, ...]]:
    made: dict[Encoding, tuple[str, ...]] = {}
    for primaries in KNOWN:
        for curve in (*_CURVE_IDS, _ADOBE):
            ids = _ids(curve, primaries)
            if ids and not (primaries.interop_id == "adobergb" and curve == "Gamma 2.2"):
                made[Encoding(curve, primaries)] = (*ids, *_LEGACY.get(ids[0], ()))
    for primaries in KNOWN:
        if not primaries.interop_id:
            made[Encoding(LINEAR, primaries)] = (f"Linear {primaries.name}",)
    return made


CONFIGURED: Final = _configured()
"""Names under which configurations hold an encoding; the first that is there is taken."""


def _of(curve: str, primaries: str) -> Encoding:
    found = by_name(primaries)
    assert found is not None
    return Encoding(curve, found)


DISPLAYS: Final = {
    "srgb_display": SRGB,
    "rec1886_rec709_display": VIDEO,
    "g22_rec709_display": Encoding("Gamma 2.2", REC709),
    "displayp3_display": _of("sRGB", "P3-D65"),
    "p3d65_display": _of("Gamma 2.6", "P3-D65"),
    "rec2100_pq_display": PQ_2020,
    "rec2100_hlg_display": HLG_2020,
    "st2084_p3d65_display": _of("PQ", "P3-D65"),
}
"""Screens of configurations, and what a file for one says of itself. Light of their PQ and HLG is that of the screen,
where 100 nits are 1.0: what is written for one is read back on the scale of ``curves``."""

INTEROP_IDS: Final = {
    encoding: next(name for name in names if name in _STANDARD_IDS)
    for encoding, names in CONFIGURED.items()
    if _STANDARD_IDS.intersection(names)
}
"""What ``colorInteropID`` says of an encoding."""
