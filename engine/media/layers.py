"""Which further layers of a file are taken, and which of them are light and which are data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import ChannelError
from engine.frames import Window
from engine.layer_kinds import CRYPTOMATTE, LayerKind, kind_of
from engine.media.attributes import passed_on
from engine.media.channels import OUR_LAYERS, Colour, Selection, layer_of
from engine.media.images import Header, Part
from engine.notices import Notice
from engine.shot import Plate

__all__ = ["INTEGERS", "Layers", "find_layers", "inherited", "layers_not_held"]

INTEGERS: Final = frozenset({"uint", "uint32"})
"""Types of whole numbers that 32-bit floats cannot hold."""

_ALL: Final = "*"
_MANIFEST: Final = re.compile(r"cryptomatte/([^/]+)/(\w+)")
_SHOWN: Final = 12
_OUR_PARTS: Final = frozenset({"", "data", "integers"})
"""Parts whose names say nothing of their channels: Rackfocus writes them (see ``writer``)."""


@dataclass(frozen=True)
class Layers:
    """Further layers of a file.

    Attributes:
        light: what is blurred with the colour.
        data: what is passed on as it is.
        kinds: of each layer of data, by the layer's name.
        left_out: layers that ``"*"`` leaves out, and why.
    """

    light: tuple[Selection, ...] = ()
    data: tuple[Selection, ...] = ()
    kinds: Mapping[str, LayerKind] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def data_types(self) -> dict[str, str]:
        """Type of each channel of data, by its name in the engine."""
        return types_of(self.data)

    @property
    def taken(self) -> str:
        """The layers in words, to be said behind the colour's channels; empty where there are none."""
        light, data = (_listed(_names_of(selections)) for selections in (self.light, self.data))
        said = [f"{light} (blurred)"] * bool(light) + [f"{data} (passed on)"] * bool(data)
        return f" and the layers {' and '.join(said)}" if said else ""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is not blurred, and what is left out."""
        found: list[Notice] = []
        if self.kinds:
            by_kind: dict[str, list[str]] = {}
            for layer, kind in self.kinds.items():
                by_kind.setdefault(kind.name, []).append(layer)
            what = "; ".join(f"{kind}: {_listed(layers)}" for kind, layers in by_kind.items())
            found.append(
                Notice(
                    "layers.data",
                    f"these layers are data and are passed on as they are, not blurred: {what}; "
                    "name a layer in plate.light_layers to have it blurred",
                )
            )
        if self.left_out:
            found.append(Notice("layers.left-out", f"these layers are left out: {_listed(self.left_out)}"))
        return tuple(found)


@dataclass(frozen=True)
class _Layer:
    """Channels of one part that bear one layer's name."""

    name: str
    selection: Selection


def find_layers(header: Header, colour: Colour, plate: Plate, place: str) -> Layers:
    """The further layers that a shot asks for.

    Args:
        header: of the file.
        colour: of the file; its channels are no further layers.
        plate: ``extra_layers``: names, or ``"*"`` for all but what Rackfocus wrote itself; ``light_layers`` and
            ``data_layers`` ask for layers too, and say what they are.
        place: how errors name the file.

    Raises:
        ChannelError: a layer is not in the file, or its part is of another size than the colour.
    """
    asked = (*plate.extra_layers, *plate.light_layers, *plate.data_layers)
    if not asked:
        return Layers()
    there = _layers_of(header, colour)
    left_out: list[str] = []
    chosen: list[_Layer] = []
    if _ALL in asked:
        for layer in there:
            reason = _unfit(layer, colour) or _other_view(layer, colour)
            if reason:
                left_out.append(f"{layer.name} ({reason})")
            elif layer_of(layer.selection.names[0]) not in OUR_LAYERS:
                chosen.append(layer)
    for name in dict.fromkeys(asked):
        chosen += [] if name == _ALL else [_named(there, name, header, colour, place)]
    light: list[Selection] = []
    data: list[Selection] = []
    kinds: dict[str, LayerKind] = {}
    crypto = _cryptomattes(header)
    for layer in {id(layer.selection): layer for layer in chosen}.values():
        shares = _parted(layer, plate, crypto)
        for selection, kind in shares:
            if kind is None:
                light.append(selection)
            else:
                data.append(selection)
                kinds.setdefault(layer.name, kind)
    return Layers(tuple(light), tuple(data), kinds, tuple(left_out))


def types_of(selections: Iterable[Selection]) -> dict[str, str]:
    """The file's type of each channel, by its name in the engine."""
    return {
        name: selection.part.formats[selection.part.channels.index(channel)]
        for selection in selections
        for channel, name in zip(selection.channels, selection.names, strict=True)
    }


def inherited(header: Header, colour: Colour, layers: Layers) -> dict[str, Any]:
    """The entries of a header that a result inherits; Cryptomatte's only where its channels come along."""
    kept = {name: value for name, value in passed_on(colour.part.metadata).items() if not _MANIFEST.match(name)}
    names = {layer_of(channel) for selection in layers.data for channel in selection.names}
    for part in header.parts:
        for entry, value in part.metadata.items():
            match = _MANIFEST.match(entry)
            whole = part.metadata.get(f"cryptomatte/{match[1]}/name") if match else None
            if isinstance(whole, str) and any(_is_of(layer, whole) for layer in names):
                kept[entry] = value
    return kept


