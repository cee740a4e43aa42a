"""Sound of a movie result: the plate's own, copied packet by packet in step with the pictures.

Seen in FFmpeg 8.1: packets before time 0 become an edit list in MOV and MP4, while MKV moves all its streams instead.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final, Protocol

import av
from av.stream import Discard

from engine.media.movie_streams import DAMAGE, cause_of, open_input
from engine.media.plate_movie import SoundTrack
from engine.media.sound_plan import SoundPlan

__all__ = ["SoundCopy", "tried"]

_SAMPLES: Final = {"pcm_s24le": ("s32", None), "alac": ("s32p", 4096)}
"""Sample format of an encoder, and how many samples it takes at a time."""

_ALONE: Final = ("pcm_", "flac", "alac")
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1(wide)"}
"""What ALAC calls so many channels."""

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


_TRIAL: Final = Fraction(1, 2)
"""Seconds of sound that are written in memory before the result is begun."""


def tried(plan: SoundPlan) -> tuple[SoundPlan | None, str]:
    """The tracks of a plan that their container takes, and what was wrong with the others, in words.

    Damage of a track may show only where the container is finished, when the pictures are lost with it.
    """
    found = [(kept, _trial(replace(plan, tracks=(kept,)))) for kept in plan.tracks]
    good = tuple(kept for kept, problem in found if not problem)
    problem = next((problem for _, problem in found if problem), "")
    return (replace(plan, tracks=good) if good else None), problem


def _trial(plan: SoundPlan) -> str:
    """Write the beginning of some sound into memory; gives what is wrong with it."""
    try:
        with (
            av.open(io.BytesIO(), "w", format=plan.container) as container,
            closing(SoundCopy(plan, container)) as copy,
        ):
            container.start_encoding()
            copy.feed(_TRIAL)
    except DAMAGE as error:
        return cause_of(error)
    return ""


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
        self.problem = self.problem or cause_of(error)


class _Track(Protocol):
    """One stream of sound on its way."""

    stream: av.AudioStream

    def write(self, packet: av.Packet[Any]) -> None:
        """Pass on a packet of the plate."""
        ...

    def flush(self) -> None:
        """Pass on what is held back."""
        ...


class _Copied:
    """Packets as they are, at other times."""

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


def _tags(track: SoundTrack, container: str) -> dict[str, str]:
    tags = dict(track.tags)
    if container == "mov" and "language" in tags:
        tags["language"] = _MOV_LANGUAGE.get(tags["language"], tags["language"])
    return tags
