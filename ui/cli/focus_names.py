"""Focus for a render that is given none: from the names of its depth files, where they hold it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.errors import RackfocusError

__all__ = ["NamedFocus", "focus_of_names"]


@dataclass(frozen=True)
class NamedFocus:
    """Focus keys that were read from names, what it means for the depth, and the sentence that says so."""

    keys: tuple[dict[str, Any], ...]
    depth: Mapping[str, Any]
    sentence: str


def focus_of_names(flags: Mapping[str, object]) -> NamedFocus | None:
    """The focus in the names of the files that ``--depth`` names; None where they hold none.

    Such values are disparities on the scale of the files, so that the depth is normalised, 1 nearest, unless the flags
    say what it is; there is no use for them beside depth of another kind.
    """
    from engine.media.finding import find
    from engine.media.focus_names import focus_in_names, focus_said

    path = flags.get("depth")
    if not isinstance(path, str) or flags.get("depth_kind") not in (None, "near1", "direct"):
        return None
    values: Mapping[int, float] = {}
    with suppress(RackfocusError):  # what cannot be found is told by whoever opens it
        found = find(path, "depth.path")
        values = focus_in_names(found)
    if not values:
        return None
    offset = flags.get("depth_offset")
    shift = offset if isinstance(offset, int) else 0
    numbers = sorted(values) if len(set(values.values())) > 1 else sorted(values)[:1]
    keys = ({"frame": n - shift, "disparity": values[n], "interpolation": "linear"} for n in numbers)
    given = any(flags.get(name) is not None for name in ("near", "far"))
    depth: dict[str, Any] = {"convention": flags.get("depth_kind") or "near1"}
    depth |= {} if given or depth["convention"] == "direct" else {"near": 1.0, "far": 0.0}
    limits = "" if given or depth["convention"] == "direct" else ", near 1, far 0"
    taken = f"which is taken because none is given; the depth is read as {depth['convention']}{limits}"
    return NamedFocus(tuple(keys), depth, f"{focus_said(found, values)}, {taken}")
