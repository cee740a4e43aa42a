"""Reading movies as a stream of frames with numbers.

Frames are decoded forwards, one ahead of the one asked for; a far jump seeks to the key frame before it. Nothing else
is kept in memory. PyAV lets go of Python's interpreter lock while it decodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from engine.errors import ChannelError, CorruptError, FormatError, MissingFrameError, require
from engine.frames import Float32Array, FrameRange, Window
from engine.media.attributes import Aggregate
from engine.media.images import THREADS, Header, Part
from engine.media.rates import exact_rate
from engine.media.source import OnMissing
from engine.media.timecode import TimeCode
from engine.media.video_planes import bits_of, colour_entries, decoded, has_alpha

__all__ = ["MovieSource"]

_NEAR: Final = 32
"""Frames up to which decoding forwards beats seeking."""


class MovieSource:
    """A movie as frames by number, from the shot's first frame on.

    A movie of varying frame rate is read at its average rate; a frame without a picture of its own shows the last one.
    """

    def __init__(self, path: str, field: str, first_frame: int) -> None:
        self.place = field
        self._path = Path(path)
        self._first_number = first_frame
        require(self._path.is_file(), MissingFrameError, f"{field}: there is no file {path}; correct the path")
        self._container = self._open()
        try:
            self._stream = self._find_stream()
            self._rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or 24)
            self._base = self._stream.time_base or 1 / self._rate
            self._origin: int | None = None
            self._restart()
            self._header = self._describe()
            self._count = self._count_frames()
        except BaseException:
            self._container.close()
            raise

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
        """What the movie says of itself, with the time code of the frame."""
        part = self._header.parts[0]
        start = TimeCode.parse(str(part.metadata.get("timecode", "")), self._rate)
        if start is None:
            return self._header
        entries = {name: value for name, value in part.metadata.items() if name != "timecode"}
        entries["smpte:TimeCode"] = start.later(frame - self._first_number).packed
        return Header(self._path, "movie", (_with_metadata(part, entries),))

    def pixels(self, frame: int, part: int, channels: Sequence[str]) -> tuple[Header, Float32Array]:
        """R'G'B', straight alpha, and luma ``Y``, all 0..1 of the movie's own range."""
        header = self.header(frame)
        require(part == 0, ChannelError, f"frame {frame}: {self._path} is a movie and has one part only")
        for name in channels:
            there = ", ".join(header.parts[0].channels)
            require(
                name in header.parts[0].channels,
                ChannelError,
                f'frame {frame}: {self._path} has no channel "{name}"; it has {there}',
            )
        colours, grey = decoded(self._picture(frame))
        planes = dict(zip("RGBA", np.moveaxis(colours, 2, 0), strict=False)) | {"Y": grey}
        return header, np.stack([planes[name] for name in channels], axis=2)

    def close(self) -> None:
        """Close the movie."""
        self._container.close()

    def _open(self) -> av.container.InputContainer:
        try:
            return av.open(str(self._path))
        except (av.error.FFmpegError, OSError) as error:
            raise CorruptError(
                f"{self.place}: {self._path} cannot be read as a movie ({_said(error)}); export it again"
            ) from error

    def _find_stream(self) -> av.VideoStream:
        require(
            bool(self._container.streams.video),
            FormatError,
            f"{self.place}: {self._path} has no video in it; give another movie",
        )
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = THREADS
        return stream

    def _restart(self, target: int = 0) -> None:
        """Start decoding at or before a frame, counted from 0."""
        if self._origin is not None:
            moment = self._origin + round(target / self._rate / self._base)
            try:
                self._container.seek(moment, stream=self._stream, backward=True)
            except (av.error.FFmpegError, OSError) as error:
                raise self._broken(target, error) from error
        self._decoder = self._decode()
        self._current = self._next = next(self._decoder, None)
        if self._current is None:
            raise CorruptError(f"{self.place}: {self._path} has no frame that can be decoded; export it again")

    def _decode(self) -> Iterator[tuple[int, av.VideoFrame]]:
        index = -1
        try:
            for frame in self._container.decode(self._stream):
                if frame.pts is not None and self._origin is None:
                    self._origin = frame.pts
                elapsed = None if frame.pts is None or self._origin is None else frame.pts - self._origin
                index = index + 1 if elapsed is None else round(elapsed * self._base * self._rate)
                yield index, frame
        except (av.error.FFmpegError, OSError) as error:
            raise self._broken(index + 1, error) from error

    def _picture(self, frame: int) -> av.VideoFrame:
        target = frame - self._first_number
        if self._current is None or target < self._current[0] or target > self._current[0] + _NEAR:
            self._restart(target)
            if self._current is not None and self._current[0] > target:
                self._restart(0)  # the index of key frames is wrong in some files
        while self._next is not None and self._next[0] <= target:
            self._current = self._next
            self._next = next(self._decoder, None)
        current = self._current
        if current is None or (self._next is None and target >= self._end(*current)):
            raise self._broken(target, None)
        if current[1].is_corrupt:
            raise self._broken(target, None)
        return current[1]

    def _end(self, index: int, frame: av.VideoFrame) -> int:
        """The first index that a picture does not stand for any more; a last picture may stand for several."""
        if not frame.duration or frame.pts is None or self._origin is None:
            return index + 1
        return max(index + 1, round((frame.pts - self._origin + frame.duration) * self._base * self._rate))

    def _broken(self, index: int, error: Exception | None) -> CorruptError:
        why = f" ({_said(error)})" if error is not None else ""
        number = self._first_number + max(index, 0)
        return CorruptError(f"frame {number}: {self._path} is truncated or damaged there{why}; export it again")

    def _count_frames(self) -> int:
        if self._stream.frames:
            return int(self._stream.frames)
        duration = self._stream.duration
        if duration is not None and self._stream.time_base is not None:
            return max(1, round(duration * self._stream.time_base * self._rate))
        if self._container.duration:
            return max(1, round(Fraction(self._container.duration, av.time_base) * self._rate))
        return 1

    def _describe(self) -> Header:
        assert self._current is not None
        frame = self._current[1]
        alpha = ("A",) if has_alpha(frame) else ()
        bits = bits_of(frame)
        channels = ("R", "G", "B", *alpha, "Y")
        context = self._stream.codec_context
        aspect = float(self._stream.sample_aspect_ratio or 1)
        rate = exact_rate(self._rate)
        metadata: dict[str, Any] = {
            "framesPerSecond": Aggregate((rate.numerator, rate.denominator), "rational"),
            **{
                str(k): str(v)
                for k, v in {**self._container.metadata, **self._stream.metadata}.items()
                if k == "timecode"
            },
            **({"oiio:UnassociatedAlpha": 1} if alpha else {}),
            **colour_entries(frame, self._stream),
            "movie:codec": context.name,
            "movie:pixel_format": frame.format.name,
        }
        part = Part(
            number=0,
            name="",
            channels=channels,
            formats=("uint8" if bits <= 8 else "uint16",) * len(channels),
            bits=bits,
            window=Window.of_size(frame.width, frame.height),
            pixel_aspect=aspect if aspect > 0 else 1.0,
            compression=context.name,
            deep=False,
            metadata=metadata,
        )
        return Header(self._path, "movie", (part,))


def _with_metadata(part: Part, metadata: dict[str, Any]) -> Part:
    return replace(part, metadata=metadata)


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().splitlines()[0] if str(text).strip() else type(error).__name__
