"""When memory is short, whichever runtime finds it: decoding fewer frames together, and what size would fit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from math import floor, sqrt
from typing import Final, Protocol, TypeVar

from engine.errors import MemoryShortError
from engine.frames import Float32Array
from engine.wois import WindowGrid, blend_windows

__all__ = [
    "PartsOfWindows",
    "WithinMemory",
    "bytes_of_a_pixel",
    "frame_is_too_large",
    "free_system_memory",
    "size_that_fits",
    "weights_are_too_large",
]

_GRAIN: Final = 64  # pixels; the networks halve a picture six times

Item = TypeVar("Item")
Result = TypeVar("Result")


class WithinMemory(Protocol):
    """Runs something, and something else if memory runs out."""

    def __call__(self, run: Callable[[], Result], otherwise: Callable[[], Result], /) -> Result:
        """What ``run`` gives, or ``otherwise`` once room was made, if memory ran out."""
        ...


class PartsOfWindows:
    """Decodes windows whole, or in parts of half their frames, a quarter, and so on, where memory is short.

    Parts share frames and are blended there. They stay as small for the windows to come, so that no time is lost in
    trying.

    Args:
        overlap: frames that parts share.
        within_memory: of the runtime.
        on_smaller: called when fewer frames are to be decoded together.
    """

    def __init__(self, overlap: int, within_memory: WithinMemory, on_smaller: Callable[[], None]) -> None:
        self._overlap = overlap
        self._within_memory = within_memory
        self._on_smaller = on_smaller
        self._together = sys.maxsize  # frames; halved, and so left, each time that memory is short

    def decode(
        self,
        frames: Sequence[Item],
        together: Callable[[Sequence[Item]], list[Float32Array]],
        give_up: Callable[[], list[Float32Array] | None],
    ) -> Sequence[Float32Array]:
        """The pictures of a window.

        Args:
            frames: what is decoded, a frame each.
            together: decodes some of them at once.
            give_up: called when one frame alone does not fit; raises.
        """
        while True:
            size = min(len(frames), self._together)
            grid = WindowGrid(len(frames), size, min(self._overlap, size // 2), "centred")

            def run(grid: WindowGrid = grid) -> list[Float32Array] | None:
                blended = blend_windows(enumerate(frames), grid, range(len(frames)), together)
                return [picture for _, _, picture in blended]

            pictures = self._within_memory(run, give_up if size == 1 else lambda: None)
            if pictures is not None:
                return pictures
            self._together = (size + 1) // 2
            self._on_smaller()


def free_system_memory() -> int | None:
    """Bytes of the machine's memory that could be had now; None where nothing says."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not this entry
        return None


def bytes_of_a_pixel(first: int, second: int, itemsize: int) -> int:
    """What the networks need at their widest place, for each pixel of a frame.

    That is the decoder's last block: it takes in the channels of the level below at full size, normalises them and
    convolves them, so about three such maps live at once, and the encoder's full-size skips lie beside them.

    Args:
        first: channels of the autoencoder's level of full size.
        second: of the level below.
        itemsize: bytes of a number.
    """
    return itemsize * (3 * second + first)


def size_that_fits(width: int, height: int, free: int | None, bytes_per_pixel: int) -> tuple[int, int] | None:
    """A smaller size of about the same shape whose frames would fit, as far as can be told.

    Args:
        width: of the frame that did not fit, in pixels.
        height: of it.
        free: bytes that could be had, or None if unknown.
        bytes_per_pixel: see ``bytes_of_a_pixel``.

    Returns:
        Width and height, multiples of 64, at most three quarters of the area that did not fit; None if nothing fits.
    """
    area = 0.75 * width * height
    if free is not None:
        area = min(area, free / bytes_per_pixel)
    scale = sqrt(area / (width * height))
    short = max(_GRAIN, _down_to_grain(min(width, height) * scale))
    long = _down_to_grain(min(max(width, height) * scale, area / short))
    if long < _GRAIN:
        return None
    return (long, short) if width >= height else (short, long)


def frame_is_too_large(
    width: int, height: int, device: str, free: int | None, bytes_per_pixel: int
) -> MemoryShortError:
    """The error for a frame that does not fit even alone."""
    found = f"frames of {width}x{height} do not fit into the memory of {device}{_that_is_free(free)}"
    fitting = size_that_fits(width, height, free, bytes_per_pixel)
    if fitting is None:
        return MemoryShortError(f"{found}; close what else uses it, or choose another --device")
    return MemoryShortError(f"{found}; try --network-size {fitting[0]}x{fitting[1]}, or another --device")


def weights_are_too_large(device: str, free: int | None, smaller: str = "try --precision fp16") -> MemoryShortError:
    """The error for networks that do not fit, whatever the frame; ``smaller`` says how to get smaller ones."""
    found = f"the networks' weights do not fit into the memory of {device}{_that_is_free(free)}"
    return MemoryShortError(f"{found}; close what else uses it, {smaller}, or choose another --device")


def _down_to_grain(length: float) -> int:
    return floor(length / _GRAIN) * _GRAIN


def _that_is_free(free: int | None) -> str:
    return "" if free is None else f" ({free / 2**30:.1f} GiB free)"
