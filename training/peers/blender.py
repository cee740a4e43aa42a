"""The Defocus node of Blender's compositor, run in a Blender without a window.

Facts, found by running Blender 3.4.1 (the tests hold them):

* With "Use Z-Buffer" off, the node's Z socket is the blur radius in pixels itself (times ``z_scale``), at most
  ``blur_max``; no f-stop comes into it. An impulse in a constant field of radius r gives a disc of the area of radius r
  to within 0.25 px from 3 px on; at 1 px and less nothing is blurred, because only pixels nearer than the radius are
  gathered.
* With it on, the radius is linear in 1/Z, so a Z can be computed for any wanted radius; the node then also takes the
  lesser of that radius and its Gaussian blur.
* The node's threshold changes nothing in this version.
* The tiled compositor needs less processor time than the full-frame one (3.4 against 4.7 s) for the same pixels.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import DependencyError
from engine.frames import PlateFrame
from training.peers.exr import read_exr, write_exr
from training.peers.peer import Availability, Rendering, find_program, radius_of, run_program

__all__ = ["BlenderDefocus", "DefocusSettings"]

_SCRIPT = Path(__file__).with_name("blender_defocus.py")
_TIMES = re.compile(r"^rackfocus-times (.*)$", re.MULTILINE)
_KNOWN_MAJORS = (3, 4)


@dataclass(frozen=True)
class DefocusSettings:
    """What can be set on the node, with the values that were best for it on the benchmark's shots.

    First frames of four shots, mean PSNR / near depth edges: 33.31 / 29.90 dB as set here, 33.22 / 29.86 with a bias of
    0.25, 33.37 / 29.93 through the Z-buffer, which lost 0.7 dB on three earlier shots of a fence.

    Attributes:
        bias: added to every radius, in pixels.
        z_buffer: hand the node a depth through its camera instead of the radius.
        repeats: renders of each frame with and without the node; the least time of each counts.
    """

    bias: float = 0.0
    z_buffer: bool = False
    repeats: int = 1


@dataclass(frozen=True)
class BlenderDefocus:
    """Blender's Defocus node at its best quality, with the radius of every pixel given."""

    settings: DefocusSettings = DefocusSettings()

    @classmethod
    def measured(cls, repeats: int) -> BlenderDefocus:
        """With the best settings, each time being the least of ``repeats`` runs."""
        return cls(DefocusSettings(repeats=repeats))

    @property
    def name(self) -> str:
        """As printed in tables."""
        return "Blender Defocus"

    def version(self) -> str:
        """As ``blender --version`` says it; empty where it does not run."""
        return _version()

    def available(self) -> Availability:
        """Whether a Blender is here whose compositor this code knows."""
        found = find_program("blender", "blender")
        if not found.found:
            return found
        version = _version()
        if not version or int(version.split(".")[0]) not in _KNOWN_MAJORS:
            return Availability(False, f'blender says version "{version}"; the Defocus peer knows Blender 3 and 4')
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """All frames in one process, which itself measures each frame with and without the node.

        Raises:
            DependencyError: Blender failed or did not write every frame.
        """
        with tempfile.TemporaryDirectory(prefix="rackfocus-blender-") as name:
            folder = Path(name)
            outputs = [folder / f"result.{index:04d}.exr" for index in range(len(frames))]
            job = self._job(frames, outputs, folder)
            (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
            # One thread: waiting for another is no work.
            command = ["blender", "--background", "--factory-startup", "-noaudio", "--threads", "1"]
            command += ["--python-exit-code", "7"]
            command += ["--python", str(_SCRIPT), "--", "job.json"]
            # Blender's own Python must not see this environment's packages.
            _, said = run_program(command, folder, outputs, {"PYTHONPATH": "", "PYTHONHOME": ""})
            times = _TIMES.search(said)
            if times is None:
                raise DependencyError("blender rendered but did not report its times; try another version of it")
            seconds = tuple(max(float(value), 0.0) for value in json.loads(times[1]))
            return Rendering(tuple(read_exr(path) for path in outputs), seconds)

    def _job(self, frames: Sequence[PlateFrame], outputs: Sequence[Path], folder: Path) -> dict[str, Any]:
        """What the script inside Blender is told; writes the input pictures."""
        entries = []
        for index, (frame, output) in enumerate(zip(frames, outputs, strict=True)):
            plate, radius = folder / f"plate.{index:04d}.exr", folder / f"radius.{index:04d}.exr"
            size = radius_of(frame)
            size = (size + self.settings.bias * (size > 0)).clip(0.0, None)
            write_exr(plate, frame.image)
            write_exr(radius, size)
            # The bounding box of the gather is that of the largest radius: no larger than needed is best for its time.
            largest = float(math.ceil(float(size.max()) + 1.0))
            entries.append(
                {"image": str(plate), "radius": str(radius), "output": str(output), "blur_max": max(largest, 1.0)}
            )
        height, width = frames[0].disparity.shape
        return {
            "size": [width, height],
            "frames": entries,
            "z_buffer": self.settings.z_buffer,
            "repeats": max(1, self.settings.repeats),
        }


@cache
def _version() -> str:
    try:
        done = subprocess.run(
            ["blender", "--version"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
    except OSError:
        return ""
    found = re.search(r"^Blender (\d+\.\d+(?:\.\d+)?)", done.stdout, re.MULTILINE)
    return found[1] if found else ""
