"""What a render leaves in documents: the depth limits that it found, and the shot that flags built."""

from __future__ import annotations

from pathlib import Path

import typer

from engine.errors import OutputWriteError
from engine.render import Event, LimitsFound, Report, Started, with_limits
from engine.shot import Shot, load_shot, save_shot

__all__ = ["Keeping", "store_limits"]


class Keeping:
    """A report that keeps what is worth keeping as soon as it is known, and passes every event on."""

    def __init__(self, shot: Shot, document: Path | None, save_as: Path | None, report: Report) -> None:
        self._shot = shot
        self._document = document
        self._save_as = save_as
        self._report = report

    def __call__(self, event: Event) -> None:
        """Keep, and pass on."""
        self._report(event)
        if isinstance(event, LimitsFound):
            self._shot = with_limits(self._shot, event)
            if self._document is not None:
                store_limits(self._document, self._shot)
        if isinstance(event, Started) and self._save_as is not None:
            save_shot(self._shot, self._save_as)
            typer.echo(f"shot kept in {self._save_as}", err=True)


def store_limits(document: Path, fixed: Shot) -> None:
    """Keep depth limits in the document that they were found for, unless it cannot or should not be changed.

    It is read again first: where its plate or depth are not those of ``fixed`` (flags changed them, or somebody edited
    it meanwhile) it is left alone. Two farm tasks may come here at once: both found the same limits, and each replaces
    the document as a whole.
    """
    kept = load_shot(document)
    limits = {"near": kept.depth.near, "far": kept.depth.far}
    if kept.plate != fixed.plate or kept.depth != fixed.depth.model_copy(update=limits):
        return
    try:
        save_shot(kept.model_copy(update={"depth": fixed.depth}), document)
    except OutputWriteError:
        flags = f"--near {fixed.depth.near}" + ("" if fixed.depth.far is None else f" --far {fixed.depth.far}")
        typer.echo(f"{document} cannot be changed; give {flags} to save the search next time", err=True)
    else:
        typer.echo(f"depth limits stored in {document}", err=True)
