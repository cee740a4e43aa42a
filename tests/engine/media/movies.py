"""Small movies whose every picture tells its number, as phones, cameras, editors and networks write them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from engine.frames import Float32Array

BITS = 8
SIZE = (64, 96)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) bytes: columns that spell a number; green at the top and red at the bottom, so that up is known."""
    image = np.zeros((*size, 3), np.uint8)
    for bit in range(BITS):
        image[:, bit * size[1] // BITS : (bit + 1) * size[1] // BITS] = 210 if number >> bit & 1 else 40
    image[: size[0] // 4] = (30, 200, 30)
    image[-size[0] // 4 :] = (210, 60, 60)
    return image


def number_of(image: Float32Array) -> int:
    """The number that a picture spells, (H, W, C) in any scale."""
    height = image.shape[0]
    threshold = (float(image[height // 8, :, 0].mean()) + float(image[height * 7 // 8, :, 0].mean())) / 2
    rows = image[height * 3 // 8 : height * 5 // 8, :, 0].mean(axis=0)
    columns = np.array_split(rows, BITS)
    return sum(1 << bit for bit, column in enumerate(columns) if float(np.median(column)) > threshold)


def make(
    path: Path,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    count: int = 30,
    rate: Fraction = Fraction(25),
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
    moments: Sequence[int] | None = None,
    base: Fraction | None = None,
    size: tuple[int, int] = SIZE,
    prepare: Callable[[Any, Any], None] = lambda _container, _stream: None,
    images: Callable[[int], np.ndarray] | None = None,
    form: str | None = None,
) -> Path:
    """Write a movie.

    Args:
        moments: of each picture in ticks of ``base``; one frame apart when not given.
        prepare: called with the container and the stream before the first picture.
        images: (H, W, 3 or 4) bytes of each picture; the one that spells its number when not given.
        form: of the container, where the suffix does not say it.
    """
    with av.open(str(path), "w", format=form, options=dict(container or {})) as movie:
        stream = movie.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], pixel_format
        stream.codec_context.options = dict(options or {})
        if base is not None:
            stream.codec_context.time_base = base
        prepare(movie, stream)
        for number in range(count):
            image = images(number) if images else picture(number, size)
            frame = av.VideoFrame.from_ndarray(image, "rgba" if image.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = moments[number] if moments else number, base or 1 / rate
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode(None))
    return path


def copied(source: Path, path: Path, keep: Callable[[Any], bool] = lambda _packet: True, **container: str) -> Path:
    """A copy of a movie's packets without coding them anew, as a trim without re-encoding makes it."""
    with av.open(str(source)) as theirs, av.open(str(path), "w", options=container) as ours:
        stream = ours.add_stream_from_template(theirs.streams.video[0], opaque=True)
        for packet in theirs.demux(theirs.streams.video[0]):
            if packet.size and keep(packet):
                packet.stream = stream
                ours.mux(packet)
    return path


def as_decoded(path: Path) -> list[int]:
    """The numbers of a movie's pictures as FFmpeg decodes them from the start: the truth that readers are held to."""
    shown: list[int] = []
    with av.open(str(path)) as movie:
        for packet in movie.demux(video=0):
            with suppress(av.error.InvalidDataError):  # before the first key picture, some decoders do not like it
                shown += [number_of(frame.to_ndarray(format="rgb24").astype(np.float32)) for frame in packet.decode()]
    return shown


def with_edits(source: Path, path: Path, edits: Sequence[tuple[int, int]], rate: int = 25) -> Path:
    """A copy of a QuickTime or MP4 file with another edit list, as editors and phones write them for a trim.

    Args:
        edits: pieces of the clip in the order shown: how many frames, and from which on; -1 shows nothing.
    """
    data = bytearray(source.read_bytes())

    def number(place: int) -> int:
        return int.from_bytes(data[place : place + 4], "big")

    movie, track = data.index(b"moov") - 4, data.index(b"trak", data.index(b"moov")) - 4
    ticks, scale = number(data.index(b"mvhd", movie) + 16), number(data.index(b"mdhd", movie) + 16)
    body = b"".join(
        struct.pack(">IiI", round(count * ticks / rate), round(first * scale / rate) if first >= 0 else -1, 1 << 16)
        for count, first in edits
    )
    made = struct.pack(">I4sI4sII", 24 + len(body), b"edts", 16 + len(body), b"elst", 0, len(edits)) + body
    place = data.find(b"edts", movie) - 4
    old = number(place) if place > 0 else 0
    if place < 0:
        place = track + 8 + number(track + 8)
    data[place : place + old] = made
    for box in (movie, track):
        data[box : box + 4] = (number(box) + len(made) - old).to_bytes(4, "big")
    path.write_bytes(data)
    return path


B_FRAMES = {"g": "8", "bf": "2"}
OPEN_GOP = {**B_FRAMES, "x264-params": "open-gop=1"}
HEVC = {"x265-params": "keyint=8:min-keyint=8:bframes=3:open-gop=1:log-level=0"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
HIDDEN = {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "12"}

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "phone.mp4": ("libx264", "yuv420p", {"options": B_FRAMES}),
    "iphone.mov": ("libx265", "yuv420p", {"options": HEVC}),
    "fragmented.mp4": (
        "libx264",
        "yuv420p",
        {"options": B_FRAMES, "container": {"movflags": "frag_keyframe+empty_moov"}},
    ),
    "camcorder.mts": ("libx264", "yuv420p", {"options": OPEN_GOP, "form": "mpegts"}),
    "broadcast.ts": ("mpeg2video", "yuv420p", {"options": B_FRAMES}),
    "hevc.ts": ("libx265", "yuv420p", {"options": HEVC}),
    "disc.mpg": ("mpeg2video", "yuv420p", {"options": B_FRAMES}),
    "xdcam.mxf": ("mpeg2video", "yuv422p", {"options": B_FRAMES}),
    "avid.mxf": ("dnxhd", "yuv422p", {"options": {"profile": "dnxhr_sq"}, "size": (128, 256)}),
    "editor.mov": ("prores_ks", "yuv422p10le", {}),
    "animation.mov": ("qtrle", "rgb24", {}),
    "stills.mov": ("png", "rgb24", {}),
    "jpeg.mov": ("mjpeg", "yuvj420p", {}),
    "old.avi": ("mpeg4", "yuv420p", {"options": B_FRAMES}),
    "h264.avi": ("libx264", "yuv420p", {"options": B_FRAMES}),
    "jpeg.avi": ("mjpeg", "yuvj420p", {}),
    "ffmpeg.mkv": ("libx264", "yuv420p", {"options": OPEN_GOP}),
    "archive.mkv": ("ffv1", "yuv420p", {}),
    "web.webm": ("libvpx-vp9", "yuv420p", {"options": HIDDEN}),
    "old.webm": ("libvpx", "yuv420p", {"options": HIDDEN}),
    "av1.mp4": ("libsvtav1", "yuv420p", {"options": {"g": "12", "preset": "12", "crf": "15"}}),
    "av1.mkv": ("libsvtav1", "yuv420p", {"options": {"g": "12", "preset": "12", "crf": "15"}}),
    "raw.h264": ("libx264", "yuv420p", {"options": B_FRAMES}),
    "raw.m2v": ("mpeg2video", "yuv420p", {"options": B_FRAMES}),
    "phone.3gp": ("mpeg4", "yuv420p", {"options": B_FRAMES}),
    "windows.wmv": ("wmv2", "yuv420p", {"options": {"g": "8"}}),
    "flash.flv": ("flv", "yuv420p", {"options": {"g": "8"}}),
    "pipe.y4m": ("rawvideo", "yuv420p", {}),
    "drawn.gif": ("gif", "rgb8", {}),
    "drawn.apng": ("apng", "rgb24", {}),
    "refresh.mp4": ("libx264", "yuv420p", {"options": {"g": "8", "x264-params": "intra-refresh=1"}}),
}
"""Kinds of movies: codec, pixel format and what else ``make`` takes."""


def make_kind(folder: Path, kind: str, count: int = 30) -> Path:
    """A movie of a kind."""
    codec, pixel_format, rest = KINDS[kind]
    return make(folder / kind, codec, pixel_format, count, **rest)
