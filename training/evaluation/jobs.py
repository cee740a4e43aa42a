"""One job of an evaluation: a contender on one course of focus of one clip, rendered, scored and written down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from engine.errors import CancelledError, DependencyError, OutputError, RackfocusError, require
from engine.files import place_file, temporary_path
from engine.frames import Float32Array, PlateFrame, Window
from engine.shot.part import DocumentPart
from training.benchmark.table import finite, mean
from training.data.clips import CLIP, FIRST_FRAME, Focusing, OpenClip
from training.evaluation.contenders import ContenderSpec
from training.evaluation.judges import NO_FILES, JudgeFiles, features_of, open_judges
from training.evaluation.perturbing import Perturbation, perturbed
from training.evaluation.placing import make_folder, write_text
from training.evaluation.scoring import ShotMeasures
from training.evaluation.strips import error_picture, write_strip
from training.metrics import EdgeDistanceError, EdgePreservation, FlowDifference, decibels, display, paired
from training.peers import Peer, Rendering
from training.peers.exr import write_exr

__all__ = ["Job", "Score", "plate_frames", "run_job", "subject_matte"]


class Score(DocumentPart):
    """What a contender reached on one shot; None where a measure is not defined.

    Attributes:
        format: of this document; 1 today.
        clip, focusing, perturbation, contender: names.
        identity: of all that decides the other values; another one makes this score out of date.
        error: the sentence of the error that ended it; all below is empty then.
        frames, strengths, squared_errors: number, K in pixels, and mean squared error of display values of each frame.
        edge_squared_error: near depth edges, pooled over the shot.
        values: of ``training.metrics.MEASURES``, by key; those in decibels come from the squared errors.
        distance_errors: sum of squared errors and count of values in each of ``training.metrics.EDGE_BINS``.
        features, true_features: of the blocks of frames, for the Fréchet distances, by key.
        true_vepi: VEPI of the truth itself, since a blur before the element takes edges away there too.
        cpu_seconds: of the rendering alone, for a frame.
    """

    format: Literal[1] = 1
    clip: str
    focusing: str
    perturbation: str
    contender: str
    identity: str
    error: str | None = None
    frames: tuple[int, ...] = ()
    strengths: tuple[float, ...] = ()
    squared_errors: tuple[float, ...] = ()
    edge_squared_error: float | None = None
    values: dict[str, float] = Field(default_factory=dict)
    distance_errors: tuple[tuple[float, int], ...] = ()
    features: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)
    true_features: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)
    true_vepi: float | None = None
    cpu_seconds: float = 0.0

    def value(self, key: str) -> float:
        """A measure of the shot by its key, or ``cpu_seconds``; infinite for equal pictures, NaN where not defined."""
        if key == "psnr":
            return decibels(mean(self.squared_errors))
        if key == "edge_psnr":
            return math.nan if self.edge_squared_error is None else decibels(self.edge_squared_error)
        return self.cpu_seconds if key == "cpu_seconds" else self.values.get(key, math.nan)


@dataclass(frozen=True)
class Job:
    """What is to be rendered and scored, and where it goes.

    Attributes:
        clip: opened.
        focusing: one of the clip's.
        perturbation: of the disparity that the contender gets.
        contender: who renders.
        out: folder of the evaluation.
        judges: networks that measure.
        keep: write the rendered frames too.
    """

    clip: OpenClip
    focusing: Focusing
    perturbation: Perturbation
    contender: ContenderSpec
    out: Path
    judges: JudgeFiles = NO_FILES
    keep: bool = False

    @property
    def _place(self) -> Path:
        return Path(self.clip.clip.name, self.focusing.name, self.perturbation.folder, self.contender.folder)

    @property
    def score_file(self) -> Path:
        """Where the score is; written last."""
        return self.out / "scores" / self._place.with_suffix(".json")

    @property
    def strip_file(self) -> Path:
        """The flip-book of the result."""
        return self.out / "pictures" / self._place.with_suffix(".jpg")

    @property
    def error_file(self) -> Path:
        """The flip-book of its errors."""
        return self.strip_file.with_suffix(".error.jpg")

    @property
    def truth_strip(self) -> Path:
        """The flip-book of the truth."""
        return self.out / "pictures" / self.clip.clip.name / self.focusing.name / "truth.jpg"

    @property
    def plate_strip(self) -> Path:
        """The flip-book of the plate."""
        return self.out / "pictures" / self.clip.clip.name / "plate.jpg"

    @property
    def files(self) -> tuple[Path, ...]:
        """All but the rendered frames."""
        return self.score_file, self.strip_file, self.error_file, self.truth_strip, self.plate_strip

    @property
    def render_folder(self) -> Path:
        """Where rendered frames are kept: ``beauty.1001.exr`` and so on."""
        return self.out / "renders" / self._place

    def identity(self) -> str:
        """A digest of the clip and of all that makes the score but the program's own code."""
        told = (
            (self.clip.folder / CLIP).read_bytes(),
            self.focusing.model_dump_json().encode(),
            repr((self.perturbation, self.contender, _version(self.contender), self.judges.identity)).encode(),
        )
        return sha256(b"\0".join(told)).hexdigest()[:24]

    def finished(self) -> Score | None:
        """The score, if it is there, without an error, and of this identity."""
        try:
            score = Score.model_validate_json(self.score_file.read_bytes())
        except (OSError, ValidationError):
            return None
        kept = not self.keep or self.render_folder.is_dir()
        return score if score.error is None and kept and score.identity == self.identity() else None


