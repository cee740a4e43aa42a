"""Which of a plate's sound a movie result keeps, and how.

Nothing is encoded anew where the container takes the codec. Where it does not, the sound is decoded and stored without
loss: PCM of 24 bits in MOV and MKV, ALAC of 24 bits in MP4, whose players know no PCM. The MOV muxer of FFmpeg 8.1 says
that it holds Opus and FLAC, and fails at the header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from engine.frames import FrameRange
from engine.media.losses import counted
from engine.media.plate_movie import MovieContents, PlateMovie, SoundTrack
from engine.notices import Notice

__all__ = ["SoundPlan", "kept_sound", "sound_table"]

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
_MOST_CHANNELS: Final = {"alac": 8}
_SPOKEN: Final = {"pcm_s24le": "PCM of 24 bits", "alac": "ALAC, which loses nothing"}


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
    all_of_it = f"the plate's sound ({counted(contents.sound, 'track')}) is left out"
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
        what = f"{len(lost)} of the plate's {counted(contents.sound, 'track')} of sound"
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


def sound_table() -> str:
    """The rows of the documentation's table of codecs, by container."""
    names = {"mov": "MOV", "mp4": "MP4", "matroska": "MKV"}
    rows: list[str] = []
    for container, copied in _COPIED.items():
        pcm = " and PCM" if any(name.startswith("pcm_") for name in copied) else ""
        others = ", ".join(sorted(f"`{name}`" for name in copied if not name.startswith("pcm_")))
        rows.append(f"| {names[container]} | {others}{pcm} | {_SPOKEN[_ENCODER[container]]} |")
    return "\n".join(rows)


def _encoder(track: SoundTrack, container: str) -> str | None:
    """What a track is encoded with in a container: nothing where it is copied, None where it cannot be kept."""
    if track.codec in _COPIED[container]:
        return ""
    encoder = _ENCODER[container]
    known = track.codec and 0 < track.channels <= _MOST_CHANNELS.get(encoder, 1 << 16)
    return encoder if known else None


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
