"""Reading depth: the values of a channel as they are, and laying them on the plate's pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from engine.frames import Float32Array, FrameRange, Window
from engine.media.channels import Selection, find_depth
from engine.media.companion import Companion
from engine.media.images import Header, Part, require_readable
from engine.media.orientation import turned_words
from engine.media.turns import Turns
from engine.notices import Notice
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

    Args:
        depth, plate: of the shot.
        alone: whether a path to one picture means that picture only.

    Attributes:
        frames: of the plate, as far as the plate's settings say them; else those of the depth's own files.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first frame cannot be read.
        ChannelError: the channel or part is not in it.
    """

    def __init__(self, depth: Depth, plate: Plate, alone: bool = False) -> None:
        self._depth = depth
        self._plate = plate
        self._lock = Turns()
        self._files = Companion(depth.path, depth.frame_offset, plate, "depth.path", alone)
        try:
            self.frames = self._files.frames()
            first = self._files.first()
            self._found = self._select(self._files.source.header(first), first)
        except BaseException:
            self.close()
            raise

    @property
    def taken(self) -> str:
        """Which channel of which files is the depth, in words."""
        channel = ", ".join(self._found.channels)
        if not self._files.own:
            return channel
        return f"{channel} of {self._files.source.found.pattern}{turned_words(self._found.part.orientation)}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the depth before the first frame."""
        return self._files.notices

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._lock.close(self._files.close)

    def apart(self, frames: FrameRange) -> tuple[Notice, ...]:
        """What should be heard where the files do not go with the frames of the plate one by one."""
        return self._files.apart(frames)

    def path(self, frame: int) -> Path:
        """The file that is read for a frame of the plate."""
        return self._files.path(frame)

    def check(self, frame: int) -> Window:
        """Look at a frame's header only; gives the window of its depth.

        Raises:
            MissingFrameError, CorruptError, FormatError, ChannelError: what ``read`` would raise for it.
        """
        with self._lock:
            number = self._files.number(frame)
            header = self._files.source.header(number)
            found = self._select(header, number)
            require_readable(header, found.part, found.channels, number)
            return found.part.window

    def read(self, frame: int) -> DepthImage:
        """Read the depth of one frame of the plate.

        Raises:
            MissingFrameError: there is none, and ``plate.on_missing`` is error.
            CorruptError: its file is damaged.
            ChannelError: its file lacks the channel.
        """
        with self._lock:
            number, held = self._files.number(frame), self._files.is_held(frame)
            found = self._select(self._files.source.header(number), number)
            alpha = self._alpha(found.part) if self._depth.unpremultiply else None
            channels = (*found.channels, *([alpha] if alpha else []))
            _, pixels = self._files.source.pixels(number, found.part.number, channels)
        beside = np.ascontiguousarray(pixels[:, :, 1]) if alpha else None
        return DepthImage(np.ascontiguousarray(pixels[:, :, 0]), found.part.window, beside, held)

    def _select(self, header: Header, frame: int) -> Selection:
        place = f"frame {frame}: {header.path}"
        part = self._depth.part
        if part is None and not self._files.own and self._depth.channel is not None and len(header.parts) > 1:
            part = self._part_beside_colour(header)
        return find_depth(header, part, self._depth.channel, self._files.own, place)

    def _part_beside_colour(self, header: Header) -> str | int | None:
        """The plate's own part where the depth channel is in it; else every part is searched."""
        part = self._plate.part
        chosen = [p for p in header.parts if part is not None and str(part) in {p.name, str(p.number)}]
        return part if chosen and self._depth.channel in chosen[0].channels else None

    @staticmethod
    def _alpha(part: Part) -> str | None:
        return next((name for name in part.channels if name in {"A", "a", "alpha", "depth.A", "Alpha"}), None)
