"""Files beside the plate's, depth or a matte: which of them belongs to which frame of the plate."""

from __future__ import annotations

from pathlib import Path

from engine.errors import MissingFrameError
from engine.frames import FrameRange
from engine.media.source import open_source
from engine.notices import Notice
from engine.shot import Plate

__all__ = ["Companion"]


class Companion:
    """A sequence or a movie that goes with the plate; asked by one thread at a time.

    A frame without a file is an error, or another frame's file stands for it, as ``plate.on_missing`` says; a plate
    that is held over a missing frame takes the companion of the frame that it shows.

    Args:
        path: of the files; None for the plate's own.
        offset: added to the plate's frame number to find a file of its own.
        plate: the plate.
        field: of the shot that names the path, for errors.

    Attributes:
        own: whether the files are its own, and not the plate's.
        source: reads them, by the numbers of the files.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: a movie cannot be read.
    """

    def __init__(self, path: str | None, offset: int, plate: Plate, field: str) -> None:
        self.own = path is not None
        self._plate = plate
        self._offset = offset * self.own
        self._field = field if self.own else "plate.path"
        first = None if plate.frames is None else FrameRange.parse(plate.frames).first + self._offset
        self.source = open_source(plate.path if path is None else path, self._field, first, plate.fields)
        self._plate_source = open_source(plate.path, "plate.path") if self.own and plate.on_missing == "hold" else None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the files; their own rate and time code count for nothing."""
        told = ("movie.rate-varies", "movie.timecode")
        return tuple(n for n in self.source.notices if self.own and n.kind not in told)

    def close(self) -> None:
        """Let go of the files."""
        self.source.close()
        if self._plate_source is not None:
            self._plate_source.close()

    def frames(self) -> FrameRange:
        """Of the plate, as far as its settings say them; else those of the files."""
        if self._plate.frames is not None:
            return FrameRange.parse(self._plate.frames)
        return FrameRange.of(n - self._offset for n in self.source.frames(None, self._field))

    def path(self, frame: int) -> Path:
        """The file that is read for a frame of the plate."""
        return self.source.path(self.number(frame))

    def number(self, frame: int) -> int:
        """The number of the file that is read for a frame of the plate.

        Raises:
            MissingFrameError: there is none, and ``plate.on_missing`` is error.
        """
        number = self._wanted(frame)
        # Black has no companion of its own: under a black frame it is held.
        held = self.source.source(number, "error" if self._plate.on_missing == "error" else "hold")
        return number if held is None else held

    def first(self) -> int:
        """The number of the first file that is there."""
        for frame in self.frames():
            try:
                return self.number(frame)
            except MissingFrameError:
                continue
        return self.number(self.frames().first)

    def is_held(self, frame: int) -> bool:
        """Whether a frame of the plate has no file of its own, and another frame's is read."""
        return self.own and self.number(frame) != self._wanted(frame)

    def _wanted(self, frame: int) -> int:
        """The number of the file for a frame of the plate, whether or not it is there."""
        if self._plate_source is not None:
            shown = self._plate_source.source(frame, "hold")
            frame = frame if shown is None else shown
        return frame + self._offset
