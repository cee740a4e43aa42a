"""Reads Fusion's settings: Lua tables with constructors, as ``Input { Value = 1 }`` and ``ordered() { ... }``."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*")|(?P<number>-?\d+\.?\d*(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<mark>[{}\[\]=,()]))""",
    re.VERBOSE,
)


class Table(dict[Any, Any]):
    """A table; entries without a name are counted from 1. ``kind`` is its constructor, if it has one."""

    kind = ""


def parse(text: str) -> Table:
    """A setting's whole text.

    Raises:
        ValueError: it is no Lua table, a name is used twice, or something is left over.
    """
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"line {text.count(chr(10), 0, at) + 1}: {text[at : at + 20]!r} is no Lua")
        tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
        at = found.end()
    reader = _Reader(tokens)
    table = reader.value()
    if not isinstance(table, Table) or reader.at != len(tokens):
        raise ValueError("a setting is one table")
    return table


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place][1] if place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        found = self.peek()
        if not found or (wanted and found != wanted):
            raise ValueError(f"expected {wanted or 'more'}, found {found or 'the end'}")
        self.at += 1
        return found

    def value(self) -> Any:  # noqa: ANN401
        if self.at >= len(self.tokens):
            raise ValueError("the text ends too early")
        kind, found = self.tokens[self.at]
        if found == "{":
            return self.table("")
        self.at += 1
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", found[1:-1])
        if kind == "number":
            return float(found)
        if found in ("true", "false"):
            return found == "true"
        if kind != "name":
            raise ValueError(f"{found} is no value")
        if self.peek() == "(":
            self.take("(")
            self.take(")")
        return self.table(found)

    def table(self, kind: str) -> Table:
        made, count = Table(), 0
        made.kind = kind
        self.take("{")
        while self.peek() != "}":
            if self.peek() == "[":
                self.take("[")
                key = self.value()
                self.take("]")
                self.take("=")
            elif self.peek(1) == "=":
                key = self.take()
                self.take("=")
            else:
                count += 1
                key = count
            if key in made:
                raise ValueError(f"{key} is there twice")
            made[key] = self.value()
            if self.peek() != "}":
                self.take(",")
        self.take("}")
        return made
