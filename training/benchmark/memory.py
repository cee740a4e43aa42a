"""Peak memory of one frame, measured in a process of its own.

``python -m training.benchmark.memory WIDTH HEIGHT K QUALITY`` renders one frame and prints a JSON object with the
process's peak before the render (interpreter, libraries, plate) and after it, in MiB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import DependencyError
from training.benchmark.contenders import Rackfocus
from training.benchmark.peak import peak_memory
from training.benchmark.plate import speed_plate

__all__ = ["MemoryPoint", "measure_memory"]


@dataclass(frozen=True)
class MemoryPoint:
    """Peak resident memory in MiB, before a frame was rendered and over all."""

    renderer: str
    width: int
    height: int
    strength: float
    before: float
    peak: float


def measure_memory(width: int, height: int, strength: float, quality: Literal["draft", "final"]) -> MemoryPoint:
    """Render one frame of this size in a new process and read its peak.

    Raises:
        DependencyError: that process failed.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    command = [sys.executable, "-m", "training.benchmark.memory", str(width), str(height), str(strength), quality]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=1800,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DependencyError(f"the {width}x{height} frame could not be rendered: {last}")
    said = json.loads(done.stdout.splitlines()[-1])
    return MemoryPoint(f"Rackfocus {quality}", width, height, strength, said["before"], said["peak"])


def main(arguments: list[str]) -> None:
    """Render one frame without a warm-up, so that compilation counts too, and print the peaks."""
    width, height, strength, quality = arguments
    plate = speed_plate(int(width), int(height), float(strength))
    before = peak_memory() / 2**20
    Rackfocus("draft" if quality == "draft" else "final", warm_up=False).render([plate])
    print(json.dumps({"before": before, "peak": peak_memory() / 2**20}))


if __name__ == "__main__":
    main(sys.argv[1:])
