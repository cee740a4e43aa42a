"""Names that this system cannot give to a file, told before the first frame is rendered."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path, PureWindowsPath
from typing import Final

from engine.errors import OutputWriteError, ShotError, require

__all__ = ["check_name", "require_own_system"]

DEVICES: Final = frozenset({"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}) | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "123456789\u00b9\u00b2\u00b3"
}
"""Names that Windows keeps for devices, whatever follows the first dot."""

LONGEST: Final = 259
"""Characters of a path on Windows where long paths are turned off."""

TEMPORARY: Final = 48
"""Characters by which the name of an unfinished file may be longer than its own."""

_FORBIDDEN: Final = re.compile(r'[<>:"|?*\x00-\x1f]')
_FOREIGN: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")


def check_name(path: str, system: str = sys.platform, long_paths: bool | None = None) -> None:
    """Refuse a result that Windows cannot name so; elsewhere all names are good.

    Args:
        path: of the result; a pattern of frame numbers, too.
        system: as ``sys.platform`` calls it.
        long_paths: whether paths may be longer than 259 characters; what the system says when None.

    Raises:
        OutputWriteError: a device's name, a letter that names may not have, a dot or blank at the end, or too long.
    """
    if system != "win32":
        return
    place = PureWindowsPath(path)
    for name in place.parts[1:] if place.anchor else place.parts:
        if name == "..":
            continue
        device = name.partition(".")[0].rstrip(" ").upper()
        strange = _FORBIDDEN.search(name)
        cause = (
            f"{device} is a device there"
            if device in DEVICES
            else f"{strange[0]!r} may not stand in a name there"
            if strange
            else "a name may not end with a dot or a blank there"
            if name[-1] in ". "
            else ""
        )
        require(
            not cause,
            OutputWriteError,
            f'output.path: "{name}" cannot be a name on Windows ({cause}); choose another output',
        )
    length = len(str(place if place.is_absolute() else Path(path).absolute())) + TEMPORARY
    require(
        length <= LONGEST or (_takes_long_paths() if long_paths is None else long_paths),
        OutputWriteError,
        f"output.path: {path} has {length - TEMPORARY} characters, and Windows takes {LONGEST - TEMPORARY} here; "
        "choose a shorter one, or turn on long paths (LongPathsEnabled in the registry)",
    )


def require_own_system(path: str) -> None:
    """Refuse a path of Windows elsewhere: it would be taken for a strange name in the process's own folder.

    Raises:
        ShotError: a drive or share of Windows.
    """
    if sys.platform == "win32" or not _FOREIGN.match(path) or Path(path).exists():
        return
    raise ShotError(
        f'path: "{path}" lies on a drive or share of Windows, and this machine has none; give the path that the files '
        "have here"
    )


def _takes_long_paths() -> bool:
    if sys.platform == "win32":
        return bool(ctypes.WinDLL("ntdll").RtlAreLongPathsEnabled() & 0xFF)
    return True
