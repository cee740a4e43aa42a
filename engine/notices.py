"""What a person should hear of a shot before its first frame: said once, by check, info and render alike."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Notice"]


@dataclass(frozen=True)
class Notice:
    """Something in the files or settings that may not be meant, or that the result cannot keep.

    Attributes:
        kind: stable and dotted, like a warning's: ``colour.untagged``, ``depth.coloured``, ``sound.dropped``.
        message: one sentence: what was found, with numbers, and the setting that helps.
    """

    kind: str
    message: str
