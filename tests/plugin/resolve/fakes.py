"""A small Fusion with real curve mathematics, and with the habits that trip scripts.

The Rackfocus group in it is made of the product's own ``rackfocus.setting``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import plugin.resolve
from tests.plugin.resolve.tables import Table, parse

SETTING = Path(plugin.resolve.__file__).with_name("rackfocus.setting")
Pair = tuple[float, float]


def fusion_table(*values: object) -> dict[Any, Any]:
    """A Lua list as Fusion hands it to Python."""
    return {float(at): value for at, value in enumerate(values, 1)}


@dataclass
class SplineKey:
    """A key; handles are offsets from it, ``step`` keeps its value until the next."""

    frame: float
    value: float
    left: Pair | None = None
    right: Pair | None = None
    step: bool = False


@dataclass
class Spline:
    """A BezierSpline: evaluated by the roots of the cubic, not as the product does it.

    Attributes:
        absolute: handles are told as places, else as offsets: both are seen in the wild.
        into: a step is told as StepIn of the key that follows, else as StepIn of its own.
    """

    keys: list[SplineKey]
    before: str = "hold"
    after: str = "hold"
    absolute: bool = True
    into: bool = True

    def scaled(self, factor: float) -> Spline:
        def times(pair: Pair | None) -> Pair | None:
            return None if pair is None else (pair[0], pair[1] * factor)

        keys = [SplineKey(k.frame, k.value * factor, times(k.left), times(k.right), k.step) for k in self.keys]
        return Spline(keys, self.before, self.after, self.absolute, self.into)

    def evaluate(self, frame: float) -> float:
        first, last = self.keys[0], self.keys[-1]
        if frame < first.frame:
            return first.value + self._slope(0) * (frame - first.frame) if self.before == "linear" else first.value
        if frame >= last.frame:
            if self.after == "loop":
                length = last.frame - first.frame
                return self.evaluate(first.frame + (frame - first.frame) % length)
            return last.value + self._slope(1) * (frame - last.frame) if self.after == "linear" else last.value
        a, b = next((a, b) for a, b in zip(self.keys, self.keys[1:], strict=False) if a.frame <= frame < b.frame)
        if a.step:
            return a.value
        x, y = self._points(a, b)
        cubic = [-x[0] + 3 * x[1] - 3 * x[2] + x[3], 3 * x[0] - 6 * x[1] + 3 * x[2], 3 * (x[1] - x[0]), x[0] - frame]
        roots = np.roots(np.trim_zeros(np.where(np.abs(cubic) < 1e-13, 0, cubic), "f"))
        real = roots[np.abs(roots.imag) < 1e-6].real
        t = min(max(real[np.argmin(np.abs(real - 0.5))], 0.0), 1.0)
        for _ in range(4):  # polish the root
            run = 3 * (cubic[0] * t + 2 * cubic[1] / 3) * t + cubic[2]
            t -= (((cubic[0] * t + cubic[1]) * t + cubic[2]) * t + cubic[3]) / run if abs(run) > 1e-9 else 0
        s = 1 - t
        return float(s**3 * y[0] + 3 * s * s * t * y[1] + 3 * s * t * t * y[2] + t**3 * y[3])

    def table(self) -> dict[float, Any]:
        """What ``GetKeyFrames`` of the spline gives."""
        found: dict[float, Any] = {}
        for at, key in enumerate(self.keys):
            row: dict[Any, Any] = {1.0: key.value}
            origin = (key.frame, key.value) if self.absolute else (0.0, 0.0)
            for side, handle in (("LH", key.left), ("RH", key.right)):
                if handle is not None:
                    row[side] = fusion_table(origin[0] + handle[0], origin[1] + handle[1])
            steps = self.keys[at - 1].step if self.into and at else key.step if not self.into else False
            if steps:
                row["Flags"] = {"StepIn": True}
            found[key.frame] = row
        return found

    @staticmethod
    def _points(a: SplineKey, b: SplineKey) -> tuple[np.ndarray, np.ndarray]:
        length, rise = b.frame - a.frame, b.value - a.value
        out, back = a.right or (length / 3, rise / 3), b.left or (-length / 3, -rise / 3)
        x = np.array([a.frame, a.frame + out[0], b.frame + back[0], b.frame])
        return x, np.array([a.value, a.value + out[1], b.value + back[1], b.value])

    def _slope(self, end: int) -> float:
        a, b = (self.keys[-2], self.keys[-1]) if end else (self.keys[0], self.keys[1])
        x, y = self._points(a, b)
        return float((y[3] - y[2]) / (x[3] - x[2]) if end else (y[1] - y[0]) / (x[1] - x[0]))


@dataclass
class Output:
    tool: Tool

    def GetTool(self) -> Tool:  # noqa: N802
        return self.tool


@dataclass
class Input:
    tool: Tool
    name: str

    def GetConnectedOutput(self) -> Output | None:  # noqa: N802
        source = self.tool.sources.get(self.name)
        return None if source is None else Output(source)

    def GetExpression(self) -> str | None:  # noqa: N802
        return "an expression" if self.name in self.tool.expressions else None

    def GetKeyFrames(self) -> dict[float, float] | None:  # noqa: N802
        source = self.tool.sources.get(self.name)
        times = sorted({key.frame for spline in source.splines() for key in spline.keys}) if source else []
        return fusion_table(*times) if times else None


@dataclass
class Tool:
    """A tool; every attribute that it is asked for is an input, as Fusion's bridge has it."""

    comp: Comp
    name: str
    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Tool] = field(default_factory=dict)
    expressions: dict[str, Callable[[float], float]] = field(default_factory=dict)
    children: list[Tool] = field(default_factory=list)
    spline: Spline | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Input:
        if name.startswith("_"):
            raise AttributeError(name)
        return Input(self, name)

    def splines(self) -> list[Spline]:
        own = [] if self.spline is None else [self.spline]
        return own + [spline for source in self.sources.values() for spline in source.splines()]

    def value(self, time: float) -> object:
        """What a modifier gives."""
        if self.spline is not None:
            return self.spline.evaluate(time)
        return fusion_table(self.sources["X"].value(time), self.sources["Y"].value(time), 0.0)

    def GetInput(self, name: str, time: float | None = None) -> Any:  # noqa: N802, ANN401
        at = self.comp.CurrentTime if time is None else time
        if name in self.expressions:
            return self.expressions[name](at)
        source = self.sources.get(name)
        if source is not None and source.kind in ("BezierSpline", "XYPath"):
            return source.value(at)
        value = self.values.get(name)
        return None if value == "" else value

    def SetInput(self, name: str, value: object, time: float | None = None) -> None:  # noqa: N802
        if self.comp.depth_of_lock:
            self.comp.lost.append(f"{self.name}.{name}")
        source = self.sources.get(name)
        if time is not None and source is not None and source.spline is not None:
            kept = [key for key in source.spline.keys if key.frame != time]
            source.spline.keys = sorted([*kept, SplineKey(time, float(str(value)))], key=lambda key: key.frame)
            return
        if self.kind == "Loader" and name in ("GlobalIn", "GlobalOut"):
            self._move_end(name, float(str(value)))
            return
        self.values[name] = value
        if self.kind == "Loader" and name == "Clip":
            # Fusion forgets these with every new file.
            self.values |= {"GlobalIn": 0, "GlobalOut": 99, "ClipTimeStart": 0, "ClipTimeEnd": 99}
            self.values |= {"HoldFirstFrame": 0, "HoldLastFrame": 0, "Reverse": 0, "Loop": 0, "Depth": 0}

    def _move_end(self, name: str, value: float) -> None:
        """A Loader's ends do not pass each other, and take its trims along."""
        trim, other = ("ClipTimeStart", "GlobalOut") if name == "GlobalIn" else ("ClipTimeEnd", "GlobalIn")
        kept = min(value, self.values[other]) if name == "GlobalIn" else max(value, self.values[other])
        self.values[trim] += kept - self.values[name]
        self.values[name] = kept

    def GetAttrs(self) -> dict[str, Any]:  # noqa: N802
        return {"TOOLS_Name": self.name, "TOOLS_RegID": self.kind, **self.attributes}

    def SetAttrs(self, attributes: Mapping[str, Any]) -> None:  # noqa: N802
        self.name = attributes.get("TOOLS_Name", self.name)

    def GetKeyFrames(self) -> dict[float, Any]:  # noqa: N802
        # Of a tool these are its extent.
        return self.spline.table() if self.spline is not None else fusion_table(-1e9, 1e9)

    def GetChildrenList(self) -> dict[float, Tool] | None:  # noqa: N802
        return fusion_table(*self.children) if self.children else None

    def GetData(self, name: str) -> Any:  # noqa: N802, ANN401
        return self.data.get(name)

    def SetData(self, name: str, value: object) -> None:  # noqa: N802
        self.data[name] = value


