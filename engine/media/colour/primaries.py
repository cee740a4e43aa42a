"""Primaries and white points: the sets that the trade knows by name, and the matrices between any two of them.

Numbers are the makers' own (CIE 1931 x, y of red, green, blue and white), as in their white papers and in ITU-R BT.601,
BT.709, BT.2020, SMPTE RP 431-2, EG 432-1 and ST 2065-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.frames import Float32Array

__all__ = ["KNOWN", "REC709", "REC2020", "Primaries", "by_name", "from_pcs", "matrix", "to_pcs"]

Matrix = NDArray[np.float64]

_D65: Final = (0.3127, 0.3290)
_ACES: Final = (0.32168, 0.33767)
_D50: Final = (0.3457, 0.3585)
_C: Final = (0.310, 0.316)
_EQUAL: Final = (1 / 3, 1 / 3)

_PCS: Final = np.array([0.9642, 1.0, 0.8249])
"""White of ICC profiles (D50, as their specification rounds it)."""

_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@dataclass(frozen=True)
class Primaries:
    """A set of primaries with its white.

    Attributes:
        name: the trade's, or the eight numbers where it has none.
        xy: x and y of red, green, blue, white.
        interop_id: how ``colorInteropID`` calls it; empty where it has no word for it.
    """

    name: str
    xy: tuple[float, ...]
    interop_id: str = ""

    @classmethod
    def of(cls, xy: Sequence[float]) -> Primaries | None:
        """The known set of these numbers, else one named after them; None where no colours can be meant by them."""
        if len(xy) != 8 or not np.isfinite(xy).all() or not all(abs(value) < 10 for value in xy):
            return None
        for known in KNOWN:
            if np.allclose(xy, known.xy, atol=2e-3):
                return known
        found = cls(" ".join(f"{value:.6g}" for value in xy), tuple(float(f"{value:.6g}") for value in xy))
        whole = xy[7] > 1e-3 and abs(np.linalg.det(_corners(found.xy))) > 1e-4
        return found if whole and np.isfinite(_to_xyz(found.xy)).all() else None

    @property
    def weights(self) -> tuple[float, float]:
        """Shares of red and blue in luminance."""
        red, _, blue = _to_xyz(self.xy)[1]
        return float(red), float(blue)


def _set(name: str, rgb: Sequence[float], white: tuple[float, float], interop_id: str = "") -> Primaries:
    return Primaries(name, (*rgb, *white), interop_id)


REC709: Final = _set("Rec.709", (0.640, 0.330, 0.300, 0.600, 0.150, 0.060), _D65, "rec709")
REC2020: Final = _set("Rec.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046), _D65, "rec2020")

KNOWN: Final = (
    REC709,
    _set("P3-D65", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060), _D65, "p3d65"),
    REC2020,
    _set("AdobeRGB", (0.640, 0.330, 0.210, 0.710, 0.150, 0.060), _D65, "adobergb"),
    _set("AP1", (0.713, 0.293, 0.165, 0.830, 0.128, 0.044), _ACES, "ap1"),
    _set("AP0", (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770), _ACES, "ap0"),
    _set("CIE XYZ", (1.0, 0.0, 0.0, 1.0, 0.0, 0.0), _EQUAL, "ciexyzd65"),
    _set("P3-DCI", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060), (0.314, 0.351)),
    _set("Rec.601 PAL", (0.640, 0.330, 0.290, 0.600, 0.150, 0.060), _D65),
    _set("Rec.601 NTSC", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070), _D65),
    _set("NTSC 1953", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08), _C),
    _set("Film C", (0.681, 0.319, 0.243, 0.692, 0.145, 0.049), _C),
    _set("EBU 3213", (0.630, 0.340, 0.295, 0.605, 0.155, 0.077), _D65),
    _set("ProPhoto", (0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105), _D50),
    _set("ARRI Wide Gamut 3", (0.6840, 0.3130, 0.2210, 0.8480, 0.0861, -0.1020), _D65),
    _set("ARRI Wide Gamut 4", (0.7347, 0.2653, 0.1424, 0.8576, 0.0991, -0.0308), _D65),
    _set("REDWideGamutRGB", (0.780308, 0.304253, 0.121595, 1.493994, 0.095612, -0.084589), _D65),
    _set("S-Gamut3", (0.730, 0.280, 0.140, 0.855, 0.100, -0.050), _D65),
    _set("S-Gamut3.Cine", (0.766, 0.275, 0.225, 0.800, 0.089, -0.087), _D65),
    _set("V-Gamut", (0.730, 0.280, 0.165, 0.840, 0.100, -0.030), _D65),
    _set(
        "BMD WideGamut Gen5",
        (0.7177215, 0.3171181, 0.2280410, 0.8615690, 0.1005841, -0.0820452),
        (0.3127170, 0.3290312),
    ),
    _set("DaVinci WideGamut", (0.8000, 0.3130, 0.1682, 0.9877, 0.0790, -0.1155), _D65),
    _set("CinemaGamut D55", (0.740, 0.270, 0.170, 1.140, 0.080, -0.100), _D65),
    _set("D-Gamut", (0.71, 0.31, 0.21, 0.88, 0.09, -0.08), _D65),
)
"""All sets that have a name here."""


def by_name(name: str) -> Primaries | None:
    """The known set of a name, or the set of eight numbers written out."""
    for known in KNOWN:
        if known.name.lower() == name.strip().lower():
            return known
    try:
        return Primaries.of([float(word) for word in name.split()])
    except ValueError:
        return None


@cache
def matrix(source: Primaries, target: Primaries) -> Float32Array:
    """(3, 3) float32 that takes linear light of one set to another, its white adapted by Bradford's method."""
    found = np.linalg.inv(_to_xyz(target.xy)) @ _adapted(_white(source), _white(target)) @ _to_xyz(source.xy)
    return np.asarray(found, np.float32)


