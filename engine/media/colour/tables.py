"""The tables of ``docs/what_is_read.md`` that say which colours are known, from the tables that the program goes by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.media.colour.encodings import INTEROP_IDS, Encoding
from engine.media.colour.primaries import KNOWN
from engine.media.colour.spaces import ColourSpaces
from engine.media.colour.video import MATRICES, PRIMARIES, REFUSED, TRANSFERS

__all__ = ["colour_tables"]

_FORMATS = (
    ("EXR", "openexr", True),
    ("TIFF of floats", "tiff", True),
    ("PNG, TIFF and JPEG of integers", "png", False),
    ("DPX, Cineon", "dpx", False),
    ("movie", "movie", False),
)


def colour_tables(spaces: ColourSpaces) -> dict[str, str]:
    """Markdown by title, as the built-in configuration has it."""
    return {
        "conventions": _table(
            ("a file that says nothing", "is read as"),
            ((name, f"`{spaces.default(kind, is_float)}`") for name, kind, is_float in _FORMATS),
        ),
        "interop": _table(
            ("`colorInteropID`", "space"),
            ((f"`{known}`", f"`{spaces.named(encoding)}`") for encoding, known in INTEROP_IDS.items()),
        ),
        "primaries": _table(
            ("primaries", "linear space", "code of H.273"),
            (
                (known.name, f"`{spaces.named(Encoding('Linear', known))}`", _codes(PRIMARIES, known.name))
                for known in KNOWN
            ),
        ),
        "transfers": _table(
            ("transfer, code of H.273", "is read as"),
            ((_codes(TRANSFERS, curve), curve) for curve in dict.fromkeys(TRANSFERS.values())),
        ),
        "matrices": _table(
            ("matrix, code of H.273", "is"),
            (
                *((str(code), meaning) for code, meaning in MATRICES.items()),
                *((str(code), f"{meaning}: refused") for code, meaning in REFUSED.items()),
            ),
        ),
    }


def _codes(table: dict[int, str], name: str) -> str:
    return ", ".join(str(code) for code, known in table.items() if known == name)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
