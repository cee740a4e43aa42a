"""Display matrices: how a movie's pictures have to be turned to be seen as they were meant."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

__all__ = ["Turn", "is_stereo", "turn_of"]


@dataclass(frozen=True)
class Turn:
    """A quarter turn or a flip, or both.

    Attributes:
        swaps: whether rows become columns.
        flips_rows, flips_columns: whether rows, then columns, run the other way after that.
        angle: in degrees clockwise, as the file says it.
        is_exact: whether the file asks for a quarter turn, and not for an angle near one.
    """

    swaps: bool = False
    flips_rows: bool = False
    flips_columns: bool = False
    angle: float = 0.0
    is_exact: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether nothing is turned."""
        return not (self.swaps or self.flips_rows or self.flips_columns)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as seen."""
        return (height, width) if self.swaps else (width, height)

    def aspect(self, aspect: float) -> float:
        """Width of a pixel over its height, as seen."""
        return 1 / aspect if self.swaps else aspect

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        """An image, (H, W) or (H, W, C), as it is seen."""
        turned = image.swapaxes(0, 1) if self.swaps else image
        turned = turned[::-1] if self.flips_rows else turned
        return turned[:, ::-1] if self.flips_columns else turned


def turn_of(frame: av.VideoFrame) -> Turn:
    """The turn that a picture's display matrix asks for: the nearest one in quarters; none where there is no matrix."""
    data = _data(frame, Type.DISPLAYMATRIX)
    if len(data) < 36:
        return Turn()
    a, b, _, c, d, *_ = (value / 65536 for value in struct.unpack("=9i", data[:36]))
    if a * d - b * c == 0:
        return Turn()
    # A stored point x, y is seen at a x + c y, b x + d y.
    angle = math.degrees(math.atan2(b, a)) % 360
    swaps = abs(b) + abs(c) > abs(a) + abs(d)
    is_exact = max(abs(a), abs(d)) < 0.01 * abs(b) if swaps else max(abs(b), abs(c)) < 0.01 * abs(a)
    down, across = (b, c) if swaps else (d, a)
    return Turn(swaps, down < 0, across < 0, round(angle, 1), is_exact)


def is_stereo(frame: av.VideoFrame) -> bool:
    """Whether a picture says that it belongs to one eye, or holds both."""
    data = _data(frame, Type.STEREO3D)
    return bool(np.frombuffer(data[:4], np.int32).any()) if len(data) >= 4 else False


def _data(frame: av.VideoFrame, kind: Type) -> bytes:
    """What is attached to a picture; nothing where nothing of that kind is."""
    entries: Any = frame.side_data  # PyAV's types take the entries for text
    return next((bytes(entry) for entry in entries if entry.type == kind), b"")
