"""Which channel of a file is its depth; it is known by its name, belongs to the colour, and is never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import ChannelError
from engine.media.channels import OUR_LAYERS, Colour, Selection, layer_of, parts_named
from engine.media.depth_names import is_depth, is_vector, may_be_depth, value_first
from engine.media.images import Header, Part

__all__ = ["find_depth"]

_ALPHAS = frozenset({"a", "alpha", "aa"})
_OF_MOVIE = ("Y", "R", "G", "B")
_COLOURS = ({"r", "g", "b"}, {"red", "green", "blue"})


def find_depth(
    header: Header, part: str | int | None, channel: str | None, whole: bool, place: str, colour: Colour | None = None
) -> Selection:
    """The depth channel.

    A channel or its layer is known by its name (``depth_names``). Of several, the one that belongs to the colour is
    taken: ``Z`` beside R, G and B first, then a depth layer of the same render layer, view and part, then one of the
    file as a whole. Two that are equally near are an error, and so is a depth that belongs to another colour.

    Args:
        header: of the file.
        part: name or number of the only part to look in.
        channel: name of the channel, or of a layer of one channel.
        whole: whether the file may be a depth map as a whole: its one channel will do, or three that have to be equal.
        place: frame and file, for errors.
        colour: the plate's, where it is in the same files.

    Returns:
        One channel; R, G and B of a picture, which have to be equal; or Y, R, G and B of a movie.

    Raises:
        ChannelError: there is none, or several could be meant; lists them.
    """
    parts = parts_named(header, part, place)
    if channel is not None:
        return _named(header, parts, channel, place, colour)
    candidates = _candidates(header, parts, colour)
    near = _nearest([c for c in candidates if c.sure])
    if len(near) == 1:
        return near[0].selection
    if len(near) > 1:
        raise ChannelError(
            f"{place} has several channels that may be its depth: {_listed(header, near)}; "
            f"set {_setting(near)} to one of these"
        )
    only = _only(parts, header) if whole else None
    if only is not None:
        return only
    perhaps = [c for c in candidates if not c.sure]
    hint = f", for example {_listed(header, perhaps)}" if perhaps else ", or depth.path to the files of the depth"
    raise ChannelError(
        f"{place} has no depth channel that is known by its name; it has {header.channels}; "
        f"set depth.channel (--depth-channel) to one of these{hint}"
    )


@dataclass(frozen=True)
class _Candidate:
    """A channel, or the channels of one layer, that may be a depth.

    Attributes:
        selection: what would be taken.
        sure: whether it is known by its name and belongs to the colour.
        rank: the lower, the nearer to the colour.
    """

    selection: Selection
    sure: bool
    rank: tuple[int, ...]


def _nearest(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    best = min((c.rank for c in candidates), default=())
    return [c for c in candidates if c.rank == best]


def _candidates(header: Header, parts: Iterable[Part], colour: Colour | None) -> list[_Candidate]:
    scheme = _Scheme(header)
    home = scheme.path(colour.part, layer_of(colour.channels[0])) if colour is not None else _Path((), None)
    found = []
    flat = [part for part in parts if not part.deep]
    for part in flat or parts:
        layers: dict[str, list[str]] = {}
        for channel in part.channels:
            layers.setdefault(layer_of(channel), []).append(channel)
        for layer, channels in layers.items():
            if not any(name in OUR_LAYERS for name in layer.split(".")):
                found += _in_layer(scheme, part, layer, channels, home, colour)
    return found


def _in_layer(
    scheme: _Scheme, part: Part, layer: str, channels: list[str], home: _Path, colour: Colour | None
) -> list[_Candidate]:
    path = scheme.path(part, layer)
    last = path.names[-1] if path.names else ""
    values = [c for c in channels if _letter(c).lower() not in _ALPHAS]
    if is_vector(last) or not values or _of_vector(values, layer):
        return []
    if is_depth(last):
        wanted = min(values, key=lambda c: value_first(_letter(c)))
        return [_candidate(scheme, part, wanted, _Path(path.names[:-1], path.view), home, colour, sure=True, plain=1)]
    found = []
    for channel in values:
        letter = _letter(channel)
        if is_depth(letter):
            own = len(letter) > 1 or not path.names or path.names == home.names or scheme.has_colour(path)
            plain = 0 if letter.lower() == "z" else 1
            found.append(_candidate(scheme, part, channel, path, home, colour, sure=own, plain=plain))
        elif may_be_depth(letter) or (len(values) == 1 and may_be_depth(last)):
            found.append(_candidate(scheme, part, channel, path, home, colour, sure=False, plain=1))
    return found


def _candidate(
    scheme: _Scheme,
    part: Part,
    channel: str,
    context: _Path,
    home: _Path,
    colour: Colour | None,
    sure: bool,
    plain: int,
) -> _Candidate:
    belongs = home.names[: len(context.names)] == context.names
    other = not belongs and scheme.has_colour(context) and not scheme.is_composite(home)
    views = colour is None or context.view is None or context.view == home.view
    views = views or (home.view is None and context.view not in scheme.coloured_views)
    beside = 0 if colour is None or part.number == colour.part.number else 1
    within = (
        (-len(context.names), int(context.view != home.view), beside) if belongs and colour is not None else (0, 0, 0)
    )
    rank = (int(not belongs), *within, plain)
    strange = colour is not None and other
    return _Candidate(Selection(part, (channel,), (channel,)), sure and views and not strange, rank)


def _of_vector(channels: Sequence[str], layer: str) -> bool:
    """Whether channels of one layer are the parts of a vector: x and y, or z beside either of them.

    At the root a Y beside Z is luminance.
    """
    letters = {_letter(channel) for channel in channels}
    for letter in letters:
        if letter[-1:] not in ("z", "Z"):
            continue
        stem, (x, y) = letter[:-1], ("xy" if letter[-1] == "z" else "XY")
        if stem + x in letters or (stem + y in letters and (layer or stem)):
            return True
    return False


@dataclass(frozen=True)
class _Path:
    """A layer's place: names from the outside in, without the view, and the view."""

    names: tuple[str, ...]
    view: str | None


