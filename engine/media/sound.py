"""Sound of a movie result: the plate's own, copied packet by packet in step with the pictures.

Nothing is encoded anew where the container takes the codec. Where it does not, the sound is decoded and stored without
loss: PCM of 24 bits in MOV and MKV, ALAC of 24 bits in MP4, whose players know no PCM.

Seen in FFmpeg 8.1: the MOV muxer says that it holds Opus and FLAC, and fails at the header; packets before time 0
become an edit list in MOV and MP4, while MKV moves all its streams instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol

import av
from av.stream import Discard

from engine.frames import FrameRange
from engine.media.movie_streams import DAMAGE
from engine.media.plate_movie import MovieContents, PlateMovie, SoundTrack, open_input
from engine.notices import Notice

__all__ = ["SoundCopy", "SoundPlan", "kept_sound"]

_PCM: Final = frozenset(
    {
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
        *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_s8", "pcm_u8", "pcm_alaw", "pcm_mulaw"),
    }
)
_COPIED: Final = {
    "mov": _PCM | {"aac", "ac3", "eac3", "alac", "mp3", "mp2", "amr_nb", "amr_wb", "adpcm_ima_qt"},
    "mp4": frozenset({"aac", "ac3", "eac3", "alac", "mp3", "mp2", "opus", "flac", "dts"}),
    "matroska": frozenset(
        {
            *("aac", "ac3", "eac3", "alac", "mp3", "mp2", "opus", "vorbis", "flac", "dts", "truehd", "mlp", "pcm_u8"),
            *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f64le"),
        }
    ),
}
"""Codecs that each container holds, and that its players and editors play."""

_ENCODER: Final = {"mov": "pcm_s24le", "mp4": "alac", "matroska": "pcm_s24le"}
_SAMPLES: Final = {"pcm_s24le": ("s32", None), "alac": ("s32p", 4096)}
"""Sample format of an encoder, and how many samples it takes at a time."""

_MOST_CHANNELS: Final = {"alac": 8}
_ALONE: Final = ("pcm_", "flac", "alac")
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1(wide)"}
"""What ALAC calls so many channels."""

_SPOKEN: Final = {"pcm_s24le": "PCM of 24 bits", "alac": "ALAC, which loses nothing"}
# fmt: off
_MOV_LANGUAGE: Final = {
    "bod": "tib", "cym": "wel", "cze": "ces", "deu": "ger", "ell": "gre", "eus": "baq", "fas": "per", "fre": "fra",
    "hye": "arm", "isl": "ice", "kat": "geo", "mkd": "mac", "msa": "may", "mya": "bur", "nld": "dut", "rum": "ron",
    "slo": "slk", "sqi": "alb", "swe": "sve", "zho": "chi",
}
# fmt: on
"""The one of a language's codes that FFmpeg 8.1 writes into QuickTime files; it drops the others without a word."""

_RUN_UP: Final = Fraction(1)
"""Seconds before a span from which its sound is looked for, because indices are rough."""


@dataclass(frozen=True)
class SoundPlan:
    """Which sound goes into a result, and where it lies.

    Attributes:
        movie: of the plate.
        tracks: to be written, each with the encoder that it needs; empty where its packets are copied.
        begin: the file's own time, in seconds, of the result's first picture.
        end: seconds of the result after which nothing is wanted; None for all there is.
        container: FFmpeg's name of the result's container.
    """

    movie: PlateMovie
    tracks: tuple[tuple[SoundTrack, str], ...]
    begin: Fraction
    end: Fraction | None
    container: str


