"""The controls of the Rackfocus group, found by their names and read frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import EngineError
from .curves import Curve, curve_of
from .kinds import Comp, Input, Tool, entries, input_of, source, told

__all__ = [
    "DEPTH_EDGES",
    "DEPTH_KINDS",
    "FIELDS",
    "FOCUS_KINDS",
    "MARK",
    "TEXTS",
    "Controls",
    "controls_of",
    "find_group",
    "groups_of",
]

MARK = "Rackfocus"
"""A hidden control of both tools inside the group: by it they are known, whatever a person calls them."""

FOCUS_KINDS = ("disparity", "distance", "pixel")
DEPTH_KINDS = ("distance", "inverse", "near1", "far1", "direct")
DEPTH_EDGES = ("auto", "exact", "repair")

FIELDS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "DepthKind": ("depth.convention", DEPTH_KINDS),
    "DepthChannel": ("depth.channel", None),
    "DepthEdges": ("depth.edges", DEPTH_EDGES),
    "EdgeStrength": ("depth.edge_strength", None),
    "Range": ("in_focus_range", None),
    "NearMultiplier": ("near_multiplier", None),
    "FarMultiplier": ("far_multiplier", None),
    "MaximumRadius": ("maximum_radius", None),
    "Blades": ("aperture.blades", None),
    "Roundness": ("aperture.roundness", None),
    "Rotation": ("aperture.rotation", None),
    "Aspect": ("aperture.aspect", None),
    "CatsEye": ("aperture.cats_eye", None),
    "Ring": ("aperture.ring", None),
    "Softness": ("aperture.softness", None),
    "ApertureImage": ("aperture.image", None),
    "HighlightThreshold": ("highlights.threshold", None),
    "HighlightGain": ("highlights.gain", None),
    "Renderer": ("renderer.name", ("optical", "any-to-bokeh")),
    "Quality": ("renderer.quality", ("final", "draft")),
    "Weights": ("renderer.any_to_bokeh.weights", None),
}
"""Controls of which a shot has one value: the field of the document, and its words where the control is a list."""

TEXTS = ("DepthChannel", "ApertureImage", "Weights")
WHOLE = ("Blades",)
LEFT_OUT_AT_ZERO = ("MaximumRadius",)


class Controls:
    """The controls of one group.

    Attributes:
        name: of the group, for messages.
        tools: inside it that hold controls.
    """

    def __init__(self, name: str, tools: Iterable[Tool]) -> None:
        self.name = name
        self.tools = tuple(tools)

    def owner(self, control: str) -> Tool:
        """The tool that holds a control.

        Raises:
            EngineError: none does: the group comes from another version.
        """
        for tool in self.tools:
            if tool.GetInput(control) is not None:
                return tool
        raise EngineError(
            "resolve.control",
            f"{self.name} has no control {control}; it comes from another version: add the group anew from the Effects "
            "Library",
        )

    def input(self, control: str) -> Input:
        """The input behind a control."""
        return told(f"{self.name}.{control}", input_of(self.owner(control), control))

    def number(self, control: str, frame: float) -> float:
        """A number at a frame of the comp."""
        return float(told(f"{self.name}.GetInput({control})", self.owner(control).GetInput(control, frame)))

    def text(self, control: str) -> str:
        """A text, without the blanks around it; Fusion may give nothing at all for one that is empty."""
        found = (tool.GetInput(control) for tool in self.tools)
        return next((text.strip() for text in found if isinstance(text, str)), "")

    def point(self, control: str, frame: float) -> tuple[float, float]:
        """A point: shares of width and height, from the bottom left."""
        found = told(f"{self.name}.GetInput({control})", self.owner(control).GetInput(control, frame))
        x, y = entries(found)[:2] if not isinstance(found, (list, tuple)) else found[:2]
        return float(x), float(y)

    def curve(self, control: str, frames: Iterable[int], kind: str = "value") -> Curve:
        """An animated number, with the keys of its spline where it has a plain one."""
        tool, call = self.owner(control), f"{self.name}.GetInput({control})"
        samples = {float(frame): float(told(call, tool.GetInput(control, frame))) for frame in frames}
        return curve_of(samples, self._spline(control), kind)

    def is_animated(self, control: str) -> bool:
        """Whether something moves a control: keys, another modifier, an expression."""
        held = self.input(control)
        return held.GetConnectedOutput() is not None or bool(held.GetExpression())

    def put(self, control: str, value: object, frame: float) -> None:
        """Set a control, with a key on this frame where it is animated."""
        if self.is_animated(control):
            self.owner(control).SetInput(control, value, frame)
        else:
            self.owner(control).SetInput(control, value)

    def fields(self, frame: float) -> dict[str, Any]:
        """The parts of the document of which a shot has one value, as they are at a frame."""
        parts: dict[str, Any] = {}
        for control, (field, words) in FIELDS.items():
            *way, last = field.split(".")
            held = parts
            for step in way:
                held = held.setdefault(step, {})
            held[last] = self._field(control, words, frame)
        return parts

    def _field(self, control: str, words: tuple[str, ...] | None, frame: float) -> Any:  # noqa: ANN401
        if control in TEXTS:
            return self.text(control) or None
        value = self.number(control, frame)
        if words is not None:
            at = round(value)
            if not 0 <= at < len(words):
                raise EngineError("resolve.control", f"{self.name}.{control} is {value:g}; choose one of its entries")
            return words[at]
        if control in WHOLE:
            return round(value)
        return None if control in LEFT_OUT_AT_ZERO and value == 0 else float(value)

    def _spline(self, control: str) -> Any:  # noqa: ANN401
        """What a BezierSpline on a control says of itself, None where something else, or nothing, moves it."""
        held = self.input(control)
        spline = source(self.owner(control), control)
        if spline is None or held.GetExpression() or (spline.GetAttrs() or {}).get("TOOLS_RegID") != "BezierSpline":
            return None
        # Of the spline: a tool's own GetKeyFrames is its extent, an input's the frames of its keys.
        return spline.GetKeyFrames()


def controls_of(group: Tool) -> Controls | None:
    """The controls of a group; None if it is none of ours."""
    tools = [tool for tool in entries(group.GetChildrenList()) if tool.GetInput(MARK) is not None]
    return Controls(_name(group), tools) if tools else None


def find_group(comp: Comp, tool: Tool | None = None) -> Controls:
    """The controls of the group that is meant: the given tool, else the one that is selected, else the only one.

    Raises:
        EngineError: there is none, or it is not clear which one.
    """
    if tool is not None:
        given = controls_of(tool)
        if given is None:
            raise EngineError("resolve.control", "the tool is no Rackfocus group; choose the group itself")
        return given
    found = groups_of(comp, selected=True) or groups_of(comp)
    if not found:
        raise EngineError(
            "resolve.control",
            "the comp has no Rackfocus group; add it from the Effects Library, between the plate and what follows",
        )
    if len(found) > 1:
        names = ", ".join(controls.name for controls in found)
        raise EngineError("resolve.control", f"the comp has several Rackfocus groups ({names}); select one of them")
    return found[0]


def groups_of(comp: Comp, selected: bool = False) -> list[Controls]:
    """All groups of ours in a comp, or those that are selected; their tools count as well where they lie loose."""
    tools = [tool for kind in ("GroupOperator", "MacroOperator") for tool in entries(comp.GetToolList(selected, kind))]
    found = [controls for controls in map(controls_of, tools) if controls is not None]
    return found or [
        Controls(_name(tool), [tool, focus])
        for tool in entries(comp.GetToolList(selected, "Custom"))
        if tool.GetInput(MARK) is not None and (focus := source(tool, "Image2")) is not None
    ]


def _name(tool: Tool) -> str:
    return str((tool.GetAttrs() or {}).get("TOOLS_Name", MARK))
