"""From plain data to a shot, with every failure said in one sentence that names the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from engine.errors import KeysError, OpticsError, RackfocusError, ShotError
from engine.shot.document import SCHEMA_VERSION, Shot
from engine.shot.migrations import migrate
from engine.shot.reference import models_in

__all__ = ["shot_from_dict"]

Path = tuple[str | int, ...]
Cause = Mapping[str, Any]

LONGEST_SHOWN: Final = 40

OUR_WORDS: Final = {
    "model_type": "it should be an object",
    "model_attributes_type": "it should be an object",
    "dict_type": "it should be an object",
    "tuple_type": "it should be a list",
    "string_type": "it should be a text",
    "string_pattern_mismatch": "it should have another form",
    "float_type": "it should be a number",
    "float_parsing": "it should be a number",
    "int_type": "it should be a whole number",
    "int_parsing": "it should be a whole number",
    "int_from_float": "it should be a whole number",
    "bool_type": "it should be true or false",
    "bool_parsing": "it should be true or false",
    "too_long": "it has too many items",
    "too_short": "it has too few items",
}
"""Pydantic's types of failure, where its own words speak of Python."""


def shot_from_dict(data: Mapping[str, Any], where: str = "shot") -> Shot:
    """A shot from plain data as JSON has it; older schema versions are migrated.

    Args:
        data: the document's top level.
        where: what messages name first, such as the file; "" for nothing.

    Raises:
        ShotError: not a valid shot; SchemaError, KeysError and the others that ``engine.shot.checks`` names.
    """
    try:
        return _validated(data)
    except RecursionError:
        error: RackfocusError = ShotError("the document is nested too deeply to be a shot; correct it")
    except RackfocusError as found:
        error = found
    # The same cause, with the place in front.
    raise type(error)(f"{where}: {error.message}" if where else error.message)


def _validated(data: Mapping[str, Any]) -> Shot:
    if not isinstance(data, Mapping):
        raise ShotError(f"the document is {_kind(data)}, but a shot is an object with plate, focus and output")
    _refuse_not_finite(data, ())
    migrated = migrate(data, SCHEMA_VERSION)
    try:
        return Shot.model_validate(migrated)
    except ValidationError as error:
        raise _one_sentence(error, migrated) from None
    except OverflowError:
        raise ShotError("the document holds a number too large for a shot; correct it") from None


def _refuse_not_finite(value: object, path: Path) -> None:
    """JSON has no NaN or infinity; Python reads them, and 1e999 as well. Only the far limit may be infinite."""
    if isinstance(value, float) and not isfinite(value) and not (path == ("depth", "far") and value > 0):
        cause = OpticsError if _is_strength(path) else ShotError
        raise cause(f"{_shown_path(path)} is {value}; give a finite number")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_not_finite(inner, (*path, str(name)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for at, inner in enumerate(value):
            _refuse_not_finite(inner, (*path, at))


def _is_strength(path: Path) -> bool:
    return path[:2] == ("blur", "keys") and path[-1] == "value" and len(path) == 4


def _one_sentence(error: ValidationError, data: Mapping[str, Any]) -> ShotError | OpticsError:
    """The first failure; of a field that may be of several kinds, the one that reached deepest."""
    causes = error.errors(include_url=False, include_context=False)
    places = [_real_path(cause["loc"], data) for cause in causes]
    first = places[0]
    inside = [at for at, place in enumerate(places) if place[: len(first)] == first]
    chosen = max(inside, key=lambda at: (len(places[at]), causes[at]["type"] == "too_short"))
    cause, path = causes[chosen], places[chosen]
    if cause["type"] == "extra_forbidden":
        return ShotError(_unknown_field(path))
    name = _shown_path(path)
    if cause["type"] == "missing":
        missing = path if path and path[-1] == cause["loc"][-1] else (*path, cause["loc"][-1])
        return ShotError(f"{_shown_path(missing)} is missing; add it{_described(missing)}")
    if cause["type"] == "too_short" and path[-1:] in (("keys",), ("focal_length",), ("f_number",)):
        return KeysError(f"{name} holds no key; add at least one")
    kind = OpticsError if _is_strength(path) else ShotError
    rule = OUR_WORDS.get(cause["type"]) or cause["msg"].replace("Input should be", "it should be")
    return kind(f"{name} is {_shown(cause['input'])}, but {rule[:1].lower()}{rule[1:]}{_described(path)}")


def _real_path(location: Sequence[str | int], data: Mapping[str, Any]) -> Path:
    """Pydantic's location without the names of union members, which are no places of the document."""
    path: list[str | int] = []
    here: Any = data
    for step in location:
        in_list = isinstance(here, list | tuple) and isinstance(step, int) and step < len(here)
        if in_list or (isinstance(here, Mapping) and step in here):
            here = here[step]
        elif isinstance(here, Mapping) and step == location[-1]:
            here = None  # a field that is missing
        else:
            continue
        path.append(step)
    return tuple(path)


def _unknown_field(path: Path) -> str:
    known = _fields_at(path[:-1])
    name = str(path[-1])
    places = {place.rsplit(".", 1)[-1]: place for place in reversed(_all_fields())}
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    elsewhere = [name] if name in places else get_close_matches(name, places, n=1, cutoff=0.8)
    if near and elsewhere != [name]:
        meant = _shown_path((*path[:-1], near[0]))
    elif elsewhere:
        meant = places[elsewhere[0]]
    else:
        return f"{_shown_path(path)} is not known; here a shot has {', '.join(known)}"
    return f'{_shown_path(path)} is not known; did you mean "{meant}"?'


def _described(path: Path) -> str:
    """What the field means, from its own description."""
    if not path or isinstance(path[-1], int):
        return ""
    for model in _models_at(path[:-1]):
        field = model.model_fields.get(str(path[-1]))
        if field is not None and field.description:
            return f" ({field.description.rstrip('.')})"
    return ""


def _fields_at(path: Path) -> list[str]:
    return [name for model in _models_at(path) for name in model.model_fields]


def _models_at(path: Path) -> list[type[BaseModel]]:
    """The models that may stand at a place of the document."""
    models: list[type[BaseModel]] = [Shot]
    for step in path:
        if isinstance(step, str):
            fields = [model.model_fields.get(step) for model in models]
            models = [inner for field in fields if field is not None for inner in models_in(field.annotation)]
    return models


def _all_fields(model: type[BaseModel] = Shot, prefix: str = "") -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        for inner in models_in(field.annotation):
            names += _all_fields(inner, f"{prefix}{name}.")
    return names


def _shown_path(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{_printable(step)}"
    return text or "the document"


def _printable(text: str) -> str:
    cut = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
    return cut.encode("unicode_escape").decode("ascii") if not cut.isprintable() else cut


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{_printable(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _printable(str(value)) if abs(value) < 1e300 else "a very large number"
    return "null" if value is None else _kind(value)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return "null" if value is None else "a text" if isinstance(value, str) else "a number"
