"""The tables of an evaluation: the paper's layouts, filled with what was measured here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.runtime.behaviour import Behaviour
from training.benchmark.table import Rows, mean, number
from training.evaluation.contenders import LEARNED, PARTS, ContenderSpec
from training.evaluation.jobs import Score
from training.evaluation.perturbing import NONE
from training.evaluation.running import SetEvaluation
from training.metrics import MEASURES, Moments

__all__ = ["Table", "ablation_table", "all_tables", "failure_table", "main_table", "robustness_table", "set_value"]

NO_WEIGHTS: Final = "no weights"
MISSING: Final = "not given"


@dataclass(frozen=True)
class Table:
    """Rows, and the words around them.

    Attributes:
        title: above it.
        rows: header first.
        note: below it.
    """

    title: str
    rows: Rows
    note: str = ""


def all_tables(found: SetEvaluation) -> tuple[Table, ...]:
    """Those that have something to say, in the order of the report."""
    tables = [main_table(found), further_table(found)]
    if any(way.kind != "none" for way in found.options.perturbations):
        tables.append(robustness_table(found))
    if any(spec.kind == LEARNED for spec in found.options.contenders):
        tables.append(ablation_table(found))
    if found.failures:
        tables.append(failure_table(found))
    return tuple(tables)


def set_value(scores: Sequence[Score], key: str) -> float:
    """A measure over a set: the mean over its shots, or for a Fréchet distance the one number of all their blocks.

    Args:
        scores: of one contender under one perturbation.
        key: of ``training.metrics.MEASURES``.

    Returns:
        NaN where nothing was measured.
    """
    if any(key in score.features for score in scores):
        ours, theirs = Moments(), Moments()
        for score in scores:
            for block in score.features.get(key, ()):
                ours.add(block)
            for block in score.true_features.get(key, ()):
                theirs.add(block)
        return ours.distance(theirs)
    return mean(score.value(key) for score in scores)


def main_table(found: SetEvaluation) -> Table:
    """The layout of the paper's Table 1, on the disparity as it is if there is any of it."""
    flow = found.options.judges.flow or "flow_dis"
    keys = (flow, "rm", "vfid_i3d", "fvd", "ssim", "psnr")
    header = ("method", *(_title(key) for key in keys), "CPU s/frame", "shots")
    lines = []
    for spec, scores in _measured(found):
        cells = (_cell(scores, key, found) for key in keys)
        lines.append((spec.name, *cells, _seconds(scores), _count(scores, found)))
    return Table(
        "Measured here (layout of the paper's Table 1)" + _spoiled(found),
        (header, *lines),
        "Means over shots; PSNR pools the squared errors of a shot before the logarithm. CPU s/frame is the processor "
        "time of the rendering alone on one thread, reading, writing and starting left out; the learned renderer's is "
        "that of all its threads, and a GPU's work is not in it. A count of shots below the whole says that the "
        "contender failed on some, and its means are over the others.",
    )


def further_table(found: SetEvaluation) -> Table:
    """Measures that the paper's tables lack."""
    keys = ("edge_psnr", "vepi", "vepi_smoothness", "temporal_root", "lpips", "vfid_resnext")
    lines = [(spec.name, *(_cell(scores, key, found) for key in keys)) for spec, scores in _measured(found)]
    truth = {(s.clip, s.focusing): s.true_vepi for s in found.scores if s.true_vepi is not None}
    return Table(
        "Further measures" + _spoiled(found),
        (("method", *(_title(key) for key in keys)), *lines),
        "Edge PSNR counts pixels within 12 px of a depth edge. VEPI is over shots that hold the focus on an element; "
        f"the truth itself has {number(mean(truth.values()), 4)}, since blur before the element takes edges away.",
    )


