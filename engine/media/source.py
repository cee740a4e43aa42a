"""Where frames come from: a sequence of files, one still, or a movie, all asked in the same way."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from engine.errors import MissingFrameError
from engine.frames import Float32Array, FrameRange
from engine.media.finding import Found, find
from engine.media.images import Header, read_header, read_pixels
from engine.media.listing import spoken
from engine.media.sequence import is_movie, listed_frames
from engine.notices import Notice

__all__ = ["Fields", "FrameSource", "SequenceSource", "open_source"]

OnMissing = Literal["error", "hold", "black"]
Fields = Literal["progressive", "deinterlace"]


class FrameSource(Protocol):
    """Frames by number; safe to be used by one thread at a time.

    Attributes:
        place: how errors name it.
        found: the files, how they were found, and what should be heard of that.
    """

    place: str
    found: Found

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of what the files hold, before the first frame."""
        ...

    @property
    def times(self) -> Mapping[int, Fraction] | None:
        """Seconds since the first frame, by frame; None where the rate is constant."""
        ...

    def frames(self, asked: str | None, field: str) -> FrameRange:
        """The frames of the shot: those asked for, else all that there are."""
        ...

    def source(self, frame: int, on_missing: OnMissing) -> int | None:
        """The frame whose picture stands for ``frame``; None for black."""
        ...

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        ...

    def header(self, frame: int) -> Header:
        """What the frame's file says of itself."""
        ...

    def pixels(self, frame: int, part: int, channels: Sequence[str]) -> tuple[Header, Float32Array]:
        """Values as they are in the file, (H, W, C) float32."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


class SequenceSource:
    """A sequence of image files, or one still that stands for every frame."""

    notices: tuple[Notice, ...] = ()
    times: Mapping[int, Fraction] | None = None

    def __init__(self, found: Found, field: str) -> None:
        self.place = field
        self.found = found
        self.pattern = found.pattern
        self._numbers = sorted(found.files)

    def frames(self, asked: str | None, field: str) -> FrameRange:
        """See ``FrameSource``."""
        if asked is not None:
            return FrameRange.parse(asked)
        if self.found.frames is not None:
            return self.found.frames
        if self.pattern.is_still:
            return FrameRange((1,))
        return listed_frames(FrameRange(tuple(self._numbers)), field)

    def source(self, frame: int, on_missing: OnMissing) -> int | None:
        """See ``FrameSource``; held is the frame before, or the first one where there is none before."""
        if self._exists(frame):
            return frame
        if on_missing == "black":
            return None
        if on_missing == "hold":
            # The frame before; the first one where there is none before.
            return self._numbers[max(bisect.bisect_left(self._numbers, frame) - 1, 0)]
        raise MissingFrameError(
            f"{self.place}: frame {frame} has no file {self.pattern.path(frame)} (there are {spoken(self._numbers)}); "
            "render it, or set plate.on_missing to hold or black"
        )

    def path(self, frame: int) -> Path:
        """See ``FrameSource``."""
        return self.found.file(frame)

    def header(self, frame: int) -> Header:
        """See ``FrameSource``."""
        return read_header(self.path(frame), frame)

    def pixels(self, frame: int, part: int, channels: Sequence[str]) -> tuple[Header, Float32Array]:
        """See ``FrameSource``."""
        return read_pixels(self.path(frame), part, channels, frame)

    def close(self) -> None:
        """Nothing is kept open between frames."""

    def _exists(self, frame: int) -> bool:
        return self.pattern.is_still or frame in self.found.files or self.pattern.path(frame).is_file()


def open_source(
    path: str,
    field: str,
    first_frame: int | None = None,
    *,
    alone: bool = False,
    fields: Fields | None = None,
    every: bool = False,
) -> FrameSource:
    """Open a sequence, a still or a movie, in whatever way its path is written (see ``finding``).

    Args:
        path: pattern, picture, folder or movie.
        field: of the shot, for errors: ``plate.path`` or ``depth.path``.
        first_frame: number of a movie's first frame; 1 when not given.
        alone: whether a picture is only itself, whatever lies beside it.
        fields: how interlaced movies are read, see ``Plate.fields``.
        every: whether to deinterlace pictures that are not flagged as interlaced too.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: a movie cannot be read.
        ShotError: the path is no path.
    """
    found = find(path, field, alone)
    movie = str(found.pattern.path(1))
    if found.pattern.is_still and is_movie(movie):
        from engine.media.movie_reading import MovieSource

        source = MovieSource(movie, field, 1 if first_frame is None else first_frame, fields, every)
        source.found = found
        return source
    return SequenceSource(found, field)
