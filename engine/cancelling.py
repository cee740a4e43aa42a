"""The wish to stop, as long work looks at it."""

from __future__ import annotations

from typing import Final, Protocol

__all__ = ["NEVER", "Cancel"]


class Cancel(Protocol):
    """Whether somebody wants the work to end; a ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Whether to stop at the next good place."""
        ...


class _Never:
    """Work that nobody stops. It cannot be set, so that all work may share it."""

    __slots__ = ()

    def is_set(self) -> bool:
        return False


NEVER: Final[Cancel] = _Never()
