"""The quality benchmark: every renderer on shots whose truth is known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DependencyError, ShotError, require
from training.benchmark.contenders import CONTENDERS, OWN, contenders
from training.benchmark.pictures import write_pictures
from training.benchmark.table import Rows, best, finite, mean, number
from training.benchmark.truth import KnownShot, known_shot
from training.metrics import SquaredError, TemporalError, decibels, edge_band, paired, ssim_of_display
from training.peers import Peer, Rendering

if TYPE_CHECKING:
    from training.scenes import SceneShot

__all__ = ["MEASURES", "OpticalOptions", "OpticalReport", "ShotScore", "compare", "run_optical", "score"]


@dataclass(frozen=True)
class OpticalOptions:
    """What to run.

    Attributes:
        renderers: of ``final draft gegl blender``.
        shots: names of shots; all of the benchmark if empty.
        pictures: folder for the middle frame of every shot: results, truth, errors times eight; none if None.
        cache: folder of the ray-traced truth; the user's cache if None.
        repeats: runs of each frame of a peer; the least time counts.
        say: gets a line of text for every step.
    """

    renderers: tuple[str, ...] = CONTENDERS
    shots: tuple[str, ...] = ()
    pictures: Path | None = None
    cache: Path | None = None
    repeats: int = 1
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)


@dataclass(frozen=True)
class ShotScore:
    """One renderer on one shot: decibels over the shot and near its depth edges, SSIM, temporal error, CPU seconds a
    frame. NaN where a measure is not defined."""

    shot: str
    renderer: str
    psnr: float
    ssim: float
    edge_psnr: float
    temporal: float
    cpu_seconds: float


@dataclass(frozen=True)
class _Measure:
    field: str
    title: str
    digits: int
    larger: bool


MEASURES = (
    _Measure("psnr", "PSNR dB", 2, True),
    _Measure("ssim", "SSIM", 4, True),
    _Measure("edge_psnr", "edge PSNR dB", 2, True),
    _Measure("temporal", "temporal", 5, False),
    _Measure("cpu_seconds", "CPU s/frame", 3, False),
)
"""The columns, and whether more is better."""


@dataclass(frozen=True)
class OpticalReport:
    """What :func:`run_optical` found.

    Attributes:
        scores: of every shot and renderer, in the order in which they ran.
        versions: of the renderers that took part.
        ours: names of those that are Rackfocus itself.
        skipped: renderers that did not take part, and why.
        pictures: where the pictures are, if any were asked for.
    """

    scores: tuple[ShotScore, ...]
    versions: dict[str, str]
    ours: tuple[str, ...]
    skipped: dict[str, str]
    pictures: Path | None = None

    def means(self) -> tuple[ShotScore, ...]:
        """Each renderer's mean over all shots, in the order of the tables; the shot is called ``mean``."""
        result = []
        for name in self.versions:
            mine = [score for score in self.scores if score.renderer == name]
            values = {m.field: mean(getattr(score, m.field) for score in mine) for m in MEASURES}
            result.append(ShotScore("mean", name, **values))
        return tuple(result)

    def against_best_peer(self) -> tuple[ShotScore, ...]:
        """Our means less the best peer's in each column; a positive PSNR and a negative time are in our favour."""
        means = self.means()
        peers = [score for score in means if score.renderer not in self.ours]
        result = []
        for mine in (score for score in means if score.renderer in self.ours):
            values = {
                m.field: getattr(mine, m.field) - best((getattr(p, m.field) for p in peers), m.larger) for m in MEASURES
            }
            result.append(ShotScore("less best peer", mine.renderer, **values))
        return tuple(result)

    def rows(self) -> Rows:
        """Every shot, then the means, then the differences to the best peer."""
        lines = [*self.scores, *self.means(), *self.against_best_peer()]
        return (_HEADER, *(_row(score) for score in lines))

    def summary_rows(self) -> Rows:
        """The means and the differences alone."""
        return (_HEADER, *(_row(score) for score in (*self.means(), *self.against_best_peer())))

    def to_json(self) -> str:
        """All of it as a JSON object."""
        return json.dumps(
            {
                "shots": [_plain(score) for score in self.scores],
                "means": [_plain(score) for score in self.means()],
                "less_best_peer": [_plain(score) for score in self.against_best_peer()],
                "versions": self.versions,
                "skipped": self.skipped,
                "pictures": str(self.pictures) if self.pictures else None,
            },
            indent=2,
        )


