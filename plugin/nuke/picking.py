"""Focus from what is seen: a point of the picture, or a camera."""

from __future__ import annotations

from math import floor, isfinite
from typing import Any, cast

import nuke

from ..errors import EngineError
from .inputs import full_size, inner
from .knobs import knob, say, still
from .shot import limits_known

__all__ = ["pick", "take_camera"]


def pick(node: nuke.Node) -> float:
    """Focus on what is seen under the focal point, at the current frame.

    The depth of that one pixel is read at its centre, without a filter that would mix depths. Where the focus is
    animated a key is set.

    Returns:
        The new focus.

    Raises:
        EngineError: there is no depth under the point, or the focus follows an expression.
    """
    frame = int(nuke.root()["frame"].value())
    point: Any = knob(node, "focal_point")
    x, y = (floor(point.value(index)) + 0.5 for index in (0, 1))
    focus: Any = knob(node, "focus")
    if focus.hasExpression(0):
        raise EngineError(
            "nuke.knob", f"{node.name()}: the focus follows an expression and was left alone; remove it to pick"
        )
    value = _distance(node, x, y, frame) if still(node, "focus_kind", frame) == "distance" else _disparity(node, x, y)
    if focus.isAnimated(0):
        focus.setValueAt(value, frame)
        say(node, f"focus {value:g} at {x:g}, {y:g}: key at frame {frame}")
    else:
        focus.setValue(value)
        say(node, f"focus {value:g} at {x:g}, {y:g}")
    return value


def take_camera(node: nuke.Node) -> None:
    """Take the lens of the camera input: focal length, f-number and focus follow it, its sensor's width is copied.

    Raises:
        EngineError: no camera is connected.
    """
    camera: nuke.Node | None = node.input(3)
    while camera is not None and camera.Class() in ("Dot", "NoOp"):
        camera = camera.input(0)
    if camera is None or camera.knob("focal") is None:
        raise EngineError("nuke.input", f"{node.name()} has no camera; connect one to its fourth input")
    links = [("focal_length", "focal"), ("f_number", "fstop")]
    if still(node, "depth_kind", 0) in ("distance", "inverse"):
        knob(node, "focus_kind").setValue("distance")
        links.append(("focus", "focal_point"))
    for ours, theirs in links:
        if camera.knob(theirs) is not None:
            knob(node, ours).setExpression(f"root.{camera.fullName()}.{theirs}")
    knob(node, "sensor_width").setValue(camera["haperture"].value())
    knob(node, "blur_kind").setValue("lens")


def _disparity(node: nuke.Node, x: float, y: float) -> float:
    if not limits_known(node, int(nuke.root()["frame"].value())):
        raise EngineError(
            "nuke.knob",
            f"{node.name()}: disparity needs the nearest depth; give it, render once, or set focus in to distance",
        )
    return _sample(node, x, y, "Disparity")


def _distance(node: nuke.Node, x: float, y: float, frame: int) -> float:
    kind = still(node, "depth_kind", frame)
    value = _sample(node, x, y)
    if kind not in ("distance", "inverse"):
        raise EngineError(
            "nuke.knob", f'{node.name()}: depth that is "{kind}" holds no distances; set focus in to disparity'
        )
    distance = value if kind == "distance" else (1 / value if value > 0 else 0.0)
    if not (isfinite(distance) and distance > 0):
        raise EngineError("nuke.input", f"{node.name()}: the depth at {x:g}, {y:g} is {value:g}; pick another point")
    return distance


def _sample(node: nuke.Node, x: float, y: float, name: str = "Depth") -> float:
    source = inner(node, name)
    box = source.bbox()
    if not (box.x() <= x <= box.x() + box.w() and box.y() <= y <= box.y() + box.h()):
        raise EngineError("nuke.input", f"{node.name()}: there is no depth at {x:g}, {y:g}; pick inside the picture")
    with full_size():
        # Node.sample: nuke.sample is deprecated. Without a size it takes the one pixel.
        value = float(cast(Any, source).sample("rgba.red", x, y))
    if value != value:
        raise EngineError("nuke.input", f"{node.name()}: the depth at {x:g}, {y:g} is no number; pick another point")
    return value