def _names_of(selections: Iterable[Selection]) -> list[str]:
    return list(dict.fromkeys(layer_of(name) or name for selection in selections for name in selection.names))


def layers_not_held(names: Iterable[str], what: str) -> tuple[Notice, ...]:
    """The notice that a result holds no further layers.

    Args:
        names: of the further channels, of light and of data.
        what: the result, in the plural: ``PNG files``.
    """
    layers = list(dict.fromkeys(layer_of(name) or name for name in names))
    if not layers:
        return ()
    sentence = f"{what} hold no further layers, so that these are left out: {_listed(layers)}; write EXR to keep them"
    return (Notice("layers.dropped", sentence),)


def _layers_of(header: Header, colour: Colour) -> list[_Layer]:
    """All channels that are not the colour, by layer; where two parts have one name, the first counts.

    A channel without a layer belongs to that of its part's name; in the colour's own part it is a layer by itself.
    """
    seen = {*colour.names, "R", "G", "B"}
    found: dict[tuple[str, int], tuple[Part, list[str], list[str]]] = {}
    for part in header.parts:
        for channel in part.channels:
            if part.number == colour.part.number and channel in colour.channels:
                continue
            layer, name = layer_of(channel), channel
            if not layer and part.number != colour.part.number and part.name not in _OUR_PARTS:
                layer, name = part.name, f"{part.name}.{channel}"
            if name not in seen:
                seen.add(name)
                _, channels, names = found.setdefault((layer or channel, part.number), (part, [], []))
                channels.append(channel)
                names.append(name)
    return [
        _Layer(layer, Selection(part, tuple(channels), tuple(names)))
        for (layer, _), (part, channels, names) in found.items()
    ]


def _named(there: list[_Layer], name: str, header: Header, colour: Colour, place: str) -> _Layer:
    for layer in there:
        if layer.name == name:
            reason = _unfit(layer, colour)
            if reason:
                raise ChannelError(f'{place}: layer "{name}" cannot be taken ({reason}); leave it out')
            return layer
    channel = any(name in part.channels for part in header.parts) and layer_of(name)
    hint = f'; to have the channel "{name}", name its layer "{channel}"' if channel else ""
    raise ChannelError(f'{place} has no layer "{name}" (plate.extra_layers); it has {header.channels}{hint}')


def _unfit(layer: _Layer, colour: Colour) -> str:
    """Why a layer cannot lie beside the colour; empty where it can."""
    part = layer.selection.part
    if part.deep:
        return "it holds deep samples"
    theirs, ours = _size(part.window), _size(colour.part.window)
    if theirs != ours:
        return f"it is of {theirs[0]}x{theirs[1]} pixels but the colour of {ours[0]}x{ours[1]}"
    return ""


def _other_view(layer: _Layer, colour: Colour) -> str:
    """Which other eye of a stereo picture a layer belongs to; empty where it is the colour's or of no eye."""
    view, own = layer.selection.part.metadata.get("view"), colour.part.metadata.get("view")
    views = colour.part.metadata.get("multiView")
    if isinstance(views, tuple) and views:
        view, own = layer.name.partition(".")[0], colour.channels[0].partition(".")[0]
        own = own if own in views else views[0]
        view = view if view in views else own
    return f"it is of the view {view}" if isinstance(view, str) and isinstance(own, str) and view != own else ""


def _size(window: Window) -> tuple[int, int]:
    return window.display_width, window.display_height


def _parted(layer: _Layer, plate: Plate, crypto: frozenset[str]) -> list[tuple[Selection, LayerKind | None]]:
    """A layer's channels of light, whose kind is None here, and those of data."""
    part = layer.selection.part
    types = types_of([layer.selection])
    found: dict[tuple[LayerKind | None, bool], list[int]] = {}
    for place, name in enumerate(layer.selection.names):
        kind = kind_of(name, layer.selection.names, types[name])
        is_data = kind.is_data
        whole_numbers = types[name] in INTEGERS
        if not whole_numbers:
            if any(_is_of(layer_of(name), whole) for whole in crypto):
                kind, is_data = CRYPTOMATTE, True
            if layer.name in plate.light_layers:
                is_data = False
            elif layer.name in plate.data_layers:
                is_data = True
        found.setdefault((kind if is_data else None, whole_numbers), []).append(place)
    channels, names = layer.selection.channels, layer.selection.names
    return [
        (Selection(part, tuple(channels[p] for p in places), tuple(names[p] for p in places)), kind)
        for (kind, _), places in found.items()
    ]


def _cryptomattes(header: Header) -> frozenset[str]:
    """Names of the Cryptomattes that the file describes: their layers are called so, with two digits behind."""
    found: set[str] = set()
    for part in header.parts:
        for entry, value in part.metadata.items():
            match = _MANIFEST.match(entry)
            if match and match[2] == "name" and isinstance(value, str) and value:
                found.add(value)
    return frozenset(found)


def _is_of(layer: str, cryptomatte: str) -> bool:
    rest = layer.removeprefix(cryptomatte)
    return layer.startswith(cryptomatte) and (not rest or rest.isdigit())


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{', '.join(listed[:_SHOWN])}{more}"
