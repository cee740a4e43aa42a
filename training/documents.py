"""Settings in files: TOML, YAML or JSON to a checked document, every failure one sentence that names file and field."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import DependencyError, RackfocusError, require
from engine.shot.reference import models_in
from engine.shot.validation import OUR_WORDS

__all__ = ["checked", "read_table"]

Model = TypeVar("Model", bound=BaseModel)


def read_table(path: str | Path, error: type[RackfocusError]) -> dict[str, Any]:
    """The top level of a ``.toml``, ``.yaml``, ``.yml`` or ``.json`` file.

    Raises:
        error: the file is missing, is no text, is not correct, or holds no table.
        DependencyError: it is YAML, and nothing here reads it.
    """
    file = Path(path).expanduser()
    kind = file.suffix.lower()
    require(kind in _READERS, error, f"{file}: settings are read from {', '.join(_READERS)}; give such a file")
    try:
        found = _READERS[kind](file.read_text(encoding="utf-8"))
    except OSError as cause:
        raise error(f"{file} cannot be read ({cause.strerror}); check its name") from cause
    except UnicodeDecodeError:
        raise error(f"{file} is no text; give it in UTF-8") from None
    except ValueError as cause:
        raise error(f"{file}: {' '.join(str(cause).split())}; correct it") from None
    require(isinstance(found, dict), error, f"{file}: settings are a table of fields and values")
    return dict(found)


def checked(kind: type[Model], data: Mapping[str, Any], where: str, error: type[RackfocusError]) -> Model:
    """A document from plain data.

    Args:
        kind: its model.
        data: its top level.
        where: what messages name first.
        error: what a failure becomes.

    Raises:
        error: a field is unknown, missing or wrong; names it.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as failure:
        raise error(f"{where}: {_one_sentence(failure, kind)}") from None


def _one_sentence(failure: ValidationError, kind: type[BaseModel]) -> str:
    first = failure.errors(include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(str(first["loc"][-1]), _names(kind), n=1)
        return f"{place} is not known" + (f"; did you mean {near[0]}?" if near else "; leave it out")
    if first["type"] == "missing":
        return f"{place} is missing; add it"
    said = OUR_WORDS.get(first["type"]) or first["msg"].replace("Input should be", "it should be")
    if first["type"] == "value_error":
        said = said.removeprefix("Value error, ")
        return f"{place}: {said}" if place else said
    return f"{place} is {first['input']!r}, but {said[:1].lower()}{said[1:]}"


def _names(kind: type[BaseModel]) -> set[str]:
    inner = [model for field in kind.model_fields.values() for model in models_in(field.annotation)]
    return set(kind.model_fields).union(*(_names(model) for model in inner))


def _yaml(text: str) -> Any:  # noqa: ANN401  whatever the file holds
    if find_spec("yaml") is None:
        raise DependencyError(
            "YAML needs pyyaml; give TOML, or install the extra: pip install -c constraints.txt '.[train]'"
        )
    import yaml  # type: ignore[import-untyped]

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    ".toml": tomllib.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": json.loads,
}
