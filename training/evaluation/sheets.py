"""Sheets for a page that does not move: the middle frame of a shot, results above and their errors below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import CorruptError, require
from engine.frames import Float32Array
from training.evaluation.jobs import Job, Score
from training.evaluation.running import SetEvaluation
from training.evaluation.strips import MOST_FRAMES, resized, write_jpeg

__all__ = ["telling_shots", "write_sheet"]

WIDEST: Final = 2048
"""Of a sheet, in pixels."""

_GAP: Final = 4


def telling_shots(found: SetEvaluation) -> tuple[tuple[str, tuple[Job, ...]], ...]:
    """The shots where the first contender is nearest to the truth, in the middle of its own, and farthest from it.

    Returns:
        What each is, and its jobs, one for each contender that has a score there.
    """
    way = found.plain.name
    first = found.options.contenders[0].name
    ranked = sorted(found.of(first, way), key=lambda score: -score.value("psnr"))
    if not ranked:
        return ()
    places = {0: "best", len(ranked) // 2: "middle", len(ranked) - 1: "worst"}
    return tuple((f"the {word} for {first}", _jobs_of(found, ranked[place])) for place, word in places.items())


def _jobs_of(found: SetEvaluation, score: Score) -> tuple[Job, ...]:
    finished = {(s.clip, s.focusing, s.perturbation, s.contender) for s in found.scores}
    names = [(j.clip.clip.name, j.focusing.name, j.perturbation.name, j.contender.name) for j in found.jobs]
    shot = (score.clip, score.focusing, score.perturbation)
    return tuple(job for job, name in zip(found.jobs, names, strict=True) if name[:3] == shot and name in finished)


def write_sheet(path: Path, jobs: Sequence[Job]) -> None:
    """Write the sheet of a shot from its flip-books.

    Columns are the plate, the truth and each job's result; errors are below the results.

    Raises:
        OutputError: it cannot be written.
        CorruptError: a flip-book is damaged.
    """
    frames = min(jobs[0].clip.clip.frames, MOST_FRAMES)
    upper = [jobs[0].plate_strip, jobs[0].truth_strip, *(job.strip_file for job in jobs)]
    above = [_middle(strip, frames) for strip in upper]
    empty = np.full_like(above[0], 1.0)
    below = [empty, empty, *(_middle(job.error_file, frames) for job in jobs)]
    write_jpeg(path, resized(np.concatenate([_beside(above), _beside(below)]), WIDEST))


def _middle(strip: Path, frames: int) -> Float32Array:
    image = oiio.ImageBuf(str(strip))
    require(not image.has_error, CorruptError, f"{strip}: cannot be read; remove the folder of pictures and scores")
    pixels = np.asarray(image.get_pixels(oiio.FLOAT), dtype=np.float32)
    height = pixels.shape[0] // frames
    return pixels[frames // 2 * height : (frames // 2 + 1) * height]


def _beside(pictures: Sequence[Float32Array]) -> Float32Array:
    gap = np.ones((pictures[0].shape[0], _GAP, 3), np.float32)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)
