"""Reading still image files; with ``saving`` and ``attributes`` the only module that knows OpenImageIO's ways.

``read_image`` decodes in OpenImageIO's own threads and lets go of Python's interpreter lock meanwhile (3.2.2, measured:
another thread keeps about half of one of two cores, the other half being taken by the decoder). Each call opens its own
``ImageInput``, so any thread may call.

Seen in OpenImageIO 3.2.2: a truncated EXR gives ``None`` from ``read_image``, or no file at all; a corrupt header may
ask for tens of gigabytes, which is refused here before anything is allocated.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
from numpy.typing import NDArray

from engine.errors import ChannelError, CorruptError, FormatError, MissingFrameError, require
from engine.frames import Float32Array, Window
from engine.media.attributes import header_values
from engine.media.blame import CAMERA_RAW, damage_of_png, explain, is_subsampled, what_it_is
from engine.media.orientation import UPRIGHT, is_turned, known_orientation, upright, upright_window

__all__ = ["Header", "Part", "read_header", "read_integers", "read_pixels", "require_readable"]

THREADS: Final = min(4, os.cpu_count() or 1)
"""OpenImageIO's own threads: the renderer beside them needs the cores more."""

oiio.attribute("threads", THREADS)
oiio.attribute("exr_threads", THREADS)

_PLAUSIBLE: Final = 1 << 28
"""Bytes of pixels that any file may have; above it they must be in some proportion to the file's size."""

_ONE_PICTURE: Final = frozenset({"webp"})
"""Looking for a second picture, OpenImageIO 3.2.2 loses the first."""

_OLDER_READER: Final = threading.Lock()

_BEST_RATIO: Final = 20_000
"""Pixels to file, in bytes, of the best compression of black frames (EXR zip: about 1000; wavelets: a few thousand)."""


@dataclass(frozen=True)
class Part:
    """One part of an image file; a file that is not multi-part has one.

    Attributes:
        number: from 0.
        name: of the part; empty where it has none.
        channels: their names, in the file's order.
        formats: each channel's data type: ``half``, ``float``, ``uint8``, ``uint16``, ``uint`` ...
        bits: significant bits of an integer value (10 for a 10-bit DPX); 0 for floats.
        window: data and display window.
        pixel_aspect: width of a pixel over its height.
        compression: as the file names it; empty where it has none.
        deep: whether it holds deep samples.
        metadata: the header's entries.
        orientation: how the file stores it, 1 to 8 as in Exif; the windows and what is read are upright.
    """

    number: int
    name: str
    channels: tuple[str, ...]
    formats: tuple[str, ...]
    bits: int
    window: Window
    pixel_aspect: float
    compression: str
    deep: bool
    metadata: Mapping[str, Any]
    orientation: int = UPRIGHT


@dataclass(frozen=True)
class Header:
    """What an image file says of itself.

    Attributes:
        path: of the file.
        file_format: OpenImageIO's name: ``openexr``, ``png``, ``tiff``, ``dpx``, ``jpeg`` ...
        parts: one or more.
    """

    path: Path
    file_format: str
    parts: tuple[Part, ...]

    @property
    def channels(self) -> str:
        """The channels of all parts, for a person."""
        named = [(f"{part.name or part.number}: " if len(self.parts) > 1 else "", part.channels) for part in self.parts]
        return "; ".join(f"{name}{', '.join(channels)}" for name, channels in named)


def read_header(path: Path, frame: int | None = None) -> Header:
    """Read what a file says of itself, without its pixels.

    Raises:
        MissingFrameError: there is no such file.
        CorruptError: it is damaged.
        FormatError: it is not an image, or of a kind that is not read.
    """
    with _damage_told(path, frame), _Opened(path, frame) as opened:
        return opened.header()


def read_pixels(
    path: Path, part: int, channels: Sequence[str], frame: int | None = None
) -> tuple[Header, Float32Array]:
    """Read channels of one part as they are: no colour transform, alpha not multiplied in, integers as 0..1.

    Returns:
        The header, and (H, W, C) float32 in the order asked for.

    Raises:
        MissingFrameError, CorruptError, FormatError: as ``read_header``.
        ChannelError: a channel is not in that part.
    """
    with _damage_told(path, frame), _Opened(path, frame, sums=True) as opened:
        header = opened.header()
        require(
            0 <= part < len(header.parts),
            ChannelError,
            f"{opened.place}: there is no part {part}; it has {len(header.parts)}",
        )
        require_readable(header, header.parts[part], channels, frame)
        return header, opened.pixels(header.parts[part], channels)


