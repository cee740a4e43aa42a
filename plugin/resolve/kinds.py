"""What is used of Fusion: the shapes of its objects, which bring no types of their own.

Fusion hands its tables to Python as dictionaries whose numbers are all floats: the first entry is ``table[1]``.
"""

# ruff: noqa: N802, D102, ANN401
# Names are Fusion's own, and what they mean is said in its manual.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from ..errors import EngineError

__all__ = [
    "Bmd",
    "Comp",
    "Fusion",
    "Input",
    "Output",
    "Table",
    "Tool",
    "entries",
    "first",
    "input_of",
    "source",
    "told",
]

Table = Mapping[Any, Any]
T = TypeVar("T")


class Output(Protocol):
    """An output of a tool."""

    def GetTool(self) -> Tool | None: ...


class Input(Protocol):
    """An input of a tool: a control or a picture."""

    def GetConnectedOutput(self) -> Output | None: ...
    def GetExpression(self) -> str | None: ...
    def GetKeyFrames(self) -> Table | None: ...


class Tool(Protocol):
    """A tool, a modifier such as a spline, or a group; its inputs are attributes of it."""

    def GetInput(self, name: str, time: float = ...) -> Any: ...
    def SetInput(self, name: str, value: object, time: float = ...) -> None: ...
    def GetAttrs(self) -> Table | None: ...
    def SetAttrs(self, attributes: Table) -> None: ...
    def GetKeyFrames(self) -> Table | None: ...
    def GetChildrenList(self) -> Table | None: ...
    def GetData(self, name: str) -> Any: ...
    def SetData(self, name: str, value: object) -> None: ...


class Comp(Protocol):
    """A composition."""

    CurrentTime: float

    def GetToolList(self, selected: bool, kind: str = ...) -> Table | None: ...
    def GetAttrs(self) -> Table | None: ...
    def GetPrefs(self, name: str) -> Any: ...
    def MapPath(self, path: str) -> str: ...
    def AddTool(self, kind: str, x: int = ..., y: int = ...) -> Tool | None: ...
    def Lock(self) -> None: ...
    def Unlock(self) -> None: ...
    def StartUndo(self, name: str) -> None: ...
    def EndUndo(self, keep: bool) -> None: ...


class Fusion(Protocol):
    """The application."""

    Version: Any
    UIManager: Any

    def GetCurrentComp(self) -> Comp | None: ...


class Bmd(Protocol):
    """The module ``bmd`` that scripts find in their globals."""

    def UIDispatcher(self, manager: object) -> Any: ...
    def scriptapp(self, name: str) -> Any: ...


def told(call: str, value: T | None) -> T:
    """What a call gave, if it gave something.

    Raises:
        EngineError: it gave None, as calls of Resolve and Fusion do in place of an error.
    """
    if value is None:
        raise EngineError(
            "resolve.call",
            f"{call} gave nothing; see that a project with a timeline is open, the playhead is on the clip and no "
            "dialog waits for an answer, then try again",
        )
    return value


def input_of(tool: Tool, name: str) -> Input | None:
    """An input by its name; ``hasattr`` says yes to every name (seen in Resolve 21.0)."""
    found: Input | None = getattr(tool, name, None)
    return found


def source(tool: Tool, name: str) -> Tool | None:
    """The tool, or the modifier, that is connected to an input."""
    held = input_of(tool, name)
    output = None if held is None else held.GetConnectedOutput()
    return None if output is None else output.GetTool()


def entries(table: Table | None) -> list[Any]:
    """The entries of a list, in order; a list that is empty may come as None."""
    if table is None:
        return []
    return [table[at] for at in sorted(at for at in table if isinstance(at, (int, float)))]


def first(table: Table | None, name: str) -> Any:
    """The attribute of the first of a tool's clips, None where it has none."""
    listed = (table or {}).get(name)
    if isinstance(listed, Mapping):
        listed = listed.get(1)
    return listed
