"""What Nuke calls by itself: a node is made or loaded, a knob moves."""

from __future__ import annotations

import nuke

from ..errors import EngineError
from . import picking
from .knobs import hold_still, is_ours, knob, say

__all__ = ["created", "knob_changed", "register"]

LENS = ("focal_length", "f_number", "sensor_width", "world_unit")


def register() -> None:
    """Have the node's callbacks called; they live here and not in the node, so that an upgrade reaches old scripts."""
    nuke.addOnCreate(created, nodeClass="Group")
    nuke.addKnobChanged(knob_changed, nodeClass="Group")


def created() -> None:
    """Mark knobs that cannot be keyed; scripts do not store that."""
    node = nuke.thisNode()
    if is_ours(node):
        hold_still(node)
        _enable(node)


def knob_changed() -> None:
    """Read the depth while the focal point is dragged; grey out what does not count."""
    node = nuke.thisNode()
    if not is_ours(node):
        return
    name = nuke.thisKnob().name()
    if name == "focal_point":
        try:
            picking.pick(node)
        except EngineError as error:
            say(node, error.message)
    elif name in ("blur_kind", "showPanel"):
        _enable(node)


def _enable(node: nuke.Node) -> None:
    lens = knob(node, "blur_kind").value() == "lens"
    knob(node, "blur").setEnabled(not lens)
    for name in LENS:
        knob(node, name).setEnabled(lens)