def read_integers(path: Path, part: int, channels: Sequence[str], frame: int | None = None) -> NDArray[np.uint32]:
    """Read channels of whole numbers as they are: 32-bit floats hold them up to 16 million only.

    Returns:
        (H, W, C) uint32 in the order asked for.

    Raises:
        As ``read_pixels``.
    """
    with _damage_told(path, frame), _Opened(path, frame) as opened:
        header = opened.header()
        require_readable(header, header.parts[part], channels, frame)
        return opened.decoded(header.parts[part], channels, oiio.UINT).astype(np.uint32, copy=False)


def require_readable(header: Header, part: Part, channels: Sequence[str], frame: int | None = None) -> None:
    """Refuse what ``read_pixels`` refuses by the header alone.

    Raises:
        FormatError: the part holds deep samples.
        ChannelError: a channel is not in it.
        CorruptError: a file of this size cannot hold that many pixels; told before memory is taken for them.
    """
    place = f"frame {frame}: {header.path}" if frame is not None else str(header.path)
    require(not part.deep, FormatError, f"{place} holds deep samples, which are not read; flatten it first")
    for name in channels:
        if name not in part.channels:
            raise ChannelError(f'{place} has no channel "{name}"; it has {", ".join(part.channels)}')
    need = part.window.width * part.window.height * len(part.channels) * 4
    if need <= _PLAUSIBLE:
        return
    size = header.path.stat().st_size if header.path.is_file() else 0
    require(
        need <= _BEST_RATIO * size,
        CorruptError,
        f"{place} claims {part.window.width}x{part.window.height} pixels but has only {size} bytes; render or copy it "
        "again",
    )


