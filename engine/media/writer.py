"""Writing the result: sequences file by file, each whole or not there; movies as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.errors import FormatError, MediaError, require
from engine.files import discard, place_file, temporary_path
from engine.frames import FrameRange, RenderedFrame, Window
from engine.media.attributes import check_names, passed_on
from engine.media.colour import can_say, colour_spaces, say, untold
from engine.media.data_layers import DataLayers
from engine.media.encoding import (
    colour_notices,
    colours_in,
    display_image,
    from_linear,
    output_space,
    says_nothing,
    uncovered_light,
)
from engine.media.exr_parts import DATA_CHANNELS, exr_parts, finite_part
from engine.media.folder import check_folder, open_folder
from engine.media.frame_writer import FrameWriter
from engine.media.images import read_header
from engine.media.losses import still_losses
from engine.media.names import check_name
from engine.media.plate import PlateInfo
from engine.media.plate_movie import contents_of
from engine.media.repair import made_finite
from engine.media.saving import FILE_FORMATS, NewPart, check_compression, save_image, whole_metadata
from engine.media.sequence import Pattern, is_movie
from engine.notices import Notice
from engine.shot import Output

__all__ = [
    "DATA_CHANNELS",
    "FrameWriter",
    "SequenceWriter",
    "check_settings",
    "open_writer",
    "plan_writer",
]


class SequenceWriter:
    """Writes EXR, PNG, TIFF or DPX files.

    EXR: each channel in its own type, any compression, data window and display window kept (see ``exr_parts``).
    PNG and TIFF: 16 bits and straight alpha (TIFF of floats, then premultiplied, where the plate is one or
    ``data_type`` asks for it). DPX: 10 bits, 12 or 16 where the plate is a DPX of more; with alpha, premultiplied and
    in 16 bits, where the plate is a DPX with alpha, else over black. All of them cut or padded with black to the
    display window.
    """

    def __init__(self, output: Output, info: PlateInfo) -> None:
        self._output = output
        self._info = info
        self._pattern = Pattern.parse(output.path)
        self.file_format = _format_of(output.path)
        self._colours = colour_spaces()
        check_names(output.metadata)
        require(
            not output.layers or self.file_format == "openexr",
            FormatError,
            f"output.layers: {self.file_format.upper()} files hold no further layers; write EXR, or ask for none",
        )
        self._compression = _compression(output, self.file_format)
        self._type = _data_type(output, info, self.file_format)
        self._space = output_space(output, info, self.file_format, self._type, self._colours)
        self._keeps_alpha = self.file_format != "dpx" or (info.file_format == "dpx" and colours_in(info.channels) == 4)
        self._uncovered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close() if kind is None else self.abort()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See ``FrameWriter``."""
        contents = None if self._info.movie is None else contents_of(self._info.movie)
        sound = self._output.sound == "copy"
        losses = still_losses(self._info, contents, self.file_format, self._keeps_alpha, sound)
        return (*losses, *self._colour_losses(), *colour_notices(self._info, self._space, self._colours))

    def _colour_losses(self) -> list[Notice]:
        """What the files cannot say of their colours."""
        is_float = self._type in {"half", "float"}
        told = says_nothing(self._output, self._info, self._space) or can_say(
            self._colours, self._space, self.file_format, is_float
        )
        kind = f"a {self.file_format.upper()} file" if self.file_format != "openexr" else "the EXR's header"
        return [] if told else [untold(self._space, kind)]

    @property
    def losses(self) -> tuple[Notice, ...]:
        """See ``FrameWriter``."""
        if not self._uncovered:
            return ()
        sentence = (
            f"{self._uncovered} pixels have light but alpha 0, which {self.file_format.upper()} files cannot show; "
            "write EXR to keep glows"
        )
        return (Notice("alpha.light", sentence),)

    @property
    def folder(self) -> Path:
        """The folder of the sequence."""
        return self._pattern.folder

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._pattern.path(frame)

    def check_kept(self, frames: FrameRange) -> None:
        """See ``FrameWriter``."""

    def header(self, frame: int) -> Mapping[str, Any] | None:
        """See ``FrameWriter``."""
        try:
            return read_header(self.path(frame), frame).parts[0].metadata
        except MediaError:
            return None

    def is_whole(self, frame: int) -> Mapping[str, Any] | None:
        """See ``FrameWriter``."""
        path = self.path(frame)
        return whole_metadata(path) if path.is_file() else None

    def close(self) -> None:
        """Nothing is left to do: each frame was finished when it was written."""

    def abort(self) -> None:
        """Nothing is left to do: whole frames stay, and a frame that failed was removed then."""

    def write(self, rendered: RenderedFrame, layers: DataLayers, metadata: Mapping[str, object]) -> int:
        """See ``FrameWriter``."""
        frame = rendered.frame
        check_names(metadata, "metadata")
        entries = {
            **passed_on(rendered.metadata),
            **self._colour_tags(),
            **self._rate(),
            **self._output.metadata,
            **metadata,
        }
        image, repaired = made_finite(rendered.image)  # before a conversion of colour hides what was not
        rendered = replace(rendered, image=image)
        parts = self._exr(rendered, layers, entries) if self.file_format == "openexr" else self._flat(rendered, entries)
        finite = [finite_part(part) for part in parts]
        parts = [part for part, _ in finite]
        path = self.path(frame)
        temporary = temporary_path(path)
        try:
            save_image(temporary, self.file_format, parts, f"frame {frame}: {path}")
        except BaseException:
            discard(temporary)
            raise
        place_file(temporary, path)
        return repaired + sum(count for _, count in finite)

    def _rate(self) -> dict[str, object]:
        rate: Fraction | None = self._info.frame_rate
        if rate is None:
            return {}
        if self.file_format == "dpx":
            return {"dpx:FrameRate": float(rate), "dpx:TemporalFrameRate": float(rate)}
        return {"framesPerSecond": (rate.numerator, rate.denominator)}

    def _exr(self, rendered: RenderedFrame, layers: DataLayers, metadata: Mapping[str, object]) -> list[NewPart]:
        image = from_linear(
            rendered.image, rendered.channels, self._info.working_space, self._space, True, self._colours
        )
        names = rendered.channels
        if self._info.grey:
            image, names = np.delete(image, (1, 2), axis=2), ("Y", *names[3:])
        return exr_parts(*(image, names, rendered, layers, self._info.data, self._type_of, self._compression, metadata))

    def _type_of(self, channel: str) -> str:
        """Type in which a channel of light is written: its own, unless the shot asks for one."""
        own = self._info.types.get(channel, "")
        return own if own in {"half", "float"} and self._output.data_type is None else self._type

    def _flat(self, rendered: RenderedFrame, metadata: Mapping[str, object]) -> list[NewPart]:
        metadata = {name: value for name, value in metadata.items() if not name.startswith("cryptomatte/")}
        image = display_image(rendered.image[:, :, : colours_in(rendered.channels)], rendered.window)
        names = rendered.channels[: image.shape[2]]
        if not self._keeps_alpha:
            image, names = image[:, :, :3], names[:3]
        divided = self._divides(names)
        self._uncovered += uncovered_light(image) if divided else 0
        image = from_linear(image, names, self._info.working_space, self._space, not divided, self._colours)
        if self._info.grey and self.file_format != "dpx":
            image, names = np.delete(image, (1, 2), axis=2), ("Y", *names[3:])
        if self._type != "float":
            image = np.clip(image, 0, 1)
        if self.file_format == "dpx":
            # OpenImageIO 3.2.2 cuts the bits below, where it should round.
            steps = np.float32(2 ** int(self._type.removeprefix("uint")) - 1)
            image = np.rint(image * steps) / steps
        window = Window.of_size(image.shape[1], image.shape[0])
        types = (self._type,) * len(names)
        what = (image, names, types, window, rendered.pixel_aspect, self._compression)
        return [NewPart(*what, metadata=metadata, straight=divided)]

    def _divides(self, names: tuple[str, ...]) -> bool:
        """Whether the files hold colours without alpha multiplied in: what PNG says, and TIFF of whole numbers has.

        Floats of linear light keep everything premultiplied; DPX holds what Nuke and others write: light as it is.
        """
        linear = self._type == "float" and self._colours.is_linear(self._space)
        return "A" in names and self.file_format != "dpx" and not linear

    def _colour_tags(self) -> Mapping[str, object]:
        """How the file says its encoding, so that other programs show it alike."""
        if says_nothing(self._output, self._info, self._space):
            return {}
        return say(self._colours, self._space, self.file_format, self._type in {"half", "float"}).entries


