"""To the farm: the shot document, and a job bundle of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nuke

from ..client import clean_environment
from ..errors import EngineError
from .paths import FRAME
from .running import Task

__all__ = ["bundle", "bundle_folder", "save_shot"]


def bundle_folder(output: str) -> Path:
    """The folder for the job bundle beside the result, one for each of its versions."""
    name = FRAME.split(Path(output).name)[0].rstrip("._-") or "rackfocus"
    return Path(output).parent / f"{name}_farm"


def save_shot(task: Task) -> Path:
    """Write the shot document beside the result, whole or not at all.

    Raises:
        EngineError: the folder cannot be written.
    """
    folder = bundle_folder(task.output)
    path = folder.with_name(folder.name + ".shot.json")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(task.shot, indent=2) + "\n", encoding="utf-8")
        _replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise EngineError("nuke.output", f"{path} cannot be written ({error.strerror}); check the folder") from error
    return path


def bundle(command: Sequence[str], tasks: Sequence[Task], done: Callable[[list[str], str], None]) -> threading.Thread:
    """Make a job bundle of each task; returns at once.

    Args:
        command: of the engine.
        tasks: with plate and depth on the disk.
        done: called in Nuke's main thread with the bundles' folders, and what went wrong, if anything.

    Raises:
        EngineError: a shot document cannot be written.
    """
    work = [(str(save_shot(task)), str(bundle_folder(task.output))) for task in tasks]
    thread = threading.Thread(target=_bundle, name="rackfocus-farm", args=(list(command), work, done), daemon=True)
    thread.start()
    return thread


def _replace(temporary: Path, path: Path) -> None:
    """Rename over what is there; on Windows a virus scanner may have either open for a moment."""
    for _ in range(20):
        try:
            temporary.replace(path)
            return
        except PermissionError:
            if os.name == "posix":
                raise
        time.sleep(0.1)
    temporary.replace(path)


def _bundle(command: list[str], work: list[tuple[str, str]], done: Callable[[list[str], str], None]) -> None:
    made: list[str] = []
    trouble = ""
    hidden: dict[str, Any] = {}
    if sys.platform == "win32":
        hidden["creationflags"] = subprocess.CREATE_NO_WINDOW
    for shot, folder in work:
        try:
            ran = subprocess.run(
                [*command, "farm", "bundle", shot, "--out", folder],
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                env=clean_environment({"PYTHONIOENCODING": "utf-8:backslashreplace"}),
                check=False,
                **hidden,
            )
        except OSError as error:
            trouble = f"{command[0]} cannot be started ({error.strerror})"
            break
        if ran.returncode:
            trouble = [f"it ended with status {ran.returncode}", *(ran.stdout + ran.stderr).strip().splitlines()][-1]
            break
        made.append(folder)
    nuke.executeInMainThread(done, (made, trouble))
