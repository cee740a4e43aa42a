"""Reading movies as frames with numbers.

A frame is a picture that decoding gives, in the order shown, each once (``movie_index``); pictures are decoded forwards
or from the key picture before (``movie_decoding``), turned as the file says, and laid open as channels. PyAV lets go of
Python's interpreter lock while it decodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from engine.errors import ChannelError, CorruptError, FrameSizeError, MissingFrameError, RackfocusError, require
from engine.frames import Float32Array, FrameRange, Window
from engine.media import movie_words
from engine.media.attributes import Aggregate
from engine.media.finding import Found
from engine.media.images import Header, Part
from engine.media.movie_decoding import Decoding, UndecodableError
from engine.media.movie_fields import deinterlaced
from engine.media.movie_index import index_of
from engine.media.movie_streams import OpenMovie, open_movie
from engine.media.movie_times import PictureTimes, find_rate
from engine.media.movie_turning import is_stereo, turn_of
from engine.media.source import Fields, OnMissing
from engine.media.timecode import TimeCode
from engine.media.video_planes import bits_of, colour_entries, decoded, has_alpha, require_readable
from engine.notices import Notice

__all__ = ["MovieSource"]

_FILTERED: Final = 3
"""Pictures that the deinterlacer looks at."""


class MovieSource:
    """A movie as frames by number, from the shot's first frame on.

    Args:
        path: of the movie.
        field: of the shot, for errors.
        first_frame: number of its first picture.
        fields: how interlaced pictures are read, see ``Plate.fields``.
        every: whether to deinterlace pictures that are not flagged as interlaced too.

    Attributes:
        notices: what should be heard of it before the first frame.
        times: seconds since the first picture by frame; None where the rate is constant.
    """

    found: Found

    def __init__(
        self, path: str, field: str, first_frame: int, fields: Fields | None = None, every: bool = False
    ) -> None:
        self.place = field
        self._path = Path(path)
        self._first_number = first_frame
        require(self._path.is_file(), MissingFrameError, f"{field}: there is no file {path}; correct the path")
        self._index = index_of(self._path, field)
        self._count = len(self._index)
        require(
            bool(len(self._index.moments)),
            CorruptError,
            f"{field}: {path} has no frame that can be decoded; export it again",
        )
        with open_movie(self._path, field) as movie:
            base = movie.stream.time_base
            self._base = Fraction(base) if base is not None and base > 0 else Fraction(1, 1000)
            stream = movie.stream
            headers = (stream.average_rate, stream.guessed_rate, stream.base_rate)
            moments = self._index.moments if self._index.timed else self._index.moments[:1]
            self._rate = find_rate(moments, self._base, headers)
            self._deinterlaces, self._every = fields == "deinterlace", every
            self._decoding = Decoding(self._path, field, self._index, _FILTERED if self._deinterlaces else 1)
            try:
                first = self._decode(0)
                require_readable(first, f"{field}: {path}")
                self._turn = turn_of(first)
                self._stored = (first.width, first.height)
                entries = {**movie.container.metadata, **stream.metadata}
                self._code = next((text for name, text in entries.items() if name.lower() == "timecode"), "")
                self._header = self._describe(movie, first)
                self.notices: tuple[Notice, ...] = self._words(movie, first, fields)
            except BaseException:
                self._decoding.close()
                raise

    @property
    def times(self) -> Mapping[int, Fraction] | None:
        """Seconds since the first picture by frame number; None where the rate is constant."""
        if not self._rate.varies:
            return None
        return PictureTimes(self._index.moments - self._index.moments[0], self._base, self._first_number)

    def frames(self, asked: str | None, field: str) -> FrameRange:
        """The frames asked for, else all of the movie."""
        del field
        if asked is not None:
            return FrameRange.parse(asked)
        return FrameRange(tuple(range(self._first_number, self._first_number + self._count)))

    def source(self, frame: int, on_missing: OnMissing) -> int | None:
        """The frame itself, or the nearest one where a frame outside the movie is held."""
        last = self._first_number + self._count - 1
        if self._first_number <= frame <= last:
            return frame
        if on_missing == "error":
            raise MissingFrameError(
                f"{self.place}: frame {frame} is not in {self._path}, which has {self._first_number}-{last}; "
                "correct plate.frames, or set plate.on_missing to hold or black"
            )
        return None if on_missing == "black" else min(max(frame, self._first_number), last)

    def path(self, frame: int) -> Path:
        """The movie, whatever the frame."""
        del frame
        return self._path

    def header(self, frame: int) -> Header:
        """What the movie says of itself, with the time code of the frame.

        Raises:
            CorruptError: the frame is cut off.
        """
        picture = frame - self._first_number
        if picture >= len(self._index.moments):
            raise self._broken(picture, "")
        start = TimeCode.parse(self._code, self._rate.rate)
        if start is None:
            return self._header
        part = self._header.parts[0]
        code = start.later(self._counted(picture)).packed
        return Header(self._path, "movie", (replace(part, metadata={**part.metadata, "smpte:TimeCode": code}),))

    def pixels(self, frame: int, part: int, channels: Sequence[str]) -> tuple[Header, Float32Array]:
        """R'G'B', straight alpha, and luma ``Y``, all 0..1 of the movie's own range, as the movie is seen."""
        header = self.header(frame)
        require(part == 0, ChannelError, f"frame {frame}: {self._path} is a movie and has one part only")
        for name in channels:
            there = ", ".join(header.parts[0].channels)
            require(
                name in header.parts[0].channels,
                ChannelError,
                f'frame {frame}: {self._path} has no channel "{name}"; it has {there}',
            )
        picture = self._picture(frame - self._first_number)
        require(
            (picture.width, picture.height) == self._stored,
            FrameSizeError,
            f"frame {frame}: {self._path} is {picture.width}x{picture.height} there but {self._stored[0]}x"
            f"{self._stored[1]} at its first frame; cut it into two movies, or scale it to one size",
        )
        colours, grey = decoded(picture)
        planes = dict(zip("RGBA", np.moveaxis(colours, 2, 0), strict=False)) | {"Y": grey}
        opaque = np.ones_like(grey) if "A" in channels and "A" not in planes else None
        found = [opaque if name == "A" and opaque is not None else planes[name] for name in channels]
        return header, np.ascontiguousarray(self._turn.of(np.stack(found, axis=2)))

    def close(self) -> None:
        """Close the movie."""
        self._decoding.close()

    def _counted(self, picture: int) -> int:
        """Frames of the trade's rate from the first picture to this one."""
        if not self._rate.varies:
            return picture
        ticks = int(self._index.moments[picture] - self._index.moments[0])
        return round(ticks * self._base * self._rate.rate)

    def _picture(self, place: int) -> av.VideoFrame:
        if not self._deinterlaces:
            return self._decode(place)
        count = len(self._index.moments)
        return deinterlaced(self._decode, place, count, self._base, self._every)

    def _decode(self, place: int) -> av.VideoFrame:
        try:
            return self._decoding.picture(place)
        except UndecodableError as error:
            raise self._broken(place, str(error)) from error

    def _broken(self, picture: int, why: str) -> RackfocusError:
        number = self._first_number + picture
        said = f" ({why})" if why else ""
        return CorruptError(f"frame {number}: {self._path} is truncated or damaged there{said}; export it again")

    def _describe(self, movie: OpenMovie, frame: av.VideoFrame) -> Header:
        alpha = ("A",) if has_alpha(frame) else ()
        bits = bits_of(frame)
        channels = ("R", "G", "B", *alpha, "Y")
        aspect = float(movie.stream.sample_aspect_ratio or 1)
        rate = self._rate.rate
        metadata: dict[str, Any] = {
            "framesPerSecond": Aggregate((rate.numerator, rate.denominator), "rational"),
            **({"oiio:UnassociatedAlpha": 1} if alpha else {}),
            **colour_entries(frame, movie.context),
            "movie:codec": movie.codec_name,
            "movie:pixel_format": frame.format.name,
            **({} if self._turn.is_plain else {"movie:rotation": self._turn.angle}),
        }
        part = Part(
            number=0,
            name="",
            channels=channels,
            formats=("uint8" if bits <= 8 else "uint16",) * len(channels),
            bits=bits,
            window=Window.of_size(*self._turn.size(frame.width, frame.height)),
            pixel_aspect=self._turn.aspect(aspect if aspect > 0 else 1.0),
            compression=movie.codec_name,
            deep=False,
            metadata=metadata,
        )
        return Header(self._path, "movie", (part,))

    def _words(self, movie: OpenMovie, first: av.VideoFrame, fields: Fields | None) -> tuple[Notice, ...]:
        path, rate = self._path, self._rate
        taken = f"{first.width}x{first.height} {movie.codec_name}"
        known = TimeCode.parse(self._code, rate.rate) is not None
        return (
            *movie_words.of_rate(path, rate, self._count),
            *movie_words.of_end(path, self._index),
            *movie_words.of_streams(path, taken, movie.others),
            *movie_words.of_turn(path, self._turn),
            *movie_words.of_fields(path, first.interlaced_frame, fields),
            *movie_words.of_stereo(path, is_stereo(first), str(movie.stream.metadata.get("stereo_mode", ""))),
            *movie_words.of_alpha(path, movie.alpha_lost),
            *movie_words.of_time_code(path, self._code, known, float(rate.rate)),
        )
