"""Reading the node: which knobs it has, and what they say at a frame.

Values are always asked for at a frame, never taken from keys: so expressions count too, and a bare list of keys would
lose the curve between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

import nuke

from ..errors import EngineError

__all__ = ["FIELDS", "KEYED", "hold_still", "is_ours", "knob", "path_of", "samples", "say", "still"]

FIELDS = {
    "in_focus_range": "in_focus_range",
    "near_multiplier": "near_multiplier",
    "far_multiplier": "far_multiplier",
    "unpremultiply": "depth.unpremultiply",
    "clean_edges": "depth.clean_edges",
    "depth_edges": "depth.edges",
    "edge_strength": "depth.edge_strength",
    "depth_kind": "depth.convention",
    "blades": "aperture.blades",
    "roundness": "aperture.roundness",
    "rotation": "aperture.rotation",
    "aspect": "aperture.aspect",
    "cats_eye": "aperture.cats_eye",
    "ring": "aperture.ring",
    "softness": "aperture.softness",
    "highlight_threshold": "highlights.threshold",
    "highlight_gain": "highlights.gain",
    "renderer": "renderer.name",
}
"""Knobs that go into the shot document as they are, and where."""

KEYED = ("focus", "blur", "focal_length", "f_number")
"""Knobs that may be keyed: the shot document has curves for them."""

MARK = "rackfocus_node"
WHOLE = frozenset({"blades"})
NO_VALUE = frozenset({"Text_Knob", "Tab_Knob", "PyScript_Knob", "Link_Knob"})


def is_ours(node: nuke.Node | None) -> bool:
    """Whether the node is a Rackfocus Group, whatever its name."""
    return node is not None and node.knob(MARK) is not None


def knob(node: nuke.Node, name: str) -> nuke.Knob:
    """A knob of the node.

    Raises:
        EngineError: the node has none of that name.
    """
    found = node.knob(name)
    if found is None:
        raise EngineError(
            "nuke.knob", f"{node.name()} has no knob {name}: it was made by another version; make a new Rackfocus node"
        )
    return found


def samples(node: nuke.Node, name: str, frames: Iterable[int], view: str | None = None) -> dict[float, float]:
    """The value of a knob on each frame.

    Args:
        node: of ours.
        name: of a knob with one number.
        frames: to ask for; no others are evaluated.
        view: whose value, in scripts with several.

    Raises:
        EngineError: an expression fails, or gives no finite number.
    """
    asked = knob(node, name)
    found: dict[float, float] = {}
    for frame in frames:
        value = _value(node, asked, frame, view)
        found[float(frame)] = value
    return found


def still(node: nuke.Node, name: str, frame: int) -> Any:  # noqa: ANN401  what the knob holds
    """The value of a knob that holds for the whole shot: a number, a truth, or the words of a choice.

    Args:
        node: of ours.
        name: of the knob.
        frame: where it is asked for, in case it has an expression all the same.

    Raises:
        EngineError: an expression fails, or gives no finite number.
    """
    asked = knob(node, name)
    if asked.Class() in ("Enumeration_Knob", "Boolean_Knob"):
        return asked.value()
    number = _value(node, asked, frame, None)
    return round(number) if name in WHOLE else number


def path_of(node: nuke.Node, name: str) -> str:
    """The path of one of our file knobs, its Tcl evaluated; empty where there is none.

    Raises:
        EngineError: its Tcl fails.
    """
    asked: Any = knob(node, name)
    try:
        return str(asked.getEvaluatedValue() or "").strip()
    except RuntimeError as error:
        raise EngineError(
            "nuke.knob", f"{node.name()}.{name}: {asked.value()} cannot be evaluated ({error}); correct the path"
        ) from error


def say(node: nuke.Node, sentence: str) -> None:
    """Show a sentence on the node's panel."""
    knob(node, "status").setValue(sentence)


def hold_still(node: nuke.Node) -> None:
    """Mark the knobs for which the shot document has no curve, so that nobody keys them in vain."""
    for name, each in node.knobs().items():
        if name in _OWN and each.Class() not in NO_VALUE:
            each.setFlag(nuke.NO_ANIMATION)


_OWN = frozenset(FIELDS) | {
    "show",
    "focal_point",
    "focus_kind",
    "blur_kind",
    "sensor_width",
    "world_unit",
    "maximum_radius",
    "depth_near",
    "depth_far",
    "viewer_quality",
    "farm_quality",
    "cpu_only",
    "first",
    "last",
    "data_type",
    "keep_inputs",
}


def _value(node: nuke.Node, asked: nuke.Knob, frame: int, view: str | None) -> float:
    where = f"{node.name()}.{asked.name()} at frame {frame}"
    reader: Any = asked
    try:
        value = float(reader.valueAt(frame) if view is None else reader.valueAt(frame, 0, view))
    except (RuntimeError, TypeError, ValueError) as error:
        raise EngineError("nuke.knob", f"{where} cannot be evaluated ({error}); correct its expression") from error
    if not isfinite(value):
        raise EngineError("nuke.knob", f"{where} is {value}; it must be a finite number, correct its curve")
    return value
