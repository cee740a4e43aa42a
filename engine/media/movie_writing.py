"""Writing movies: H.264 for review, ProRes for editing; under another name until they are finished."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self, cast

import av
import numpy as np

from engine.errors import FormatError, OutputExistsError, OutputWriteError, RackfocusError, require
from engine.files import discard, flush_file, place_file, temporary_path
from engine.frames import Float32Array, FrameRange, RenderedFrame, Window
from engine.media.attributes import check_names
from engine.media.colour import colour_spaces, untold
from engine.media.colour.video import UNSAID, Codes, codes_of
from engine.media.encoding import colour_notices, colours_in, display_image, from_linear
from engine.media.images import THREADS
from engine.media.kept import Kept
from engine.media.plate import PlateInfo
from engine.media.repair import made_finite
from engine.media.sequence import require_text
from engine.media.sound import SoundCopy, tried
from engine.media.video_planes import encoded
from engine.notices import Notice
from engine.shot import Output

__all__ = ["MovieWriter", "even_size", "require_one_size"]

SIGNATURE: Final = "Rackfocus"
"""The movie's comment, the one entry that all three containers keep; it tells our movies from others."""

_CONTAINERS: Final = {".mov": "mov", ".mp4": "mp4", ".m4v": "mp4", ".mkv": "matroska"}
_ENCODERS: Final = {"h264": "libx264", "hevc": "libx265", "prores": "prores_ks"}


