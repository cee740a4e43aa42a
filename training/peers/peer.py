"""What a benchmark knows of a renderer, and how an outside program is run and its processor time measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.errors import DependencyError
from engine.frames import Float32Array, PlateFrame

__all__ = ["Availability", "Peer", "Rendering", "find_program", "radius_of", "run_program"]

_TIME_LIMIT = 1800.0


@dataclass(frozen=True)
class Availability:
    """Whether a peer can run here, and if not, the sentence that says what to do."""

    found: bool
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Rendering:
    """What a renderer made of some frames.

    Attributes:
        images: (H, W, 3) or more channels, float32, scene-linear, in the order of the frames.
        cpu_seconds: user and system time of all threads for each frame, with start-up, reading and writing left out.
    """

    images: tuple[Float32Array, ...]
    cpu_seconds: tuple[float, ...]


class Peer(Protocol):
    """A renderer in a benchmark: somebody else's program, or one of our own qualities."""

    @property
    def name(self) -> str:
        """As printed in tables."""
        ...

    def version(self) -> str:
        """Of the program; empty where it is not found."""
        ...

    def available(self) -> Availability:
        """Whether :meth:`render` can work on this machine."""
        ...

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """Blur frames of one size with ``r = K |d - d_f|``.

        Raises:
            DependencyError: the program is missing or failed.
        """
        ...


def radius_of(frame: PlateFrame) -> Float32Array:
    """Blur radius of every pixel in pixels, ``K |d - d_f|``; (H, W) float32."""
    return np.asarray(np.abs(frame.disparity - frame.focus) * frame.strength, dtype=np.float32)


def find_program(program: str, package: str) -> Availability:
    """Whether ``program`` is on the path, and which Debian or Ubuntu package has it if not."""
    if shutil.which(program) is None:
        return Availability(False, f"{program} is not on the path; install it with: apt install {package}")
    return Availability(True)


def run_program(
    arguments: Sequence[str], folder: Path, expect: Sequence[Path], environment: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Run an outside program to its end.

    Args:
        arguments: the program and its arguments.
        folder: where it runs.
        expect: files that it must have written.
        environment: added to this process's own.

    Returns:
        CPU seconds (user and system, of the program and what it started), and what it printed.

    Raises:
        DependencyError: it could not be started, ran longer than half an hour, failed, or left out an expected file.
    """
    if sys.platform == "win32":
        raise DependencyError("peers are measured on Linux and macOS, where the system tells what a program cost")
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(
            list(arguments),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIME_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DependencyError(f"{arguments[0]} could not be run to its end ({error}); try it by hand") from error
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    missing = [path.name for path in expect if not path.is_file()]
    if done.returncode != 0 or missing:
        last = " / ".join((done.stderr + done.stdout).strip().splitlines()[-3:])
        raise DependencyError(
            f"{arguments[0]} ended with status {done.returncode}"
            f"{' without writing ' + ', '.join(missing) if missing else ''}; its last words: {last}"
        )
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout
