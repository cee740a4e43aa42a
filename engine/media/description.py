"""What a file or a sequence is, for people and for ``rackfocus info``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.errors import ChannelError, RackfocusError
from engine.frames import FrameRange, Window
from engine.media.channels import find_colour
from engine.media.colour import Believed, colour_spaces
from engine.media.depth_channels import find_depth
from engine.media.finding import Found
from engine.media.focus_names import focus_in_names, focus_said
from engine.media.images import Header, Part
from engine.media.plate import believed_colours
from engine.media.rates import frame_rate_of
from engine.media.source import open_source
from engine.notices import Notice

__all__ = ["ChannelDescription", "Description", "PartDescription", "describe"]


@dataclass(frozen=True)
class ChannelDescription:
    """One channel: its name and its data type (``half``, ``float``, ``uint8``, ``uint10`` ...)."""

    name: str
    data_type: str


@dataclass(frozen=True)
class PartDescription:
    """One part of a file.

    Attributes:
        number, name: of the part.
        channels: in the file's order.
        window: data and display window.
        pixel_aspect: width of a pixel over its height.
        compression: of the file or the movie's codec.
        deep: whether it holds deep samples, which are not read.
        metadata: all entries of the header.
        orientation: how the file stores the picture, 1 to 8 as in Exif; the windows are those of the upright picture.
    """

    number: int
    name: str
    channels: tuple[ChannelDescription, ...]
    window: Window
    pixel_aspect: float
    compression: str
    deep: bool
    metadata: Mapping[str, Any]
    orientation: int = 1


@dataclass(frozen=True)
class Description:
    """What is at a path.

    Attributes:
        path: pattern of the files, or the file.
        file_format: ``openexr``, ``png``, ``movie`` ...
        frames: that exist (a still: frame 1).
        missing: the holes between them.
        described_frame: the frame whose header is told here: the first.
        frame_rate: that the file says; None where it says none.
        colour_space: that is assumed where the shot names none; None where it has to be named.
        depth: what would be taken as the depth of such a plate, or why nothing would.
        notices: what a render of it as a plate would say before its first frame.
        parts: one or more.
    """

    path: str
    file_format: str
    frames: FrameRange
    missing: FrameRange
    described_frame: int
    frame_rate: Fraction | None
    colour_space: str | None
    depth: str
    notices: tuple[Notice, ...]
    parts: tuple[PartDescription, ...]


def describe(path: str) -> Description:
    """Look at a still, a sequence or a movie; reads one header, no pixels of a still.

    Args:
        path: a file, a folder, or a pattern like ``name.%04d.exr``; one picture of a sequence is the sequence.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first file cannot be read.
    """
    source = open_source(path, "path")
    try:
        listed = source.frames(None, "path")
        there = FrameRange.of(n for n in listed if source.source(n, "black") is not None)
        header = source.header(there.first)
    finally:
        source.close()
    colours = _colours(header)
    return Description(
        path=str(source.found.pattern),
        file_format=header.file_format,
        frames=there,
        missing=FrameRange.of(set(listed) - set(there)),
        described_frame=there.first,
        frame_rate=frame_rate_of(header.parts[0].metadata),
        colour_space=None if colours is None else colours.space,
        depth=_depth_taken(header),
        notices=(*_notices(source.found), *source.notices, *(() if colours is None else colours.notices)),
        parts=tuple(_part(part) for part in header.parts),
    )


def _notices(found: Found) -> tuple[Notice, ...]:
    focus = focus_in_names(found)
    said = f"{focus_said(found, focus)}; as depth they give it where a render is given none" if focus else ""
    return (*found.notices, *([Notice("focus.names", said)] if focus else []))


def _part(part: Part) -> PartDescription:
    types = [f"uint{part.bits}" if kind == "uint16" and part.bits else kind for kind in part.formats]
    channels = tuple(ChannelDescription(name, kind) for name, kind in zip(part.channels, types, strict=True))
    return PartDescription(
        *(part.number, part.name, channels, part.window, part.pixel_aspect, part.compression, part.deep, part.metadata),
        orientation=part.orientation,
    )


def _depth_taken(header: Header) -> str:
    """The depth channel that belongs to the file's colour; else what else the file could be."""
    try:
        colour = find_colour(header, None, None, "it")
    except ChannelError:
        colour = None
    try:
        found = find_depth(header, None, None, True, "it", colour)
    except ChannelError as error:
        return f"none would be taken: {error.message.partition('; it has ')[0].removesuffix('; ')}"
    if found.channels[0] != "Y" and len(found.channels) == 1:
        several = f" of part {found.part.name or found.part.number}" if len(header.parts) > 1 else ""
        return f"{found.channels[0]}{several}"
    equal = "" if len(found.channels) == 1 else ", if R, G and B are equal"
    return f"none beside the colour; {found.channels[0]} as a depth map of its own{equal}"


def _colours(header: Header) -> Believed | None:
    part = header.parts[0]
    is_float = part.formats[0] in {"half", "float", "double"}
    try:
        return believed_colours(colour_spaces(), header, part, is_float)
    except RackfocusError:
        return None
