"""The benchmark on the depth that people have: exact disparity is spoiled in many ways, the truth stays what it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DependencyError
from engine.frames import Float32Array
from training.benchmark.contenders import DEPTH_CONTENDERS, contenders
from training.benchmark.depth_report import DepthReport, DepthScore
from training.benchmark.depth_sets import DepthSet, DepthShot, depth_shots
from training.benchmark.pictures import write_crop, write_pictures
from training.benchmark.table import mean, number
from training.benchmark.truth import KnownShot
from training.extras import require_training
from training.metrics import Flicker, Speckle, SquaredError, decibels, display, edge_band, paired
from training.peers import Peer, Rendering

if TYPE_CHECKING:
    from training.benchmark.spoiling import Way

__all__ = ["DepthOptions", "compare_ways", "run_depth", "score_depth"]


@dataclass(frozen=True)
class DepthOptions:
    """What to run.

    Attributes:
        renderers: of ``final draft scatter gegl blender final-unrepaired draft-unrepaired``.
        shots: names of shots or of composed pictures; all of the set if empty.
        ways: names of ways to spoil disparity; all if empty. ``exact`` is always among them.
        which: ``tune`` to develop by, ``held`` to look at only at the end.
        width: of traced shots, in pixels; K scales with it, the errors of the depth do not.
        frames: of each shot; two at least to see flicker.
        pictures: folder for the middle frame of every shot and way, and a crop at its worst edge; none if None.
        cache: folder of the ray-traced truth; the user's cache if None.
        repeats: runs of each frame of an outside program; the least time counts.
        say: gets a line of text for every step.
    """

    renderers: tuple[str, ...] = DEPTH_CONTENDERS
    shots: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    which: DepthSet = "tune"
    width: int = 1024
    frames: int = 2
    pictures: Path | None = None
    cache: Path | None = None
    repeats: int = 1
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)


def run_depth(options: DepthOptions = DepthOptions()) -> DepthReport:
    """Render every shot with every way of spoiled disparity and every renderer found, and compare with the truth.

    Raises:
        DependencyError: OpenCV is missing.
        ShotError: a renderer, shot or way that was asked for does not exist.
        OutputWriteError: the cache or the pictures cannot be written.
    """
    require_training("rackfocus bench depth", "cv2")
    from training.benchmark.spoiling import EXACT, choose_ways

    ways = choose_ways((EXACT.name, *options.ways) if options.ways else ())
    shots = depth_shots(options.which, options.width, options.frames, options.shots)
    return compare_ways(shots, ways, contenders(options.renderers, options.repeats), options)


def compare_ways(
    shots: Sequence[DepthShot], ways: Sequence[Way], peers: Sequence[Peer], options: DepthOptions
) -> DepthReport:
    """:func:`run_depth` on these shots and ways with these renderers; ``options`` says only where things go.

    Raises:
        OutputWriteError: the cache or the pictures cannot be written.
    """
    from training.benchmark.spoiling import spoiled

    skipped = {peer.name: here.reason for peer in peers if not (here := peer.available()).found}
    running = [peer for peer in peers if peer.name not in skipped]
    scores: list[DepthScore] = []
    for count, shot in enumerate(shots, 1):
        known = shot.load(options.cache, options.say)
        for way in ways:
            frames = spoiled(known, way)
            results: dict[str, Rendering] = {}
            for peer in list(running):
                try:
                    results[peer.name] = peer.render(frames)
                except DependencyError as error:
                    skipped[peer.name] = f"{shot.name}, {way.name}: {error.message}"
                    running.remove(peer)
            new = [score_depth(known, shot.group, way.name, name, result) for name, result in results.items()]
            scores += new
            told = ", ".join(f"{score.renderer} {number(score.psnr, 1)}" for score in new)
            options.say(f"{shot.name} ({count} of {len(shots)}), {way.name}: {told}")
            if options.pictures is not None:
                _show(options.pictures, known, frames[len(frames) // 2].disparity, way.name, results)
    # One that stopped half-way has no mean that could be put beside the others'.
    versions = {peer.name: peer.version() for peer in running}
    kept = tuple(score for score in scores if score.renderer in versions)
    titles = {way.name: way.title for way in ways}
    return DepthReport(kept, titles, versions, skipped, options.pictures)


def score_depth(known: KnownShot, group: str, way: str, renderer: str, rendering: Rendering) -> DepthScore:
    """Compare a rendering with the truth; edges are those of the exact disparity, whatever the renderer was given."""
    whole, edges, specks, flickers = SquaredError(), SquaredError(), Speckle(), Flicker()
    for frame, image, truth in zip(known.frames, rendering.images, known.truth, strict=True):
        result, goal = paired(image[..., :3], truth)
        plate = display(frame.image[..., :3])
        whole.add(result, goal)
        edges.add(result, goal, edge_band(frame.disparity))
        specks.add(result, plate, frame.disparity, goal)
        flickers.add(result, goal, plate, frame.disparity)
    plain, faint = flickers.shares
    return DepthScore(
        known.name,
        group,
        way,
        renderer,
        decibels(whole.mean),
        decibels(edges.mean),
        specks.share,
        plain,
        faint,
        mean(rendering.cpu_seconds) if rendering.cpu_seconds else math.nan,
    )


def _show(folder: Path, known: KnownShot, disparity: Float32Array, way: str, results: dict[str, Rendering]) -> None:
    """The middle frame, whole and around the edge where the first renderer errs most."""
    middle = len(known.frames) // 2
    frame, truth = known.frames[middle], known.truth[middle]
    images = {name: rendering.images[middle][..., :3] for name, rendering in results.items()}
    name = f"{known.name}.{way}"
    write_pictures(folder, name, frame.image[..., :3], truth, images)
    depths = {"exact": frame.disparity, "spoiled": disparity}
    write_crop(folder / f"{name}.crop.png", frame.image[..., :3], truth, images, depths)
