"""What a shot needs on a farm: its frames, its files, and what a machine must have to render it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

from engine.cancelling import NEVER, Cancel
from engine.errors import ShotError, require
from engine.frames import FrameRange
from engine.media.sequence import is_movie
from engine.render import Inputs, Report, fixed_limits
from engine.render.loop import asked_frames
from engine.render.report import ignore
from engine.shot import Shot

__all__ = ["CHUNK", "FarmPlan", "Needs", "plan_job"]

CHUNK: Final = 24
"""Frames of a task: the learned renderer reads up to 12 more on each side of them."""

MEMORY: Final = 1024
"""MiB of memory that any render takes."""

MEMORY_OF_PIXEL: Final = 256
"""Bytes that each pixel of R, G, B and A adds: under 3 GiB in all at 3840x2160 (``docs/optical.md``)."""

MEMORY_OF_SAMPLE: Final = 56
"""Bytes that each pixel of a further channel adds: it stands in every frame that is read ahead, rendered and written.

Peaks of ``rackfocus render`` with ``extra_layers`` "*", halves, K = 20, in MiB for 4, 28 and 52 channels: 285, 602 and
796 at 512x384 in draft, 833 for 52 in final; 432, 924 and 1,253 at 1024x768 in draft, 1,849 for 52 in final, and 2,253
were seen. That is 27 to 56 bytes, by how far reading gets ahead.
"""

LEARNED_MEMORY: Final = 16384
"""MiB that the networks of Any-to-Bokeh add: at most 14.3 GB were seen (``docs/export.md``)."""

LEARNED_GPU_MEMORY: Final = 12288
"""MiB on the card at 1024x576 in fp16: weights, a window of frames, and the decoder's attention (by arithmetic)."""


@dataclass(frozen=True)
class Needs:
    """What a machine must have.

    Attributes:
        cpus: virtual CPUs.
        memory: MiB.
        gpus: cards.
        gpu_memory: MiB on one of them.
        systems: of ``linux``, ``windows``, ``macos``; none for any.
    """

    cpus: int
    memory: int
    gpus: int = 0
    gpu_memory: int = 0
    systems: tuple[str, ...] = ()


@dataclass(frozen=True)
class FarmPlan:
    """A job for a farm, whatever its scheduler.

    Attributes:
        shot: with absolute paths, its depth limits and its frames.
        frames: to be rendered.
        chunk: frames of a task.
        command: the words that start Rackfocus on the farm's machines.
        movie: whether a movie is assembled at the end, beside the contact sheet.
        builds: whether engines for TensorRT are built before rendering.
        needs: of a machine that renders.
        inputs: files that are read, without those of the weights.
    """

    shot: Shot
    frames: FrameRange
    chunk: int
    command: tuple[str, ...]
    movie: bool
    builds: bool
    needs: Needs
    inputs: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What people know the job by: the shot's name, or that of its files."""
        said = self.shot.name or Path(self.shot.output.path).name.partition("%")[0].partition("#")[0].strip(" ._-")
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:80] or "shot"


def plan_job(
    shot: Shot,
    *,
    frames: str | None = None,
    chunk: int = CHUNK,
    command: str = "rackfocus",
    movie: bool = False,
    build: str | None = None,
    systems: tuple[str, ...] = (),
    report: Report = ignore,
    cancel: Cancel = NEVER,
) -> FarmPlan:
    """Look at a shot, and fix all that every task of a job must agree on.

    The depth limits are found here where the shot does not give them, and its frames are written down: a task then
    depends on nothing that another one does, nor on which files a machine happens to have.

    Args:
        shot: as loaded, with absolute paths.
        frames: some of the shot's; all when not given.
        chunk: frames of a task, one or more.
        command: starts Rackfocus on the farm's machines; may have several words.
        movie: assemble a movie too.
        build: ``tensorrt``: build engines before rendering.
        systems: that may render, of ``linux``, ``windows``, ``macos``; any when none is given.
        report: gets the search for the limits.
        cancel: stops it.

    Raises:
        ShotError: the result is a movie, a frame is not in the shot, or an option does not fit the renderer.
        MediaError, DepthError: the plate or the depth cannot be read.
    """
    require(chunk >= 1, ShotError, f"--chunk: a task has one frame or more, not {chunk}")
    require(
        not is_movie(shot.output.path),
        ShotError,
        f"output.path: {shot.output.path} is a movie, of which no task can write a piece; write an image sequence, "
        "and let --movie assemble one of it",
    )
    learned = shot.renderer.name == "any-to-bokeh"
    require(
        build is None or (build == "tensorrt" and learned),
        ShotError,
        f'--build: engines are built for any-to-bokeh on tensorrt, not for {shot.renderer.name} on "{build}"',
    )
    fixed = fixed_limits(shot, report, cancel)
    with Inputs(fixed) as inputs:
        asked = asked_frames(frames, inputs.frames)
        info = inputs.plate.info
        window, channels = info.window, len(info.channels) + len(info.data)
        read = {path for frame in inputs.frames for path in inputs.files(frame)}
        plate = fixed.plate.model_copy(update={"frames": str(inputs.frames)})
    if fixed.aperture.image is not None:
        read.add(Path(fixed.aperture.image))
    return FarmPlan(
        shot=fixed.model_copy(update={"plate": plate}),
        frames=asked,
        chunk=chunk,
        command=_words(command),
        movie=movie,
        builds=build is not None,
        needs=_needs(fixed, window.width * window.height, channels, systems),
        inputs=tuple(sorted(path for path in read if path.is_file())),
    )


def _needs(shot: Shot, pixels: int, channels: int, systems: tuple[str, ...]) -> Needs:
    bytes_of_pixel = MEMORY_OF_PIXEL + MEMORY_OF_SAMPLE * max(0, channels - 4)
    memory = MEMORY + ceil(pixels * bytes_of_pixel / 2**20)
    if shot.renderer.name == "optical":
        return Needs(cpus=2, memory=memory, systems=systems)
    on_card = shot.renderer.any_to_bokeh.device != "cpu"
    return Needs(4, LEARNED_MEMORY + memory, int(on_card), LEARNED_GPU_MEMORY if on_card else 0, systems)


def _words(command: str) -> tuple[str, ...]:
    """A command line in its words; a backslash parts folders of Windows and is no sign of a shell."""
    try:
        words = tuple(word.strip("\"'") for word in shlex.split(command, posix=False))
    except ValueError as error:
        raise ShotError(f"--rackfocus: {command}: {str(error).lower()}; correct the quotes") from None
    require(bool(words), ShotError, "--rackfocus: it names no program; write it like /opt/rackfocus/bin/rackfocus")
    return words