def kept_sound(
    movie: PlateMovie, contents: MovieContents, frames: FrameRange, rate: Fraction, varies: bool, container: str
) -> tuple[SoundPlan | None, tuple[Notice, ...]]:
    """What of a plate's sound a movie result can hold.

    Args:
        movie, contents: of the plate.
        frames: that are written.
        rate: of the result, frames per second.
        varies: whether the result's pictures keep the plate's own times.
        container: FFmpeg's name of the result's: ``mov``, ``mp4``, ``matroska``.

    Returns:
        The plan, None where no sound is kept; and what should be heard of it.
    """
    if not contents.sound:
        return None, ()
    all_of_it = f"the plate's sound ({_counted(len(contents.sound))}) is left out"
    if any(b - a != 1 for a, b in zip(frames.numbers, frames.numbers[1:], strict=False)):
        return None, _dropped(f"{all_of_it}, because frames between the first and the last are not rendered")
    if not varies and _runs_off(movie, frames, rate):
        return None, _dropped(
            f"{all_of_it}, because it would run off: the result has {float(rate):g} frames a second and the movie "
            f"{_rates(movie)}; leave plate.frame_rate out to keep it"
        )
    kept = tuple((track, encoder) for track in contents.sound if (encoder := _encoder(track, container)) is not None)
    lost = [track for track in contents.sound if _encoder(track, container) is None]
    notices: list[Notice] = []
    if lost:
        names = ", ".join(dict.fromkeys(f"{t.codec or 'of an unknown codec'}" for t in lost))
        what = f"{len(lost)} of the plate's {_counted(len(contents.sound))} of sound"
        notices += _dropped(f"{what} cannot be written into the result ({names}); take it from {movie.path}")
    made = {encoder: track.codec for track, encoder in kept if encoder}
    if made:
        said = "; ".join(f"{codec} is written as {_SPOKEN[encoder]}" for encoder, codec in made.items())
        rounded = [t.codec for t, encoder in kept if encoder and re.fullmatch(r"pcm_(f|s32|s64).*", t.codec)]
        fine = " (rounded to 24 bits)" if rounded else ""
        notices.append(
            Notice("sound.converted", f"the result's container does not hold the plate's sound: {said}{fine}")
        )
    if not kept:
        return None, tuple(notices)
    begin = contents.origin + movie.time(frames.first)
    length = movie.time(frames.last) - movie.time(frames.first)
    whole = frames.last >= movie.frames.last
    end = None if whole else movie.time(frames.last + 1) - movie.time(frames.last) + length
    return SoundPlan(movie, kept, begin, end, container), tuple(notices)