def to_pcs(primaries: Primaries) -> Matrix:
    """(3, 3) from linear light to the CIE XYZ of ICC profiles, whose white is D50."""
    return np.asarray(_adapted(_white(primaries), _PCS) @ _to_xyz(primaries.xy), np.float64)


def from_pcs(columns: Matrix, white: Matrix | None) -> Primaries | None:
    """The set whose colorants an ICC profile holds; None where they are none.

    Args:
        columns: (3, 3), XYZ of red, green and blue as columns, adapted to D50.
        white: XYZ of the white that they were adapted from; D50 where not known.
    """
    for known in KNOWN:
        if np.allclose(to_pcs(known), columns, atol=1.5e-3):
            return known
    whole = np.isfinite(columns).all() and abs(np.linalg.det(columns)) > 1e-5
    if not whole:
        return None
    source = _PCS if white is None or not (white > 0).all() else white
    corners = np.column_stack([_adapted(_PCS, source) @ columns, source])
    sums = corners.sum(axis=0)
    if (np.abs(sums) < 1e-6).any():
        return None
    return Primaries.of(
        [float(value) for pair in zip(corners[0] / sums, corners[1] / sums, strict=True) for value in pair]
    )


def _corners(xy: Sequence[float]) -> Matrix:
    x, y = np.array(xy[0:6:2]), np.array(xy[1:6:2])
    return np.array([x, y, 1 - x - y], np.float64)


def _white_of(x: float, y: float) -> Matrix:
    return np.array([x / y, 1.0, (1 - x - y) / y], np.float64)


def _white(primaries: Primaries) -> Matrix:
    # XYZ is stored as it is measured, whatever white stands beside it: OpenEXR's own picture of it has D65's.
    return _white_of(*(_D65 if primaries.interop_id == "ciexyzd65" else primaries.xy[6:8]))


@cache
def _to_xyz(xy: tuple[float, ...]) -> Matrix:
    corners = _corners(xy)
    return np.asarray(corners * np.linalg.solve(corners, _white_of(xy[6], xy[7])), np.float64)


def _adapted(source: Matrix, target: Matrix) -> Matrix:
    if np.allclose(source, target, atol=1e-9):
        return np.eye(3)
    before, after = _BRADFORD @ source, _BRADFORD @ target
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(after / before) @ _BRADFORD, np.float64)
