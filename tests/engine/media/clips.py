"""Small movies with sound, made by code: four clicks a second tell when it is heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from engine.frames import FrameRange, RenderedFrame
from engine.media import FrameWriter, PlateReader, open_writer
from engine.notices import Notice
from engine.shot import Output, Plate

SAMPLES = 48000
CLICK = 0.25
"""Seconds between two clicks."""

FIRST = 0.06
"""Seconds to the first one, so that none lies at the edge of a picture of 24 a second."""


@dataclass(frozen=True)
class Sound:
    """A track: codec, length in seconds (the picture's when not given), begin, channels, what it is called."""

    codec: str = "aac"
    seconds: float | None = None
    begin: float = 0.0
    channels: int = 2
    tags: Mapping[str, str] = field(default_factory=dict)


def make_clip(
    path: Path,
    *sound: Sound,
    frames: int = 36,
    rate: Fraction = Fraction(24),
    times: Sequence[Fraction] | None = None,
    size: tuple[int, int] = (32, 16),
    codec: str = "libx264",
    tags: Mapping[str, str] | None = None,
    container: str | None = None,
) -> Path:
    """Write a movie whose frames grow brighter, with sound that clicks."""
    with av.open(str(path), "w", format=container) as movie:
        movie.metadata.update(tags or {})
        video = movie.add_stream(codec, rate=rate)
        video.width, video.height = size
        video.pix_fmt = "yuv420p" if codec == "libx264" else "yuv422p10le"
        video.codec_context.time_base = Fraction(1, 90000) if times else 1 / rate
        video.codec_context.options = {"bf": "0"} if times else {}
        video.metadata.update({name: text for name, text in (tags or {}).items() if name == "reel_name"})
        tracks = [_track(movie, track) for track in sound]
        movie.start_encoding()
        base = video.codec_context.time_base
        for number in range(frames):
            moment = times[number] if times else number / rate
            movie.mux(video.encode(_picture(number, size, moment, base)))
            for track in tracks:
                track.fill(movie, float(moment))
        movie.mux(video.encode(None))
        for track, asked in zip(tracks, sound, strict=True):
            track.fill(movie, asked.seconds if asked.seconds is not None else float(frames / rate), rest=True)
    return path


def clicks_in(path: Path, track: int = 0) -> list[float]:
    """When the clicks of a track are heard, in seconds after the first picture is shown."""
    with av.open(str(path)) as movie:
        first = next(movie.decode(movie.streams.video[0])).time
    heard: list[float] = []
    with av.open(str(path)) as movie:
        last = -1.0
        for frame in movie.decode(movie.streams.audio[track]):
            loud = np.abs(samples_of(frame)[0]) > 0.3
            for place in np.flatnonzero(loud):
                moment = frame.time - first + place / frame.sample_rate
                if moment - last > 0.1:
                    heard.append(float(moment))
                last = moment
    return heard


def samples_of(frame: av.AudioFrame) -> NDArray[np.float64]:
    """(channels, samples), -1 to 1."""
    values = frame.to_ndarray()
    count = frame.layout.nb_channels
    found = values if frame.format.is_planar else values.reshape(-1, count).T
    scale = 2.0 ** (8 * found.dtype.itemsize - 1) if np.issubdtype(found.dtype, np.integer) else 1
    return found.astype(np.float64) / scale


def codecs_in(path: Path) -> list[str]:
    """The codecs of the sound."""
    with av.open(str(path)) as movie:
        return [stream.codec_context.codec.canonical_name for stream in movie.streams.audio]


@dataclass(frozen=True)
class Copied:
    """What became of a plate: the file, and what was said before and after."""

    path: Path
    notices: tuple[Notice, ...]
    losses: tuple[Notice, ...]

    @property
    def kinds(self) -> set[str]:
        """Kinds of what was said before the first frame."""
        return {notice.kind for notice in self.notices}

    def said(self, kind: str) -> str:
        """The sentence of a kind."""
        return next(notice.message for notice in self.notices if notice.kind == kind)


def render_plainly(
    plate: Path,
    result: Path,
    frames: str | None = None,
    plate_settings: Mapping[str, Any] | None = None,
    **output: object,
) -> Copied:
    """Write a plate's frames into a result as they are, black and without colours, which cost time."""
    with PlateReader(
        Plate.model_validate({"path": str(plate), "colour_space": "Raw", **(plate_settings or {})})
    ) as reader:
        asked = reader.frames if frames is None else FrameRange.parse(frames)
        settings = {"path": str(result), "colour_space": "Raw", **output}
        writer = open_writer(Output.model_validate(settings), reader.info, asked)
        notices = writer.notices
        write_black(writer, reader, asked)
        writer.close()
    return Copied(result, notices, writer.losses)


def write_black(writer: FrameWriter, reader: PlateReader, frames: Iterable[int]) -> None:
    """Give a writer black frames with the headers of the plate's own."""
    info = reader.info
    window = info.window
    black = np.zeros((window.height, window.width, len(info.channels)), np.float32)
    for frame in frames:
        entries = reader.read(frame).metadata if frame == next(iter(frames)) else {}
        writer.write(RenderedFrame(frame, black, info.channels, window, None, 1.0, entries), {}, {})


class _Track:
    """Sound on its way into a movie."""

    def __init__(self, stream: av.AudioStream, asked: Sound) -> None:
        self._stream, self._asked = stream, asked
        self._done = 0

    def fill(self, movie: av.container.OutputContainer, until: float, rest: bool = False) -> None:
        end = until if self._asked.seconds is None else min(until, self._asked.seconds)
        size = self._stream.codec_context.frame_size or 1024
        total = round(end * SAMPLES)
        while self._done + (0 if rest else size) < total:
            movie.mux(self._stream.encode(self._frame(min(size, total - self._done) if rest else size)))
        if rest:
            movie.mux(self._stream.encode(None))

    def _frame(self, count: int) -> av.AudioFrame:
        places = (self._done + np.arange(count) - round(FIRST * SAMPLES)) % round(CLICK * SAMPLES)
        level = np.where(places < 200, 0.9, 0.0)
        kind = self._stream.codec_context.format
        values = np.tile(level, (self._asked.channels, 1))
        if "flt" not in kind.name:
            values = np.rint(values * np.iinfo(np.int16 if "16" in kind.name else np.int32).max)
        values = values.astype({"s16": np.int16, "s32": np.int32, "flt": np.float32}[kind.name.removesuffix("p")])
        packed = values if kind.is_planar else np.ascontiguousarray(values.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format=kind.name, layout=self._stream.codec_context.layout.name)
        frame.sample_rate, frame.time_base = SAMPLES, Fraction(1, SAMPLES)
        frame.pts = self._done + round(self._asked.begin * SAMPLES)
        self._done += count
        return frame


def _track(movie: av.container.OutputContainer, asked: Sound) -> _Track:
    stream = movie.add_stream(asked.codec, rate=SAMPLES)
    assert isinstance(stream, av.AudioStream)
    stream.codec_context.layout = {1: "mono", 2: "stereo", 6: "5.1", 16: "hexadecagonal"}[asked.channels]
    stream.metadata.update(asked.tags)
    return _Track(stream, asked)


def _picture(number: int, size: tuple[int, int], moment: Fraction, base: Fraction) -> av.VideoFrame:
    grey = np.full((size[1], size[0], 3), 16 + 4 * number % 220, np.uint8)
    frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
    frame.pts, frame.time_base = round(moment / base), base
    return frame
