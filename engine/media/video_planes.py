"""Video frames to R'G'B' and back: matrices, ranges, chroma.

Done here in floats, because FFmpeg's scaler rounds to eight bits on some ways and guesses the matrix by itself. It is
used only to unpack formats and to bring chroma to full size, where it changes neither matrix nor range (PyAV 18.1).
"""

from __future__ import annotations

from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import FormatError, require
from engine.frames import Float32Array
from engine.media.colour.video import IDENTITY, REFUSED, UNSAID, YCGCO, Codes, weights_of

__all__ = [
    "REC709_CODES",
    "bits_of",
    "colour_entries",
    "decoded",
    "encoded",
    "has_alpha",
    "luma",
    "require_readable",
]

REC709_CODES: Final = Codes(1, 1, 1)

_NARROW: Final = 1
_FULL: Final = 2
_SILENT: Final = frozenset({0, UNSAID, 3})
"""Codes by which nothing is said."""

_GREY_WITH_ALPHA: Final = ("ya8", "ya16le", "ya16be")

_PLANAR_DEPTHS: Final = (8, 9, 10, 12, 14, 16)
_ALPHA_DEPTHS: Final = (8, 9, 10, 12, 16)


def bits_of(frame: av.VideoFrame) -> int:
    """Significant bits of a value."""
    return max(component.bits for component in frame.format.components)


def has_alpha(frame: av.VideoFrame) -> bool:
    """Whether the frame's format has alpha."""
    return any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"


def require_readable(frame: av.VideoFrame, place: str) -> None:
    """Refuse pictures that are no R'G'B' and cannot be made so here.

    Raises:
        FormatError: they are a sensor's mosaic, X'Y'Z' of a cinema package, or of a format that cannot be unpacked.
    """
    name = frame.format.name
    require(
        not name.startswith("bayer"),
        FormatError,
        f"{place} holds a sensor's raw mosaic ({name}); develop it in the camera's own software, to ProRes or EXR",
    )
    require(
        not name.startswith("xyz"),
        FormatError,
        f"{place} holds X'Y'Z' of a cinema package ({name}); convert it to R'G'B' first, to ProRes or EXR",
    )
    try:
        decoded(av.VideoFrame(16, 16, name))
    except FormatError as error:
        raise FormatError(f"{place}: {error.message}") from error


def decoded(frame: av.VideoFrame) -> tuple[Float32Array, Float32Array]:
    """R'G'B' (and straight alpha) as (H, W, 3 or 4) float32, and luma as (H, W) float32, all 0..1 of the frame's range.

    Raises:
        FormatError: the pixel format is not one that can be unpacked, or the matrix not one that is read.
    """
    alpha = has_alpha(frame)
    if frame.format.is_rgb or frame.format.name in {"pal8", *_GREY_WITH_ALPHA}:
        planes, bits = _unpacked(
            frame, "gbrap" if alpha else "gbrp", (8, 10, 12, 14, 16) if not alpha else (8, 10, 12, 16)
        )
        # Planes of G, B and R come from video codecs, and are of video range where these say so.
        narrow = frame.format.name.startswith("gbr") and int(frame.color_range) == _NARROW
        green, blue, red = (_scaled(plane, bits, not narrow) for plane in planes[:3])
        rgb = np.stack([red, green, blue, *(plane / np.float32(2**bits - 1) for plane in planes[3:])], axis=2)
        rgb = rgb.astype(np.float32, copy=False)
        return rgb, (rgb[:, :, :3] @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)
    if len(frame.format.components) <= 2:
        planes, bits = _unpacked(frame, "gray", (8, 9, 10, 12, 14, 16))
        grey = _scaled(planes[0], bits, _is_full(frame))
        return np.repeat(grey[:, :, None], 3, axis=2), grey
    planes, bits = _unpacked(frame, "yuva444p" if alpha else "yuv444p", _ALPHA_DEPTHS if alpha else _PLANAR_DEPTHS)
    full = _is_full(frame)
    grey = _scaled(planes[0], bits, full)
    if int(frame.colorspace) == IDENTITY and "444" in frame.format.name:
        colours = _scaled(planes[2], bits, full), grey, _scaled(planes[1], bits, full)
    else:
        middle, span = 2 ** (bits - 1), (2**bits - 1) if full else 224 * 2 ** (bits - 8)
        blueness, redness = ((plane.astype(np.float32) - middle) / np.float32(span) for plane in planes[1:3])
        colours = _from_chroma(frame, grey, blueness, redness)
    rest = [plane / np.float32(2**bits - 1) for plane in planes[3:]]
    return np.stack([*colours, *rest], axis=2).astype(np.float32), grey


def luma(rgb: Float32Array, weights: tuple[float, float]) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Luma (0..1), blue and red differences (-0.5..0.5) of (H, W, 3) R'G'B'; the weights are those of red and blue."""
    red_weight, blue_weight = weights
    red, green, blue = (rgb[:, :, i] for i in range(3))
    grey = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    return grey, (blue - grey) / (2 * (1 - blue_weight)), (red - grey) / (2 * (1 - red_weight))


