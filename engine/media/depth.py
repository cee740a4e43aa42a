"""Reading depth: the values of a channel as they are, and laying them on the plate's pixels."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from engine.errors import MissingFrameError
from engine.frames import Float32Array, FrameRange, Window
from engine.media.channels import Selection, find_depth
from engine.media.images import Header, Part
from engine.media.source import open_source
from engine.shot import Depth, Plate

__all__ = ["DepthImage", "DepthReader"]


@dataclass(frozen=True, eq=False)
class DepthImage:
    """One frame of depth, as in its file.

    Attributes:
        values: (H, W) float32, the channel's own values; integers as 0..1, never colour-transformed. NaN and infinity
            are kept: infinity is a distance.
        window: where the values lie.
        alpha: (H, W) float32, the alpha beside the depth; read only where ``depth.unpremultiply`` asks for it.
        held: whether the frame has no depth file of its own, and another frame's was read.
    """

    values: Float32Array
    window: Window
    alpha: Float32Array | None = None
    held: bool = False


class DepthReader:
    """Reads the depth of a shot; a context manager. Calls from several threads wait for each other.

    Attributes:
        frames: of the plate, as far as the plate's settings say them; else those of the depth's own files.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first frame cannot be read.
        ChannelError: the channel or part is not in it.
    """

    def __init__(self, depth: Depth, plate: Plate) -> None:
        self._depth = depth
        self._plate = plate
        self._lock = threading.Lock()
        self._own = depth.path is not None
        self._field = "depth.path" if depth.path is not None else "plate.path"
        first = None if plate.frames is None else FrameRange.parse(plate.frames).first + depth.frame_offset * self._own
        self._source = open_source(depth.path if depth.path is not None else plate.path, self._field, first)
        # A plate that is held over a missing frame takes the depth of the frame that it shows.
        self._plate_source = open_source(plate.path, "plate.path") if self._own and plate.on_missing == "hold" else None
        try:
            self.frames = self._frames()
            self._select(self._source.header(self._first()), self._first())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._source.close()
            if self._plate_source is not None:
                self._plate_source.close()

    def path(self, frame: int) -> Path:
        """The file that is read for a frame of the plate."""
        return self._source.path(self._number(frame))

    def check(self, frame: int) -> Window:
        """Look at a frame's header only; gives the window of its depth.

        Raises:
            MissingFrameError, CorruptError, FormatError, ChannelError: what ``read`` would raise for it.
        """
        with self._lock:
            number = self._number(frame)
            return self._select(self._source.header(number), number).part.window

    def read(self, frame: int) -> DepthImage:
        """Read the depth of one frame of the plate.

        Raises:
            MissingFrameError: there is none, and ``plate.on_missing`` is error.
            CorruptError: its file is damaged.
            ChannelError: its file lacks the channel.
        """
        with self._lock:
            number = self._number(frame)
            held = self._own and number != self._wanted(frame)
            found = self._select(self._source.header(number), number)
            alpha = self._alpha(found.part) if self._depth.unpremultiply else None
            channels = (*found.channels, *([alpha] if alpha else []))
            _, pixels = self._source.pixels(number, found.part.number, channels)
        beside = np.ascontiguousarray(pixels[:, :, 1]) if alpha else None
        return DepthImage(np.ascontiguousarray(pixels[:, :, 0]), found.part.window, beside, held)

    def _number(self, frame: int) -> int:
        """The number of the file that is read for a frame of the plate."""
        number = self._wanted(frame)
        # Black has no distance of its own: under a black frame the depth is held.
        held = self._source.source(number, "error" if self._plate.on_missing == "error" else "hold")
        return number if held is None else held

    def _wanted(self, frame: int) -> int:
        """The number of the depth's own file for a frame of the plate, whether or not it is there."""
        if self._plate_source is not None:
            shown = self._plate_source.source(frame, "hold")
            frame = frame if shown is None else shown
        return frame + self._depth.frame_offset * self._own

    def _select(self, header: Header, frame: int) -> Selection:
        place = f"frame {frame}: {header.path}"
        part = self._depth.part
        if part is None and not self._own and self._depth.channel is not None and len(header.parts) > 1:
            part = self._part_beside_colour(header)
        return find_depth(header, part, self._depth.channel, self._own, place)

    def _part_beside_colour(self, header: Header) -> str | int | None:
        """The plate's own part where the depth channel is in it; else every part is searched."""
        part = self._plate.part
        chosen = [p for p in header.parts if part is not None and str(part) in {p.name, str(p.number)}]
        return part if chosen and self._depth.channel in chosen[0].channels else None

    @staticmethod
    def _alpha(part: Part) -> str | None:
        return next((name for name in part.channels if name in {"A", "a", "alpha", "depth.A", "Alpha"}), None)

    def _frames(self) -> FrameRange:
        if self._plate.frames is not None:
            return FrameRange.parse(self._plate.frames)
        found = self._source.frames(None, self._field)
        return FrameRange.of(n - self._depth.frame_offset * self._own for n in found)

    def _first(self) -> int:
        for frame in self.frames:
            try:
                return self._number(frame)
            except MissingFrameError:
                continue
        return self._number(self.frames.first)
