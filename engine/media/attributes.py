"""Header entries: OpenImageIO's typed attributes to plain Python values and back.

Seen in OpenImageIO 3.2.2: ``owner`` is read as ``Copyright``; arrays of three floats come back as ``vector``;
64-bit integers and doubles are dropped by its EXR writer; ``DateTime`` becomes the time of writing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.errors import ShotError, require

__all__ = [
    "LONGEST_NAME",
    "Aggregate",
    "check_names",
    "header_values",
    "own_metadata",
    "passed_on",
    "set_values",
]

LONGEST_NAME: Final = 31
"""Longer names make an EXR that readers of OpenEXR 1.6 and before cannot open."""

_OURS: Final = "rackfocus/"
_PACKED: Final = '{"rackfocus/'
_FILES_OWN: Final = frozenset(
    {
        *("compression", "planarconfig", "PixelAspectRatio", "Orientation", "DateTime", "name", "type", "version"),
        *("chunkCount", "lineOrder", "ResolutionUnit", "XResolution", "YResolution", "Exif:ColorSpace", "ICCProfile"),
        *("view", "multiView", "preview", "framesPerSecond"),
        # Of the plate's pixels; the writer says what those of the result are.
        *("chromaticities", "colorInteropID", "acesImageContainerFlag", "adoptedNeutral", "CICP"),
    }
)
_FORMATS_OWN: Final = (
    "oiio:",
    "openexr:",
    "tiff:",
    "png:",
    "dpx:",
    "jpeg:",
    "cineon:",
    "movie:",
    "ICCProfile:",
    "Exif:Pixel",
)
_TYPES: Final = {"framesPerSecond": "rational", "smpte:TimeCode": "timecode", "keyCode": "keycode"}


class Aggregate(tuple[Any, ...]):
    """A header entry of several numbers; a tuple that remembers the file's own type, so that it is passed on alike.

    Attributes:
        type_name: OpenImageIO's name of the type: ``matrix``, ``timecode``, ``rational``, ``float[8]`` ...
    """

    type_name: str

    def __new__(cls, values: Any, type_name: str) -> Aggregate:  # noqa: ANN401  whatever the file holds
        """The values, of the type that OpenImageIO calls so."""
        made = super().__new__(cls, values)
        made.type_name = type_name
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.type_name


def header_values(spec: oiio.ImageSpec) -> dict[str, Any]:
    """All entries of a header by name: text, numbers, and ``Aggregate`` for what has several numbers."""
    values: dict[str, Any] = {}
    for entry in spec.extra_attribs:
        value = entry.value
        if isinstance(value, str | int | float):
            values[entry.name] = value
        elif isinstance(value, tuple):
            values[entry.name] = Aggregate(value, str(entry.type))
        elif entry.name == "ICCProfile":
            values[entry.name] = np.asarray(value, np.uint8).tobytes()
    packed = values.get("ImageDescription", values.get("DocumentName", ""))
    return values | _unpack(packed)


def passed_on(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a result inherits of a plate's header: all that does not describe the file itself."""
    return {
        name: value
        for name, value in values.items()
        if name not in _FILES_OWN
        and not name.startswith((*_FORMATS_OWN, _OURS))
        and not (isinstance(value, str) and value.startswith(_PACKED))
    }


def check_names(metadata: Mapping[str, Any], field: str = "output.metadata") -> None:
    """Refuse names that old readers of EXR cannot take.

    Raises:
        ShotError: a name is empty, longer than 31 characters, or not plain text.
    """
    for name in metadata:
        plain = len(name) > 0 and name.isascii() and name.isprintable()
        require(plain, ShotError, f'{field}: "{name}" is not a name for a header entry; use plain letters and digits')
        require(
            len(name) <= LONGEST_NAME,
            ShotError,
            f'{field}: the name "{name}" has {len(name)} characters; shorten it to {LONGEST_NAME} at most',
        )


def set_values(spec: oiio.ImageSpec, values: Mapping[str, Any]) -> None:
    """Put entries into a header that is to be written."""
    for name, value in values.items():
        if isinstance(value, bool):
            spec.attribute(name, int(value))
        elif isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**31):
            spec.attribute(name, value)
        elif isinstance(value, bytes):
            spec.attribute(name, oiio.TypeDesc(f"uint8[{len(value)}]"), np.frombuffer(value, np.uint8))
        elif isinstance(value, tuple | list) and value:
            spec.attribute(name, oiio.TypeDesc(_type_name(name, value)), tuple(value))
        else:
            spec.attribute(name, str(value))


def own_metadata(values: Mapping[str, Any], file_format: str) -> dict[str, Any]:
    """Entries in the form that a file format keeps.

    EXR keeps all. PNG keeps text. TIFF and DPX keep no names of our own, so that they are packed as JSON into one text
    entry: ``ImageDescription``, of which DPX keeps 99 characters, so ``DocumentName`` (its project name, 199) there.
    """
    if file_format == "openexr":
        return dict(values)
    ours = {name: value for name, value in values.items() if name.startswith(_OURS)}
    rest = {name: value for name, value in values.items() if name not in ours}
    if file_format == "png":
        return rest | {name: str(value) for name, value in ours.items()}
    if not ours:
        return rest
    if file_format == "dpx":
        ours = {name: value for name, value in ours.items() if name == f"{_OURS}digest"} or ours
        return rest | {"DocumentName": json.dumps(ours, separators=(",", ":"))}
    return rest | {"ImageDescription": json.dumps(ours)}


def _unpack(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or not text.startswith(_PACKED):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(name): value for name, value in found.items()}


def _type_name(name: str, value: tuple[Any, ...] | list[Any]) -> str:
    if isinstance(value, Aggregate):
        return value.type_name
    if name in _TYPES:
        return _TYPES[name]
    if all(isinstance(item, str) for item in value):
        return f"string[{len(value)}]"
    if all(isinstance(item, int) for item in value):
        return f"int[{len(value)}]"
    return "matrix" if len(value) == 16 else f"float[{len(value)}]"
