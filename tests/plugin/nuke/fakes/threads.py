"""Nuke's API belongs to its main thread."""

# ruff: noqa: ANN401  any method

from __future__ import annotations

import threading
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)

MAIN = threading.main_thread


def check(what: str) -> None:
    assert threading.current_thread() is MAIN(), f"{what} was called outside Nuke's main thread"


def main_thread_only(kind: Kind) -> Kind:
    """Every method of the class minds its thread."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, FunctionType) and (not name.startswith("_") or name == "__getitem__"):
            setattr(kind, name, _minded(method, f"{kind.__name__}.{name}"))
    return kind


def _minded(method: FunctionType, what: str) -> Any:
    @wraps(method)
    def minded(*args: Any, **kwargs: Any) -> Any:
        check(what)
        return method(*args, **kwargs)

    return minded