def encoded(image: Float32Array, pixel_format: str, codes: Codes = REC709_CODES) -> av.VideoFrame:
    """A video frame of video range, with its colour codes.

    Args:
        image: (H, W, 3 or 4) R'G'B' and straight alpha, 0..1; width and height even.
        pixel_format: ``yuv420p``, ``yuv420p10le``, ``yuv422p10le`` or ``yuva444p10le``.
        codes: its matrix is applied.
    """
    bits = 10 if "10" in pixel_format else 8
    steps = 2 ** (bits - 8)
    grey, blueness, redness = luma(image, weights_of(codes.matrix, codes.primaries, image.shape[0]))
    chroma = [_subsampled(plane, pixel_format) for plane in (blueness, redness)]
    planes = [16 * steps + 219 * steps * grey, *(128 * steps + 224 * steps * plane for plane in chroma)]
    if pixel_format.startswith("yuva"):
        planes.append(image[:, :, 3] * (2**bits - 1))
    frame = av.VideoFrame(image.shape[1], image.shape[0], pixel_format)
    kind = np.uint16 if bits > 8 else np.uint8
    for plane, values in zip(frame.planes, planes, strict=True):
        _fill(plane, np.rint(np.clip(values, 0, 2**bits - 1)).astype(kind))
    # The encoders believe the frame, not the stream.
    frame.colorspace, frame.color_range = codes.matrix, 1
    frame.color_primaries, frame.color_trc = codes.primaries, codes.transfer
    return frame


def colour_entries(frame: av.VideoFrame, context: av.VideoCodecContext) -> dict[str, int]:
    """What a movie says of its colours: ``movie:primaries``, ``movie:transfer``, ``movie:matrix`` (H.273),
    ``movie:dolby_vision`` where it has metadata of that.
    """
    pairs = {
        "movie:primaries": (frame.color_primaries, context.color_primaries),
        "movie:transfer": (frame.color_trc, context.color_trc),
        "movie:matrix": (frame.colorspace, context.colorspace),
    }
    # Some decoders leave a frame without the codes that stand in the container.
    found = {
        name: next((int(code) for code in codes if int(code) not in _SILENT), UNSAID) for name, codes in pairs.items()
    }
    if int(frame.colorspace) == IDENTITY and frame.format.is_rgb:
        found["movie:matrix"] = IDENTITY
    dolby = any("DOVI" in str(side) for side in frame.side_data) or str(context.codec_tag).startswith("dv")
    return found | ({"movie:dolby_vision": 1} if dolby else {})


def _is_full(frame: av.VideoFrame) -> bool:
    return int(frame.color_range) == _FULL or frame.format.name.startswith("yuvj")


def _scaled(plane: NDArray[np.integer[Any]], bits: int, full: bool) -> Float32Array:
    steps = 2 ** (bits - 8)
    black, span = (0, 2**bits - 1) if full else (16 * steps, 219 * steps)
    return ((plane.astype(np.float32) - black) / np.float32(span)).astype(np.float32)


def _from_chroma(
    frame: av.VideoFrame, grey: Float32Array, blueness: Float32Array, redness: Float32Array
) -> tuple[Float32Array, Float32Array, Float32Array]:
    matrix = int(frame.colorspace)
    if matrix == YCGCO:  # the planes are green and orange
        rest = grey - blueness
        return rest + redness, grey + blueness, rest - redness
    if matrix in REFUSED:
        raise FormatError(
            f"the movie's matrix is {REFUSED[matrix]}, which is not read; export it as Rec.2020 (bt2020nc)"
        )
    return _from_luma(grey, blueness, redness, weights_of(matrix, int(frame.color_primaries), frame.height))


def _from_luma(
    grey: Float32Array, blueness: Float32Array, redness: Float32Array, weights: tuple[float, float]
) -> tuple[Float32Array, Float32Array, Float32Array]:
    red_weight, blue_weight = weights
    red = grey + np.float32(2 * (1 - red_weight)) * redness
    blue = grey + np.float32(2 * (1 - blue_weight)) * blueness
    green = (grey - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
    return red, green.astype(np.float32), blue


def _unpacked(frame: av.VideoFrame, family: str, depths: tuple[int, ...]) -> tuple[list[NDArray[np.integer[Any]]], int]:
    """The planes of the same picture in a planar format without subsampling."""
    bits = next((depth for depth in depths if depth >= bits_of(frame)), 16)
    wanted = family if bits == 8 else f"{family}{bits}le"
    place = 2 if _is_full(frame) else 1
    plain = frame
    if frame.format.name != wanted:
        codes = frame.colorspace, frame.color_primaries, frame.color_trc
        try:
            # The scaler refuses codes that it has no matrix for, though it is to apply none.
            frame.colorspace = frame.color_primaries = frame.color_trc = 1
            plain = frame.reformat(format=wanted, src_color_range=place, dst_color_range=place)
        except (av.error.FFmpegError, ValueError) as error:
            raise FormatError(
                f"pixel format {frame.format.name} is not read; convert the movie to ProRes or H.264"
            ) from error
        finally:
            frame.colorspace, frame.color_primaries, frame.color_trc = codes
    return [_array(plane, bits) for plane in plain.planes], bits


def _array(plane: av.video.plane.VideoPlane, bits: int) -> NDArray[np.integer[Any]]:
    kind = np.dtype("<u2") if bits > 8 else np.dtype("u1")
    values: NDArray[np.integer[Any]] = np.frombuffer(memoryview(plane), kind)
    return values.reshape(-1, plane.line_size // kind.itemsize)[: plane.height, : plane.width]


def _fill(plane: av.video.plane.VideoPlane, values: NDArray[np.integer[Any]]) -> None:
    rows = np.zeros((plane.buffer_size // plane.line_size, plane.line_size // values.itemsize), values.dtype)
    rows[: values.shape[0], : values.shape[1]] = values
    plane.update(rows.tobytes())


def _subsampled(plane: Float32Array, pixel_format: str) -> Float32Array:
    """Chroma at the places where the format has it: on the even columns, and between two lines in 4:2:0."""
    if "444" in pixel_format:
        return plane
    wide = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    across = np.asarray((wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4, np.float32)
    if "422" in pixel_format:
        return across
    return np.asarray((across[0::2] + across[1::2]) / 2, np.float32)
