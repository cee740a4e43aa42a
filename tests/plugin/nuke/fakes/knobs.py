"""Knobs: values, curves, expressions, flags."""

# ruff: noqa: N802, ANN401  Nuke's own names, and what knobs hold

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.plugin.nuke.fakes.curves import AnimationCurve
from tests.plugin.nuke.fakes.threads import main_thread_only

if TYPE_CHECKING:
    from tests.plugin.nuke.fakes.nodes import Node

CLASSES = {
    "1": "String_Knob",
    "2": "File_Knob",
    "3": "Int_Knob",
    "4": "Enumeration_Knob",
    "6": "Boolean_Knob",
    "7": "Double_Knob",
    "12": "XY_Knob",
    "20": "Tab_Knob",
    "22": "PyScript_Knob",
    "26": "Text_Knob",
    "41": "Link_Knob",
}
"""Number of each kind of user knob in a script."""

TEXTS = ("String_Knob", "File_Knob", "Text_Knob", "PyScript_Knob", "Tab_Knob", "Link_Knob")


@main_thread_only
class Knob:
    def __init__(self, node: Node, name: str, kind: str, value: Any = None) -> None:
        self._node = node
        self._name = name
        self._kind = kind
        self._values: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
        self._curves: dict[int, AnimationCurve] = {}
        self._expressions: dict[int, str | Callable[[float], float]] = {}
        self._by_view: dict[str, float] = {}
        self._flags = 0
        self._tooltip = ""
        self.choices: list[str] = []
        self.executed = 0
        self.on = True

    def Class(self) -> str:
        return self._kind

    def name(self) -> str:
        return self._name

    def tooltip(self) -> str:
        return self._tooltip

    def setFlag(self, flag: int) -> None:
        self._flags |= flag

    def getFlag(self, flag: int) -> bool:
        return bool(self._flags & flag)

    def setEnabled(self, on: bool) -> None:
        self.on = on

    def execute(self) -> None:
        self.executed += 1

    def value(self, index: int = 0) -> Any:
        if self._kind in TEXTS:
            return self._values[0]
        number = self.valueAt(self._node.host.current_frame(), index)
        if self._kind == "Enumeration_Knob":
            return self.choices[int(number)]
        return bool(number) if self._kind == "Boolean_Knob" else number

    def valueAt(self, frame: float, index: int = 0, view: str | None = None) -> Any:
        expression = self._expressions.get(index)
        if callable(expression):
            return expression(frame)
        if expression is not None:
            return self._node.host.evaluate(expression, self._node, frame)
        if index in self._curves:
            return self._curves[index].evaluate(frame)
        if view in self._by_view:
            return self._by_view[str(view)]
        return self._values[index if index < len(self._values) else 0]

    def getEvaluatedValue(self) -> str:
        return str(self._node.host.substitute(str(self._values[0] or ""), self._node))

    def setValue(self, value: Any, index: int = 0) -> bool:
        if self._kind == "Enumeration_Knob" and isinstance(value, str):
            assert value in self.choices, f"{self._name} has no choice {value}"
            value = self.choices.index(value)
        assert index < len(self._values)
        self._values[index] = value
        self._node.host.changed(self._node, self)
        return True

    def setValueAt(self, value: float, frame: float, index: int = 0) -> bool:
        self._curves.setdefault(index, AnimationCurve([])).set_key(frame, value)
        self._node.host.changed(self._node, self)
        return True

    def fromUserText(self, text: str) -> None:
        self._values[0] = text

    def setExpression(self, expression: str | Callable[[float], float], index: int = 0) -> bool:
        assert not self._flags & self._node.host.NO_ANIMATION, f"{self._name} cannot follow an expression"
        self._expressions[index] = expression
        return True

    def isAnimated(self, index: int = 0) -> bool:
        return index in self._curves or index in self._expressions

    def hasExpression(self, index: int = 0) -> bool:
        return index in self._expressions

    # What a test, and not a plugin, may do.

    def animate(self, curve: AnimationCurve, index: int = 0) -> None:
        self._curves[index] = curve

    def curve(self, index: int = 0) -> AnimationCurve:
        return self._curves[index]

    def set_view(self, view: str, value: float) -> None:
        self._by_view[view] = value
