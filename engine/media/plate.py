"""Reading the sharp shot, a frame at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.errors import ChannelError, require
from engine.frames import Float32Array, FrameRange, Window, count_picture, require_size
from engine.media.channels import Colour, Selection, find_colour
from engine.media.colour import Believed, ColourSpaces, believe, colour_spaces, file_words
from engine.media.data_layers import DataLayers, empty_data, float_selections, in_own_types
from engine.media.images import Header, Part, require_readable
from engine.media.layers import Layers, find_layers, inherited, types_of
from engine.media.light_layers import layers_converted
from engine.media.orientation import turned_words
from engine.media.plate_movie import PlateMovie
from engine.media.rates import exact_rate, frame_rate_of
from engine.media.repair import limit_light, repair_colour
from engine.media.source import open_source
from engine.media.turns import Turns
from engine.media.windows import check_whole, laid_on
from engine.notices import Notice
from engine.shot import Plate

__all__ = ["PlateImage", "PlateInfo", "PlateReader", "believed_colours", "read_weights"]


@dataclass(frozen=True)
class PlateInfo:
    """What a plate is, from its first frame.

    Attributes:
        window: of the first frame's image; overscan may differ between the frames of an EXR sequence.
        channels: names of the channels of an image, R, G, B first.
        pixel_aspect: width of a pixel over its height.
        frame_rate: exact frames per second; None where neither shot nor file says it.
        colour_space: of the files.
        colour_told: whether the shot or the files say it; else it is the convention of their format.
        working_space: linear space of the images.
        data_type: of the colour channels: ``half``, ``float``, ``uint8``, ``uint10``, ``uint16`` ...
        file_format: ``openexr``, ``png``, ``tiff``, ``dpx``, ``movie`` ...
        grey: whether the files have one grey channel, which the images repeat in R, G and B.
        metadata: the header's entries that a result inherits.
        times: seconds since the first picture, by frame, of a movie whose rate varies; None where it is constant.
        orientation: how the files store the picture, 1 to 8 as in Exif; what is read is upright.
        movie: the movie file that it is; None where it is no movie.
        types: the file's type of each channel of light of an EXR, by its name in the images.
        data: the file's type of each channel of data, which is passed on as it is, by its name.
    """

    window: Window
    channels: tuple[str, ...]
    pixel_aspect: float = 1.0
    frame_rate: Fraction | None = None
    colour_space: str = ""
    working_space: str = ""
    data_type: str = "half"
    file_format: str = "openexr"
    grey: bool = False
    metadata: Mapping[str, Any] | None = None
    times: Mapping[int, Fraction] | None = None
    orientation: int = 1
    movie: PlateMovie | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    colour_told: bool = True


@dataclass(frozen=True, eq=False)
class PlateImage:
    """One frame of a plate.

    Attributes:
        image: (H, W, C) float32, scene-linear, premultiplied where it has alpha; finite.
        channels: C names: R, G, B, then A where there is one, then those of further layers of light.
        window: where its pixels lie: the display window and whatever the file holds around it. What the file's own
            data window leaves out of the display window is black and transparent.
        pixel_aspect: width of a pixel over its height.
        metadata: what a result inherits.
        stored: the file's own data window.
        repaired: how many pixels were NaN or infinite.
        limited: how many pixels were brighter than ``engine.media.repair.BRIGHTEST``.
        data: layers of data, laid on the same window; see ``DataLayers``.
        data_repaired: how many of their values were NaN.
        source: the frame whose file was read: another one where a missing frame is held; None where it is black.
    """

    image: Float32Array
    channels: tuple[str, ...]
    window: Window
    pixel_aspect: float
    metadata: Mapping[str, Any]
    stored: Window
    repaired: int = 0
    source: int | None = None
    limited: int = 0
    data: DataLayers = field(default_factory=dict)
    data_repaired: int = 0


class PlateReader:
    """Reads the frames of a plate; a context manager. Any one thread at a time may read; calls wait for each other.

    Args:
        plate: of the shot.
        alone: whether a path to one picture means that picture only, and not the sequence around it.
        one_window: whether all images are to have the first one's window, for renderers that look at several: overscan
            that the first frame lacks is left out.

    Attributes:
        frames: of the shot: ``plate.frames``, else all that exist and the holes between them.
        info: see ``PlateInfo``.

    Raises:
        MissingFrameError: nothing is there.
        CorruptError, FormatError: the first frame cannot be read.
        ChannelError: the layer or part is not in it.
        ColourError: the colour space or the configuration is not known.
    """

    def __init__(self, plate: Plate, alone: bool = False, *, one_window: bool = False) -> None:
        self._plate = plate
        self._one_window = one_window
        self._lock = Turns()
        first = None if plate.frames is None else FrameRange.parse(plate.frames).first
        self._source = open_source(plate.path, "plate.path", first, alone=alone, fields=plate.fields, every=True)
        try:
            self.frames = self._source.frames(plate.frames, "plate.path")
            self._colours = colour_spaces()
            self._layers = Layers()
            self._believed = Believed("", told=True)
            self.info = self._describe()
        except BaseException:
            self._source.close()
            raise

    @property
    def taken(self) -> str:
        """Which channels of which files are the picture, in words."""
        turned = turned_words(self.info.orientation)
        picture = self.info.channels[: count_picture(self.info.channels)]
        return f"{', '.join(picture)}{self._layers.taken} of {self._source.found.pattern}{turned}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be heard of the plate before its first frame."""
        constant = self._plate.frame_rate is not None
        own = (n for n in self._source.notices if not (constant and n.kind == "movie.rate-varies"))
        heard = self._source.found.heard(self._plate.frames)
        return (*heard, *own, *self._believed.notices, *self._layers.notices)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._lock.close(self._source.close)

    def path(self, frame: int) -> Path:
        """The file that is read for a frame: the one before it where a missing frame is held.

        Raises:
            MissingFrameError: there is none, and none is to stand for it.
        """
        source = self._source.source(frame, self._plate.on_missing)
        return self._source.path(frame if source is None else source)

    def check(self, frame: int) -> Window:
        """Look at a frame's header only; gives its file's own windows.

        Raises:
            MissingFrameError, CorruptError, FormatError, ChannelError, FrameSizeError: what ``read`` would raise.
        """
        with self._lock:
            source = self._source.source(frame, self._plate.on_missing)
            if source is None:
                return self.info.window
            header = self._source.header(source)
            colour, layers = self._select(header, source)
            for selection in (colour, *layers.light, *layers.data):
                require_readable(header, selection.part, selection.channels, source)
            self._window(colour.part.window, f"frame {source}: {header.path}", source)
            return colour.part.window

    def read(self, frame: int) -> PlateImage:
        """Read one frame.

        Raises:
            MissingFrameError: it has no file, and ``on_missing`` is error.
            CorruptError: its file is damaged.
            ChannelError: its file lacks channels that the first frame has.
        """
        with self._lock:
            source = self._source.source(frame, self._plate.on_missing)
            if source is None:
                return self._black()
            header = self._source.header(source)
            colour, layers = self._select(header, source)
            window = self._window(colour.part.window, f"frame {source}: {header.path}", source)
            count = 1 + len(layers.light)
            found = self._pixels(source, (colour, *layers.light, *float_selections(layers.data)))
            path = self._source.path(source)
            data, data_repaired = in_own_types(layers.data, found[count:], path, source, window)
        pixels, repaired = repair_colour(found[0])
        pixels, limited = limit_light(pixels)
        premultiplied = not colour.part.metadata.get("oiio:UnassociatedAlpha")
        image = to_linear(
            _as_rgb(pixels) if colour.grey else pixels,
            *(self.info.colour_space, self.info.working_space, premultiplied, self._colours),
        )
        if self.info.colour_space != self.info.working_space:
            image, beyond = limit_light(image)
            limited += beyond
        image = laid_on(image, colour.part.window, window)
        if layers.light:
            beside = zip(found[1:count], layers.light, strict=True)
            laid = [laid_on(values, layer.part.window, window) for values, layer in beside]
            further, bad = repair_colour(np.concatenate(laid, axis=2))
            further = self._light(further, tuple(name for layer in layers.light for name in layer.names))
            further, beyond = limit_light(further)
            image = np.concatenate([image, further], axis=2)
            repaired, limited = repaired + bad, limited + beyond
        part = colour.part
        aspect = self._plate.pixel_aspect or part.pixel_aspect
        entries = inherited(header, colour, layers)
        return PlateImage(
            *(np.ascontiguousarray(image), self._names(colour, layers), window, aspect, entries, part.window),
            *(repaired, source, limited, data, data_repaired),
        )

    def _window(self, stored: Window, place: str, frame: int) -> Window:
        """Where a frame's image lies, whose file has that data window.

        Raises:
            FormatError: it is too large.
            FrameSizeError: all are to have one window, and this frame is of another size than the first.
        """
        if not self._one_window:
            return check_whole(stored, place)
        first = self.info.window
        size = stored.display_width, stored.display_height
        require_size(frame, size, (first.display_width, first.display_height))
        x, y = first.x - first.display_x + stored.display_x, first.y - first.display_y + stored.display_y
        return replace(stored, x=x, y=y, width=first.width, height=first.height)

    def _light(self, further: Float32Array, names: tuple[str, ...]) -> Float32Array:
        """Further layers, those of light converted as the beauty is."""
        source, target = self.info.colour_space, self.info.working_space
        if source == target:
            return further
        return layers_converted(further, names, lambda light: self._colours.convert(light, source, target))

    def _pixels(self, frame: int, wanted: tuple[Selection, ...]) -> list[Float32Array]:
        """The channels of each selection; each part is decoded once, however many layers of it are wanted."""
        numbers = [selection.part.number for selection in wanted]
        stacks: dict[int, Float32Array] = {}
        for number in dict.fromkeys(numbers):
            channels = [
                name for n, selection in zip(numbers, wanted, strict=True) if n == number for name in selection.channels
            ]
            _, stacks[number] = self._source.pixels(frame, number, channels)
        found: list[Float32Array] = []
        taken = dict.fromkeys(numbers, 0)
        for number, selection in zip(numbers, wanted, strict=True):
            start = taken[number]
            taken[number] += len(selection.channels)
            found.append(stacks[number][:, :, start : taken[number]])
        return found

    def _select(self, header: Header, frame: int) -> tuple[Colour, Layers]:
        place = f"frame {frame}: {header.path}"
        colour = find_colour(header, self._plate.part, self._plate.layer, place)
        layers = find_layers(header, colour, self._plate, place)
        if hasattr(self, "info"):
            here, first = (*self._names(colour, layers), *layers.data_types), (*self.info.channels, *self.info.data)
            said = f"{place} has {', '.join(here)} but the first frame has {', '.join(first)}"
            require(here == first, ChannelError, f"{said}; render all frames with the same channels")
        return colour, layers

    @staticmethod
    def _names(colour: Colour, layers: Layers) -> tuple[str, ...]:
        names = ("R", "G", "B", *colour.names[1:]) if colour.grey else colour.names
        return names + tuple(name for layer in layers.light for name in layer.names)

    def _describe(self) -> PlateInfo:
        first = self._first_existing()
        header = self._source.header(first)
        colour, layers = self._select(header, first)
        self._layers = layers
        part, plate = colour.part, self._plate
        kind = part.formats[part.channels.index(colour.channels[0])]
        data_type = f"uint{part.bits}" if kind.startswith("uint") else kind
        is_float = kind in {"half", "float", "double"}
        if plate.colour_space is not None:
            self._believed = Believed(self._colours.resolve(plate.colour_space, "plate.colour_space"), told=True)
        else:
            self._believed = believed_colours(self._colours, header, part, is_float)
        space = self._believed.space
        return PlateInfo(
            window=check_whole(part.window, f"frame {first}: {header.path}"),
            channels=self._names(colour, layers),
            pixel_aspect=plate.pixel_aspect or part.pixel_aspect,
            frame_rate=exact_rate(plate.frame_rate) if plate.frame_rate else frame_rate_of(part.metadata),
            colour_space=space,
            working_space=self._colours.working(space),
            data_type=data_type,
            file_format=header.file_format,
            grey=colour.grey,
            metadata=inherited(header, colour, layers),
            colour_told=self._believed.told,
            times=None if plate.frame_rate else self._source.times,
            orientation=part.orientation,
            movie=PlateMovie.of(header, self._source),
            types=types_of((colour, *layers.light)) if header.file_format == "openexr" else {},
            data=layers.data_types,
        )

    def _first_existing(self) -> int:
        """The first frame of the shot that has a picture; where none has, the first there is at all."""
        for frame in self.frames:
            found = self._source.source(frame, self._plate.on_missing)
            if found is not None:
                return found
        held = self._source.source(self.frames.first, "hold")
        return self.frames.first if held is None else held

    def _black(self) -> PlateImage:
        window, info = self.info.window, self.info
        image = np.zeros((window.height, window.width, len(info.channels)), np.float32)
        data = empty_data(info.data, window)
        return PlateImage(image, info.channels, window, info.pixel_aspect, {}, window, 0, None, data=data)


