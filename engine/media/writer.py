"""Writing the result: sequences file by file, each whole or not there; movies as one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np

from engine.errors import FormatError, OutputExistsError, ShotError, require
from engine.files import discard, place_file, temporary_path
from engine.frames import Float32Array, FrameRange, RenderedFrame, Window
from engine.media.attributes import check_names, passed_on
from engine.media.colour import CINEON, ColourSpaces, colour_spaces
from engine.media.encoding import colours_in, display_image, from_linear
from engine.media.folder import check_folder, open_folder
from engine.media.names import check_name
from engine.media.plate import PlateInfo
from engine.media.saving import FILE_FORMATS, LOSSY, NewPart, check_compression, save_image, whole_metadata
from engine.media.sequence import Pattern, is_movie
from engine.notices import Notice
from engine.shot import Depth, Matte, Output, Plate

__all__ = ["DATA_CHANNELS", "FrameWriter", "SequenceWriter", "check_output", "check_settings", "open_writer"]

DATA_CHANNELS: Final = frozenset({"CoC.x", "disparity.Z", "invented.A"})
"""Layers whose numbers matter: always 32-bit floats, never compressed with loss."""

_PICTURE_CHANNELS: Final = frozenset({"overlay.R", "overlay.G", "overlay.B"})


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

    def write(
        self, rendered: RenderedFrame, layers: Mapping[str, Float32Array], metadata: Mapping[str, object]
    ) -> None:
        """Write one frame, whole or not at all.

        Args:
            rendered: scene-linear, in the plate's working space.
            layers: (H, W) by channel name: ``CoC.x``, ``disparity.Z``, ``overlay.R`` ``.G`` ``.B``, ``invented.A``.
            metadata: entries of the header beside the plate's and ``output.metadata``.

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

    def is_whole(self, frame: int) -> Mapping[str, Any] | None:
        """The header's entries of a frame that is there and whole; None otherwise, and for movies."""
        ...

    def close(self) -> None:
        """Finish. A movie gets its name here."""
        ...

    def abort(self) -> None:
        """Leave nothing unfinished behind: a movie is removed; frames of a sequence that are whole stay."""
        ...


class SequenceWriter:
    """Writes EXR, PNG, TIFF or DPX files.

    EXR: half or float, any compression, data window and display window kept. Data layers are written as floats; where
    the colour's compression loses, they go into a second part, ``data``, compressed with zips.
    PNG and TIFF: 16 bits (TIFF of floats where the plate is one or ``data_type`` asks for it); DPX: 10 bits without
    alpha; all of them cut or padded with black to the display window.
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
        self._space = _output_space(output, info, self.file_format, self._type, self._colours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close() if kind is None else self.abort()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See ``FrameWriter``."""
        return ()

    @property
    def folder(self) -> Path:
        """The folder of the sequence."""
        return self._pattern.folder

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._pattern.path(frame)

    def check_kept(self, frames: FrameRange) -> None:
        """See ``FrameWriter``."""

    def is_whole(self, frame: int) -> Mapping[str, Any] | None:
        """See ``FrameWriter``."""
        path = self.path(frame)
        return whole_metadata(path) if path.is_file() else None

    def close(self) -> None:
        """Nothing is left to do: each frame was finished when it was written."""

    def abort(self) -> None:
        """Nothing is left to do: whole frames stay, and a frame that failed was removed then."""

    def write(
        self, rendered: RenderedFrame, layers: Mapping[str, Float32Array], metadata: Mapping[str, object]
    ) -> None:
        """See ``FrameWriter``."""
        frame = rendered.frame
        check_names(metadata, "metadata")
        entries = {**passed_on(rendered.metadata), **self._rate(), **self._output.metadata, **metadata}
        parts = self._exr(rendered, layers, entries) if self.file_format == "openexr" else self._flat(rendered, entries)
        path = self.path(frame)
        temporary = temporary_path(path)
        try:
            save_image(temporary, self.file_format, parts, f"frame {frame}: {path}")
        except BaseException:
            discard(temporary)
            raise
        place_file(temporary, path)

    def _rate(self) -> dict[str, object]:
        rate: Fraction | None = self._info.frame_rate
        return {} if rate is None else {"framesPerSecond": (rate.numerator, rate.denominator)}

    def _exr(
        self, rendered: RenderedFrame, layers: Mapping[str, Float32Array], metadata: Mapping[str, object]
    ) -> list[NewPart]:
        image = from_linear(
            rendered.image, rendered.channels, self._info.working_space, self._space, True, self._colours
        )
        names = rendered.channels
        if self._info.grey:
            image, names = np.delete(image, (1, 2), axis=2), ("Y", *names[3:])
        known = DATA_CHANNELS | _PICTURE_CHANNELS
        for name, values in layers.items():
            require(
                name in known, ShotError, f'output.layers: "{name}" is no layer; there are {", ".join(sorted(known))}'
            )
            require(
                values.shape == image.shape[:2],
                ShotError,
                f"frame {rendered.frame}: layer {name} is {values.shape} but the picture {image.shape[:2]}",
            )
        kept = [i for i, name in enumerate(names) if name not in layers]
        pictures = [name for name in layers if name in _PICTURE_CHANNELS]
        data = [name for name in layers if name in DATA_CHANNELS]
        lossy = self._compression is not None and self._compression.partition(":")[0] in LOSSY
        beside = [] if lossy else data
        stack = [image[:, :, kept], *(layers[n][:, :, None] for n in (*pictures, *beside))]
        first = NewPart(
            image=np.concatenate(stack, axis=2) if len(stack) > 1 or len(kept) < len(names) else image,
            channels=(*(names[i] for i in kept), *pictures, *beside),
            formats=(*([self._type] * (len(kept) + len(pictures))), *(["float"] * len(beside))),
            window=rendered.window,
            pixel_aspect=rendered.pixel_aspect,
            compression=self._compression,
            name="rgba",
            metadata=metadata,
        )
        if not lossy or not data:
            return [first]
        values = np.stack([layers[n] for n in data], axis=2)
        own = {name: value for name, value in metadata.items() if name in {"framesPerSecond", "smpte:TimeCode"}}
        floats = ("float",) * len(data)
        return [
            first,
            NewPart(values, tuple(data), floats, rendered.window, rendered.pixel_aspect, "zips", "data", own),
        ]

    def _flat(self, rendered: RenderedFrame, metadata: Mapping[str, object]) -> list[NewPart]:
        image = display_image(rendered.image[:, :, : colours_in(rendered.channels)], rendered.window)
        names = rendered.channels[: image.shape[2]]
        image = from_linear(image, names, self._info.working_space, self._space, False, self._colours)
        if self.file_format == "dpx":
            image, names = image[:, :, :3], names[:3]
        elif self._info.grey:
            image, names = np.delete(image, (1, 2), axis=2), ("Y", *names[3:])
        if self._type != "float":
            image = np.clip(image, 0, 1)
        window = Window.of_size(image.shape[1], image.shape[0])
        types = (self._type,) * len(names)
        entries = dict(metadata) | self._tags()
        return [NewPart(image, names, types, window, rendered.pixel_aspect, self._compression, metadata=entries)]

    def _tags(self) -> dict[str, object]:
        """How the file says its encoding, so that other programs show it alike."""
        if self.file_format != "dpx":
            return {"oiio:ColorSpace": self._space}
        linear = self._colours.is_linear(self._space)
        log = self._space == CINEON
        return {"dpx:Transfer": "Linear" if linear else "Printing density" if log else "ITU-R 709-4"}