@cache
def _opened(spec: ContenderSpec) -> Peer:
    """The renderer, once in a process: its networks are loaded and its code is compiled once."""
    return spec.open()


@cache
def _version(spec: ContenderSpec) -> str:
    return _opened(spec).version()


def plate_frames(clip: OpenClip, focusing: Focusing) -> list[PlateFrame]:
    """The frames of a clip as a renderer gets them.

    Raises:
        MediaError: a file is missing or damaged.
    """
    window = Window.of_size(clip.clip.width, clip.clip.height)
    return [
        PlateFrame(
            FIRST_FRAME + index, clip.plate(index), ("R", "G", "B"), clip.disparity(index), focus, strength, window
        )
        for index, (focus, strength) in enumerate(zip(focusing.focus, focusing.strength, strict=True))
    ]


def subject_matte(clip: OpenClip, focusing: Focusing, index: int) -> Float32Array | None:
    """(H, W) float32: what is seen of the element in focus; None where the focus is on none."""
    if focusing.element is None:
        return None
    seen = clip.matte(focusing.element, index)
    for nearer in range(1, focusing.element):
        seen = seen * (1.0 - clip.matte(nearer, index))
    return np.asarray(seen, dtype=np.float32)


def run_job(job: Job) -> Score:
    """Render, score, and write down; an error of the contender or of the clip is a score too.

    Raises:
        OutputError: the evaluation's folder cannot be written.
        CancelledError: it was stopped.
    """
    try:
        score = _rendered_and_scored(job)
    except (OutputError, CancelledError):
        raise
    except RackfocusError as error:
        score = _score(job, error=error.message)
    write_text(job.score_file, score.model_dump_json(indent=1) + "\n")
    return score


def _rendered_and_scored(job: Job) -> Score:
    frames = plate_frames(job.clip, job.focusing)
    given = perturbed(frames, job.perturbation, job.clip.clip.name)
    rendering = _opened(job.contender).render(given)
    require(
        len(rendering.images) == len(frames),
        DependencyError,
        f"{job.contender.name} gave {len(rendering.images)} pictures for {len(frames)} frames",
    )
    if job.keep:
        _keep(job.render_folder, frames, rendering)
    return _scored(job, frames, rendering)


def _scored(job: Job, frames: list[PlateFrame], rendering: Rendering) -> Score:
    judges = open_judges(job.judges)
    measures, distances = ShotMeasures(), EdgeDistanceError()
    subject, true_subject = EdgePreservation(), EdgePreservation()
    flow = FlowDifference(judges.flow) if judges.flow is not None else None
    results: list[Float32Array] = []
    goals: list[Float32Array] = []
    for index, (frame, image) in enumerate(zip(frames, rendering.images, strict=True)):
        result, goal = paired(image[..., :3], job.clip.bokeh(job.focusing.name, index))
        measures.add(frame.frame, result, goal, frame.disparity)
        distances.add(result, goal, frame.disparity)
        if flow is not None:
            flow.add(result, goal)
        matte = subject_matte(job.clip, job.focusing, index)
        if matte is not None:
            plate = display(frame.image)
            subject.add(result, plate, matte)
            true_subject.add(goal, plate, matte)
        results.append(result)
        goals.append(goal)
    _draw(job, frames, results, goals)
    values = {
        "ssim": measures.ssim,
        "rm": measures.motion.mean,
        "temporal_root": measures.motion.root,
        "vepi": subject.mean,
        "vepi_smoothness": subject.smoothness,
    }
    if flow is not None:
        values[job.judges.flow] = flow.mean
    if judges.lpips is not None:
        values["lpips"] = mean(map(judges.lpips, results, goals))
    return _score(
        job,
        frames=tuple(score.frame for score in measures.frames),
        strengths=job.focusing.strength,
        squared_errors=tuple(score.squared_error for score in measures.frames),
        edge_squared_error=finite(measures.edge_squared_error),
        values={key: value for key, value in values.items() if not math.isnan(value)},
        distance_errors=tuple(zip(distances.totals.tolist(), distances.counts.tolist(), strict=True)),
        features={key: features_of(results, network) for key, network in judges.blocks.items()},
        true_features={key: features_of(goals, network) for key, network in judges.blocks.items()},
        true_vepi=finite(true_subject.mean),
        cpu_seconds=mean(rendering.cpu_seconds),
    )


def _score(job: Job, **found: object) -> Score:
    names = {
        "clip": job.clip.clip.name,
        "focusing": job.focusing.name,
        "perturbation": job.perturbation.name,
        "contender": job.contender.name,
        "identity": job.identity(),
    }
    return Score.model_validate({**names, **found})


def _draw(job: Job, frames: list[PlateFrame], results: list[Float32Array], goals: list[Float32Array]) -> None:
    write_strip(job.strip_file, results)
    errors = [error_picture(result, goal) for result, goal in zip(results, goals, strict=True)]
    write_strip(job.error_file, errors)
    # Every contender writes these two anew: a set that was made again must not keep its old ones.
    write_strip(job.truth_strip, goals)
    write_strip(job.plate_strip, [display(frame.image) for frame in frames])


def _keep(folder: Path, frames: list[PlateFrame], rendering: Rendering) -> None:
    make_folder(folder)
    for frame, image in zip(frames, rendering.images, strict=True):
        path = folder / f"beauty.{frame.frame}.exr"
        part = temporary_path(path, ".exr")
        write_exr(part, image)
        place_file(part, path)
