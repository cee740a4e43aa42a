"""JSON as RFC 8259 has it: numbers that are not finite are written as texts, for it has no other way to say them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf, isnan
from typing import Any

__all__ = ["json_text"]


def json_text(value: object, *, indent: int | None = None, ascii_only: bool = True, sort_keys: bool = False) -> str:
    """The text of plain data, in which Python's own ``Infinity`` and ``NaN`` never stand.

    Args:
        value: mappings, sequences, texts, numbers, truth values and None. Numbers that are not finite become
            ``"infinity"``, ``"-infinity"`` and ``"nan"``, which our own documents are read with.
        indent: spaces of a level; all in one line when None.
        ascii_only: write other letters as escapes.
        sort_keys: order the members by name.

    Raises:
        TypeError: something in it is no plain data.
    """
    try:
        return _written(value, indent, ascii_only, sort_keys)
    except ValueError:  # not finite; rare, so that only then everything is copied
        return _written(_finite(value), indent, ascii_only, sort_keys)


def _written(value: object, indent: int | None, ascii_only: bool, sort_keys: bool) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only, sort_keys=sort_keys, allow_nan=False)


def _finite(value: object) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, float):
        return "nan" if isnan(value) else {inf: "infinity", -inf: "-infinity"}.get(value, value)
    if isinstance(value, Mapping):
        return {_finite(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
