"""GEGL's ``gegl:lens-blur``, the lens blur of GIMP, run through the ``gegl`` command.

Facts, found by running GEGL 0.4.42 (the tests hold them):

* A pixel's radius is ``radius`` times its value in the picture on the ``aux`` pad; the mask is taken as it is only with
  ``linear-mask=true``.
* A pixel is spread evenly over all pixels whose centres lie within ``r + 0.5``, so an impulse covers the area of a disc
  of radius ``r + 0.5``.
* With ``radius=0`` the operation hands its input on untouched after both files were read: the baseline that leaves the
  cost of the blur alone when it is subtracted.
* EXR comes in, and NPY goes out, in linear light; a radius of 0 returns the picture to the last bits of float32.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import DependencyError
from engine.frames import Float32Array, PlateFrame
from training.peers.exr import write_exr
from training.peers.peer import Availability, Rendering, find_program, radius_of, run_program

__all__ = ["GeglLensBlur", "LensBlurSettings"]

# Software only: an OpenCL device would do work that no CPU second shows. One thread: waiting for another is no work.
_ENVIRONMENT = {"GEGL_USE_OPENCL": "no", "GEGL_THREADS": "1"}


@dataclass(frozen=True)
class LensBlurSettings:
    """What can be set on the operation, with the values that were best for it on the benchmark's shots.

    First frames of 16 shots, mean PSNR / near depth edges: bias 0 gives 33.23 / 29.63 dB, -0.5 33.95 / 30.13 (-0.75 the
    same within 0.01 on four of them); highlight factor 0.02 33.79 / 30.02, 0.1 from half-bright on 32.17 / 29.09.

    Attributes:
        bias: added to every radius, in pixels; -0.5 makes the area of its disc that of the lens's.
        highlight_factor: 0..1, brighter pixels count for more; 0 keeps the energy of HDR pictures.
        highlight_low, highlight_high: luminance from which pixels count for more, and where they count fully.
        repeats: runs of each frame with and without the blur; the least time of each counts.
    """

    bias: float = -0.5
    highlight_factor: float = 0.0
    highlight_low: float = 0.0
    highlight_high: float = 1.0
    repeats: int = 1


@dataclass(frozen=True)
class GeglLensBlur:
    """GEGL's lens blur with the radius of every pixel given by a map."""

    settings: LensBlurSettings = LensBlurSettings()

    @classmethod
    def measured(cls, repeats: int) -> GeglLensBlur:
        """With the best settings, each time being the least of ``repeats`` runs."""
        return cls(LensBlurSettings(repeats=repeats))

    @property
    def name(self) -> str:
        """As printed in tables."""
        return "GEGL lens blur"

    def version(self) -> str:
        """Of the installed package as far as pkg-config or dpkg knows it; empty where neither does."""
        for command in (["dpkg-query", "-W", "-f", "${Version}", "gegl"], ["pkg-config", "--modversion", "gegl-0.4"]):
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=20, check=False
                )
            except OSError:
                continue
            if done.returncode == 0 and done.stdout.strip():
                return done.stdout.strip().split("-")[0].split(":")[-1]
        return ""

    def available(self) -> Availability:
        """Whether the ``gegl`` command is here and has the operation."""
        found = find_program("gegl", "gegl")
        if not found.found:
            return found
        done = subprocess.run(
            ["gegl", "--exists", "gegl:lens-blur"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            return Availability(False, "this gegl has no gegl:lens-blur; install gegl 0.4.26 or newer")
        return Availability(True)

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        """Each frame in a process of its own (the command writes one picture), with and without the blur.

        Raises:
            DependencyError: gegl failed or wrote something else than the picture.
        """
        images: list[Float32Array] = []
        seconds: list[float] = []
        with tempfile.TemporaryDirectory(prefix="rackfocus-gegl-") as name:
            for frame in frames:
                image, cost = self._render_one(frame, Path(name))
                images.append(image)
                seconds.append(cost)
        return Rendering(tuple(images), tuple(seconds))

    def _render_one(self, frame: PlateFrame, folder: Path) -> tuple[Float32Array, float]:
        radius = np.maximum(radius_of(frame) + self.settings.bias, 0.0)
        # The operation reads a window of the largest radius around every row, so ask for no more than is needed.
        largest = max(float(radius.max()), 0.5)
        write_exr(folder / "plate.exr", frame.image)
        write_exr(folder / "radius.exr", (radius / largest).astype(np.float32))
        cost = self._time(largest, folder) - self._time(0.0, folder, "sharp.npy")
        result = np.load(folder / "result.npy", allow_pickle=False)
        if result.shape != (*radius.shape, 3) or result.dtype != np.float32:
            raise DependencyError(
                f"gegl wrote {result.shape} {result.dtype} where {radius.shape} RGB float was expected"
            )
        return result, max(cost, 0.0)

    def _time(self, radius: float, folder: Path, output: str = "result.npy") -> float:
        """CPU seconds of the whole process, the least of ``repeats`` runs."""
        chain = ["gegl", "--", "gegl:exr-load", "path=plate.exr", "gegl:lens-blur", f"radius={radius:.9g}"]
        chain += ["clip=true", "linear-mask=true"]
        chain += [f"highlight-factor={self.settings.highlight_factor:g}"]
        chain += [f"highlight-threshold-low={self.settings.highlight_low:g}"]
        chain += [f"highlight-threshold-high={self.settings.highlight_high:g}"]
        chain += ["aux=[", "gegl:exr-load", "path=radius.exr", "]", "gegl:npy-save", f"path={output}"]
        runs = [
            run_program(chain, folder, [folder / output], _ENVIRONMENT)[0] for _ in range(max(1, self.settings.repeats))
        ]
        return min(runs)
