"""Files beside the plate's, depth or a matte: which of them belongs to which frame of the plate."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from engine.errors import MissingFrameError
from engine.frames import FrameRange
from engine.media.finding import find
from engine.media.listing import spoken
from engine.media.sequence import is_movie
from engine.media.source import FrameSource, open_source
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
        alone: whether a path to one picture means that picture only.

    Attributes:
        own: whether the files are its own, and not the plate's.
        source: reads them, by the numbers of the files.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: a movie cannot be read.
    """

    def __init__(self, path: str | None, offset: int, plate: Plate, field: str, alone: bool = False) -> None:
        self.own = path is not None
        self._plate = plate
        self._offset = offset * self.own
        self._field = field if self.own else "plate.path"
        self._plate_source: FrameSource | None = None
        with ExitStack() as opened:
            files = plate.path if path is None else path
            first = self._first_frame(files)
            source = open_source(files, self._field, first, alone=alone, fields=plate.fields)
            self.source = opened.enter_context(closing(source))
            if self.own and plate.on_missing == "hold":
                self._plate_source = opened.enter_context(closing(open_source(plate.path, "plate.path")))
            self._opened = opened.pop_all()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the files and how they were found; of the plate's own files, the plate says it.

        The rate and the time code of files beside the plate count for nothing.
        """
        if not self.own:
            return ()
        uncounted = ("movie.rate-varies", "movie.timecode")
        return (*self.source.found.notices, *(n for n in self.source.notices if n.kind not in uncounted))

    def close(self) -> None:
        """Let go of the files."""
        self._opened.close()

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
        try:
            held = self.source.source(number, "error" if self._plate.on_missing == "error" else "hold")
        except MissingFrameError as error:
            offset = self._likely_offset(self._plate_frames()) if self.own else None
            if offset is None:
                raise
            found = error.message.rpartition("; ")[0]
            remedy = f"set {self._offset_field} to {offset}, by which every frame of the plate has one"
            raise MissingFrameError(f"{found}; {remedy}") from None
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

    def apart(self, plate_frames: FrameRange) -> tuple[Notice, ...]:
        """What should be heard where the files are not as many as the frames of the plate, or numbered otherwise."""
        there = self._numbers()
        if there is None:
            return ()
        wanted = {frame + self._offset for frame in plate_frames}
        missing = wanted - set(there)
        # Of a plate that is cut short on purpose, the depth of all frames may lie there.
        if not missing and (self._plate.frames is not None or len(there) == len(wanted)):
            return ()
        what = self._field.partition(".")[0]
        offset = self._likely_offset(plate_frames) if missing else None
        paired = f"{len(wanted) - len(missing)} have the numbers of frames of the plate"
        remedy = "" if offset is None else f"; set {self._offset_field} to {offset} if they belong together in order"
        said = (
            f"{self._field} has {len(there)} frames ({spoken(there)}) and the plate {len(plate_frames)} "
            f"({spoken(plate_frames)}), of which {paired}{remedy}"
        )
        return (Notice(f"{what}.frames", said),)

    @property
    def _offset_field(self) -> str:
        return f"{self._field.partition('.')[0]}.frame_offset"

    def _numbers(self) -> FrameRange | None:
        """The numbers of the files; None where one picture stands for all frames, or the plate's own are read."""
        if not self.own or (self.source.found.pattern.is_still and not is_movie(self.source.found.pattern.prefix)):
            return None
        return self.source.frames(None, self._field)

    def _plate_frames(self) -> FrameRange:
        if self._plate.frames is not None:
            return FrameRange.parse(self._plate.frames)
        with closing(open_source(self._plate.path, "plate.path")) as source:
            return source.frames(None, "plate.path")

    def _likely_offset(self, plate_frames: FrameRange) -> int | None:
        """The offset by which every frame of the plate has a file, where its own has not; None where there is none."""
        there = self._numbers()
        if there is None:
            return None
        for offset in (there.first - plate_frames.first, there.last - plate_frames.last):
            if offset != self._offset and all(frame + offset in there for frame in plate_frames):
                return offset
        return None

    def _first_frame(self, path: str) -> int | None:
        """The number of the first frame if the files are a movie: it starts with the plate."""
        if self._plate.frames is not None:
            return FrameRange.parse(self._plate.frames).first + self._offset
        if not self.own or self._offset or not is_movie(path):
            return None
        return min(find(self._plate.path, "plate.path").files, default=None)

    def _wanted(self, frame: int) -> int:
        """The number of the file for a frame of the plate, whether or not it is there."""
        if self._plate_source is not None:
            shown = self._plate_source.source(frame, "hold")
            frame = frame if shown is None else shown
        return frame + self._offset
