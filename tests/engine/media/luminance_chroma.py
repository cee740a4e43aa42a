"""EXR files with luminance and half-size chroma, written byte by byte: OpenImageIO writes none."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from engine.frames import Float32Array, Window

WEIGHTS = np.array([0.2126390, 0.7151687, 0.0721923], np.float32)
"""Of Rec.709's primaries, which a file without chromaticities has."""


def _entry(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def write_exr(path: Path, planes: dict[str, tuple[Float32Array, int]], window: Window, compression: int = 0) -> Path:
    """Write halves without compression: channels by name, each with its sampling along both axes."""
    names = sorted(planes)
    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", 1, 0, planes[name][1], planes[name][1]) for name in names
    )
    box = (window.x, window.y, window.x + window.width - 1, window.y + window.height - 1)
    display = (
        *(window.display_x, window.display_y),
        *(window.display_x + window.display_width - 1, window.display_y + window.display_height - 1),
    )
    head = struct.pack("<ii", 20000630, 2)
    head += _entry("channels", "chlist", channels + b"\0")
    head += _entry("compression", "compression", bytes([compression]))
    head += _entry("dataWindow", "box2i", struct.pack("<4i", *box))
    head += _entry("displayWindow", "box2i", struct.pack("<4i", *display))
    head += _entry("lineOrder", "lineOrder", b"\0")
    head += _entry("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += _entry("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
    head += _entry("screenWindowWidth", "float", struct.pack("<f", 1)) + b"\0"
    rows = []
    for y in range(window.y, window.y + window.height):
        data = b"".join(
            plane[(y - window.y) // step].astype("<f2").tobytes()
            for plane, step in (planes[name] for name in names)
            if y % step == 0
        )
        rows.append(struct.pack("<ii", y, len(data)) + data)
    start = len(head) + 8 * len(rows)
    table = b"".join(struct.pack("<Q", start + sum(map(len, rows[:i]))) for i in range(len(rows)))
    path.write_bytes(head + table + b"".join(rows))
    return path


def write_luminance_chroma(path: Path, rgb: Float32Array, window: Window, alpha: Float32Array | None = None) -> Path:
    """Write a smooth picture as Y, RY, BY; even sizes and corners."""
    luminance = rgb @ WEIGHTS
    with np.errstate(invalid="ignore", divide="ignore"):
        red = np.nan_to_num((rgb[:, :, 0] - luminance) / luminance)[::2, ::2]
        blue = np.nan_to_num((rgb[:, :, 2] - luminance) / luminance)[::2, ::2]
    planes = {"Y": (luminance, 1), "RY": (red, 2), "BY": (blue, 2)}
    if alpha is not None:
        planes["A"] = (alpha, 1)
    return write_exr(path, planes, window)