class Comp:
    """A composition with a render range."""

    def __init__(self, first: int = 0, last: int = 23, file: str = "") -> None:
        self.CurrentTime: float = first
        self.range = (first, last)
        self.file = file
        self.tools: list[Tool] = []
        self.selected: list[Tool] = []
        self.depth_of_lock = 0
        self.lost: list[str] = []
        self.undo: list[str] = []

    def add(self, name: str, kind: str, **values: object) -> Tool:
        tool = Tool(self, name, kind, dict(values))
        self.tools.append(tool)
        return tool

    def GetToolList(self, selected: bool, kind: str = "") -> dict[float, Tool] | None:  # noqa: N802
        tools = self.selected if selected else self.tools
        found = [tool for tool in tools if not kind or tool.kind == kind]
        return fusion_table(*found) if found else None

    def GetAttrs(self) -> dict[str, Any]:  # noqa: N802
        first, last = map(float, self.range)
        return {"COMPN_RenderStart": first, "COMPN_RenderEnd": last, "COMPS_FileName": self.file}

    def GetPrefs(self, name: str) -> float:  # noqa: N802
        return {"Comp.FrameFormat.Width": 1920.0, "Comp.FrameFormat.Height": 1080.0}[name]

    def MapPath(self, path: str) -> str:  # noqa: N802
        return path.replace("Comp:/", "/mapped/")

    def AddTool(self, kind: str, _x: int = 0, _y: int = 0) -> Tool:  # noqa: N802
        assert self.depth_of_lock, f"{kind}: a dialog opens and nobody is there to answer"
        return self.add(f"{kind}9", kind)

    def Lock(self) -> None:  # noqa: N802
        self.depth_of_lock += 1

    def Unlock(self) -> None:  # noqa: N802
        self.depth_of_lock -= 1

    def StartUndo(self, name: str) -> None:  # noqa: N802
        self.undo.append(f"+{name}")

    def EndUndo(self, keep: bool) -> None:  # noqa: N802
        self.undo.append(f"-{keep}")


