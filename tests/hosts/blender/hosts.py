"""The Blenders that are here, and running a script in one of them.

``blender`` on PATH (or RACKFOCUS_BLENDER names it), and Blender as a Python module: RACKFOCUS_BPY names a Python that
has ``bpy``. What is not here is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "scripts"
HOSTS = ("program", "module")


@dataclass(frozen=True)
class Host:
    """A Blender: the command that runs a script in it."""

    kind: str
    command: tuple[str, ...]

    def run(self, script: str, folder: Path, *further: str, **variables: str) -> dict[str, Any]:
        """Run one of the scripts with the add-on's folder as its user's; what it told, all together."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RACKFOCUS"))},
            **variables,
            "BLENDER_USER_SCRIPTS": str(folder / "scripts"),
            "OMP_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
        }
        command = [*self.command, str(SCRIPTS / script), "--", str(folder), *further]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        log = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert done.returncode == 0, log
        told: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            if line.startswith("TOLD "):
                told |= json.loads(line[5:])
        assert told, log
        return told

    def in_window(self) -> Host:
        """The same program with a window, which takes events from a script."""
        flags = tuple(flag for flag in self.command if flag != "-b")
        return Host(
            self.kind, (flags[0], "--enable-event-simulate", "--window-geometry", "0", "0", "1280", "800", *flags[1:])
        )


@contextmanager
def virtual_screen() -> Iterator[dict[str, str]]:
    """A screen that nobody looks at, drawn by the processor; the variables that a program on it needs."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    screen = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        assert number, "Xvfb ended before it had a screen"
        yield {"DISPLAY": f":{number}", "LIBGL_ALWAYS_SOFTWARE": "1"}
    finally:
        screen.terminate()
        screen.wait()


@cache
def find(kind: str) -> Host | None:
    """One of ``HOSTS``; None where it is not here."""
    if kind == "program":
        program = os.environ.get("RACKFOCUS_BLENDER") or shutil.which("blender")
        command = (program, "-b", "--factory-startup", "--python-exit-code", "7", "-P") if program else None
    else:
        python = os.environ.get("RACKFOCUS_BPY")
        command = (python,) if python else None
    return Host(kind, command) if command else None


def install(folder: Path) -> None:
    """``rackfocus install blender`` into a folder that stands for the user's."""
    addons = folder / "scripts" / "addons"
    command = [sys.executable, "-m", "rackfocus", "install", "blender", "--to", str(addons), "--yes"]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[3])