class SoundCopy:
    """Copies the sound of a plan into a movie that is being written. One thread at a time.

    Attributes:
        problem: what was wrong with the plate's sound, in words; empty so far.
    """

    def __init__(self, plan: SoundPlan, container: av.container.OutputContainer) -> None:
        """Add the streams; the container's header is not written yet.

        Raises:
            One of ``DAMAGE``: the sound cannot be opened, or not be written.
        """
        self.problem = ""
        self._plan = plan
        self._input = open_input(plan.movie.path)
        try:
            streams = {s.index: s for s in self._input.streams.audio}
            wanted = {track.stream for track, _ in plan.tracks}
            for stream in self._input.streams:
                if stream.index not in wanted:
                    stream.discard = Discard.all
            self._tracks: dict[int, _Track] = {
                track.stream: _Encoded(streams[track.stream], encoder, container, plan.begin)
                if encoder
                else _Copied(streams[track.stream], container, plan.begin)
                for track, encoder in plan.tracks
            }
            for track, _ in plan.tracks:
                self._tracks[track.stream].stream.metadata.update(_tags(track, plan.container))
            self._packets = self._read([streams[index] for index in sorted(wanted)])
        except BaseException:
            self._input.close()
            raise
        self._next: av.Packet[Any] | None = None
        self._begun = False

    def feed(self, until: Fraction) -> None:
        """Write the sound up to a moment of the result, in seconds."""
        if not self._begun:
            self._begun = True
            self._advance()
        while self._next is not None and self._moment(self._next) < until:
            self._write(self._next)
            self._advance()

    def finish(self) -> None:
        """Write the rest."""
        while self._next is not None or not self._begun:
            self.feed(Fraction(1 << 40))
        for track in self._tracks.values():
            try:
                track.flush()
            except DAMAGE as error:
                self._noted(error)

    def close(self) -> None:
        """Close the plate's movie."""
        self._input.close()

    def _read(self, streams: list[av.AudioStream]) -> Iterator[av.Packet[Any]]:
        """The packets of the span, and one before it, which decoders need."""
        before = self._plan.begin - _RUN_UP
        first = streams[0]
        if first.time_base is not None and before > (first.start_time or 0) * first.time_base:
            self._input.seek(int(before / first.time_base), stream=first, backward=True)
        for packet in self._input.demux(*streams):
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _advance(self) -> None:
        self._next = None
        try:
            for packet in self._packets:
                moment = self._moment(packet)
                if self._plan.end is not None and moment >= self._plan.end:
                    if moment > self._plan.end + _RUN_UP:
                        return
                    continue
                if self._is_wanted(packet, moment):
                    self._next = packet
                    return
        except DAMAGE as error:
            self._noted(error)

    def _is_wanted(self, packet: av.Packet[Any], moment: Fraction) -> bool:
        length = (packet.duration or 0) * packet.time_base
        if moment >= 0:
            return not packet.is_discard
        # Decoders need the packet before, except where each stands alone. MKV moves the pictures by as much as the
        # sound begins before them, so that half a packet is not worth it there.
        alone = packet.stream.codec_context.name.startswith(_ALONE)
        run_up = length if not alone else -length / 2 if self._plan.container == "matroska" else Fraction(0)
        return moment + length + run_up > 0

    def _moment(self, packet: av.Packet[Any]) -> Fraction:
        """Seconds of the result at which a packet begins."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        return (stamp or 0) * packet.time_base - self._plan.begin

    def _write(self, packet: av.Packet[Any]) -> None:
        try:
            self._tracks[packet.stream_index].write(packet)
        except (av.error.InvalidDataError, av.error.ArgumentError, ValueError) as error:
            self._noted(error)

    def _noted(self, error: BaseException) -> None:
        said = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
        self.problem = self.problem or said.splitlines()[0]


class _Track(Protocol):
    """One stream of sound on its way."""

    stream: av.AudioStream
    copies: bool

    def write(self, packet: av.Packet[Any]) -> None:
        """Pass on a packet of the plate."""
        ...

    def flush(self) -> None:
        """Pass on what is held back."""
        ...


class _Copied:
    """Packets as they are, at other times."""

    copies = True

    def __init__(self, source: av.AudioStream, container: av.container.OutputContainer, begin: Fraction) -> None:
        self._container = container
        self._begin = begin
        self._last: int | None = None
        self.stream = container.add_stream_from_template(source)

    def write(self, packet: av.Packet[Any]) -> None:
        moved = round(self._begin / packet.time_base)
        stamp = packet.pts if packet.pts is not None else packet.dts or 0
        at = stamp - moved
        # Muxers refuse packets that go back; files with damaged times have some.
        packet.pts = packet.dts = at if self._last is None else max(at, self._last + 1)
        self._last = packet.pts
        packet.stream = self.stream
        self._container.mux_one(packet)

    def flush(self) -> None:
        """Nothing is held back."""


class _Encoded:
    """Decoded, and encoded anew without loss."""

    copies = False

    def __init__(
        self, source: av.AudioStream, encoder: str, container: av.container.OutputContainer, begin: Fraction
    ) -> None:
        self._container = container
        self._source = source
        self._begin = begin
        kind, size = _SAMPLES[encoder]
        context = source.codec_context
        layout = _LAYOUTS.get(context.layout.nb_channels, context.layout.name) if encoder == "alac" else context.layout
        made = container.add_stream(encoder, rate=context.rate)
        assert isinstance(made, av.AudioStream)
        self.stream = made
        self.stream.codec_context.format = kind
        self.stream.codec_context.layout = layout
        # Gaps are filled with silence, so that what follows stays in time.
        self._resampler = av.AudioResampler(kind, layout, context.rate, size, {"async": "1"})

    def write(self, packet: av.Packet[Any]) -> None:
        for frame in self._source.decode(packet):
            if frame.pts is None or frame.time_base is None:
                continue
            at = frame.pts * frame.time_base - self._begin
            if at + Fraction(frame.samples, frame.sample_rate) <= 0:
                continue
            frame.pts -= round(self._begin / frame.time_base)
            self._encode(self._resampler.resample(frame))

    def flush(self) -> None:
        """Encode what is held back."""
        for frame in self._source.decode(None):
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(self._begin / frame.time_base)
                self._encode(self._resampler.resample(frame))
        self._encode(self._resampler.resample(None))
        self._container.mux(self.stream.encode(None))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._container.mux(self.stream.encode(frame))


def _encoder(track: SoundTrack, container: str) -> str | None:
    """What a track is encoded with in a container: nothing where it is copied, None where it cannot be kept."""
    if track.codec in _COPIED[container]:
        return ""
    encoder = _ENCODER[container]
    known = track.codec and 0 < track.channels <= _MOST_CHANNELS.get(encoder, 1 << 16)
    return encoder if known else None


def _tags(track: SoundTrack, container: str) -> dict[str, str]:
    tags = dict(track.tags)
    if container == "mov" and "language" in tags:
        tags["language"] = _MOV_LANGUAGE.get(tags["language"], tags["language"])
    return tags


def _runs_off(movie: PlateMovie, frames: FrameRange, rate: Fraction) -> bool:
    """Whether a picture of the result lies more than half a frame off its sound."""
    if movie.times is None and movie.rate == rate:
        return False
    begin = movie.time(frames.first)
    return any(abs(movie.time(f) - begin - (f - frames.first) / rate) > Fraction(1, 2) / rate for f in frames)


def _rates(movie: PlateMovie) -> str:
    return "others of its own" if movie.times is not None or movie.rate is None else f"{float(movie.rate):g}"


def _dropped(sentence: str) -> tuple[Notice, ...]:
    return (Notice("sound.dropped", sentence),)


def _counted(tracks: int) -> str:
    return f"{tracks} track{'' if tracks == 1 else 's'}"
