"""Reading mattes: what of each pixel the subject covers, laid on the plate's pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from engine.errors import ChannelError, MatteError, require
from engine.frames import Float32Array, FrameRange, Window
from engine.media.channels import Selection, find_matte
from engine.media.companion import Companion
from engine.media.images import Header, require_readable
from engine.media.orientation import turned_words
from engine.media.turns import Turns
from engine.media.windows import laid_on
from engine.notices import Notice
from engine.shot import Matte, Plate

__all__ = ["MatteImage", "MatteReader", "fit_matte"]

SLACK: Final = np.float32(0.01)
"""Beyond 0..1 by this much is the ringing of a filter, and not worth a word."""

TOO_FAR: Final = np.float32(1.5)
"""Where more than TOO_MANY of the values lie above this, they are no coverage."""

TOO_MANY: Final = 0.01

EQUAL: Final = 0.01
"""R, G and B of a grey picture differ by no more, whatever compressed it."""


@dataclass(frozen=True, eq=False)
class MatteImage:
    """One frame of a matte.

    Attributes:
        values: (H, W) float32 in 0..1, the share of each pixel that the subject covers.
        window: where the values lie.
        repaired: how many values were NaN or lay outside 0..1.
        held: whether the frame has no file of its own, and another frame's was read.
    """

    values: Float32Array
    window: Window
    repaired: int = 0
    held: bool = False


class MatteReader:
    """Reads the matte of a shot; a context manager. Calls from several threads wait for each other.

    Args:
        matte, plate: of the shot.
        alone: whether a path to one picture means that picture only.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first frame cannot be read.
        ChannelError: the channel is not in it.
    """

    def __init__(self, matte: Matte, plate: Plate, alone: bool = False) -> None:
        self._matte = matte
        self._lock = Turns()
        self._files = Companion(matte.path, matte.frame_offset, plate, "matte.path", alone)
        try:
            first = self._files.first()
            self._found = self._select(self._files.source.header(first), first)
        except BaseException:
            self.close()
            raise

    @property
    def taken(self) -> str:
        """Which channel of which files is the matte, in words."""
        turned = turned_words(self._found.part.orientation)
        return f"{', '.join(self._found.channels)} of {self._files.source.found.pattern}{turned}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the matte before the first frame."""
        return self._files.notices

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._lock.close(self._files.close)

    def apart(self, frames: FrameRange) -> tuple[Notice, ...]:
        """What should be heard where the files do not go with the frames of the plate one by one."""
        return self._files.apart(frames)

    def path(self, frame: int) -> Path:
        """The file that is read for a frame of the plate."""
        return self._files.path(frame)

    def check(self, frame: int) -> Window:
        """Look at a frame's header only; gives the window of its matte.

        Raises:
            MissingFrameError, CorruptError, FormatError, ChannelError: what ``read`` would raise for it.
        """
        with self._lock:
            number = self._files.number(frame)
            header = self._files.source.header(number)
            found = self._select(header, number)
            require_readable(header, found.part, found.channels, number)
            return found.part.window

    def read(self, frame: int) -> MatteImage:
        """Read the matte of one frame of the plate.

        Raises:
            MissingFrameError: there is none, and ``plate.on_missing`` is error.
            CorruptError: its file is damaged.
            ChannelError: its file lacks the channel, or its R, G and B differ and none of them was chosen.
            MatteError: its values are no coverage.
        """
        with self._lock:
            number, held = self._files.number(frame), self._files.is_held(frame)
            found = self._select(self._files.source.header(number), number)
            _, pixels = self._files.source.pixels(number, found.part.number, found.channels)
        _require_equal(pixels, found, frame)
        values, repaired = _coverage(np.ascontiguousarray(pixels[:, :, 0]), frame)
        return MatteImage(values, found.part.window, repaired, held)

    def _select(self, header: Header, frame: int) -> Selection:
        return find_matte(header, self._matte.channel, f"frame {frame}: {header.path}")


def fit_matte(matte: MatteImage, plate_window: Window, frame: int) -> Float32Array:
    """The coverage of every pixel of the plate's data window.

    A matte of the plate's display size is laid on by position. Outside a cropped matte nothing is covered; where the
    plate has overscan that a whole matte lacks, its border is held.

    Args:
        matte: as read.
        plate_window: of the same frame of the plate.
        frame: for the error.

    Returns:
        (H, W) float32 of the plate's data window.

    Raises:
        MatteError: matte and plate differ in size.
    """
    theirs, ours = matte.window, plate_window
    if theirs == ours or (theirs.is_plain and (theirs.width, theirs.height) == (ours.width, ours.height)):
        return matte.values
    require(
        (theirs.display_width, theirs.display_height) == (ours.display_width, ours.display_height),
        MatteError,
        f"frame {frame}: the matte is {theirs.display_width}x{theirs.display_height} but the plate is "
        f"{ours.display_width}x{ours.display_height}; render the matte at the plate's size",
    )
    return laid_on(matte.values, theirs, ours)


def _require_equal(pixels: Float32Array, found: Selection, frame: int) -> None:
    """Refuse a picture in colours of which nobody said which is the matte."""
    if pixels.shape[2] < 2:
        return
    with np.errstate(invalid="ignore"):
        apart = float(np.nan_to_num(np.abs(pixels[:, :, 1:] - pixels[:, :, :1])).max())
    require(
        apart <= EQUAL,
        ChannelError,
        f"frame {frame}: {', '.join(found.channels)} of the matte differ by up to {apart:.2g}, and any of them could "
        "be meant; set matte.channel to one of them",
    )


def _coverage(values: Float32Array, frame: int) -> tuple[Float32Array, int]:
    """Values in 0..1, NaN as 0, and how many had to be repaired."""
    above = int(np.count_nonzero(values > TOO_FAR))
    require(
        above <= TOO_MANY * values.size,
        MatteError,
        f"frame {frame}: the matte has values up to {float(np.nanmax(values)):g}, but coverage goes from "
        "0 to 1; divide them, or choose another channel with matte.channel",
    )
    unusable = np.isnan(values)
    repaired = int(np.count_nonzero(unusable | (values < -SLACK) | (values > 1 + SLACK)))
    return np.clip(np.where(unusable, np.float32(0), values), 0, 1), repaired
