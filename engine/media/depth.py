"""Reading depth: the values of a channel as they are, and laying them on the plate's pixels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from engine.depth.rays import half_width, plane_share
from engine.errors import ChannelError, require
from engine.frames import Float32Array, FrameRange, Window
from engine.media.channels import Colour, Selection, find_colour
from engine.media.companion import Companion
from engine.media.depth_channels import find_depth
from engine.media.depth_values import depth_values, painted_notice, require_grey, require_map
from engine.media.images import Header, Part, require_readable
from engine.media.orientation import turned_words
from engine.media.turns import Turns
from engine.notices import Notice
from engine.shot import Depth, LensSettings, Plate

__all__ = ["DepthImage", "DepthReader"]


@dataclass(frozen=True, eq=False)
class DepthImage:
    """One frame of depth, as in its file.

    Attributes:
        values: (H, W) float32, the channel's own values; integers as 0..1, never colour-transformed; what is said of
            them in ``engine.media.depth_values`` is done. NaN and infinity are kept: infinity is a distance.
        window: where the values lie.
        alpha: (H, W) float32, the alpha beside the depth; read only where ``depth.unpremultiply`` asks for it.
        held: whether the frame has no depth file of its own, and another frame's was read.
        zeros: share of the pixels that hold a distance of 0.
    """

    values: Float32Array
    window: Window
    alpha: Float32Array | None = None
    held: bool = False
    zeros: float = 0.0


class DepthReader:
    """Reads the depth of a shot; a context manager. Calls from several threads wait for each other.

    Args:
        depth, plate: of the shot.
        alone: whether a path to one picture means that picture only.
        lens: of the shot: its field of view counts for distances along the ray.

    Attributes:
        frames: of the plate, as far as the plate's settings say them; else those of the depth's own files.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first frame cannot be read.
        ChannelError: the channel or part is not in it, several could be meant, or it is a picture in colours.
        OpticsError: distances along the ray without a field of view.
    """

    def __init__(self, depth: Depth, plate: Plate, alone: bool = False, lens: LensSettings | None = None) -> None:
        self._half_width = half_width(depth, lens)
        self._share: tuple[tuple[Window, float, float], Float32Array] | None = None
        self._depth = depth
        self._plate = plate
        self._lock = Turns()
        self._files = Companion(depth.path, depth.frame_offset, plate, "depth.path", alone)
        try:
            self.frames = self._files.frames()
            first = self._files.first()
            self._found = self._select(self._files.source.header(first), first)
            self._painted = self._look(first)
        except BaseException:
            self.close()
            raise

    @property
    def taken(self) -> str:
        """Which channel of which files is the depth, in words."""
        channels = self._found.channels
        channel = channels[0] if self._depth.colour_map is None else ", ".join(channels[-3:])
        several = len(self._found.part.name) > 0 and self._several
        channel = f'{channel} of part "{self._found.part.name}"' if several else channel
        if not self._files.own:
            return channel
        return f"{channel} of {self._files.source.found.pattern}{turned_words(self._found.part.orientation)}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the depth before the first frame."""
        return (*self._files.notices, *self._painted)

    @property
    def bits(self) -> int:
        """Bits of the channel's whole numbers, which are read as 0 to 1; 0 where it holds others."""
        part = self._found.part
        return part.bits if part.formats[part.channels.index(self._found.channels[0])].startswith("uint") else 0

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
        """Look at a frame's header only; gives the window of its depth.

        Raises:
            MissingFrameError, CorruptError, FormatError, ChannelError: what ``read`` would raise for it.
        """
        with self._lock:
            number = self._files.number(frame)
            header = self._files.source.header(number)
            found = self._select(header, number)
            require_readable(header, found.part, found.channels, number)
            return found.part.window

    def read(self, frame: int) -> DepthImage:
        """Read the depth of one frame of the plate.

        Raises:
            MissingFrameError: there is none, and ``plate.on_missing`` is error.
            CorruptError: its file is damaged.
            ChannelError: its file lacks the channel.
        """
        with self._lock:
            number, held = self._files.number(frame), self._files.is_held(frame)
            header = self._files.source.header(number)
            found = self._select(header, number)
            alpha = self._alpha(found.part) if self._depth.unpremultiply else None
            channels = (*found.channels, *([alpha] if alpha else []))
            _, pixels = self._files.source.pixels(number, found.part.number, channels)
        colours = pixels[:, :, : len(found.channels)]
        self._require_depth(colours, found, f"frame {number}: {header.path}")
        values = depth_values(colours, found.channels, found.part, self._depth)
        counts = self._depth.convention == "distance"
        zeros = np.count_nonzero(colours[:, :, 0] == 0) / max(values.size, 1) if counts else 0.0
        beside = np.ascontiguousarray(pixels[:, :, -1]) if alpha else None
        return DepthImage(self._from_plane(values, found.part, frame), found.part.window, beside, held, zeros)

    def _select(self, header: Header, frame: int) -> Selection:
        """The channels to be read; see ``find_depth``."""
        depth = self._depth
        self._several = len(header.parts) > 1
        place = f"frame {frame}: {header.path}"
        found = find_depth(header, depth.part, depth.channel, self._files.own, place, self._colour(header, place))
        require(
            depth.colour_map is None or len(found.channels) > 1,
            ChannelError,
            f'{place}: depth.colour_map "{depth.colour_map}" is read from R, G and B, but the depth is '
            f"{found.channels[0]} alone; leave depth.colour_map out, or give a picture in colours",
        )
        return found

    def _colour(self, header: Header, place: str) -> Colour | None:
        """The colour that the depth belongs to: the plate's if it lies in this file, else the file's own."""
        with suppress(ChannelError):
            return find_colour(header, self._plate.part, self._plate.layer, place)
        with suppress(ChannelError):
            return find_colour(header, None, None, place)
        return None

    def _require_depth(self, colours: Float32Array, found: Selection, place: str) -> tuple[Notice, ...]:
        if len(found.channels) == 1 or self._depth.colour_map is not None:
            return ()
        is_float = found.part.formats[0] in {"half", "float", "double"}
        return require_grey(colours[:, :, -3:], found.channels[-3:], self._depth, place, is_float)

    def _look(self, first: int) -> tuple[Notice, ...]:
        """Look at the first picture's colours, where they say whether it is a depth at all.

        Raises:
            ChannelError: it is a picture in colours, or is not painted with the map that is named.
        """
        found, source = self._found, self._files.source
        place = f"frame {first}: {self._files.source.path(first)}"
        if len(found.channels) > 1:
            _, colours = source.pixels(first, found.part.number, found.channels)
            notices = self._require_depth(colours, found, place)
            if self._depth.colour_map is not None:
                require_map(
                    depth_values(colours, found.channels, found.part, self._depth), self._depth.colour_map, place
                )
            return notices
        if not self._files.own or found.channels[0] not in (*"RGBYrgby", "red", "green", "blue"):
            return ()
        # A person named this channel; whether it is a depth is worth a look all the same.
        with suppress(ChannelError):
            colour = find_colour(Header(source.path(first), "", (found.part,)), None, None, place)
            if not colour.grey:
                return painted_notice(
                    source.pixels(first, found.part.number, colour.channels[:3])[1], found.channels[0]
                )
        return ()

    def _from_plane(self, values: Float32Array, part: Part, frame: int) -> Float32Array:
        """Distances from the camera's plane, of distances along the ray."""
        if self._half_width is None:
            return values
        key = part.window, self._half_width(frame), self._plate.pixel_aspect or part.pixel_aspect
        if self._share is None or self._share[0] != key:
            self._share = key, plane_share(*key)
        share = self._share[1]
        return values * share if self._depth.convention == "distance" else values / share

    @staticmethod
    def _alpha(part: Part) -> str | None:
        return next((name for name in part.channels if name in {"A", "a", "alpha", "depth.A", "Alpha"}), None)
