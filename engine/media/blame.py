"""Why a file cannot be read: what it is instead, what of it is not supported, or that it is damaged.

"Damaged" is said last, and only where a second reader (FFmpeg's, by PyAV) refuses the file too.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Final

from engine.errors import CorruptError, FormatError, MediaError

__all__ = ["CAMERA_RAW", "NOT_PICTURES", "damage_of_png", "explain", "is_subsampled", "what_it_is"]

CAMERA_RAW: Final = frozenset(
    {
        *(".3fr", ".ari", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"),
        *(".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl"),
        *(".sr2", ".srf", ".srw", ".x3f"),
    }
)
"""Suffixes of pictures as a sensor saw them. Many of them are TIFF files whose first picture is a thumbnail."""

_AGAIN: Final = "render or copy it again"
_DEVELOP: Final = "a camera's raw picture, which has to be developed first; export it as EXR or 16-bit TIFF"
_EXPORT: Final = "export it as EXR, TIFF, PNG or JPEG"
_FETCH: Final = "the file was not fetched, or its place asks for a password; fetch it again"
_UNPACK: Final = "unpack it, and give the picture inside"
_MOVIE: Final = "a movie; give it the suffix of one, .mov, .mp4 or .mkv"

NOT_PICTURES: Final[tuple[tuple[bytes, str], ...]] = (
    (rb"version https://git-lfs", "a Git LFS pointer, not the picture itself; fetch that with git lfs pull"),
    (rb"\s*<(!doctype html|html|head|body)", f"a web page; {_FETCH}"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg", f"an SVG drawing; {_EXPORT}"),
    (rb"\s*<\?xml", f"an XML text; {_FETCH}"),
    (rb"%PDF", f"a PDF document; {_EXPORT}"),
    (rb"%!PS", f"a PostScript document; {_EXPORT}"),
    (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", f"a HEIC picture, which is not read; {_EXPORT}"),
    (rb"....ftyp(avif|avis)", f"an AVIF picture, which is not read; {_EXPORT}"),
    (rb"....ftypcrx ", _DEVELOP),
    (rb"....(ftyp|moov|mdat|wide|free)", _MOVIE),
    (rb"\x1a\x45\xdf\xa3|RIFF....AVI |\x06\x0e\x2b\x34|FLV\x01|OggS|\x30\x26\xb2\x75", _MOVIE),
    (rb"II\*\0....CR|FUJIFILMCCD-RAW|II(RO|RS|U\0)|MMOR|FOVb|\0MRM|ARRI", _DEVELOP),
    (rb"II\xbc[\0\x01]", f"a JPEG XR picture, which is not read; {_EXPORT}"),
    (rb"\xabKTX ", f"a KTX texture, which is not read; {_EXPORT}"),
    (rb"\x93NUMPY", "a NumPy array, which is not read; write its values as an EXR or a TIFF of floats"),
    (rb"gimp xcf", f"a GIMP document, which is not read; {_EXPORT}"),
    (rb"BLENDER|\x28\xb5\x2f\xfd", "a Blender document or a packed file; render it, or unpack it"),
    (rb"PK\x03\x04", f"an archive; {_UNPACK}"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ", f"an archive; {_UNPACK}"),
    (rb"PXR-USDC|#usda|Ogawa| BDV|#! .*nuke", "a scene, not a picture; render it"),
)
"""How files begin that are no pictures which can be read, and what to say of them."""

_PICTURES: Final[tuple[tuple[bytes, str], ...]] = (
    (rb"\x76\x2f\x31\x01", "an EXR"),
    (rb"\x89PNG\r\n\x1a\n", "a PNG"),
    (rb"II[*+]\0|MM\0[*+]", "a TIFF"),
    (rb"\xff\xd8\xff", "a JPEG"),
    (rb"SDPX|XPDS", "a DPX"),
    (rb"\x80\x2a\x5f\xd7|\xd7\x5f\x2a\x80", "a Cineon file"),
    (rb"RIFF....WEBP", "a WebP"),
    (rb"GIF8[79]a", "a GIF"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL file"),
    (rb"8BPS", "a Photoshop document"),
    (rb"#\?R", "a Radiance HDR"),
    (rb"DDS ", "a DDS texture"),
    (rb"BM", "a BMP"),
)

_LAST_COMPRESSION: Final = 11
"""htj2k32."""

_UNSUPPORTED: Final = re.compile(
    r"unsupported|not supported|not implemented|not configured|unimplemented|unknown compression|does not support|"
    r"can(?:no|')t handle|only support|not yet"
)
_CUT_OFF: Final = re.compile(
    r"truncat|premature|end of (?:the )?file|early end|past end|missing|hit end|bytes remaining|got \d+ bytes|"
    r"got -?\d+.*(?:bytes|expected)|short|read error|stream length"
)
_SUBSAMPLED: Final = re.compile(r'channel "(?:\w+\.)*(?:RY|BY)" has sampling')


def what_it_is(path: Path) -> str | None:
    """What a file is that is no picture which can be read, with a remedy; None where it may be one.

    Told by how it begins, so that a wrong suffix misleads nobody; a camera's raw picture by its suffix too.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return None
    for pattern, what in NOT_PICTURES:
        if re.match(pattern, head, re.IGNORECASE | re.DOTALL):
            return what
    if path.suffix.lower() in CAMERA_RAW and not head.startswith((b"\xff\xd8", b"\x89PNG", b"\x76\x2f\x31\x01")):
        return _DEVELOP
    if _kind(head) is None and _is_text(head):
        return f"a text, not a picture; {_FETCH}"
    return None


