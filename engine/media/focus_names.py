"""Focus in the names of depth files, as the published Any-to-Bokeh data has it: ``00000_zf_0.53367.png``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.media.finding import Found
from engine.media.listing import shown

__all__ = ["focus_in_names", "focus_said"]

_FOCUS: Final = re.compile(r"_zf_(\d+(?:\.\d+)?(?:e-?\d+)?)(?![\d])")


def focus_in_names(found: Found) -> Mapping[int, float]:
    """The focal disparity of each file, 1 nearest to 0 farthest, by the file's number; none unless all names hold one.

    It is on the scale of the file's own values from 0 to 1, larger nearer.
    """
    matches = {frame: _FOCUS.search(file.name) for frame, file in found.files.items()}
    values = {frame: float(match[1]) for frame, match in matches.items() if match is not None}
    return values if len(values) == len(matches) and all(0 <= value <= 1 for value in values.values()) else {}


def focus_said(found: Found, values: Mapping[int, float]) -> str:
    """What the names hold, in words."""
    least, most = min(values.values()), max(values.values())
    span = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    return f"the names of {shown(Path(str(found.pattern)).name)} hold the focus of {len(values)} frames ({span})"
