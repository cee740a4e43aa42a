"""Which channels of a file are its colour and its matte; see ``depth_channels`` for its depth, ``layers`` for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import ChannelError
from engine.media.depth_names import is_depth
from engine.media.images import Header, Part

__all__ = ["OUR_LAYERS", "Colour", "Selection", "find_colour", "find_matte", "layer_of", "parts_named"]

OUR_LAYERS: Final = frozenset({"CoC", "disparity", "overlay", "invented"})
"""Layers that Rackfocus writes itself: never taken from a plate by ``"*"``."""

_LETTERS: Final = {"r": "R", "red": "R", "g": "G", "green": "G", "b": "B", "blue": "B", "a": "A", "alpha": "A"}
_GREY: Final = ("y", "l", "i", "grey", "gray", "luminance")


@dataclass(frozen=True)
class Selection:
    """Channels of one part, and the names that they bear in the engine."""

    part: Part
    channels: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Colour(Selection):
    """The colour channels: R, G, B and perhaps A; or one grey channel that stands for all three."""

    grey: bool = False


def layer_of(channel: str) -> str:
    """The layer of a channel: ``diffuse`` of ``diffuse.R``; empty at the root."""
    return channel.rpartition(".")[0]


def find_colour(header: Header, part: str | int | None, layer: str | None, place: str) -> Colour:
    """The colour of a file.

    Looks in ``part``, or in all parts in order, for the layer's R, G, B (``r``, ``red`` ...) and A; then for a grey
    channel (Y, or the only channel). A part whose name is the layer's counts as that layer.

    Raises:
        ChannelError: there is none.
    """
    parts = parts_named(header, part, place)
    for candidate in parts:
        own = layer is not None and candidate.name in {layer, f"{layer}.left"}
        for prefix in dict.fromkeys([layer or "", *([""] if own else [])]):
            found = _colour_in(candidate, prefix)
            if found is not None:
                return found
    asked = f'layer "{layer}"' if layer else "R, G and B, nor one grey channel,"
    hint = "set plate.layer or plate.part to one of these"
    raise ChannelError(f"{place} has no {asked} to be the plate's colour; it has {header.channels}; {hint}")


def find_matte(header: Header, channel: str | None, place: str) -> Selection:
    """The channel of a matte; three where it is not known yet that R, G and B are equal.

    Args:
        channel: its name; A, the only channel, or R, G and B when not given.

    Raises:
        ChannelError: there is none, or no telling which of several it is.
    """
    for candidate in header.parts if channel else ():
        if channel in candidate.channels:
            return Selection(candidate, (channel,), (channel,))
    for candidate in header.parts if not channel else ():
        alphas = [c for c in candidate.channels if _LETTERS.get(c.rpartition(".")[2].lower()) == "A"]
        chosen = sorted(alphas, key=lambda name: layer_of(name) != "")[:1]
        if not chosen and header.file_format == "movie":
            chosen = ["Y"]
        if not chosen and len(candidate.channels) == 1:
            chosen = [*candidate.channels]
        if chosen:
            return Selection(candidate, tuple(chosen), tuple(chosen))
    for candidate in header.parts if not channel else ():
        colour = _colour_in(candidate, "")
        if colour is not None:
            return Selection(candidate, colour.channels[:3], colour.names[:3])
    asked = f'channel "{channel}"' if channel else "channel A, nor one channel only,"
    raise ChannelError(f"{place} has no {asked} to be the matte; it has {header.channels}; set matte.channel to one")


def parts_named(header: Header, part: str | int | None, place: str) -> tuple[Part, ...]:
    """The part of that name or number; all of them where none is named.

    Raises:
        ChannelError: there is no such part.
    """
    if part is None:
        return header.parts
    text = str(part)
    for candidate in header.parts:
        if candidate.name == text or (text.isdigit() and candidate.number == int(text) and not _named(header, text)):
            return (candidate,)
    there = ", ".join(f"{p.number}{f' ({p.name})' if p.name else ''}" for p in header.parts)
    raise ChannelError(f'{place} has no part "{part}"; it has {there}')


def _named(header: Header, name: str) -> bool:
    return any(part.name == name for part in header.parts)


def _colour_in(part: Part, layer: str) -> Colour | None:
    letters: dict[str, str] = {}
    for channel in part.channels:
        if layer_of(channel) == layer:
            letters.setdefault(_LETTERS.get(channel.rpartition(".")[2].lower(), ""), channel)
    alpha = ("A",) if "A" in letters else ()
    if {"R", "G", "B"} <= letters.keys():
        names = ("R", "G", "B", *alpha)
        return Colour(part, tuple(letters[n] for n in names), names)
    grey = [c for c in part.channels if layer_of(c) == layer and c.rpartition(".")[2].lower() in _GREY]
    others = [c for c in part.channels if layer_of(c) == layer and c != letters.get("A")]
    if not grey and len(others) == 1 and not is_depth(others[0]):
        grey = others
    if not grey:
        return None
    return Colour(part, (grey[0], *(letters["A"] for _ in alpha)), ("Y", *alpha), grey=True)