def is_subsampled(said: str) -> bool:
    """Whether a reader refused an EXR for chroma of half the size, which another of its readers takes."""
    return _SUBSAMPLED.search(said) is not None


def explain(path: Path, place: str, said: str, *, opened: bool, known: bool = True) -> MediaError:
    """The error for a file that a reader refused.

    Args:
        path: of the file.
        place: how errors name it.
        said: the reader's own words.
        opened: whether it was refused only at its pixels.
        known: whether its name ends as a picture's that can be read.
    """
    reason = _first_line(said)
    what = what_it_is(path)
    if what is not None:
        return FormatError(f"{place} is {what}")
    kind = _kind_of(path)
    if kind is None and not opened and not known:
        return FormatError(f"{place} is not an image that can be read ({reason}); give an EXR, PNG, TIFF or DPX file")
    method = _unknown_compression(path)
    if method is not None:
        return FormatError(
            f"{place} is an EXR compressed by method {method}, which is not known; write it again with zip"
        )
    if "channels are not supported" in reason:
        return FormatError(
            f"{place} has channels of less than full size, which are not read ({reason}); "
            "write it again with every channel at full size"
        )
    sort = f"is {kind} of a sort that is not read" if kind else "is of a sort that is not read"
    if _UNSUPPORTED.search(reason.lower()):
        return FormatError(f"{place} {sort} ({reason}); write it again as a plain EXR, TIFF or PNG")
    if not _CUT_OFF.search(reason.lower()) and _another_reads(path):
        return FormatError(
            f"{place} {sort} here ({reason}), though other programs read it; write it again as an EXR, TIFF or PNG"
        )
    cut_off = opened or _CUT_OFF.search(reason.lower())
    damaged = "truncated or damaged" if cut_off else "damaged" if kind else "damaged or not what its name says"
    return CorruptError(f"{place} is {damaged} ({reason}); {_AGAIN}")


def damage_of_png(path: Path, *, sums: bool) -> str | None:
    """What is wrong with a PNG's frame of chunks; None where it is whole, or no PNG.

    libpng prints of such files to the terminal by itself.

    Args:
        path: of the file.
        sums: whether each chunk's checksum is looked at too, which reads the file.
    """
    with path.open("rb") as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            return None
        size = path.stat().st_size
        while True:
            head = file.read(8)
            if len(head) < 8:
                return "the file ends before its picture does"
            length, name = struct.unpack(">I4s", head)
            if file.tell() + length + 4 > size:
                return "the file ends before its picture does"
            if sums:
                found = zlib.crc32(file.read(length), zlib.crc32(name))
                if found != struct.unpack(">I", file.read(4))[0] and name in {b"IHDR", b"PLTE", b"IDAT"}:
                    return f"the checksum of {name.decode()} is wrong"
            else:
                file.seek(length + 4, 1)
            if name == b"IEND":
                return None


def _first_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason was given"])[0]


def _kind(head: bytes) -> str | None:
    return next((kind for pattern, kind in _PICTURES if re.match(pattern, head, re.DOTALL)), None)


def _kind_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return _kind(file.read(64))
    except OSError:
        return None


def _unknown_compression(path: Path) -> int | None:
    """The number of an EXR's compression, if it is none of those that OpenEXR 3.5 knows."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    found = re.search(rb"\0compression\0compression\0\x01\0\0\0(.)", head, re.DOTALL)
    if _kind(head) != "an EXR" or found is None or found[1][0] <= _LAST_COMPRESSION:
        return None
    return found[1][0]


def _is_text(head: bytes) -> bool:
    """Whether it reads as text; a netpbm picture may, and begins with P."""
    if len(head) < 8 or re.match(rb"P[1-7fF]\s", head):
        return False
    try:
        return head[:-4].decode("utf-8").isprintable() or all(b >= 32 or b in b"\t\r\n\f" for b in head)
    except UnicodeDecodeError:
        return False


def _another_reads(path: Path) -> bool:
    """Whether FFmpeg decodes a picture of the file without a complaint."""
    import av

    try:
        with av.open(str(path), options={"err_detect": "explode"}) as container:
            return any(True for _ in container.decode(video=0))
    except (av.FFmpegError, ValueError, IndexError, OSError, MemoryError):
        return False
