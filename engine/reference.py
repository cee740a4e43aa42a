"""The pages of ``docs`` that are made from the source: ``python -m engine.reference`` writes them anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.errors import RackfocusError
from engine.shot.reference import shot_reference, shot_schema

__all__ = ["errors_reference", "pages", "write_pages"]

OTHER_STATUSES = {
    0: "All was done",
    1: "An error that belongs to no cause below",
    70: "An error that was not foreseen: a defect of Rackfocus; please report what `--traceback` shows",
    71: "There is not enough memory",
}


def pages() -> dict[str, str]:
    """Name and text of every page that is made from the source."""
    return {
        "errors.md": errors_reference(),
        "shot.md": shot_reference(),
        "shot.schema.json": json.dumps(shot_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def write_pages(folder: Path) -> None:
    """Write the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def errors_reference() -> str:
    """The text of ``docs/errors.md``: code, meaning and exit status of each cause."""
    lines = [
        "# Errors",
        "",
        "Every error that Rackfocus raises on purpose is one sentence with a stable code in front. Scripts, hosts and",
        "farms read the code or the exit status; people read the sentence. This page is made from `engine/errors.py`",
        "by `python -m engine.reference`.",
        "",
        "| exit status | meaning |",
        "|---|---|",
        *(f"| {status} | {meaning} |" for status, meaning in _statuses().items()),
        "",
        "| code | class | exit status | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{cause.code}` | `{cause.__name__}` | {cause.exit_status} | {_meaning(cause)} |"
        for cause in tree(RackfocusError)
    ]
    return "\n".join([*lines, ""])


def tree(cause: type[RackfocusError]) -> list[type[RackfocusError]]:
    """A class of errors and all below it, parents first."""
    return [cause, *(inner for below in cause.__subclasses__() for inner in tree(below))]


def _statuses() -> dict[int, str]:
    meanings = dict(OTHER_STATUSES)
    for cause in sorted(RackfocusError.__subclasses__(), key=lambda cause: cause.exit_status):
        before = meanings.get(cause.exit_status)
        meanings[cause.exit_status] = f"{before}; {_meaning(cause).lower()}" if before else _meaning(cause)
    return dict(sorted(meanings.items()))


def _meaning(cause: type[RackfocusError]) -> str:
    first = (cause.__doc__ or "").strip().splitlines()[0]
    return first.rstrip(".").replace("``", "`")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
