"""Opening movies: the container, the video stream that is meant, and a decoder that gives all of its picture.

One of the few modules that know PyAV's ways (18.1, FFmpeg 8.1): a stream whose codec has no decoder has no
``codec_context``; FFmpeg's own VP8 and VP9 decoders pass over alpha, which the libvpx ones read; entries of a header
may be no UTF-8; some demuxers (playlists, text drawn as pictures) open files that are no movies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import av
from av.stream import Discard, Disposition

from engine.errors import CorruptError, FormatError, RackfocusError, require
from engine.media.images import THREADS

__all__ = ["COVERS", "DAMAGE", "OpenMovie", "VideoPacket", "cause_of", "is_heif", "open_input", "open_movie"]

VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"

DAMAGE: Final = (av.error.FFmpegError, OSError, ValueError, OverflowError, MemoryError, RuntimeError)
"""What PyAV raises at damaged files."""

COVERS: Final = Disposition.attached_pic | Disposition.timed_thumbnails
"""Streams that are pictures about a movie, and not of it."""

_NO_MOVIES: Final = frozenset(
    {"hls", "concat", "dash", "tty", "image2", "sdp", "bin", "xbin", "idf", "adf", "ansi", "data", "ffmetadata"}
)
_HEIF: Final = frozenset({"heic", "heix", "heim", "heis", "mif1", "avif"})
_LOCKED: Final = frozenset({"drmi", "drms", "encv", "enca"})
_PLAUSIBLE: Final = 1 << 26
"""Pixels that a picture of any movie may have: 8192x8192."""

_BEST_RATIO: Final = 512
"""Pixels of a picture to bytes of its file, above that."""

_ALPHA_DECODERS: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_REMEDY: Final = "convert it to ProRes 422 HQ, DNxHR or an EXR sequence"


@dataclass
class OpenMovie:
    """A movie that is open for reading; a context manager.

    Attributes:
        path: of the file.
        container: PyAV's.
        stream: the video stream that is read.
        context: its decoder.
        others: sizes of the video streams that are not read.
        alpha_lost: whether it has alpha that this build cannot decode.
    """

    path: Path
    container: av.container.InputContainer
    stream: av.VideoStream
    context: av.VideoCodecContext
    others: tuple[str, ...] = ()
    alpha_lost: bool = False

    def __enter__(self) -> OpenMovie:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    @property
    def format_name(self) -> str:
        """FFmpeg's name of the container: ``mov,mp4,...``, ``matroska,webm``, ``mpegts`` ..."""
        return str(self.container.format.name)

    @property
    def codec_name(self) -> str:
        """The codec's name, whichever decoder reads it: ``h264``, ``prores``, ``vp9`` ..."""
        return str(self.context.codec.canonical_name)

    @property
    def is_intra_only(self) -> bool:
        """Whether every picture of the codec can be decoded by itself."""
        return bool(self.context.codec.intra_only)

    def packets(self) -> Iterator[VideoPacket]:
        """The stream's packets from here to the end, empty ones left out.

        Raises:
            FormatError: they are encrypted.
        """
        for packet in self.container.demux(self.stream):
            if packet.size:
                require(
                    not packet.has_sidedata("encryption_info"),
                    FormatError,
                    f"{self.path} is protected (encrypted) and cannot be decoded; give a copy without protection",
                )
                yield packet

    def decode(self, packet: VideoPacket | None) -> list[av.VideoFrame]:
        """The pictures that a packet lets out; None lets out the rest."""
        return list(self.context.decode(packet))

    def seek(self, moment: int) -> None:
        """Go to a key picture at or before a moment of the stream."""
        self.container.seek(moment, stream=self.stream, backward=True)
        self.context.flush_buffers()


def open_input(path: Path) -> av.container.InputContainer:
    """Open a file for reading; nothing that it names is opened from elsewhere.

    Raises:
        One of ``DAMAGE``.
    """
    return av.open(str(path), metadata_errors="replace", options={"protocol_whitelist": "file"})


def open_movie(path: str | Path, place: str, fast: bool = False) -> OpenMovie:
    """Open a movie and its decoder.

    Args:
        path: of the file, which exists.
        place: how errors name it: ``plate.path``.
        fast: decode pictures that are only counted, not looked at.

    Raises:
        CorruptError: it cannot be opened.
        FormatError: it has no picture, or one of a codec, size or protection that is not read.
    """
    file = Path(path)
    try:
        container = open_input(file)
    except DAMAGE as error:
        raise CorruptError(f"{place}: {file} cannot be read as a movie ({cause_of(error)}); export it again") from error
    try:
        return _opened(file, container, place, fast)
    except DAMAGE as error:
        container.close()
        raise CorruptError(f"{place}: {file} is damaged ({cause_of(error)}); export it again") from error
    except RackfocusError:
        container.close()
        raise


