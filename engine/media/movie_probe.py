"""Telling movies from stills where a file's name does not."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

__all__ = ["MAY_MOVE", "NO_MOVIES", "is_animated", "looks_like_movie"]

MAY_MOVE: Final = frozenset({".gif", ".png", ".webp"})
"""Stills that may be animations."""

_STILLS: Final = (
    "exr sxr mxr tif tiff tx env sm vsm jpg jpe jpeg jif jfif jfi bmp dib cin dds dpx fits hdr rgbe ico iff z jp2 j2k "
    "j2c jph jxl null nul ppm pgm pbm pnm pfm psd pdd psb rla sgi rgb rgba bw int inta pic tga tpic term zfile "
    "heic heif avif dng cr2 cr3 nef arw raf svg"
)
_OTHERS: Final = "pdf txt json md py xml csv log nk blend ma mb hip zip wav mp3 aac"
NO_MOVIES: Final = frozenset(f".{suffix}" for suffix in f"{_STILLS} {_OTHERS}".split())
"""Suffixes of stills, which OpenImageIO 3.2 reads or refuses in its own words, and of what is no picture at all."""

_IMAGES_OF_FFMPEG: Final = ("_pipe", "image2")


def is_animated(path: Path) -> bool:
    """Whether a GIF, PNG or WebP file holds more than one picture."""
    facts = path.stat()
    return _is_animated(str(path.absolute()), facts.st_size, facts.st_mtime_ns)


def looks_like_movie(path: Path) -> bool:
    """Whether an existing file, whose suffix says nothing, is a movie: FFmpeg finds pictures that move in it."""
    facts = path.stat()
    return facts.st_size > 0 and _looks_like_movie(str(path.absolute()), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _is_animated(path: str, size: int, changed: int) -> bool:
    del size, changed
    with Path(path).open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.partition(b"IDAT")[0]
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return b"ANIM" in head[:64]
    return head.startswith(b"GIF8") and _looks_like_movie(path, 0, 0) and _pictures_of_gif(path) > 1


def _pictures_of_gif(path: str) -> int:
    from engine.media.movie_index import index_of

    return len(index_of(Path(path), "path"))


@lru_cache(maxsize=256)
def _looks_like_movie(path: str, size: int, changed: int) -> bool:
    del size, changed
    from engine.errors import CorruptError, FormatError
    from engine.media.movie_streams import open_movie

    try:
        with open_movie(path, "path") as movie:
            return not any(movie.format_name.endswith(name) for name in _IMAGES_OF_FFMPEG)
    except FormatError as error:
        return "no decoder" in str(error) or "protected" in str(error)
    except CorruptError:
        return False
