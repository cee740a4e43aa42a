"""The movie that a plate is read from: when its pictures are shown, and what it holds beside them.

A result takes the sound, the time code and the times of the pictures from here. PyAV 18.1 (FFmpeg 8.1): a stream whose
codec is unknown has no ``codec_context``; a first picture may lie anywhere in a stream's time, so that all times here
count from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av

from engine.errors import RackfocusError
from engine.frames import FrameRange
from engine.media.images import Header
from engine.media.movie_streams import COVERS, DAMAGE, OpenMovie, open_movie
from engine.media.rates import DEFAULT_RATE, frame_rate_of
from engine.media.source import FrameSource

__all__ = ["MovieContents", "PlateMovie", "SoundTrack", "contents_of"]

_HIGH_RANGE: Final = {
    "MASTERING_DISPLAY_METADATA": "mastering display",
    "CONTENT_LIGHT_LEVEL": "content light level",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient viewing environment",
}
_TECHNICAL: Final = frozenset(
    {
        *("major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "timecode", "duration"),
        *("comment", "handler_name", "vendor_id", "software", "language", "bps", "number_of_frames", "variant_version"),
    }
)
"""Tags of a container that say how the file is built, not what is in it."""


@dataclass(frozen=True)
class PlateMovie:
    """A plate's movie file.

    Attributes:
        path: of the file.
        frames: numbers of all its pictures; ``plate.frames`` may name some of them only.
        rate: frames per second that the file says; None where it says none.
        times: seconds since the first picture, by frame number; None where the rate is constant.
    """

    path: Path
    frames: FrameRange
    rate: Fraction | None = None
    times: Mapping[int, Fraction] | None = None

    @classmethod
    def of(cls, header: Header, source: FrameSource) -> PlateMovie | None:
        """The movie behind a plate; None where it is none.

        Args:
            header: of its first frame.
            source: of its frames.
        """
        if header.file_format != "movie":
            return None
        rate = frame_rate_of(header.parts[0].metadata)
        return cls(header.path, source.frames(None, "plate.path"), rate, source.times)

    def time(self, frame: int) -> Fraction:
        """Seconds from the first picture to a frame; those outside the movie follow at its rate."""
        rate = self.rate or DEFAULT_RATE
        if self.times is None:
            return (frame - self.frames.first) / rate
        near = min(max(frame, self.frames.first), self.frames.last)
        return self.times[near] + (frame - near) / rate


@dataclass(frozen=True)
class SoundTrack:
    """One stream of sound.

    Attributes:
        stream: its index in the file.
        codec: FFmpeg's name: ``aac``, ``pcm_s24le`` ...; empty where it is not known.
        channels: how many.
        start: seconds from the first picture to its own begin.
        tags: language and title.
    """

    stream: int
    codec: str
    channels: int = 0
    start: Fraction = Fraction(0)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MovieContents:
    """What a movie holds beside its pictures.

    Attributes:
        origin: moment of the first picture in the file's own time, in seconds.
        end: seconds from the first picture to the end of the last one; None where the file does not say.
        sound: its sound.
        others: tracks beside picture, sound and time code, in words: ``subtitles (mov_text)``, ``data (gpmd)`` ...
        high_range: descriptions of high dynamic range that come with its pictures, in words.
        reel: name of the reel or tape; empty where it says none.
        tags: titles, camera, place and other words about it.
    """

    origin: Fraction
    end: Fraction | None
    sound: tuple[SoundTrack, ...]
    others: tuple[str, ...]
    high_range: tuple[str, ...]
    reel: str
    tags: Mapping[str, str]


def contents_of(movie: PlateMovie) -> MovieContents | None:
    """Look at a movie's streams and its first picture; None where they cannot be read (the plate's reader says why)."""
    try:
        with open_movie(movie.path, "plate.path") as opened:
            return _contents(opened)
    except (RackfocusError, *DAMAGE):
        return None


def _contents(movie: OpenMovie) -> MovieContents:
    container, picture = movie.container, movie.stream
    others = _others(container)
    tags = {name: text for name, text in container.metadata.items() if name.lower() not in _TECHNICAL}
    said = [tags.pop("reel_name", ""), *(stream.metadata.get("reel_name", "") for stream in container.streams)]
    reel = next((name for name in said if name), "")
    first = next(chain.from_iterable(movie.decode(packet) for packet in chain(movie.packets(), (None,))))
    origin = Fraction(0) if first.pts is None else first.pts * (first.time_base or picture.time_base or Fraction(1))
    end = None
    if picture.duration and picture.time_base:
        end = ((picture.start_time or 0) + picture.duration) * picture.time_base - origin
    beside: Any = first.side_data
    words = [beside[place].type.name for place in range(len(beside))]
    shown = dict.fromkeys(_HIGH_RANGE[name] for name in words if name in _HIGH_RANGE)
    sound = tuple(_track(stream, origin) for stream in container.streams.audio)
    return MovieContents(origin, end, sound, others, tuple(shown), reel, tags)


def _track(stream: av.AudioStream, origin: Fraction) -> SoundTrack:
    context: Any = stream.codec_context
    begin = None if stream.start_time is None or stream.time_base is None else stream.start_time * stream.time_base
    start = Fraction(0) if begin is None else begin - origin
    tags = {name: text for name, text in stream.metadata.items() if name in {"language", "title"}}
    if context is None:
        return SoundTrack(stream.index, "", 0, start, tags)
    name = context.codec.canonical_name
    return SoundTrack(stream.index, name, context.layout.nb_channels, start, tags)


def _others(container: av.container.InputContainer) -> tuple[str, ...]:
    """All but pictures, of which the plate's reader tells itself, sound and time code."""
    found: list[str] = []
    for stream in container.streams:
        if stream.type == "audio" or _is_timecode(stream):
            continue
        if stream.type == "video":
            found += ["cover picture"] if stream.disposition & COVERS else []
            continue
        context = getattr(stream, "codec_context", None)
        name = stream.metadata.get("handler_name", "") if context is None else context.name
        kind = "subtitles" if stream.type == "subtitle" else stream.type
        found.append(f"{kind} ({name.strip()})" if name.strip("\0 ") else kind)
    return (*found, "chapters") if container.chapters() else tuple(found)


def _is_timecode(stream: av.stream.Stream) -> bool:
    return stream.type == "data" and "timecode" in stream.metadata
