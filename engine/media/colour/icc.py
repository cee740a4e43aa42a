"""ICC profiles, as far as PNG, TIFF and JPEG need them: matrix and curve profiles are read and written.

Profiles with lookup tables only (printers, scanners, CMYK) are named and not followed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.media.colour.curves import LINEAR, to_light
from engine.media.colour.encodings import Encoding
from engine.media.colour.primaries import REC709, Primaries, from_pcs, to_pcs

__all__ = ["Profile", "profile_of", "read_profile"]

_CLOSE: Final = 0.004
"""Difference of light up to which a curve counts as one that is known: a step of eight bits."""

_STEPS: Final = 256
_SNAPPED: Final = (1.0, 1.8, 2.0, 2.2, 2.19921875, 2.4, 2.6)
_D50: Final = (0.9642, 1.0, 0.8249)
_PARAMETRIC: Final = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""Numbers of a parametric curve, by its kind."""


@dataclass(frozen=True)
class Profile:
    """What a profile says.

    Attributes:
        description: its name for people.
        encoding: curve and primaries; None where it is none of a matrix and curves.
        model: ``RGB``, ``GRAY``, ``CMYK`` ...
        exact: whether the curve is the profile's own; else it is the nearest gamma.
    """

    description: str
    encoding: Encoding | None
    model: str
    exact: bool = True


def read_profile(data: bytes) -> Profile | None:
    """What a profile says; None where the bytes are none."""
    if len(data) < 132 or data[36:40] != b"acsp":
        return None
    model = data[16:20].decode("latin-1").strip()
    try:
        tags = _tags(data)
        description = _text(tags.get(b"desc", b"")) or "without a name"
        if model == "GRAY" and b"kTRC" in tags:
            curve, exact = _curve(tags[b"kTRC"])
            return Profile(description, Encoding(curve, REC709), model, exact)
        primaries = _primaries(tags)
        if model != "RGB" or primaries is None or b"gTRC" not in tags:
            return Profile(description, None, model)
        curve, exact = _curve(tags[b"gTRC"])
        return Profile(description, Encoding(curve, primaries), model, exact)
    except (struct.error, ValueError, IndexError, np.linalg.LinAlgError):
        return Profile("which is damaged", None, model)


def profile_of(encoding: Encoding, description: str) -> bytes | None:
    """A profile of version 4 that says an encoding; None where no profile can: PQ, HLG, Cineon."""
    curve = _written_curve(encoding.curve)
    if curve is None:
        return None
    columns = to_pcs(encoding.primaries).T
    text = description.encode("utf-16-be")
    tags = {
        b"desc": struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(text), 28) + text,
        b"cprt": struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", 4, 28) + "CC".encode("utf-16-be"),
        b"wtpt": _xyz(_D50),
        **{name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _assembled(tags)


def _tags(data: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", data, 128)
    found = {}
    for entry in range(min(count, 200)):
        name, start, size = struct.unpack_from(">4sII", data, 132 + 12 * entry)
        found[name] = data[start : start + size]
    return found


def _text(tag: bytes) -> str:
    if tag[:4] == b"mluc":
        _, _, _, _, size, start = struct.unpack_from(">II2s2sII", tag, 8)
        found = tag[start : start + size].decode("utf-16-be", "replace")
    elif tag[:4] == b"desc":
        (size,) = struct.unpack_from(">I", tag, 8)
        found = tag[12 : 12 + size].decode("latin-1")
    else:
        return ""
    return re.sub(r"[^\x20-\x7e]", "", found).strip()[:60]


def _numbers(tag: bytes, start: int, count: int) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(f">{count}i", tag, start), np.float64) / 65536


def _primaries(tags: dict[bytes, bytes]) -> Primaries | None:
    if not {b"rXYZ", b"gXYZ", b"bXYZ"} <= tags.keys():
        return None
    columns = np.column_stack([_numbers(tags[name], 8, 3) for name in (b"rXYZ", b"gXYZ", b"bXYZ")])
    white = None
    if b"chad" in tags:
        white = np.linalg.solve(_numbers(tags[b"chad"], 8, 9).reshape(3, 3), np.array(_D50))
    elif b"wtpt" in tags:
        white = _numbers(tags[b"wtpt"], 8, 3)
    return from_pcs(columns, white)


def _curve(tag: bytes) -> tuple[str, bool]:
    """The name of a curve, and whether it is that exactly."""
    codes = np.linspace(0, 1, _STEPS, dtype=np.float32)
    light = _sampled(tag, codes)
    for known in ("sRGB", "Camera Rec.709"):
        if np.abs(to_light(codes, known) - light).max() < _CLOSE:
            return known, True
    inside = (codes > 0.1) & (light > 1e-6) & (codes < 1)
    if not inside.any():
        return "sRGB", False
    logs = np.log(codes[inside].astype(np.float64))
    gamma = float(np.sum(logs * np.log(light[inside])) / np.sum(logs * logs))
    near = min(_SNAPPED, key=lambda known: abs(known - gamma))
    gamma = min(max(near if abs(near - gamma) < 2e-3 else round(gamma, 3), 1.0), 4.0)
    name = LINEAR if gamma == 1 else f"Gamma {gamma:.9g}"
    return name, bool(np.abs(to_light(codes, name) - light).max() < _CLOSE)


def _sampled(tag: bytes, codes: NDArray[np.float32]) -> NDArray[np.float64]:
    x = codes.astype(np.float64)
    (kind,) = struct.unpack_from(">4s", tag)
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        return x ** (values[0] / 256) if count == 1 else np.interp(x, np.linspace(0, 1, count), values / 65535)
    (function,) = struct.unpack_from(">H", tag, 8)
    given = [float(value) for value in _numbers(tag, 12, _PARAMETRIC[function])]
    g, a, b, c, d, e, f = (*given, *(1.0, 0.0, 0.0, -1.0, 0.0, 0.0)[len(given) - 1 :])
    if function in (1, 2):  # zero, or an offset, below -b / a
        c, d, e, f = 0.0, -b / a, *((c, c) if function == 2 else (0.0, 0.0))
    power: NDArray[np.float64] = np.maximum(a * x + b, 0) ** g + e
    return np.where(x >= d, power, c * x + f)


def _written_curve(curve: str) -> bytes | None:
    if curve == LINEAR:
        return struct.pack(">4s4xI", b"curv", 0)
    if curve == "sRGB":
        return _parametric(3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    if curve == "Camera Rec.709":
        return _parametric(3, (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081))
    return _parametric(0, (float(curve.split()[1]),)) if curve.startswith("Gamma ") else None


def _parametric(kind: int, numbers: tuple[float, ...]) -> bytes:
    return struct.pack(f">4s4xH2x{len(numbers)}i", b"para", kind, *(round(value * 65536) for value in numbers))


def _xyz(values: tuple[float, ...] | NDArray[np.float64]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(value) * 65536) for value in values))


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    places: dict[bytes, int] = {}
    body, start = b"", 132 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    for name, tag in tags.items():
        if tag not in places:
            places[tag] = start + len(body)
            body += tag + b"\0" * (-len(tag) % 4)
        table += struct.pack(">4sII", name, places[tag], len(tag))
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3i4s44x",
        *(128 + len(table) + len(body), b"\0\0\0\0", 0x04300000, b"mntr", b"RGB ", b"XYZ "),
        *(2000, 1, 1, 0, 0, 0, b"acsp", b"\0\0\0\0", 0, b"\0\0\0\0", b"\0\0\0\0", 0, 0),
        *(round(value * 65536) for value in _D50),
        b"\0\0\0\0",
    )
    return header + table + body
