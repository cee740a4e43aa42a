"""Names of files: frame numbers, views, versions."""

from __future__ import annotations

import glob
import re
from pathlib import Path

__all__ = ["existing", "has_frames", "has_views", "of_frame", "of_view", "with_version"]

FRAME = re.compile(r"#+|%0?(\d*)d")
VERSION = re.compile(r"(?<=[_./\\-])v(\d+)(?!\d)")


def has_frames(path: str) -> bool:
    """Whether a path has a place for the frame number, ``####`` or ``%04d``."""
    return FRAME.search(Path(path).name) is not None


def has_views(path: str) -> bool:
    """Whether a path differs from view to view: ``%V`` is a view's name, ``%v`` its first letter."""
    return "%V" in path or "%v" in path


def of_view(path: str, view: str) -> str:
    """The path of one view."""
    return path.replace("%V", view).replace("%v", view[:1])


def of_frame(path: str, frame: int) -> str:
    """The path of one frame."""

    def number(token: re.Match[str]) -> str:
        text = token.group()
        width = len(text) if text.startswith("#") else int(token.group(1) or 1)
        return f"{frame:0{width}d}"

    return FRAME.sub(number, path)


def existing(path: str) -> list[str]:
    """The frames of a sequence that are on the disk."""
    pieces = [glob.escape(text) for text in FRAME.split(Path(path).name)[:: FRAME.groups + 1]]
    return sorted(str(found) for found in Path(path).parent.glob("[0-9]*".join(pieces)))


def with_version(path: str, step: int = 1) -> str:
    """The path of a later version; every ``v001`` in it counts on, and one is added where there is none."""
    if VERSION.search(path):
        return VERSION.sub(lambda found: "v{:0{}d}".format(int(found.group(1)) + step, len(found.group(1))), path)
    token = FRAME.search(path)
    at = token.start() if token else len(path)
    stem = path[:at].rstrip("._-")
    return f"{stem}_v{step + 1:03d}{path[len(stem) :]}"