@contextmanager
def _damage_told(path: Path, frame: int | None) -> Iterator[None]:
    """Turn what OpenImageIO's binding throws at a damaged file into CorruptError.

    Names, texts and even its own messages of such a file may not be UTF-8, and sizes may be beyond all memory.
    """
    try:
        yield
    except (UnicodeDecodeError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        place = f"frame {frame}: {path}" if frame is not None else str(path)
        raise CorruptError(
            f"{place} is damaged ({type(error).__name__} while reading); render or copy it again"
        ) from error
    except OSError as error:
        place = f"frame {frame}: {path}" if frame is not None else str(path)
        raise MissingFrameError(f"{place} cannot be reached ({error.strerror}); check its folder") from error


class _Opened:
    """An open file; a context manager."""

    def __init__(self, path: Path, frame: int | None, *, sums: bool = False) -> None:
        self.place = f"frame {frame}: {path}" if frame is not None else str(path)
        self._path = path
        self._size = self._size_of_file()
        self._look_first(sums=sums)
        opened = oiio.ImageInput.open(str(path), _as_stored())
        if opened is None:
            said = oiio.geterror()
            opened = self._luminance_and_chroma() if is_subsampled(said) else None
            if opened is None:
                known = path.suffix.lower().lstrip(".") in _suffixes()
                raise explain(path, self.place, said, opened=False, known=known)
        self._input = opened

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()

    def _size_of_file(self) -> int:
        try:
            folder = self._path.is_dir()
            require(not folder, MissingFrameError, f"{self.place} is a folder, not a picture; give the files in it")
            require(
                self._path.is_file(), MissingFrameError, f"{self.place} does not exist; render it or correct the path"
            )
            return self._path.stat().st_size
        except OSError as error:
            raise MissingFrameError(f"{self.place} cannot be reached ({error.strerror}); check its folder") from error

    def _look_first(self, *, sums: bool) -> None:
        """Refuse what OpenImageIO would take for something else, or speak of to the terminal."""
        if not os.access(self._path, os.R_OK):
            raise MissingFrameError(f"{self.place} may not be read by this user; change its permissions")
        if self._size == 0:
            raise CorruptError(f"{self.place} is empty; render or copy it again")
        if self._path.suffix.lower() in CAMERA_RAW:
            what = what_it_is(self._path)
            require(what is None, FormatError, f"{self.place} is {what}")
        damage = damage_of_png(self._path, sums=sums)
        require(
            damage is None, CorruptError, f"{self.place} is truncated or damaged ({damage}); render or copy it again"
        )

    def _luminance_and_chroma(self) -> oiio.ImageInput | None:
        """OpenEXR's older reader makes R, G, B of Y, RY, BY, whose chroma has half the size (OpenImageIO 3.2.2)."""
        with _OLDER_READER:
            oiio.attribute("openexr:core", 0)
            try:
                return oiio.ImageInput.open(str(self._path), _as_stored())
            finally:
                oiio.attribute("openexr:core", 1)

    def _seen(self, stored: Window, orientation: int) -> Window:
        if self._input.format_name() == "dpx" and is_turned(orientation):
            # OpenImageIO 3.2.2 tells the data's size of a lying DPX as it is seen, and the display's as it is stored.
            return Window.of_size(stored.width, stored.height)
        return upright_window(stored, orientation)

    def header(self) -> Header:
        parts: list[Part] = []
        while self._input.seek_subimage(len(parts), 0):
            parts.append(self._part(len(parts), self._input.spec()))
            if self._input.format_name() in _ONE_PICTURE:
                break
            if len(parts) > 4096:
                raise CorruptError(f"{self.place} claims more than 4096 parts; render or copy it again")
        self._input.geterror()  # the error of seeking behind the last part
        if not parts:
            raise CorruptError(f"{self.place} has no picture in it; render or copy it again")
        plain = all(part.window == Window.of_size(part.window.width, part.window.height) for part in parts)
        require(
            plain or not parts[0].metadata.get("openexr:luminancechroma"),
            FormatError,
            f"{self.place} holds luminance and chroma (Y, RY, BY) in a data window of its own, which is not read; "
            "write it again as R, G, B",
        )
        return Header(self._path, self._input.format_name(), tuple(parts))

    def _part(self, number: int, spec: oiio.ImageSpec) -> Part:
        formats = tuple(str(f) for f in spec.channelformats) or (str(spec.format),) * spec.nchannels
        aspect = spec.get_float_attribute("PixelAspectRatio", 1.0)
        # For floats the header's "bits" say nothing new.
        floats = spec.format.basetype in {oiio.HALF, oiio.FLOAT, oiio.DOUBLE}
        bits = 0 if floats else spec.get_int_attribute("oiio:BitsPerSample", 8 * spec.format.size())
        window = Window(
            *(spec.x, spec.y, spec.width, spec.height),
            *(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        )
        orientation = known_orientation(spec.get_int_attribute("Orientation", UPRIGHT))
        aspect = aspect if 0 < aspect < float("inf") else 1.0
        if is_turned(orientation):
            aspect = 1 / aspect
        return Part(
            number=number,
            name=spec.get_string_attribute("oiio:subimagename") or spec.get_string_attribute("name"),
            channels=tuple(spec.channelnames),
            formats=formats,
            bits=bits,
            window=self._seen(window, orientation),
            pixel_aspect=aspect,
            compression=spec.get_string_attribute("compression"),
            deep=bool(spec.deep),
            metadata=header_values(spec),
            orientation=orientation,
        )

    def pixels(self, part: Part, channels: Sequence[str]) -> Float32Array:
        return self.decoded(part, channels, oiio.FLOAT).astype(np.float32, copy=False)

    def decoded(self, part: Part, channels: Sequence[str], kind: oiio.BASETYPE) -> NDArray[Any]:
        places = [part.channels.index(name) for name in channels]
        first, last = min(places), max(places) + 1
        found = self._input.read_image(part.number, 0, first, last, kind)
        said = self._input.geterror()
        # A file may decode in part and still say that something was wrong with it.
        if found is None or said:
            raise explain(self._path, self.place, said or "it cannot be decoded", opened=True)
        rows, columns = part.window.height, part.window.width
        if is_turned(part.orientation):
            rows, columns = columns, rows
        pixels = upright(found.reshape(rows, columns, last - first), part.orientation)
        wanted = [place - first for place in places]
        picked = pixels if wanted == list(range(last - first)) else pixels[:, :, wanted]
        return np.ascontiguousarray(picked)


def _suffixes() -> frozenset[str]:
    """Suffixes of the file types that OpenImageIO reads here."""
    listed = oiio.get_string_attribute("extension_list")
    return frozenset(suffix for entry in listed.split(";") for suffix in entry.partition(":")[2].split(","))


def _as_stored() -> oiio.ImageSpec:
    """Colour is linearised before alpha is multiplied in; OpenImageIO would do it the other way round."""
    hints = oiio.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)
    return hints
