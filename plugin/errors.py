"""What can go wrong between a host and the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["EngineDied", "EngineError", "EngineMissing", "EngineProtocol", "EngineTimeout"]


class EngineError(Exception):
    """What the engine, or the way to it, says went wrong; its text is a sentence for a person.

    Attributes:
        code: stable and dotted, like ``depth.size``; all of them are in ``docs/errors.md``.
        message: the sentence.
        data: further facts, if any.
    """

    def __init__(self, code: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = dict(data or {})


class EngineMissing(EngineError):  # noqa: N818  what is missing is the engine
    """There is no engine where it was looked for."""

    def __init__(self, message: str) -> None:
        super().__init__("engine.missing", message)


class EngineDied(EngineError):  # noqa: N818
    """The engine's process ended before it answered; ``data["lines"]`` are its last lines."""

    def __init__(self, status: int | None, lines: Sequence[str]) -> None:
        last = f"; its last line: {lines[-1]}" if lines else ""
        how = _how_it_ended(status)
        super().__init__(
            "engine.died",
            f"the engine {how} before it answered{last}. Try again: it is started anew.",
            {"status": status, "lines": list(lines)},
        )


class EngineTimeout(EngineError):  # noqa: N818
    """The engine did not answer in time."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__("engine.timeout", message, {"lines": list(lines)})


class EngineProtocol(EngineError):  # noqa: N818
    """What answered is no engine, or one of another protocol."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__("engine.protocol", message, {"lines": list(lines)})


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "stopped"
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
