"""Older versions of the shot document, brought up to the present one when they are loaded.

Version 0, the flat form of the first prototypes; it always says ``"schema_version": 0``:

    {
      "schema_version": 0,
      "plate": "plate.%04d.exr",          the plate's path
      "depth": "depth.%04d.exr",          the depth's path; left out for the plate's own channel
      "depth_kind": "distance",           the convention
      "near": 1.0, "far": 50.0,           limits, both may be left out
      "frames": "1001-1024",
      "focus": [[1001, 0.62], [1024, 0.2]],     frame and disparity, joined by straight lines
      "blur": [[1001, 24.0]],                   frame and K, joined by straight lines
      "out": "result.%04d.exr"
    }
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.errors import SchemaError, ShotError

__all__ = ["MIGRATIONS", "migrate"]

Document = dict[str, Any]


def migrate(document: Mapping[str, Any], current: int) -> Document:
    """The document in the present schema; one that names no version is taken to be in it already.

    Raises:
        SchemaError: a version that this program does not know.
        ShotError: an old document that is not what its version says.
    """
    version = document.get("schema_version", current)
    if isinstance(version, bool) or not isinstance(version, int):
        raise SchemaError(f"schema_version is {str(version)[:40]!r}, but it must be a whole number such as {current}")
    if version > current:
        raise SchemaError(
            f"schema_version is {str(version)[:40]}, but this program reads versions up to {current}; "
            "update Rackfocus, or save the shot with the older program"
        )
    migrated = dict(document)
    while version < current:
        if version not in MIGRATIONS:
            raise SchemaError(f"schema_version is {str(version)[:40]}, but the oldest that is known is 0; correct it")
        migrated = MIGRATIONS[version](migrated)
        version += 1
        migrated["schema_version"] = version
    return migrated


FLAT_FIELDS: Final = {
    "plate": ("plate", "path"),
    "frames": ("plate", "frames"),
    "depth": ("depth", "path"),
    "depth_kind": ("depth", "convention"),
    "near": ("depth", "near"),
    "far": ("depth", "far"),
    "out": ("output", "path"),
}


def _from_flat(flat: Document) -> Document:
    """Version 0 to version 1."""
    document: Document = {}
    for name, value in flat.items():
        if name == "schema_version":
            continue
        if name == "focus":
            document["focus"] = {"keys": _flat_keys(name, "disparity", value)}
        elif name == "blur":
            document["blur"] = {"keys": _flat_keys(name, "value", value)}
        elif name in FLAT_FIELDS:
            part, field = FLAT_FIELDS[name]
            document.setdefault(part, {})[field] = value
        else:
            known = ", ".join([*FLAT_FIELDS, "focus", "blur"])
            raise ShotError(f'"{name[:40]}" is not a field of a shot document of version 0; known are {known}')
    return document


def _flat_keys(name: str, field: str, pairs: object) -> list[Document]:
    keys: list[Document] = []
    for at, pair in enumerate(pairs if isinstance(pairs, list) else [pairs]):
        if not (isinstance(pair, list) and len(pair) == 2):
            raise ShotError(f"{name}[{at}] is not a pair of frame and value, as version 0 has them; write [1001, 0.5]")
        keys.append({"frame": pair[0], field: pair[1], "interpolation": "linear"})
    return keys


MIGRATIONS: Final[dict[int, Callable[[Document], Document]]] = {0: _from_flat}
"""From a version to the next one."""