def open_writer(output: Output, info: PlateInfo) -> FrameWriter:
    """Open the place of a result.

    Args:
        output: where and how, of the shot.
        info: of the plate, for what the shot leaves open.

    Raises:
        FormatError: unknown file type, compression, codec; layers in a file that holds none.
        ColourError: unknown colour space.
        OutputWriteError: the folder cannot be made or written.
        ShotError: a name of ``output.metadata`` is longer than 31 characters.
    """
    writer = _planned(output, info)
    open_folder(writer.folder, output.path)
    return writer


def check_settings(output: Output, info: PlateInfo) -> tuple[Notice, ...]:
    """Refuse what ``open_writer`` refuses; makes no folder. Gives what the result cannot keep of the plate.

    Raises:
        As ``open_writer``.
    """
    writer = _planned(output, info)
    check_folder(writer.folder)
    return writer.notices


def check_output(
    output: Output, plate: Plate, depth: Depth, frames: FrameRange | None = None, matte: Matte | None = None
) -> None:
    """Refuse to write over an input, frame by frame, through links too, or several frames into one still.

    Args:
        frames: those to be written; the plate's when not given.

    Raises:
        OutputExistsError: a frame of the result is a file of the plate, the depth or the matte.
        ShotError: several frames go to a path without a frame number.
        MediaError: the plate cannot be found.
    """
    if frames is None:
        from engine.media.source import open_source

        with closing(open_source(plate.path, "plate.path")) as source:
            frames = source.frames(plate.frames, "plate.path")
    require(
        len(frames) < 2 or is_movie(output.path) or not Pattern.parse(output.path).is_still,
        ShotError,
        f'output.path: "{output.path}" has no frame number, so that {len(frames)} frames would replace each other; '
        "write it like name.%04d.exr",
    )
    inputs = [("plate", plate.path, 0)] + ([("depth", depth.path, depth.frame_offset)] if depth.path else [])
    inputs += [("matte", matte.path, matte.frame_offset)] if matte else []
    for what, path, offset in inputs:
        for frame in frames:
            theirs, ours = _file(path, frame + offset), _file(output.path, frame)
            if _same(ours, theirs):
                raise OutputExistsError(
                    f"output.path: frame {frame} would replace the {what}'s own file {theirs}; choose another output"
                )
            if is_movie(output.path) and is_movie(path):
                break


def _planned(output: Output, info: PlateInfo) -> FrameWriter:
    check_name(output.path)
    if is_movie(output.path):
        from engine.media.movie_writing import MovieWriter

        return MovieWriter(output, info)
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
    return "uint10" if file_format == "dpx" else "uint16"


def _output_space(output: Output, info: PlateInfo, file_format: str, data_type: str, colours: ColourSpaces) -> str:
    if output.colour_space is not None:
        return colours.resolve(output.colour_space, "output.colour_space")
    is_float = data_type in {"half", "float"}
    theirs_float = info.data_type in {"half", "float"}
    if info.colour_space and file_format == info.file_format and is_float == theirs_float:
        return info.colour_space
    if is_float:
        return info.working_space or colours.linear
    return colours.default(file_format, False, {})


def _file(path: str, frame: int) -> Path:
    return Path(path) if is_movie(path) else Pattern.parse(path).path(frame)


def _same(ours: Path, theirs: Path) -> bool:
    if ours.exists() and theirs.exists():
        return ours.samefile(theirs)
    return Path(os.path.realpath(ours)) == Path(os.path.realpath(theirs))
