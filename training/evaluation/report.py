"""The report of an evaluation: a page to look at, the same tables in Markdown, and all numbers in JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from training.benchmark.table import Rows, finite
from training.evaluation.curves import curves
from training.evaluation.jobs import Job, Score
from training.evaluation.page import PAGE
from training.evaluation.paper import PAPER_NOTE, PAPER_ROWS
from training.evaluation.placing import write_text
from training.evaluation.running import SetEvaluation
from training.evaluation.sheets import telling_shots, write_sheet
from training.evaluation.strips import MOST_FRAMES, strip_size
from training.evaluation.tables import Table, all_tables, set_value
from training.extras import require_training
from training.metrics import MEASURES

__all__ = ["JSON", "MARKDOWN", "PAGE_FILE", "as_json", "as_markdown", "write_report"]

PAGE_FILE: Final = "report.html"
MARKDOWN: Final = "report.md"
JSON: Final = "report.json"
CURVES: Final = "curves.svg"
SHEETS: Final = "sheets"

PAPER: Final = Table("The paper's own numbers", PAPER_ROWS, PAPER_NOTE)


@dataclass(frozen=True)
class _Tile:
    """A flip-book on the page: places of the pictures below the report's folder; no errors where it is the truth."""

    name: str
    strip: str
    errors: str = ""
    said: str = ""


@dataclass(frozen=True)
class _Shot:
    """A shot on the page."""

    title: str
    said: str
    frames: int
    width: int
    height: int
    tiles: tuple[_Tile, ...]


def write_report(found: SetEvaluation) -> Path:
    """Write the page, its curves, the Markdown and the JSON into the evaluation's folder.

    Returns:
        The page.

    Raises:
        OutputError: a file cannot be written.
        DependencyError: Jinja2 is not installed.
    """
    folder = found.options.out
    write_text(folder / JSON, as_json(found) + "\n")
    drawn = curves(found)
    write_text(folder / CURVES, drawn)
    pictures = []
    for title, jobs in telling_shots(found):
        write_sheet(folder / SHEETS / _sheet_name(jobs[0]), jobs)
        pictures.append(_picture(found, title, jobs))
    write_text(folder / MARKDOWN, as_markdown(found) + "\n" + "\n".join(pictures))
    write_text(folder / PAGE_FILE, _page(found, drawn))
    return folder / PAGE_FILE


def as_markdown(found: SetEvaluation) -> str:
    """The tables, the curves, and the paper's numbers in a section of their own."""
    measured = "\n".join(_section(table) for table in all_tables(found))
    drawn = f"## Curves\n\n![PSNR over K, and over the distance from a depth edge]({CURVES})\n"
    return "\n".join((measured, drawn, _section(PAPER)))


def _section(table: Table) -> str:
    return f"## {table.title}\n\n{_markdown(table.rows)}\n" + (f"\n{table.note}\n" if table.note else "")


def _sheet_name(job: Job) -> str:
    return f"{job.clip.clip.name}.{job.focusing.name}.jpg"


def _picture(found: SetEvaluation, title: str, jobs: Sequence[Job]) -> str:
    first = jobs[0]
    scores = {s.contender: s for s in found.scores if _shot_of(s) == _shot_of(first)}
    names = [f"{job.contender.name} ({scores[job.contender.name].value('psnr'):.2f} dB)" for job in jobs]
    shot = f"{first.clip.clip.name} {first.focusing.name}"
    return (
        f"## {shot}, {title}\n\n![{shot}]({SHEETS}/{_sheet_name(first)})\n\n"
        f"From the left: plate, truth, {', '.join(names)}. Middle frame; {_course(first)}; below, the errors, eight "
        "times as bright.\n"
    )


def _shot_of(of: Job | Score) -> tuple[str, str, str]:
    """Names of clip, focusing and perturbation."""
    if isinstance(of, Job):
        return of.clip.clip.name, of.focusing.name, of.perturbation.name
    return of.clip, of.focusing, of.perturbation


def _markdown(rows: Rows) -> str:
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def as_json(found: SetEvaluation) -> str:
    """All numbers as a JSON object; what is not finite is null."""
    options = found.options
    whole = [
        {
            "contender": spec.name,
            "perturbation": way.name,
            "shots": len(scores),
            "cpu_seconds": finite(set_value(scores, "cpu_seconds")),
            **{key: finite(set_value(scores, key)) for key in MEASURES},
        }
        for spec in options.contenders
        for way in options.perturbations
        if (scores := found.of(spec.name, way.name))
    ]
    shots = [{**_named(s), **{key: finite(s.value(key)) for key in MEASURES if key in _OF_SHOTS}} for s in found.scores]
    told = {
        "seed": found.seed,
        "versions": found.versions,
        "failures": [asdict(failure) for failure in found.failures],
        "set": whole,
        "shots": shots,
    }
    return json.dumps(told, indent=2)


_OF_SHOTS: Final = frozenset(key for key in MEASURES if not key.startswith(("fvd", "vfid", "seam")))


def _named(score: Score) -> dict[str, object]:
    names = ("clip", "focusing", "perturbation", "contender", "cpu_seconds")
    return {name: getattr(score, name) for name in names}


def _page(found: SetEvaluation, drawn: str) -> str:
    require_training("the report", "jinja2")
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.from_string(PAGE).render(
        seed=found.seed,
        clips=len({job.clip.clip.name for job in found.jobs}),
        versions=found.versions,
        tables=all_tables(found),
        paper=PAPER,
        curves=drawn,
        shots=list(_shots(found)),
    )


def _shots(found: SetEvaluation) -> Iterator[_Shot]:
    """Each shot under each perturbation, with the plate, the truth, and what contenders made of it."""
    scores = {(*_shot_of(score), score.contender): score for score in found.scores}
    for shot, group in groupby(found.jobs, key=_shot_of):
        clip, focusing, way = shot
        jobs = list(group)
        first = jobs[0]
        tiles = []
        for job in jobs:
            score = scores.get((*shot, job.contender.name))
            if score is not None:
                strip, errors = (_below(found, path) for path in (job.strip_file, job.error_file))
                tiles.append(_Tile(job.contender.name, strip, errors, f"{score.value('psnr'):.2f} dB"))
        if tiles:
            plate, truth = _below(found, first.plate_strip), _below(found, first.truth_strip)
            yield _Shot(
                f"{clip} {focusing}" + ("" if way == "none" else f", disparity spoiled: {way}"),
                _course(first),
                min(first.clip.clip.frames, MOST_FRAMES),
                *strip_size(first.clip.clip.width, first.clip.clip.height),
                (_Tile("Plate", plate), _Tile("Truth", truth), *tiles),
            )


def _course(job: Job) -> str:
    """Focus and K of the shot in words."""
    focus, strength = job.focusing.focus, job.focusing.strength
    return f"focus {_run(focus, 2)}, K {_run(strength, 1)}, {job.focusing.kind}"


def _run(values: tuple[float, ...], digits: int) -> str:
    first, last = f"{values[0]:.{digits}f}", f"{values[-1]:.{digits}f}"
    return first if first == last else f"{first} to {last}"


def _below(found: SetEvaluation, path: Path) -> str:
    """The place as the page writes it."""
    return Path(os.path.relpath(path, found.options.out)).as_posix()
