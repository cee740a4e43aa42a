"""What the loop tells whoever started it: a few kinds of event, passed to one function in the caller's own thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "EdgesMeasured",
    "Event",
    "LimitsFound",
    "Opened",
    "Report",
    "Resuming",
    "Searching",
    "Started",
    "Summary",
    "Warned",
    "Warnings",
    "Written",
    "counted",
    "ignore",
]


@dataclass(frozen=True)
class Searching:
    """The depth limits are being found: ``done`` of ``total`` frames are read."""

    done: int
    total: int


@dataclass(frozen=True)
class Resuming:
    """Frames that lie at the output already are looked at: ``done`` of ``total``."""

    done: int
    total: int


@dataclass(frozen=True)
class LimitsFound:
    """The depth limits of the whole shot, in the depth channel's own values; None where infinite."""

    near: float | None
    far: float | None


@dataclass(frozen=True)
class Opened:
    """Plate, depth and matte are open: in a sentence, which channels of which files were taken."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class EdgesMeasured:
    """How good the depth's edges are, in a sentence, and whether they are repaired."""

    sentence: str
    repaired: bool

    def __str__(self) -> str:
        return f"{self.sentence}: {'they are repaired' if self.repaired else 'they are left as they are'}"


@dataclass(frozen=True)
class Started:
    """Rendering starts: ``total`` frames are to be made, ``skipped`` ones are whole and up to date."""

    total: int
    skipped: int


@dataclass(frozen=True)
class Written:
    """One frame is on disk (for a movie: is in the stream)."""

    frame: int
    path: str
    focus: float
    strength: float


@dataclass(frozen=True)
class Warned:
    """Something was put right on the way, or may not be meant; told once per kind.

    ``frames`` is how many frames it was seen in; 0 where it is true of the shot as a whole.
    """

    kind: str
    message: str
    frames: int


@dataclass(frozen=True)
class Summary:
    """What a render did.

    Attributes:
        written: frames rendered and written.
        skipped: frames that were whole and made by the same settings.
        seconds: wall clock of the whole call.
        output: pattern or movie of the result.
        warnings: one for each kind.
    """

    written: int
    skipped: int
    seconds: float
    output: str
    warnings: tuple[Warned, ...] = ()

    @property
    def frames_per_second(self) -> float:
        """Frames written in a second; 0 where none were."""
        return self.written / self.seconds if self.seconds > 0 else 0.0


Event = Opened | Searching | Resuming | LimitsFound | EdgesMeasured | Started | Written | Warned | Summary
Report = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The report of a caller who wants none."""


_MESSAGES: Final = {
    "plate.repaired": "{count} plate pixels that were not finite were repaired",
    "plate.limited": "{count} plate pixels whose light goes beyond 1e15 were limited to it, so that sums stay finite",
    "result.repaired": "{count} pixels of the result that were not finite were repaired before they were written",
    "layers.repaired": "{count} values of layers of data that were no number (NaN) were set to 0",
    "depth.repaired": "{count} depth values that are no depth (NaN, negative, a distance of 0) were filled",
    "depth.flat": "the depth is the same in every pixel, so that all is blurred alike; check depth.channel",
    "matte.repaired": "{count} values of the matte that are no coverage (NaN, outside 0 to 1) were repaired",
    "network.redone": "windows in which the network gave values that are not finite were redone in higher precision",
    "network.memory": "the device's memory was short, so that fewer frames than asked for were decoded together",
    "network.fallback": "the network does not run where it would run best: {reason}",
    "network.uncompiled": "the network could not be compiled here and runs as it is",
    "plate.substituted": "frames without a plate file were replaced, as plate.on_missing asks",
    "depth.substituted": "frames without a depth file got that of another frame, as plate.on_missing asks",
    "matte.substituted": "frames without a file of the matte got that of another frame, as plate.on_missing asks",
}


def counted(frames: int) -> str:
    """``1 frame``, ``24 frames``."""
    return f"{frames} frame{'' if frames == 1 else 's'}"


@dataclass
class Warnings:
    """Counts what was repaired, by kind, so that it is told once and not once a frame."""

    _frames: Counter[str] = field(default_factory=Counter)
    _counts: Counter[str] = field(default_factory=Counter)
    _reasons: dict[str, dict[str, None]] = field(default_factory=dict)

    def note(self, kind: str, count: int) -> None:
        """Count ``count`` repaired values of one frame; zero is not worth a word.

        Args:
            kind: a kind of warning, and where its sentence wants one, a reason: ``network.fallback: no such card``.
            count: of values, or 1.
        """
        if count > 0:
            kind, _, reason = kind.partition(": ")
            self._frames[kind] += 1
            self._counts[kind] += count
            self._reasons.setdefault(kind, {})[reason] = None

    def told(self) -> tuple[Warned, ...]:
        """One warning for each kind that was seen, in order of their names."""
        return tuple(self._told(kind) for kind in sorted(self._frames))

    def _told(self, kind: str) -> Warned:
        frames = self._frames[kind]
        what = _MESSAGES[kind].format(count=self._counts[kind], reason="; ".join(self._reasons[kind]))
        # A reason is told with the first frame and holds for the whole render.
        return Warned(kind, what if kind == "network.fallback" else f"{what} (in {counted(frames)})", frames)