class MovieWriter:
    """Writes one movie; frames must come in order.

    H.264: 8 bits, 4:2:0, visually lossless (CRF 12). HEVC: as H.264, with 10 bits; HLG and PQ are written so in .mp4.
    ProRes: 422 HQ in 10 bits, or 4444 where the result has alpha. Matrix of the primaries, video range, tagged so. The
    display window is written; an odd width or height is made even by repeating the last column or row. Without alpha,
    colours stand over black. The plate's sound is copied in step with the pictures (``sound``), and pictures of a
    varying rate keep their times (``clock``).
    """

    def __init__(self, output: Output, info: PlateInfo, frames: FrameRange | None = None) -> None:
        require_text(output.path)
        self._path = Path(output.path)
        self._info = info
        self._output = output
        self._lock = threading.Lock()
        check_names(output.metadata)
        require(
            not output.layers, FormatError, "output.layers: a movie holds no further layers; write EXR, or ask for none"
        )
        require(
            output.compression is None, FormatError, "output.compression: a movie has a codec instead; set output.codec"
        )
        require(output.data_type is None, FormatError, "output.data_type: movies hold no floats; leave it out")
        self._colours = colour_spaces()
        default = self._colours.default("movie", False)
        mirrored = info.colour_space if info.file_format == "movie" and info.colour_space else default
        asked = output.colour_space
        self._space = self._colours.resolve(asked, "output.colour_space") if asked else mirrored
        encoding = self._colours.said_as(self._space)
        self._codes = codes_of(encoding)
        self._codec = _codec(output, high_range=encoding is not None and encoding.is_high_range)
        self._kept = Kept.of(output, info, frames, _CONTAINERS[self._path.suffix.lower()], self._codec)
        self._clock = self._kept.clock
        self._sound: SoundCopy | None = None
        self._losses: list[Notice] = []
        self._temporary = temporary_path(self._path)
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._written = 0
        self._size = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close() if kind is None else self.abort()

    def path(self, frame: int) -> Path:
        """The movie, whatever the frame."""
        del frame
        return self._path

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See ``FrameWriter``."""
        untellable = [] if self._codes is not None else [untold(self._space, "a movie")]
        return (*self._kept.notices, *untellable, *colour_notices(self._info, self._space, self._colours))

    @property
    def losses(self) -> tuple[Notice, ...]:
        """See ``FrameWriter``."""
        return tuple(self._losses)

    @property
    def folder(self) -> Path:
        """The movie's folder."""
        return self._path.parent

    def check_kept(self, frames: FrameRange) -> None:
        """See ``FrameWriter``."""
        if not self._path.exists():
            return
        signature, count = _seen(self._path)
        require(
            signature.startswith(SIGNATURE),
            OutputExistsError,
            f"output.path: {self._path} exists and was not made by Rackfocus; choose another output or give "
            "--overwrite",
        )
        require(
            count <= len(frames),
            OutputExistsError,
            f"output.path: {self._path} has {count} frames and would be replaced by {len(frames)}; choose another "
            "output or give --overwrite",
        )

    def header(self, frame: int) -> Mapping[str, Any] | None:
        """None: a movie has no frames that could be kept."""
        del frame
        return None

    def is_whole(self, frame: int) -> Mapping[str, Any] | None:
        """None: a movie is always made anew."""
        del frame
        return None

    def write(self, rendered: RenderedFrame, layers: Mapping[str, Float32Array], metadata: Mapping[str, object]) -> int:
        """Append one frame; see ``FrameWriter.write``. ``layers`` must be empty; ``metadata`` is not kept."""
        del layers, metadata
        image = display_image(rendered.image[:, :, :4], rendered.window)
        alpha = colours_in(rendered.channels) == 4 and self._codec == "prores"
        colours = 4 if alpha else 3
        names, image = rendered.channels[:colours], image[:, :, :colours]
        image = from_linear(image, names, self._info.working_space, self._space, not alpha, self._colours)
        image, repaired = made_finite(image)
        even = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge")
        with self._lock:
            try:
                stream = self._stream or self._start(rendered, even.shape[1], even.shape[0], alpha)
                require_one_size(rendered.frame, self._path, even.shape[:2], self._size)
                frame = encoded(np.clip(even, 0, 1), str(stream.pix_fmt), self._tags())
                frame.pts, frame.time_base = self._clock.stamp(self._written), self._clock.base
                self._written += 1
                self._mux(stream.encode(frame))
            except RackfocusError:
                raise
            except (av.error.FFmpegError, OSError, ValueError) as error:
                raise self._failed(f"frame {rendered.frame}: ", error) from error
        return repaired

    def close(self) -> None:
        """Finish the movie and give it its name.

        Raises:
            OutputWriteError: full disk.
        """
        with self._lock:
            if self._container is None or self._stream is None:
                return
            container, stream = self._container, self._stream
            try:
                self._mux(stream.encode(None))
                self._end_sound(whole=True)
                self._container = self._stream = None
                container.close()
                flush_file(self._temporary)
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self._discard()
                raise self._failed("", error) from error
            place_file(self._temporary, self._path)

    def abort(self) -> None:
        """Remove what was written; a movie of that name from before stays."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        container, self._container, self._stream = self._container, None, None
        self._end_sound(whole=False)
        if container is not None:
            with suppress(av.error.FFmpegError, OSError):  # the file is removed in the next line
                container.close()
        discard(self._temporary)

    def _mux(self, packets: Sequence[av.Packet[Any]]) -> None:
        """Write pictures, each after the sound that is heard before it."""
        assert self._container is not None
        for packet in packets:
            if packet.pts is not None and packet.time_base is not None:
                if self._clock.varies:
                    packet.duration = round(self._clock.length(packet.pts * packet.time_base) / packet.time_base)
                if self._sound is not None:
                    self._sound.feed((packet.pts if packet.dts is None else packet.dts) * packet.time_base)
            self._container.mux_one(packet)

    def _end_sound(self, whole: bool) -> None:
        sound, self._sound = self._sound, None
        if sound is None:
            return
        try:
            if whole:
                sound.finish()
        finally:
            sound.close()
        if sound.problem:
            self._lost_sound(sound.problem)

    def _lost_sound(self, why: str) -> None:
        sentence = f"the plate's sound is damaged ({why}): it is left out of {self._path} where it cannot be read"
        self._losses.append(Notice("sound.damaged", sentence))

    def _start(self, rendered: RenderedFrame, width: int, height: int, alpha: bool) -> av.VideoStream:
        """Open the file and write its header."""
        self._size = (height, width)
        sound, problem = (None, "") if self._kept.sound is None else tried(self._kept.sound)
        if problem:
            self._lost_sound(problem)
        kind = _CONTAINERS[self._path.suffix.lower()]
        # Streams are interleaved here; where one has nothing to say the others are not held back in memory.
        container = av.open(str(self._temporary), "w", format=kind, options={"max_interleave_delta": "500000"})
        self._container = container
        container.metadata.update(self._kept.tags(rendered.metadata))
        container.metadata.update({**self._output.metadata, "comment": SIGNATURE})
        stream = self._picture_stream(container, rendered.pixel_aspect, alpha)
        self._sound = None if sound is None else SoundCopy(sound, container)
        container.start_encoding()
        self._stream = stream
        return stream

    def _picture_stream(
        self, container: av.container.OutputContainer, pixel_aspect: float, alpha: bool
    ) -> av.VideoStream:
        stream = cast(av.VideoStream, container.add_stream(_ENCODERS[self._codec], rate=self._clock.rate))
        stream.height, stream.width = self._size
        stream.metadata.update(self._kept.picture_tags)
        context = stream.codec_context
        context.thread_count = THREADS
        context.time_base = self._clock.base
        if self._codec == "h264":
            stream.pix_fmt = "yuv420p"
            # Pictures that are stored in another order than shown would blur the length of the last one.
            context.options = {"crf": "12", "preset": "fast", **({"bf": "0"} if self._clock.varies else {})}
        elif self._codec == "hevc":
            stream.pix_fmt = "yuv420p10le"
            # x265 prints by itself, and gives movies of one frame no times where it looks for B frames (PyAV 18.1);
            # Apple's players take the name hvc1 only.
            context.options = {"crf": "12", "preset": "fast", "x265-params": "log-level=none:bframes=0"}
            if self._path.suffix.lower() != ".mkv":
                context.codec_tag = "hvc1"
        else:
            stream.pix_fmt = "yuva444p10le" if alpha else "yuv422p10le"
            context.options = {"profile": "4444" if alpha else "hq", "vendor": "apl0"}
        context.sample_aspect_ratio = Fraction(pixel_aspect).limit_denominator(1000)
        codes = self._tags()
        context.colorspace, context.color_range = codes.matrix, 1
        context.color_primaries, context.color_trc = codes.primaries, codes.transfer
        return stream

    def _tags(self) -> Codes:
        """Codes of primaries, curve and matrix (ITU-T H.273), so that players and editors show the movie alike."""
        return self._codes or Codes(UNSAID, UNSAID, 1)

    def _failed(self, place: str, error: Exception) -> OutputWriteError:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return OutputWriteError(
            f"{place}the movie {self._path} cannot be written ({said}); free some space or choose another output"
        )


def require_one_size(frame: int, path: Path, size: tuple[int, ...], first: tuple[int, ...]) -> None:
    """Make sure that a frame is as high and wide as the movie's first.

    Raises:
        OutputWriteError: it is not.
    """
    require(
        size == first,
        OutputWriteError,
        f"frame {frame}: is {size[1]}x{size[0]} but the movie {path} is {first[1]}x{first[0]}; write a sequence "
        "instead",
    )


def even_size(window: Window) -> tuple[int, int]:
    """Height and width of a movie that shows a display window."""
    return window.display_height + window.display_height % 2, window.display_width + window.display_width % 2


def _seen(path: Path) -> tuple[str, int]:
    """Comment and number of frames of a movie; nothing and 0 for what is no movie."""
    try:
        with av.open(str(path)) as container:
            said = {name.lower(): text for name, text in container.metadata.items()}
            count = container.streams.video[0].frames if container.streams.video else 0
            return said.get("comment", ""), count
    except (av.error.FFmpegError, OSError):
        return "", 0


def _codec(output: Output, high_range: bool) -> str:
    suffix = Path(output.path).suffix.lower()
    require(
        suffix in _CONTAINERS,
        FormatError,
        f'output.path: movies of type "{suffix}" are not written; end it with .mov, .mp4 or .mkv',
    )
    codec = output.codec or ("prores" if suffix == ".mov" else "hevc" if high_range else "h264")
    require(
        codec != "prores" or (suffix != ".mp4" and suffix != ".m4v"),
        FormatError,
        f"output.codec: a {suffix} file cannot hold ProRes; write .mov, or use h264",
    )
    require(
        not (codec == "h264" and high_range),
        FormatError,
        "output.codec: H.264 is written with 8 bits, in which HLG and PQ show bands; use hevc, or prores in .mov, "
        'or set output.colour_space to a space of ordinary range, like "Gamma 2.4 Encoded Rec.709"',
    )
    require(
        _ENCODERS[codec] in av.codecs_available,
        FormatError,
        f"output.codec: this build of PyAV has no encoder {_ENCODERS[codec]} for {codec}; write .mov in ProRes",
    )
    return codec
