"""Values that every part agrees on: frame numbers, windows of pixels, and a frame on its way through the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import FrameSizeError, ShotError, require

__all__ = [
    "Float32Array",
    "FrameRange",
    "PlateFrame",
    "RenderedFrame",
    "Window",
    "count_colours",
    "count_picture",
    "require_size",
]

Float32Array = NDArray[np.float32]

_RANGE = re.compile(r"^\s*(-?\d{1,9})\s*(?:-\s*(-?\d{1,9})\s*(?:[x:]\s*(\d{1,9}))?)?\s*$", re.ASCII)
_LONGEST = 1_000_000  # frames, eleven hours; more is a slip of the keyboard, and would fill the memory


@dataclass(frozen=True)
class FrameRange:
    """A set of frame numbers, in rising order and without repeats.

    Written as ``1001-1024``, ``1001-1024x2`` (every second), ``1,4,7-9`` or ``-3--1``.
    """

    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        if tuple(sorted(set(self.numbers))) != self.numbers:
            raise ShotError("a frame range must be in rising order without repeats; use FrameRange.of(...)")

    @classmethod
    def of(cls, numbers: Iterable[int]) -> FrameRange:
        """The range that holds exactly these numbers."""
        return cls(tuple(sorted({int(n) for n in numbers})))

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read ``1001-1024``, ``1-9x2``, ``1,4,7-9`` or ``-3--1``.

        Raises:
            ShotError: the text is none of these, or it is empty.
        """
        numbers: set[int] = set()
        for part in str(text).split(","):
            match = _RANGE.match(part)
            if match is None:
                raise ShotError(f'frames: cannot read "{text}"; write it like 1001-1024, 1001-1024x2 or 1001,1005')
            first = int(match[1])
            last = int(match[2]) if match[2] is not None else first
            step = int(match[3]) if match[3] is not None else 1
            if last < first or step < 1:
                raise ShotError(f'frames: "{part.strip()}" runs backwards or has no step; write the lower frame first')
            if len(numbers) + (last - first) // step >= _LONGEST:
                raise ShotError(f'frames: "{part.strip()}" is more than {_LONGEST} frames; correct it')
            numbers.update(range(first, last + 1, step))
        return cls.of(numbers)

    @property
    def first(self) -> int:
        """The lowest frame number."""
        return self.numbers[0]

    @property
    def last(self) -> int:
        """The highest frame number."""
        return self.numbers[-1]

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, frame: object) -> bool:
        return frame in self._members

    @property
    def _members(self) -> frozenset[int]:
        cached = self.__dict__.get("_set")
        if cached is None:
            cached = frozenset(self.numbers)
            object.__setattr__(self, "_set", cached)
        return cached

    def __str__(self) -> str:
        parts: list[str] = []
        run: list[int] = []
        for number in [*self.numbers, None]:
            if run and (number is None or number != run[-1] + 1):
                parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
                run = []
            if number is not None:
                run.append(number)
        return ",".join(parts)


@dataclass(frozen=True)
class Window:
    """Where the pixels of a frame lie: the data window inside (or around) the display window.

    All in whole pixels, the display window's own coordinates as EXR has them, rows downwards. An image array of a frame
    covers the data window: its ``[0, 0]`` is the pixel ``(x, y)``.

    Attributes:
        x, y, width, height: the data window.
        display_x, display_y, display_width, display_height: the display window.
    """

    x: int
    y: int
    width: int
    height: int
    display_x: int
    display_y: int
    display_width: int
    display_height: int

    @classmethod
    def of_size(cls, width: int, height: int) -> Window:
        """Data window and display window the same, from the origin."""
        return cls(0, 0, width, height, 0, 0, width, height)

    @property
    def is_plain(self) -> bool:
        """Whether the data window is exactly the display window."""
        return (self.x, self.y, self.width, self.height) == (
            self.display_x,
            self.display_y,
            self.display_width,
            self.display_height,
        )

    @property
    def whole(self) -> Window:
        """The same display window, and as data window the smallest that holds both of them: no pixel of it is cut."""
        left, top = min(self.x, self.display_x), min(self.y, self.display_y)
        right = max(self.x + self.width, self.display_x + self.display_width)
        bottom = max(self.y + self.height, self.display_y + self.display_height)
        return replace(self, x=left, y=top, width=right - left, height=bottom - top)

    def grown(self, across: int, down: int) -> Window:
        """Its data window wider by so many pixels on each side, but not beyond ``whole``."""
        whole = self.whole
        left, top = max(self.x - across, whole.x), max(self.y - down, whole.y)
        right = min(self.x + self.width + across, whole.x + whole.width)
        bottom = min(self.y + self.height + down, whole.y + whole.height)
        return replace(self, x=left, y=top, width=right - left, height=bottom - top)


@dataclass(frozen=True, eq=False)
class PlateFrame:
    """One frame, ready for a renderer.

    Attributes:
        frame: the shot's own number.
        image: (H, W, C) float32, scene-linear, premultiplied where it has alpha; covers ``window``'s data window.
        channels: C names; ``R G B`` first, then ``A`` where there is one, then any further ones (``diffuse.R`` ...).
        disparity: (H, W) float32, 1 nearest to 0 farthest.
        focus: d_f of this frame.
        strength: K of this frame, the radius in rows (pixels of height) of the full-size plate.
        window: data and display window.
        pixel_aspect: width of a pixel over its height.
        metadata: what the plate's header said, to be passed on.
        coverage: (H, W) float32, share of each pixel that the subject covers; None where no matte was given.
        stored: data window of the plate's file, outside of which the image is empty; None where it is ``window``'s.
    """

    frame: int
    image: Float32Array
    channels: tuple[str, ...]
    disparity: Float32Array
    focus: float
    strength: float
    window: Window
    pixel_aspect: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    coverage: Float32Array | None = None
    stored: Window | None = None


@dataclass(frozen=True, eq=False)
class RenderedFrame:
    """One finished frame.

    Attributes:
        frame: the shot's own number.
        image: (H, W, C) float32 like the plate's, same channels, same window.
        channels: C names.
        window: data and display window.
        invented: (H, W) float32 in 0..1, the share of the pixel's light that comes from background which the plate
            does not show; None where a renderer cannot tell.
        pixel_aspect: as in the plate.
        metadata: as in the plate.
        notes: what was put right while it was made, as kinds of warning (``engine.render.report``).
    """

    frame: int
    image: Float32Array
    channels: tuple[str, ...]
    window: Window
    invented: Float32Array | None = None
    pixel_aspect: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def count_colours(channels: Sequence[str]) -> int:
    """How many of the first channels are colours, at least one: R, G and B, or Y alone."""
    return max(sum(name in ("R", "G", "B", "Y") for name in channels), 1)


def count_picture(channels: Sequence[str]) -> int:
    """How many of the first channels are the picture itself, at least one: the colours, and A where it follows them.

    What is decided by looking at a plate is decided by these alone: a further layer may change no other channel.
    """
    colours = count_colours(channels)
    return colours + int(tuple(channels[colours : colours + 1]) == ("A",))


def require_size(frame: int, size: tuple[int, int], first: tuple[int, int]) -> None:
    """Make sure that a frame is as wide and high as the shot's first, for renderers that look at both.

    Raises:
        FrameSizeError: it is not.
    """
    require(
        size == first,
        FrameSizeError,
        f"frame {frame}: the plate is {size[0]}x{size[1]}, but the shot began with {first[0]}x{first[1]}; "
        "bring all frames to one size, or render them as two shots",
    )