def robustness_table(found: SetEvaluation) -> Table:
    """How contenders fare with spoiled disparity; the truth and its depth edges stay what they are."""
    keys = ("psnr", "ssim", "edge_psnr")
    ways = found.options.perturbations
    header = ("method", "disparity", *(_title(key) for key in keys), "PSNR less unspoiled")
    lines = []
    for spec, plain in _measured(found):
        for way in ways:
            scores = found.of(spec.name, way.name)
            change = set_value(scores, "psnr") - set_value(plain, "psnr") if NONE in ways else math.nan
            cells = (_cell(scores, key, found) for key in keys)
            lines.append((spec.name, way.name, *cells, number(change, 2) if way != NONE else "-"))
    return Table(
        "Robustness under spoiled disparity",
        (header, *lines),
        "elastic moves the disparity by smooth noise, blur softens it, morph makes every element a little too large or "
        "too small; severity 1 is what stage 2 of the training meets. All contenders get the same spoiled disparity.",
    )


def ablation_table(found: SetEvaluation) -> Table:
    """The layout of the paper's Table 3: the learned renderer without each of its parts."""
    keys = (found.options.judges.flow or "flow_dis", "rm", "vfid_i3d", "fvd", "ssim", "psnr")
    learned = [spec for spec in found.options.contenders if spec.kind == LEARNED]
    lines = [
        (*_ticks(spec), spec.name, *(_cell(found.of(spec.name, found.plain.name), key, found) for key in keys))
        for spec in sorted(learned, key=lambda spec: -len(spec.without))
    ]
    for part in PARTS:
        if not any(spec.without == (part,) for spec in learned):
            marks = tuple("no" if other == part else "yes" for other in PARTS)
            lines.append((*marks, f"{MISSING}: {_recipe(part)}", *("-" for _ in keys)))
    return Table(
        "Ablation of the learned renderer (layout of the paper's Table 3)" + _spoiled(found),
        (("MPI", "prior", "WOIS", "refinement", "method", *(_title(key) for key in keys)), *lines),
        f"MPI: {PARTS['mpi']}; prior: {PARTS['prior']}; WOIS: {PARTS['wois']}; refinement: {PARTS['refinement']}. "
        "MPI and WOIS are read from the renderer's options; the others are what without= says of the weights.",
    )


def failure_table(found: SetEvaluation) -> Table:
    """What has no score, and why."""
    lines = [(f.contender, f.shot or "all", f.sentence) for f in found.failures]
    return Table("Failed", (("method", "shot", "why"), *lines))


def _recipe(part: str) -> str:
    trained = {"prior": "weights trained from random values", "refinement": "weights of stage 1"}
    where = trained.get(part, "the same weights")
    full = ",mpi_masks=threshold in the others" if part == "mpi" else ""
    return f"{LEARNED}:weights=...,without={part} ({where}{full})"


def _ticks(spec: ContenderSpec) -> tuple[str, ...]:
    """Whether each part is there."""
    assert spec.options is not None
    masks = Behaviour.of(spec.options).mpi_masks != "off"
    return tuple("yes" if part not in spec.without and (part != "mpi" or masks) else "no" for part in PARTS)


def _measured(found: SetEvaluation) -> list[tuple[ContenderSpec, tuple[Score, ...]]]:
    """Each contender with its scores on unspoiled disparity, if there is any."""
    return [(spec, found.of(spec.name, found.plain.name)) for spec in found.options.contenders]


def _spoiled(found: SetEvaluation) -> str:
    """What a title must add where the disparity of a whole table is spoiled."""
    return "" if found.plain == NONE else f", disparity spoiled: {found.plain.name}"


def _title(key: str) -> str:
    measure = MEASURES[key]
    return f"{measure.name} {measure.unit}".strip()


def _cell(scores: Sequence[Score], key: str, found: SetEvaluation) -> str:
    if hasattr(found.options.judges, key) and getattr(found.options.judges, key) is None:
        return NO_WEIGHTS
    return number(set_value(scores, key), MEASURES[key].digits)


def _seconds(scores: Sequence[Score]) -> str:
    return number(mean(score.cpu_seconds for score in scores), 3)


def _count(scores: Sequence[Score], found: SetEvaluation) -> str:
    tried = len({(job.clip.clip.name, job.focusing.name) for job in found.jobs})
    return str(tried) if len(scores) == tried else f"{len(scores)} of {tried}"