class _Scheme:
    """How a file names its layers and views, in its channels or its parts."""

    def __init__(self, header: Header) -> None:
        self._several = len(header.parts) > 1
        listed: list[str] = []
        for part in header.parts:
            held = part.metadata.get("multiView", ())
            listed += [str(name) for name in (held if isinstance(held, tuple) else (held,))]
            view = part.metadata.get("view")
            listed += [view] if isinstance(view, str) else []
        self._default = listed[0].lower() if listed and not self._several else None
        self._views = {name.lower() for name in listed} | {"left", "right"}
        coloured = [
            self.path(part, layer)
            for part in header.parts
            for layer in {layer_of(channel) for channel in part.channels}
            if _has_colours(c for c in part.channels if layer_of(c) == layer)
        ]
        self._coloured = {path.names for path in coloured}
        self.coloured_views = {path.view for path in coloured}

    def path(self, part: Part, layer: str) -> _Path:
        """The place of a layer; a part's name is the outermost layer unless its channels repeat it."""
        names = layer.split(".") if layer else []
        if self._several and part.name and part.name.lower().rstrip("0123456789") not in {"subimage", "part"}:
            own = part.name.split(".")
            names = names if names[: len(own)] == own else own + names
        view = part.metadata.get("view")
        said = next((name.lower() for name in names if name.lower() in self._views), None)
        named = said or (view.lower() if isinstance(view, str) and view else self._default)
        return _Path(tuple(name for name in names if name.lower() not in self._views), named)

    def has_colour(self, path: _Path) -> bool:
        """Whether R, G and B lie in that layer or in a layer of it; the file as a whole does not count."""
        return bool(path.names) and any(names[: len(path.names)] == path.names for names in self._coloured)

    @staticmethod
    def is_composite(path: _Path) -> bool:
        """Whether the colour is Blender's composite, which is made of all view layers."""
        return path.names[:1] == ("Composite",)


def _named(header: Header, parts: Sequence[Part], channel: str, place: str, colour: Colour | None) -> Selection:
    """The channel, or the only value of the layer, that a person named."""
    scheme = _Scheme(header)
    home = scheme.path(colour.part, layer_of(colour.channels[0])) if colour is not None else _Path((), None)
    found = [Selection(p, (c,), (c,)) for p in parts for c in p.channels if c == channel]
    found = found or [Selection(p, (c,), (c,)) for p in parts for c in p.channels if c.lower() == channel.lower()]
    for part in () if found else parts:
        inside = [c for c in part.channels if layer_of(c) == channel or (part.name == channel and not layer_of(c))]
        values = [c for c in inside if _letter(c).lower() not in _ALPHAS]
        if len(values) > 1 and is_depth(channel) and not _of_vector(values, channel):
            values = [min(values, key=lambda c: value_first(_letter(c)))]
        if len(values) == 1 or (len(values) == 3 and _has_colours(values)):
            found.append(Selection(part, tuple(values), tuple(values)))
        elif values:
            raise ChannelError(
                f'{place}: the layer "{channel}" has {", ".join(values)}; set depth.channel (--depth-channel) to one'
            )
    views = [s for s in found if scheme.path(s.part, layer_of(s.channels[0])).view in (None, home.view)]
    beside = [s for s in views or found if colour is not None and s.part.number == colour.part.number]
    chosen = beside or views or found
    if len({(s.part.number, s.channels) for s in chosen}) == 1:
        return chosen[0]
    if chosen:
        listed = ", ".join(f"{s.part.name or s.part.number}: {', '.join(s.channels)}" for s in chosen)
        setting = "depth.part (--depth-part)" if len({s.part.number for s in chosen}) > 1 else "depth.channel"
        raise ChannelError(f'{place} has "{channel}" more than once ({listed}); set {setting} to one of these')
    raise ChannelError(
        f'{place} has no channel "{channel}"; it has {header.channels}; '
        "set depth.channel (--depth-channel) to one of these"
    )


def _only(parts: Sequence[Part], header: Header) -> Selection | None:
    """The one channel of a depth map; R, G and B, which will have to be equal; None where there is more."""
    if header.file_format == "movie":
        return Selection(parts[0], _OF_MOVIE, _OF_MOVIE)
    held = [(part, c) for part in parts for c in part.channels if _letter(c).lower() not in _ALPHAS]
    names = tuple(c for _, c in held)
    if len(held) == 1 or (len(held) == 3 and _has_colours(names) and len({part.number for part, _ in held}) == 1):
        names = tuple(sorted(names, key=lambda c: "rgb".find(_letter(c)[0].lower())))
        return Selection(held[0][0], names, names)
    return None


def _has_colours(channels: Iterable[str]) -> bool:
    letters = {_letter(channel).lower() for channel in channels}
    return any(colours <= letters for colours in _COLOURS)


def _letter(channel: str) -> str:
    return channel.rpartition(".")[2]


def _listed(header: Header, candidates: Sequence[_Candidate]) -> str:
    several = len(header.parts) > 1
    return ", ".join(
        f"{f'{c.selection.part.name or c.selection.part.number}: ' if several else ''}{c.selection.channels[0]}"
        for c in candidates
    )


def _setting(candidates: Sequence[_Candidate]) -> str:
    names = {c.selection.channels[0] for c in candidates}
    return "depth.channel (--depth-channel)" if len(names) > 1 else "depth.part (--depth-part)"
