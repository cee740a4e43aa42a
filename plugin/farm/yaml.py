"""YAML of plain data, so that a bundle can be made without a package for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

__all__ = ["to_yaml"]


def to_yaml(value: Mapping[str, object]) -> str:
    """Mappings and lists in blocks, each scalar as JSON has it, which is YAML too.

    Args:
        value: mappings whose keys are plain words, lists, texts, numbers, truth values and None.
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, held in value.items():
            if isinstance(held, Mapping | list | tuple) and held:
                yield f"{key}:"
                yield from (f"  {line}" for line in _lines(held))
            else:
                yield f"{key}: {json.dumps(held, ensure_ascii=False)}"
    elif isinstance(value, list | tuple) and value:
        for held in value:
            first, *further = _lines(held)
            yield f"- {first}"
            yield from (f"  {line}" for line in further)
    else:
        yield json.dumps(value, ensure_ascii=False)