def loader(comp: Comp, name: str, clip: str, number: int, length: int, **values: object) -> Tool:
    """A Loader that shows ``length`` files from ``number`` on, from frame 0 of the comp unless values say else."""
    tool = comp.add(name, "Loader", Clip=clip)
    tool.values |= {"GlobalIn": 0, "GlobalOut": length - 1, "ClipTimeStart": 0, "ClipTimeEnd": length - 1, **values}
    tool.attributes = {
        "TOOLST_Clip_Name": fusion_table(clip),
        "TOOLIT_Clip_StartFrame": fusion_table(float(number)),
        "TOOLIT_Clip_Length": fusion_table(float(length)),
        "TOOLIT_Clip_Width": fusion_table(1920.0),
        "TOOLIT_Clip_Height": fusion_table(1080.0),
    }
    return tool


def setting() -> Table:
    """The group's own text, read."""
    return parse(SETTING.read_text(encoding="utf-8"))


def group(comp: Comp, plate: Tool | None = None, depth: Tool | None = None, name: str = "Rackfocus") -> Tool:
    """The group of the setting, as Fusion makes it; its outer connections lie on the tools inside."""
    described = setting()["Tools"]["Rackfocus"]
    made = comp.add(name, "GroupOperator")
    for inner, tool in described["Tools"].items():
        values = {control: said.get("INP_Default", "") for control, said in tool["UserControls"].items()}
        child = comp.add(inner, "Custom", **values)
        made.children.append(child)
    focus, setup = made.children
    focus.values["PointIn1"] = fusion_table(0.5, 0.5, 0.0)
    setup.sources["Image2"] = focus
    if plate is not None:
        setup.sources["Image1"] = plate
    if depth is not None:
        focus.sources["Image1"] = depth
    return made


def remove(made: Tool) -> None:
    """Take a group out of its comp, with what is in it."""
    made.comp.tools = [tool for tool in made.comp.tools if tool is not made and tool not in made.children]


def control(made: Tool, name: str) -> Tool:
    """The tool inside a group that holds a control."""
    return next(child for child in made.children if name in child.values)


def put(made: Tool, **values: object) -> None:
    for name, value in values.items():
        control(made, name).values[name] = value


def animate(made: Tool, name: str, spline: Spline) -> None:
    comp = made.comp
    control(made, name).sources[name] = Tool(comp, f"{made.name}{name}", "BezierSpline", spline=spline)


def move_point(made: Tool, x: Spline, y: Spline) -> None:
    comp = made.comp
    path = Tool(comp, "Path", "XYPath")
    path.sources = {axis: Tool(comp, axis, "BezierSpline", spline=s) for axis, s in (("X", x), ("Y", y))}
    control(made, "PointIn1").sources["PointIn1"] = path


def shot_comp(first: int = 0, last: int = 23, folder: str = "/shots") -> tuple[Comp, Tool]:
    """A comp with a plate, its depth and the group; plate files from 1001 on, depth files from 1 on."""
    comp = Comp(first, last, f"{folder}/sh010.comp")
    plate = loader(comp, "Plate", f"{folder}/plate.1001.exr", 1001, 48)
    depth = loader(comp, "Depth", f"{folder}/depth.0001.exr", 1, 48)
    return comp, group(comp, plate, depth)


def custom_tool(expression: str, names: Mapping[str, Any]) -> np.ndarray:
    """An expression of a Custom tool, or of a control, over many pixels at once."""
    text = re.sub(r"\bi?if\(", "choose(", expression).replace("^", "**")
    scope = {"choose": np.where, "abs": np.abs, "max": np.maximum, "min": np.minimum, "__builtins__": {}}
    # As in Fusion, a number over zero is infinite and no error.
    known = {name: np.float64(value) if isinstance(value, (int, float)) else value for name, value in names.items()}
    with np.errstate(divide="ignore"):
        return np.asarray(eval(text, scope, known), np.float64)
