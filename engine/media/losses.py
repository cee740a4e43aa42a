"""What a result cannot keep of its plate, in words: said once, before the first frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.media.encoding import colours_in
from engine.media.layers import layers_not_held
from engine.media.plate import PlateInfo
from engine.media.plate_movie import MovieContents
from engine.notices import Notice

__all__ = ["KEPT_TAGS", "counted", "movie_losses", "still_losses"]

KEPT_TAGS: Final = frozenset({"title", "artist", "copyright", "description", "date", "genre", "keywords"})
"""Words about a movie that all three containers keep."""

_ALL_TEXT: Final = "text"
_KEPT_ENTRIES: Final[Mapping[str, frozenset[str]]] = {
    "openexr": frozenset(),
    "png": frozenset({_ALL_TEXT}),
    "tiff": frozenset(
        {
            *("Artist", "Copyright", "ImageDescription", "Software", "Make", "Model", "DocumentName", "HostComputer"),
            *("worldtocamera", "worldtoscreen", "worldToCamera"),
        }
    ),
    "dpx": frozenset({"Copyright", "ImageDescription", "Software", "DocumentName"}),
    "movie": frozenset(),
}
"""Entries of a header that each format keeps, measured with OpenImageIO 3.2.2; EXR keeps all."""

_NO_CONTENT: Final = frozenset(
    {
        *("chromaticities", "screenWindowCenter", "screenWindowWidth", "DateTime", "Software", "smpte:TimeCode"),
        *("ImageDescription", "Exif:ExifVersion", "Exif:FlashPixVersion", "adoptedNeutral"),
    }
)
"""Entries that describe the file, or that are told apart from the others."""

_SHOWN: Final = 4


def still_losses(
    info: PlateInfo, contents: MovieContents | None, file_format: str, keeps_alpha: bool, sound: bool
) -> list[Notice]:
    """What a sequence of files loses.

    Args:
        info, contents: of the plate; None where it is no movie.
        file_format: ``openexr``, ``png``, ``tiff``, ``dpx``.
        keeps_alpha: whether the files have alpha.
        sound: whether the sound is wanted at all.
    """
    name = {"openexr": "EXR"}.get(file_format, file_format.upper())
    found = [*_alpha(info, keeps_alpha, f"{name} of this depth"), *_header(info, file_format, f"{name} files")]
    found += [] if file_format == "openexr" else layers_not_held(_further(info), f"{name} files")
    if contents is not None and contents.sound and sound:
        found.append(
            Notice(
                "sound.dropped",
                f"the plate's sound ({counted(contents.sound, 'track')}) is left out, because image files hold none; "
                "take it from the plate's movie, or write a movie",
            )
        )
    if file_format in {"png", "tiff"} and "smpte:TimeCode" in (info.metadata or {}):
        found.append(
            Notice("timecode.dropped", f"{name} files hold no time code; write EXR or DPX to keep the plate's")
        )
    return [*found, *_tracks(contents)]


def movie_losses(info: PlateInfo, contents: MovieContents | None, codec: str, keeps_alpha: bool) -> list[Notice]:
    """What a movie loses beside sound, times and time code.

    Args:
        info, contents: of the plate; None where it is no movie.
        codec: ``h264``, ``hevc`` or ``prores``.
        keeps_alpha: whether the movie has alpha.
    """
    name = {"h264": "H.264", "hevc": "HEVC", "prores": "ProRes 422"}[codec]
    found = [*_alpha(info, keeps_alpha, name), *_header(info, "movie", "a movie")]
    found += layers_not_held(_further(info), "movies")
    if codec == "h264" and info.data_type in {"uint10", "uint12", "uint14", "uint16"}:
        found.append(
            Notice(
                "picture.bits",
                f"the plate has {info.data_type.removeprefix('uint')} bits and the result, H.264, has 8, which may "
                "show bands in skies and gradients; write ProRes (.mov) or HEVC to keep 10",
            )
        )
    width, height = info.window.display_width, info.window.display_height
    if width % 2 or height % 2:
        found.append(
            Notice(
                "size.even",
                f"the result is {width + width % 2}x{height + height % 2}, because movies have even sizes and the "
                f"plate is {width}x{height}: its last column or row is repeated; write a sequence to keep the size",
            )
        )
    return [*found, *_tracks(contents)]


def counted(things: Sequence[object], name: str) -> str:
    """``1 track``, ``2 tracks``."""
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _further(info: PlateInfo) -> tuple[str, ...]:
    return (*info.channels[colours_in(info.channels) :], *info.data)


def _alpha(info: PlateInfo, keeps_alpha: bool, name: str) -> list[Notice]:
    if keeps_alpha or colours_in(info.channels) == 3:
        return []
    return [
        Notice(
            "alpha.over-black",
            f"the plate has alpha and {name} holds none: the result shows its colours over black; "
            "write EXR, PNG, TIFF or ProRes (.mov) to keep alpha",
        )
    ]


def _header(info: PlateInfo, file_format: str, name: str) -> list[Notice]:
    kept = _KEPT_ENTRIES[file_format]
    if file_format == "openexr":
        return []
    lost = [
        entry
        for entry, value in (info.metadata or {}).items()
        if entry not in kept and entry not in _NO_CONTENT and not (_ALL_TEXT in kept and isinstance(value, str))
    ]
    return _listed(
        lost, f"{{}} of the plate's header {{}} not kept by {name}; write EXR to keep all", "entry", "entries"
    )


def _tracks(contents: MovieContents | None) -> list[Notice]:
    if contents is None:
        return []
    found: list[Notice] = []
    if contents.others:
        names = ", ".join(dict.fromkeys(contents.others))
        found.append(Notice("tracks.dropped", f"these tracks of the plate's movie are not in the result: {names}"))
    if contents.high_range:
        what = ", ".join(contents.high_range)
        found.append(
            Notice("hdr.dropped", f"what the plate says of its high dynamic range is not in the result: {what}")
        )
    lost = [name for name in contents.tags if name.lower() not in KEPT_TAGS]
    return [*found, *_listed(lost, "{} of the plate's movie {} not in the result", "tag", "tags")]


def _listed(lost: Sequence[str], sentence: str, one: str, many: str) -> list[Notice]:
    if not lost:
        return []
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    what = f"{len(lost)} {one if len(lost) == 1 else many}"
    said = sentence.format(what, "is" if len(lost) == 1 else "are")
    return [Notice("metadata.dropped", f"{said} ({', '.join(lost[:_SHOWN])}{more})")]
