"""Every contender on every clip of a set; what was scored before is not rendered again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from engine.errors import DataSetError, RackfocusError, require
from engine.files import remove_stale
from training.data.clips import ClipSet, Focusing, OpenClip
from training.evaluation.contenders import ContenderSpec
from training.evaluation.jobs import Job, Score, run_job
from training.evaluation.judges import NO_FILES, JudgeFiles
from training.evaluation.perturbing import NONE, Perturbation
from training.processes import in_processes

__all__ = ["Failure", "SetEvaluation", "SetOptions", "evaluate_set"]


@dataclass(frozen=True)
class SetOptions:
    """What to evaluate.

    Attributes:
        clips: folder of the set.
        out: folder of scores, flip-books and the report.
        contenders: who takes part.
        perturbations: of the disparity that they get.
        most_clips: only the first so many; all if None.
        focusings: kinds, names or patterns (``element-1-*``) of focusings; all if empty.
        judges: files of the measures' networks.
        jobs: processes that work at a time.
        keep: keep the rendered frames.
        say: gets a line of text for every step.
    """

    clips: Path
    out: Path
    contenders: tuple[ContenderSpec, ...]
    perturbations: tuple[Perturbation, ...] = (NONE,)
    most_clips: int | None = None
    focusings: tuple[str, ...] = ()
    judges: JudgeFiles = NO_FILES
    jobs: int = 1
    keep: bool = False
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)


@dataclass(frozen=True)
class Failure:
    """What has no score: a contender, the shot or clip where it failed (empty: all of them), and why."""

    contender: str
    shot: str
    sentence: str


@dataclass(frozen=True)
class SetEvaluation:
    """What :func:`evaluate_set` found.

    Attributes:
        options: what was asked.
        seed: of the set.
        jobs: all that could be tried, clip by clip.
        scores: theirs, in the same order, without those that failed.
        versions: of the contenders.
        failures: what has no score.
    """

    options: SetOptions
    seed: int
    jobs: tuple[Job, ...]
    scores: tuple[Score, ...]
    versions: dict[str, str]
    failures: tuple[Failure, ...]

    @property
    def plain(self) -> Perturbation:
        """What the tables and curves are of that know only one: no perturbation, or the first where all have one."""
        ways = self.options.perturbations
        return NONE if NONE in ways else ways[0]

    def of(self, contender: str, perturbation: str) -> tuple[Score, ...]:
        """The scores of one contender under one perturbation."""
        return tuple(s for s in self.scores if (s.contender, s.perturbation) == (contender, perturbation))


def evaluate_set(options: SetOptions) -> SetEvaluation:
    """Render and score all that has no score yet.

    A contender that fails on a shot, or cannot run here, is a :class:`Failure`, and so is a clip that cannot be opened;
    the others go on. A second call tries again what failed.

    Raises:
        DataSetError: the folder is no set, or nothing in it is asked for.
        OutputError: the results cannot be written.
        CancelledError: it was stopped.
    """
    clips = ClipSet(options.clips)
    running, failures = _available(options)
    opened, broken = _opened(clips, options)
    jobs = tuple(_jobs(opened, running, options))
    require(
        bool(jobs or failures or broken),
        DataSetError,
        f"{options.clips}: no clip has a focusing that --focusings asks for ({', '.join(options.focusings)}); "
        f"there are {', '.join(sorted({f.name for clip in opened for f in clip.clip.focusings})) or 'none'}",
    )
    scores = _all_scores(jobs, options)
    failures += broken
    failures += [
        Failure(score.contender, f"{score.clip} {score.focusing} {score.perturbation}", score.error)
        for score in scores
        if score.error is not None
    ]
    return SetEvaluation(
        options,
        clips.manifest.seed,
        jobs,
        tuple(score for score in scores if score.error is None),
        {spec.name: version for spec, version in running.items()},
        tuple(failures),
    )


def _available(options: SetOptions) -> tuple[dict[ContenderSpec, str], list[Failure]]:
    """Those that can run here with their versions, and the reasons of the others."""
    running: dict[ContenderSpec, str] = {}
    failures: list[Failure] = []
    for spec in options.contenders:
        try:
            peer = spec.open()
            here = peer.available()
            found, reason = here.found, here.reason
        except RackfocusError as error:
            found, reason = False, error.message
        if found:
            running[spec] = peer.version()
        else:
            options.say(f"{spec.name} does not take part: {reason}")
            failures.append(Failure(spec.name, "", reason))
    return running, failures


def _opened(clips: ClipSet, options: SetOptions) -> tuple[list[OpenClip], list[Failure]]:
    """The clips that can be opened, and the reasons of the others."""
    opened: list[OpenClip] = []
    failures: list[Failure] = []
    require(len(clips) > 0, DataSetError, f"{options.clips} has no finished clip; run rackfocus data make again")
    for name in clips.finished[: options.most_clips]:
        try:
            opened.append(clips.open(name))
        except DataSetError as error:
            options.say(f"{name} is left out: {error.message}")
            failures.append(Failure("all", name, error.message))
    return opened, failures


def _jobs(clips: list[OpenClip], running: dict[ContenderSpec, str], options: SetOptions) -> Iterator[Job]:
    for clip in clips:
        for focusing in clip.clip.focusings:
            if _asked_for(focusing, options.focusings):
                for way in options.perturbations:
                    for spec in running:
                        yield Job(clip, focusing, way, spec, options.out, options.judges, options.keep)


def _asked_for(focusing: Focusing, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(p == focusing.kind or fnmatchcase(focusing.name, p) for p in patterns)


def _all_scores(jobs: tuple[Job, ...], options: SetOptions) -> list[Score]:
    """Of every job, in order: those on the disk, and the others made now."""
    for folder in {path.parent for job in jobs for path in job.files}:
        if folder.is_dir():
            remove_stale(folder)
    scores = {index: score for index, job in enumerate(jobs) if (score := job.finished()) is not None}
    left = [index for index in range(len(jobs)) if index not in scores]
    if scores and left:
        options.say(f"{len(scores)} of {len(jobs)} are scored already")
    with closing(_made(jobs, left, options.jobs)) as made:
        for index, score in made:
            scores[index] = score
            end = score.error or f"{score.value('psnr'):.2f} dB, {score.cpu_seconds:.2f} CPU s/frame"
            place = f"{score.clip} {score.focusing} {score.perturbation}"
            options.say(f"{len(scores)} of {len(jobs)}: {place}: {score.contender}: {end}")
    return [scores[index] for index in range(len(jobs))]


def _made(jobs: tuple[Job, ...], left: list[int], processes: int) -> Generator[tuple[int, Score], None, None]:
    """In the order in which they end."""
    if processes <= 1 or len(left) <= 1:
        for index in left:
            yield index, run_job(jobs[index])
        return
    with closing(in_processes(run_job, [(jobs[index],) for index in left], processes)) as results:
        for place, score in results:
            yield left[place], score
