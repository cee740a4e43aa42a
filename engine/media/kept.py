"""What a movie result takes over from its plate beside the picture: times, sound, time code, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np

from engine.frames import FrameRange
from engine.media.encoding import colours_in
from engine.media.losses import KEPT_TAGS, movie_losses
from engine.media.plate import PlateInfo
from engine.media.plate_movie import contents_of
from engine.media.rates import DEFAULT_RATE
from engine.media.sound_plan import SoundPlan, kept_sound
from engine.media.timecode import TimeCode
from engine.notices import Notice
from engine.shot import Output

__all__ = ["Clock", "Kept"]

_FINE: Final = Fraction(1, 90000)
"""Seconds of a tick where pictures have times of their own: the clocks of phones (1/600) and of MPEG fit it."""

_COUNTED: Final = frozenset({24, 25, 30, 48, 50, 60, 100, 120, 150})
"""Rates, rounded, at which FFmpeg 8.1 writes a time code track."""


@dataclass(frozen=True)
class Clock:
    """When the pictures of a result are shown.

    Attributes:
        rate: frames per second.
        base: seconds of a tick.
        ticks: of each picture, where the rate varies, and of the end of the last one; empty where it is constant.
    """

    rate: Fraction
    base: Fraction
    ticks: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, rate: Fraction, times: Mapping[int, Fraction] | None, frames: FrameRange, end: Fraction | None
    ) -> Clock:
        """The clock of frames that count at a rate, or that keep the times of a plate.

        Args:
            rate: frames per second.
            times: of the plate's frames in seconds; None where their rate is constant.
            frames: that are written, each the next of the one before.
            end: of the plate's last picture in seconds; None where it is not known.
        """
        if times is None or not all(frame in times for frame in frames):
            return cls(rate, 1 / rate)
        moments = [times[frame] for frame in frames]
        after = times.get(frames.last + 1) or end
        last = after if after is not None and after > moments[-1] else moments[-1] + 1 / rate
        ticks: list[int] = []
        for moment in (*moments, last):
            tick = round((moment - moments[0]) / _FINE)
            ticks.append(tick if not ticks else max(tick, ticks[-1] + 1))
        return cls(rate, _FINE, tuple(ticks))

    @property
    def varies(self) -> bool:
        """Whether pictures have times of their own."""
        return bool(self.ticks)

    def stamp(self, picture: int) -> int:
        """The tick of a picture, counted from 0."""
        if not self.ticks:
            return picture
        beyond = max(0, picture - len(self.ticks) + 1)
        return self.ticks[picture - beyond] + round(beyond / self.rate / self.base)

    def length(self, moment: Fraction) -> Fraction:
        """Seconds that the picture at a moment is shown, where the rate varies."""
        at = int(np.searchsorted(self.ticks, round(moment / self.base), side="right"))
        return 1 / self.rate if at >= len(self.ticks) else self.ticks[at] * self.base - moment


@dataclass(frozen=True)
class Kept:
    """What of the plate goes into a movie result.

    Attributes:
        clock: when its pictures are shown.
        sound: of the plate; None where there is none, or none is kept.
        notices: what is not kept.
        container: FFmpeg's name of the result's container.
        words: tags of the plate's movie that are kept.
        picture_tags: tags of its picture that are kept.
    """

    clock: Clock
    sound: SoundPlan | None
    notices: tuple[Notice, ...]
    container: str
    words: Mapping[str, str] = field(default_factory=dict)
    picture_tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, output: Output, info: PlateInfo, frames: FrameRange | None, container: str, codec: str) -> Kept:
        """Look at the plate's movie, where it is one.

        Args:
            output, info: of the shot and its plate.
            frames: that are written; all of the plate's movie when not given.
            container: FFmpeg's name of the result's: ``mov``, ``mp4``, ``matroska``.
            codec: of the result.
        """
        rate = info.frame_rate or DEFAULT_RATE
        alpha = codec == "prores" and colours_in(info.channels) == 4
        movie = info.movie
        contents = None if movie is None else contents_of(movie)
        notices = [*movie_losses(info, contents, codec, alpha), *_time_code_losses(info, rate)]
        if movie is None or contents is None:
            return cls(Clock(rate, 1 / rate), None, tuple(notices), container)
        written = movie.frames if frames is None else frames
        in_a_row = len(written) == written.last - written.first + 1
        times = info.times if in_a_row else None
        clock = Clock.of(rate, times, written, contents.end)
        notices += _time_losses(info, clock)
        sound = None
        if output.sound == "copy":
            sound, told = kept_sound(movie, contents, written, rate, clock.varies, container)
            notices += told
        words = {name: text for name, text in contents.tags.items() if name.lower() in KEPT_TAGS}
        reel = {"reel_name": contents.reel} if contents.reel else {}
        return cls(clock, sound, tuple(notices), container, words, reel)

    def tags(self, metadata: Mapping[str, Any]) -> dict[str, str]:
        """Tags of the result, with the time code of its first frame.

        Args:
            metadata: of that frame.
        """
        code = TimeCode.unpack(metadata.get("smpte:TimeCode"), self.clock.rate)
        counted = code is not None and round(self.clock.rate) in _COUNTED
        return {**self.words, **({"timecode": str(code)} if counted else {})}


def _time_code_losses(info: PlateInfo, rate: Fraction) -> list[Notice]:
    value = (info.metadata or {}).get("smpte:TimeCode")
    if value is None or (TimeCode.unpack(value, rate) is not None and round(rate) in _COUNTED):
        return []
    sentence = (
        f"the plate's time code is not in the result, because movies have none for {float(rate):.5g} frames a second"
    )
    return [Notice("timecode.dropped", f"{sentence}; set plate.frame_rate to the rate that it was counted at")]


def _time_losses(info: PlateInfo, clock: Clock) -> list[Notice]:
    if info.times is None or clock.varies:
        return []
    sentence = (
        f"the plate's pictures have times of their own, and the result counts them at {float(clock.rate):.5g} a second"
    )
    return [Notice("times.dropped", f"{sentence}, because frames are left out; render all of a span to keep times")]