_HEADER = ("shot", "renderer", *(m.title for m in MEASURES))


def _row(score: ShotScore) -> tuple[str, ...]:
    return (score.shot, score.renderer, *(number(getattr(score, m.field), m.digits) for m in MEASURES))


def _plain(score: ShotScore) -> dict[str, object]:
    return {key: finite(value) if isinstance(value, float) else value for key, value in asdict(score).items()}


def run_optical(options: OpticalOptions = OpticalOptions()) -> OpticalReport:
    """Render every shot with every renderer found and compare with the truth.

    Raises:
        ShotError: a renderer or shot that was asked for does not exist.
        OutputWriteError: the cache or the pictures cannot be written.
    """
    from training.scenes import benchmark_shots

    shots = {shot.name: shot for shot in benchmark_shots()}
    unknown = [name for name in options.shots if name not in shots]
    require(not unknown, ShotError, f"there is no shot {', '.join(unknown)}; choose from {', '.join(shots)}")
    chosen = [shots[name] for name in options.shots or shots]
    return compare(chosen, contenders(options.renderers, options.repeats), options)


def compare(shots: Sequence[SceneShot], peers: Sequence[Peer], options: OpticalOptions) -> OpticalReport:
    """:func:`run_optical` on these shots with these renderers; ``options`` says only where things go.

    Raises:
        OutputWriteError: the cache or the pictures cannot be written.
    """
    running, skipped = _found(peers)
    scores: list[ShotScore] = []
    for count, shot in enumerate(shots, 1):
        known = known_shot(shot, options.cache, options.say)
        results: dict[str, Rendering] = {}
        for peer in list(running):
            options.say(f"{shot.name} ({count} of {len(shots)}): {peer.name}")
            try:
                results[peer.name] = peer.render(known.frames)
            except DependencyError as error:
                skipped[peer.name] = f"{shot.name}: {error.message}"
                running.remove(peer)
                continue
            scores.append(score(known, peer.name, results[peer.name]))
        if options.pictures is not None:
            _show(options.pictures, known, results)
    # One that stopped half-way has no mean that could be put beside the others'.
    versions = {peer.name: peer.version() for peer in running}
    ours = tuple(name for name in versions if name in OWN)
    kept = tuple(score for score in scores if score.renderer in versions)
    return OpticalReport(kept, versions, ours, skipped, options.pictures)


def _found(peers: Sequence[Peer]) -> tuple[list[Peer], dict[str, str]]:
    """Those that can run here, and the reasons of the others."""
    running: list[Peer] = []
    skipped: dict[str, str] = {}
    for peer in peers:
        here = peer.available()
        if here.found:
            running.append(peer)
        else:
            skipped[peer.name] = here.reason
    return running, skipped


def score(known: KnownShot, renderer: str, rendering: Rendering) -> ShotScore:
    """Compare a rendering with the truth in every measure."""
    whole, edges, motion = SquaredError(), SquaredError(), TemporalError()
    similar: list[float] = []
    for frame, image, truth in zip(known.frames, rendering.images, known.truth, strict=True):
        result, goal = paired(image[..., :3], truth)
        whole.add(result, goal)
        edges.add(result, goal, edge_band(frame.disparity))
        motion.add(result, goal)
        similar.append(ssim_of_display(result, goal))
    return ShotScore(
        known.name,
        renderer,
        decibels(whole.mean),
        mean(similar),
        decibels(edges.mean),
        motion.mean,
        mean(rendering.cpu_seconds) if rendering.cpu_seconds else math.nan,
    )


def _show(folder: Path, known: KnownShot, results: dict[str, Rendering]) -> None:
    """The middle frame."""
    middle = len(known.frames) // 2
    images = {name: rendering.images[middle][..., :3] for name, rendering in results.items()}
    write_pictures(folder, known.name, known.frames[middle].image, known.truth[middle], images)