def believed_colours(colours: ColourSpaces, header: Header, part: Part, is_float: bool) -> Believed:
    """What a file says of its colours, or what is assumed; see ``believe``."""
    words = {**part.metadata, **file_words(header.path, header.file_format)}
    return believe(colours, header.file_format, is_float, words)


def to_linear(
    image: Float32Array, source: str, target: str, premultiplied: bool, colours: ColourSpaces
) -> Float32Array:
    """Linearise R, G, B of (H, W, 3 or 4); straight alpha is multiplied in afterwards.

    Code values into which alpha is multiplied already are light of what is there and black together, encoded as it is:
    they are never divided by alpha (a log DPX has no code that means nothing).
    """
    straight = image.shape[2] == 4 and not premultiplied
    if source == target and not straight:
        return image
    rgb = colours.convert(image[:, :, :3], source, target)
    if image.shape[2] == 3:
        return rgb
    alpha = image[:, :, 3:]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([rgb * alpha if straight else rgb, alpha], axis=2)


def read_weights(path: str) -> Float32Array:
    """The light of a picture, as the weights of an aperture of one's own.

    Returns:
        (H, W) float32: the mean of linear R, G and B, alpha multiplied in; 0 where the picture is negative.

    Raises:
        MediaError: it cannot be read.
    """
    with PlateReader(Plate(path=path), alone=True) as reader:
        image = reader.read(reader.frames.first).image
    weights: Float32Array = np.maximum(image[:, :, :3].mean(axis=2), 0).astype(np.float32)
    return weights


def _as_rgb(pixels: Float32Array) -> Float32Array:
    return np.concatenate([pixels[:, :, :1]] * 3 + [pixels[:, :, 1:]], axis=2)