def open_writer(output: Output, info: PlateInfo, frames: FrameRange | None = None) -> FrameWriter:
    """Open the place of a result.

    Args:
        output: where and how, of the shot.
        info: of the plate, for what the shot leaves open.
        frames: those to be written, which sound and times of a movie depend on; all of the plate's movie when not
            given.

    Raises:
        FormatError: unknown file type, compression, codec; layers in a file that holds none.
        ColourError: unknown colour space.
        OutputWriteError: the folder cannot be made or written.
        ShotError: a name of ``output.metadata`` is longer than 31 characters.
    """
    writer = _planned(output, info, frames)
    open_folder(writer.folder, output.path)
    return writer


def check_settings(output: Output, info: PlateInfo, frames: FrameRange | None = None) -> tuple[Notice, ...]:
    """Refuse what ``open_writer`` refuses; makes no folder. Gives what the result cannot keep of the plate.

    Raises:
        As ``open_writer``.
    """
    return plan_writer(output, info, frames).notices


def plan_writer(output: Output, info: PlateInfo, frames: FrameRange | None = None) -> FrameWriter:
    """A writer that has touched no disk, for looking at what it would replace; never for writing.

    Raises:
        As ``open_writer``.
    """
    writer = _planned(output, info, frames)
    check_folder(writer.folder)
    return writer


