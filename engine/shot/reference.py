"""The JSON Schema and the written reference of the shot document, both made from its models."""

from __future__ import annotations

import json
from typing import Any, Final, get_args

from pydantic import BaseModel

from engine.shot.document import SCHEMA_VERSION, Shot

__all__ = ["EXAMPLE", "field_description", "shot_reference", "shot_schema"]


EXAMPLE: Final = """\
{
  "schema_version": 1,
  "plate": {"path": "plate.%04d.exr", "frames": "1001-1024"},
  "depth": {"path": "depth.%04d.exr", "convention": "distance", "near": 1.2},
  "focus": {
    "keys": [
      {"frame": 1001, "distance": 3.2, "interpolation": "settle"},
      {"frame": 1024, "pixel": [812, 404]}
    ]
  },
  "blur": {"keys": [{"frame": 1001, "value": 24}]},
  "output": {"path": "refocused/shot.%04d.exr"}
}
"""
"""A pull from a distance of 3.2 to what is seen at a point."""


def shot_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the shot document, with the description of each field."""
    schema = Shot.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def field_description(path: str) -> str:
    """The description of a field, for a tooltip or a line of help.

    Args:
        path: like ``depth.near`` or ``focus.keys.pixel``.

    Raises:
        KeyError: there is no such field.
    """
    model: type[BaseModel] = Shot
    description = ""
    for name in path.split("."):
        field = model.model_fields[name]
        description = field.description or ""
        model = next(iter(models_in(field.annotation)), model)
    return description


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that an annotation names, however deep."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in models_in(part)]


def shot_reference() -> str:
    """The text of ``docs/shot.md``."""
    lines = [
        "# The shot document",
        "",
        f"A shot is a JSON document of schema version {SCHEMA_VERSION}. This page is made from the field descriptions",
        "by `python -m engine.reference`; `shot.schema.json` beside it is the same as a JSON Schema.",
        "",
        "Paths are relative to the document's own folder. A field that is left out has its default. NaN and infinity",
        'are refused, but for `depth.far`, which may be `"infinity"`. Older versions are read and brought up to date.',
        "",
    ]
    lines += ["```json", *EXAMPLE.splitlines(), "```", ""]
    definitions = shot_schema()["$defs"]
    shown: set[str] = set()
    waiting: list[tuple[str, type[BaseModel]]] = [("Shot", Shot)]
    while waiting:
        title, model = waiting.pop(0)
        if model.__name__ in shown:
            continue
        shown.add(model.__name__)
        properties = shot_schema()["properties"] if model is Shot else definitions[model.__name__]["properties"]
        lines += [f"## {title}", "", (model.__doc__ or "").strip(), "", "| field | value | default | meaning |"]
        lines.append("|---|---|---|---|")
        for name, field in model.model_fields.items():
            value = _kind(properties[name])
            default = "required" if field.is_required() else _default(properties[name])
            lines.append(f"| `{name}` | {value} | {default} | {field.description} |")
            prefix = "" if title == "Shot" else f"{title}."
            waiting += [(f"{prefix}{name}", inner) for inner in models_in(field.annotation)]
        lines.append("")
    return "\n".join(lines)


def _default(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return "its own defaults"
    default = schema["default"]
    if default is None or default in ("", [], {}):
        return "none"
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        kinds = [_kind(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"list of {len(schema['prefixItems'])} numbers"
        return f"list of {_kind(schema['items'])}"
    name = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}
    return name.get(schema.get("type", ""), "object of texts") + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "under"}
    given = [f"{word} {schema[key]:g}" for key, word in words.items() if key in schema]
    return f", {' and '.join(given)}" if given else ""
