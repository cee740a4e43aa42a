"""What the loop knows of whoever writes its frames: sequences file by file, movies as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.frames import FrameRange, RenderedFrame
from engine.media.data_layers import DataLayers
from engine.notices import Notice

__all__ = ["FrameWriter"]


class FrameWriter(Protocol):
    """Writes finished frames. One thread at a time; close or abort from any.

    Made, it has looked at the settings and touched no disk; ``folder`` must be there before the first frame.
    """

    @property
    def folder(self) -> Path:
        """The folder of all that is written."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the result cannot keep of the plate, known before the first frame."""
        ...

    @property
    def losses(self) -> tuple[Notice, ...]:
        """What got lost while frames were written; complete once it is closed."""
        ...

    def write(self, rendered: RenderedFrame, layers: DataLayers, metadata: Mapping[str, object]) -> int:
        """Write one frame, whole or not at all.

        Args:
            rendered: scene-linear, in the plate's working space.
            layers: (H, W) by channel name: ``CoC.x``, ``disparity.Z``, ``overlay.R`` ``.G`` ``.B``, ``invented.A``, and
                the plate's own data, each in its own type.
            metadata: entries of the header beside the plate's and ``output.metadata``.

        Returns:
            How many pixels were not finite, and were put right.

        Raises:
            OutputWriteError: full disk, read-only folder.
            ShotError: a name of an entry is too long.
        """
        ...

    def path(self, frame: int) -> Path:
        """The file that a frame goes to."""
        ...

    def check_kept(self, frames: FrameRange) -> None:
        """Refuse to replace a movie that is not ours, or that has more frames than those to be written.

        Frames of a sequence are looked at one by one instead, with ``is_whole``.

        Raises:
            OutputExistsError: work would be lost.
        """
        ...

    def header(self, frame: int) -> Mapping[str, Any] | None:
        """The header's entries of a frame that is there, its pixels not looked at; None otherwise, and for movies."""
        ...

    def is_whole(self, frame: int) -> Mapping[str, Any] | None:
        """The header's entries of a frame that is there and whole; None otherwise, and for movies."""
        ...

    def close(self) -> None:
        """Finish. A movie gets its name here."""
        ...

    def abort(self) -> None:
        """Leave nothing unfinished behind: a movie is removed; frames of a sequence that are whole stay."""
        ...