def _planned(output: Output, info: PlateInfo, frames: FrameRange | None) -> FrameWriter:
    check_name(output.path)
    if is_movie(output.path):
        from engine.media.movie_writing import MovieWriter

        return MovieWriter(output, info, frames)
    return SequenceWriter(output, info)


def _format_of(path: str) -> str:
    found = FILE_FORMATS.get(Path(path).suffix.lower())
    if found is None:
        known = ", ".join([*FILE_FORMATS, ".mov", ".mp4"])
        raise FormatError(f'output.path: "{path}" is of no type that is written; end it with one of {known}')
    return found


def _compression(output: Output, file_format: str) -> str | None:
    if output.compression is None:
        return "zips" if file_format == "openexr" else None
    return check_compression(output.compression, file_format)


def _data_type(output: Output, info: PlateInfo, file_format: str) -> str:
    if file_format == "openexr":
        # 16-bit integers have more steps than a half between 0 and 1; 8 and 10 bits fit.
        exact = info.data_type in {"half", "uint8", "uint10"}
        return output.data_type or ("half" if exact else "float")
    if file_format == "tiff" and (
        output.data_type or (info.data_type in {"float", "half"} and info.file_format == "tiff")
    ):
        return "float"
    require(
        output.data_type is None,
        FormatError,
        f"output.data_type: {file_format.upper()} files hold no floats; leave it out",
    )
    return _dpx_type(info) if file_format == "dpx" else "uint16"


def _dpx_type(info: PlateInfo) -> str:
    """Bits of a DPX result: the plate's own where it is a DPX of more than 10; 16 with alpha."""
    if info.file_format != "dpx" or (colours_in(info.channels) == 3 and info.data_type in {"uint8", "uint10"}):
        return "uint10"
    return "uint12" if info.data_type == "uint12" else "uint16"
