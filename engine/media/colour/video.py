"""Colour codes of movies (ITU-T H.273), which PNG's cICP has too: primaries, transfer and matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.media.colour.curves import LINEAR
from engine.media.colour.encodings import Encoding
from engine.media.colour.primaries import REC709, REC2020, Primaries, by_name

__all__ = ["MATRICES", "PRIMARIES", "TRANSFERS", "UNSAID", "Codes", "codes_of", "weights_of"]

UNSAID: Final = 2
"""The code of what is not specified; 0 and 3 are reserved, and say as little."""

IDENTITY: Final = 0
YCGCO: Final = 8

PRIMARIES: Final = {
    1: "Rec.709",
    4: "NTSC 1953",
    5: "Rec.601 PAL",
    6: "Rec.601 NTSC",
    7: "Rec.601 NTSC",
    8: "Film C",
    9: "Rec.2020",
    10: "CIE XYZ",
    11: "P3-DCI",
    12: "P3-D65",
    22: "EBU 3213",
}
"""Names of primaries by code."""

TRANSFERS: Final = {
    1: "Gamma 2.4",
    4: "Gamma 2.2",
    5: "Gamma 2.8",
    6: "Gamma 2.4",
    7: "Gamma 2.4",
    8: LINEAR,
    11: "Gamma 2.4",
    12: "Gamma 2.4",
    13: "sRGB",
    14: "Gamma 2.4",
    15: "Gamma 2.4",
    16: "PQ",
    17: "ST 428",
    18: "HLG",
}
"""Curves by code; those of BT.709, BT.601, BT.2020 and SMPTE 240M as a BT.1886 screen shows them."""

MATRICES: Final = {
    0: "R, G and B themselves",
    1: "Rec.709",
    4: "FCC",
    5: "Rec.601",
    6: "Rec.601",
    7: "SMPTE 240M",
    8: "YCgCo",
    9: "Rec.2020",
    10: "Rec.2020 of constant luminance, read as that of non-constant luminance",
    12: "derived from the primaries",
    13: "derived from the primaries, of constant luminance, read as that of non-constant luminance",
}
"""Matrices that are read, by code; others are refused."""

REFUSED: Final = {11: "YDzDx", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-Re", 17: "YCgCo-Ro"}

_WEIGHTS: Final = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""Weights of red and blue in luma, by the matrix's code."""

_HIGH_DEFINITION: Final = 720
"""Lines from which an untagged movie is taken as Rec.709; below it as Rec.601, as players do."""


@dataclass(frozen=True)
class Codes:
    """Primaries, transfer and matrix of a movie."""

    primaries: int = UNSAID
    transfer: int = UNSAID
    matrix: int = UNSAID

    @property
    def untold(self) -> tuple[str, ...]:
        """Which of primaries and transfer are not said, or not by a code that is known."""
        unknown = {"primaries": self.primaries not in PRIMARIES, "transfer curve": self.transfer not in TRANSFERS}
        return tuple(name for name, missing in unknown.items() if missing)

    @property
    def encoding(self) -> Encoding:
        """What they mean; Rec.709 and gamma 2.4 where they say nothing."""
        primaries = by_name(PRIMARIES.get(self.primaries, "")) or REC709
        return Encoding(TRANSFERS.get(self.transfer, "Gamma 2.4"), primaries)


def codes_of(encoding: Encoding | None) -> Codes | None:
    """The codes that say an encoding; None where none can."""
    if encoding is None:
        return None
    primaries = next((code for code, name in PRIMARIES.items() if name == encoding.primaries.name), None)
    transfer = next((code for code, name in TRANSFERS.items() if name == encoding.curve), None)
    if primaries is None or transfer is None:
        return None
    # Gamma 2.4 has a code of its own in each standard, which differ in nothing that is seen.
    transfer = {9: 14, 5: 6, 6: 6}.get(primaries, 1) if transfer == 1 else transfer
    return Codes(primaries, transfer, {9: 9, 5: 5, 6: 6}.get(primaries, 1))


def weights_of(matrix: int, primaries: int, lines: int) -> tuple[float, float]:
    """Weights of red and blue in luma.

    Args:
        matrix, primaries: codes of the movie.
        lines: its height, by which a movie that says nothing is judged.
    """
    if matrix in _WEIGHTS:
        return _WEIGHTS[matrix]
    known: Primaries | None = by_name(PRIMARIES.get(primaries, ""))
    if matrix in {12, 13} and known is not None:
        return known.weights
    if known == REC2020:
        return _WEIGHTS[9]
    return _WEIGHTS[1 if lines >= _HIGH_DEFINITION else 5]