def cause_of(error: BaseException) -> str:
    """What a library says of an error, as part of a sentence."""
    text = str(getattr(error, "strerror", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def is_heif(container: av.container.InputContainer) -> bool:
    """Whether a container is a still of HEIF or AVIF, which FFmpeg gives as the streams of its tiles."""
    return str(container.metadata.get("major_brand", "")).strip() in _HEIF


def _opened(file: Path, container: av.container.InputContainer, place: str, fast: bool) -> OpenMovie:
    names = set(str(container.format.name).split(","))
    require(
        not names & _NO_MOVIES,
        FormatError,
        f"{place}: {file} is of type {container.format.name}, which is no movie; give the movie itself",
    )
    require(
        not any("webp" in name for name in names),
        FormatError,
        f"{place}: {file} is an animated WebP, for which there is no decoder here; convert it to an MP4 or PNG files",
    )
    require(
        not is_heif(container),
        FormatError,
        f"{place}: {file} is a HEIF or AVIF still, which is not read; convert it to EXR, PNG or TIFF",
    )
    stream, others = _stream_of(file, container, place)
    context, alpha_lost = _decoder_of(file, container, stream, place)
    _check_size(file, context, place)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    # One value for all threads: decoders refuse what grows beyond it in the middle.
    options = {"max_pixels": str(_limit(file))}
    if fast:
        options |= {"skip_loop_filter": "all", "skip_idct": "all"}
    context.options = options
    context.thread_type = "AUTO"
    context.thread_count = THREADS
    return OpenMovie(file, container, stream, context, others, alpha_lost)


def _stream_of(
    file: Path, container: av.container.InputContainer, place: str
) -> tuple[av.VideoStream, tuple[str, ...]]:
    """The stream that a player shows: the default one, never a cover; and what the others are."""
    streams = [stream for stream in container.streams.video if not stream.disposition & COVERS]
    what = "sound and a cover picture only" if container.streams.video else "no video in it"
    require(bool(streams), FormatError, f"{place}: {file} has {what}; give another movie")
    default = [stream for stream in streams if stream.disposition & Disposition.default]
    decodable = [stream for stream in default or streams if stream.codec_context is not None]
    chosen = (decodable or default or streams)[0]
    return chosen, tuple(_size_of(stream) for stream in streams if stream.index != chosen.index)


def _size_of(stream: av.VideoStream) -> str:
    context: av.VideoCodecContext | None = stream.codec_context
    return "unknown" if context is None else f"{context.width}x{context.height} {context.codec.canonical_name}"


def _decoder_of(
    file: Path, container: av.container.InputContainer, stream: av.VideoStream, place: str
) -> tuple[av.VideoCodecContext, bool]:
    """The decoder of a stream, and whether it loses alpha."""
    context: av.VideoCodecContext | None = stream.codec_context  # whatever PyAV's own types say
    if context is None:
        name = _codec_name(container, stream.index)
        locked = name.partition("/")[0] in _LOCKED
        raise FormatError(
            f"{place}: {file} is protected (codec {name}) and cannot be decoded; give a copy without protection"
            if locked
            else f"{place}: {file} has pictures of the codec {name}, for which there is no decoder here; {_REMEDY}"
        )
    if stream.metadata.get("alpha_mode") != "1":
        return context, False
    other = _ALPHA_DECODERS.get(context.name)
    if other is None:
        return context, True
    try:
        made = av.codec.CodecContext.create(other, "r")
    except (av.error.FFmpegError, ValueError):
        return context, True
    assert isinstance(made, av.VideoCodecContext)
    made.extradata = context.extradata
    return made, False


def _codec_name(container: av.container.InputContainer, index: int) -> str:
    """The four letters of a codec without decoder, which FFmpeg says in its log only."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        told = str(container.dumps_format())  # type: ignore[attr-defined]
    finally:
        av.logging.set_level(level)
    found = re.search(rf"Stream #0:{index}\b[^\n]*?Video: (\w+)(?: \(([^)]*)\))?", told)
    if found is None:
        return "unknown"
    name, tag = found[1], (found[2] or "").partition(" / ")
    return f"{tag[0].strip()}" if name == "none" and tag[0] else f"{name}"


def _limit(file: Path) -> int:
    return min(max(_PLAUSIBLE, _BEST_RATIO * file.stat().st_size), 1 << 29)


def _check_size(file: Path, context: av.VideoCodecContext, place: str) -> None:
    """Refuse pictures that a file of this size cannot hold, before memory is taken for them."""
    width, height = context.width, context.height
    require(
        width * height <= _limit(file),
        CorruptError,
        f"{place}: {file} claims {width}x{height} pixels but has only {file.stat().st_size} bytes; export it again",
    )
