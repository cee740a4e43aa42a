"""Where the engine is, and the environment that it is started in."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from .errors import EngineMissing

__all__ = ["MARKER", "clean_environment", "find_engine"]

MARKER = "engine.json"
"""Beside this file, written by ``rackfocus install``: ``{"command": ["/path/to/python", "-m", "rackfocus"]}``."""

VARIABLE = "RACKFOCUS"
HOST_VARIABLES = (
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "DYLD_FRAMEWORK_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "TCL_LIBRARY",
    "TK_LIBRARY",
)
"""What hosts set for themselves and the engine must not inherit, beside all that begins with ``PYTHON``."""


def find_engine(setting: str | None = None) -> list[str]:
    """The engine's command line, without ``worker``.

    Looked for in this order: ``setting``, the environment variable RACKFOCUS, what ``rackfocus install`` wrote beside
    this file, ``rackfocus`` on PATH. The first two may be a program, a folder that holds it, or a command line.

    Raises:
        EngineMissing: it is not there; a place that was named is not passed over in silence.
    """
    for given, name in ((setting, "the setting"), (os.environ.get(VARIABLE), f"the variable {VARIABLE}")):
        if given and given.strip():
            return _command(given.strip(), name)
    marker = Path(__file__).with_name(MARKER)
    if marker.is_file():
        return _marked(marker)
    found = shutil.which("rackfocus")
    if found:
        return [found]
    raise EngineMissing(
        "Rackfocus's engine was not found. Install Rackfocus, then give the path of its rackfocus program in the "
        f"settings or in the environment variable {VARIABLE}, or run rackfocus install again."
    )


def clean_environment(further: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """This process's environment for the engine: without what the host set for its own Python and libraries.

    Args:
        further: variables to set, or with None to leave out.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("PYTHON") and name.upper() not in HOST_VARIABLES
    }
    for name, value in (further or {}).items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    return kept


def _command(text: str, name: str) -> list[str]:
    """A program, the folder that holds it, or a command line."""
    path = Path(text).expanduser()
    if path.is_dir():
        for place in ("rackfocus", "bin/rackfocus", "rackfocus.exe", "Scripts/rackfocus.exe"):
            if (path / place).is_file():
                return [str(path / place)]
        raise EngineMissing(f"{name} names the folder {path}, which holds no rackfocus program. Correct it.")
    if path.is_file():
        return [str(path)]
    try:
        words = [word.strip('"') for word in shlex.split(text, posix=os.name == "posix")]
    except ValueError as error:
        raise EngineMissing(f"{name} is no command line: {text} ({error}). Correct it.") from error
    found = shutil.which(words[0])
    if found is None:
        raise EngineMissing(f"{name} names {words[0]}, which is not there. Give the path of the rackfocus program.")
    return [found, *words[1:]]


def _marked(marker: Path) -> list[str]:
    try:
        command = json.loads(marker.read_text(encoding="utf-8"))["command"]
        if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
            raise ValueError("no command")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineMissing(f"{marker} cannot be read. Run rackfocus install again.") from error
    if not Path(command[0]).is_file() and shutil.which(command[0]) is None:
        raise EngineMissing(
            f"{command[0]}, with which this plugin was installed, is gone. Run rackfocus install again."
        )
    return list(command)
