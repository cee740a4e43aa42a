"""Nodes and what they do with pixels, after Nuke's reference guide; arrays by channel, row 0 at the bottom."""

# ruff: noqa: N802, ANN401  Nuke's own names, and what knobs hold

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.plugin.nuke.fakes.knobs import Knob
from tests.plugin.nuke.fakes.threads import main_thread_only

if TYPE_CHECKING:
    from tests.plugin.nuke.fakes.host import FakeNuke

Picture = dict[str, np.ndarray]
RGB = ("rgba.red", "rgba.green", "rgba.blue")
ANY = ["name", "xpos", "ypos", "label", "tile_color", "help", "disable", "inputs", "selected"]

KNOBS: dict[str, dict[str, Any]] = {
    "Input": {"number": 0},
    "Output": {},
    "Dot": {},
    "NoOp": {},
    "Group": {},
    "Blur": {"size": 0.0},
    "Switch": {"which": 0.0},
    "Shuffle": {"in": "rgba", "out": "rgba", "red": "red", "green": "green", "blue": "blue", "alpha": "alpha"},
    "Grade": {
        "channels": "rgb",
        "blackpoint": [0.0] * 4,
        "whitepoint": [1.0] * 4,
        "multiply": [1.0] * 4,
        "add": [0.0] * 4,
        "black_clamp": True,
        "white_clamp": False,
    },
    "Clamp": {
        "channels": "all",
        "minimum": [0.0] * 4,
        "maximum": [1.0] * 4,
        "minimum_enable": True,
        "maximum_enable": True,
    },
    "Merge2": {"operation": "over", "output": "rgba"},
    "Keymix": {"channels": "all"},
    "Saturation": {"saturation": 1.0, "mode": "Rec 709"},
    "Reformat": {"type": "to format", "scale": 1.0, "filter": "Cubic"},
    "Camera2": {"focal": 50.0, "fstop": 16.0, "focal_point": 2.0, "haperture": 24.576},
    "Read": {
        "file": "",
        "first": 1,
        "last": 1,
        "origfirst": 1,
        "origlast": 1,
        "raw": False,
        "colorspace": "default",
        "on_error": "error",
        "frame": "",
        "reload": "",
    },
    "Write": {
        "channels": "rgb",
        "file": "",
        "file_type": "",
        "raw": False,
        "datatype": "16 bit half",
        "compression": "",
        "metadata": "",
        "create_directories": False,
        "checkHashOnRead": True,
    },
}
"""The knobs of each class that scripts of ours may name, with what they are by default."""


class Format:
    def __init__(self, width: int, height: int, pixel_aspect: float = 1.0) -> None:
        self._size = (width, height, pixel_aspect)

    def width(self) -> int:
        return int(self._size[0])

    def height(self) -> int:
        return int(self._size[1])


class Box:
    def __init__(self, x: float, y: float, w: float, h: float) -> None:
        self._box = (x, y, w, h)

    def x(self) -> float:
        return self._box[0]

    def y(self) -> float:
        return self._box[1]

    def w(self) -> float:
        return self._box[2]

    def h(self) -> float:
        return self._box[3]


@main_thread_only
class Node:
    def __init__(self, host: FakeNuke, kind: str, parent: Node | None) -> None:
        assert kind in KNOBS or kind == "Root", f"no node class {kind}"
        self.host = host
        self._kind = kind
        self._parent = parent
        self._inputs: list[Node | None] = []
        self._knobs: dict[str, Knob] = {}
        self.inside: list[Node] = []
        self.picture: Callable[[int], Picture] | None = None
        self.pixel_aspect = 1.0
        self.panel_shown = False
        for name, default in KNOBS.get(kind, {}).items():
            self._knobs[name] = Knob(self, name, _class_of(name, default), default)
        for name in ANY:
            self._knobs.setdefault(name, Knob(self, name, "String_Knob" if name != "disable" else "Boolean_Knob", ""))
        self._knobs["disable"].setValue(0)

    def add(self, knob: Knob) -> None:
        self._knobs[knob.name()] = knob

    def Class(self) -> str:
        return self._kind

    def name(self) -> str:
        return str(self._knobs["name"].value())

    def fullName(self) -> str:
        above = self._parent
        return self.name() if above is None or above.Class() == "Root" else f"{above.fullName()}.{self.name()}"

    def parent(self) -> Node:
        assert self._parent is not None
        return self._parent

    def node(self, name: str) -> Node | None:
        return next((node for node in self.inside if node.name() == name), None)

    def knob(self, name: str) -> Knob | None:
        return self._knobs.get(name)

    def knobs(self) -> dict[str, Knob]:
        return dict(self._knobs)

    def __getitem__(self, name: str) -> Knob:
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def input(self, index: int) -> Node | None:
        return self._inputs[index] if index < len(self._inputs) else None

    def setInput(self, index: int, node: Node | None) -> bool:
        self._inputs += [None] * (index + 1 - len(self._inputs))
        self._inputs[index] = node
        return True

    def firstFrame(self) -> int:
        return int(self["first"].value()) if self._kind == "Read" else self._first_input().firstFrame()

    def lastFrame(self) -> int:
        return int(self["last"].value()) if self._kind == "Read" else self._first_input().lastFrame()

    def pixelAspect(self) -> float:
        return self.pixel_aspect if self.picture or self._kind == "Read" else self._first_input().pixelAspect()

    def width(self) -> int:
        return next(iter(self.pixels(self.host.current_frame()).values())).shape[1]

    def channels(self) -> list[str]:
        return list(self.pixels(self.host.current_frame()))

    def bbox(self) -> Box:
        height, width = next(iter(self.pixels(self.host.current_frame()).values())).shape
        return Box(0, 0, width, height)

    def sample(self, channel: str, x: float, y: float) -> float:
        """Positions on pixel centres give the pixel itself; all else is filtered. A proxy has other positions."""
        scale = self.host.proxy_scale()
        values = self.pixels(self.host.current_frame())[channel]
        column, row = x * scale - 0.5, y * scale - 0.5
        left, bottom = int(np.floor(column)), int(np.floor(row))
        right, top = min(left + 1, values.shape[1] - 1), min(bottom + 1, values.shape[0] - 1)
        across, up = column - left, row - bottom
        if across == up == 0:
            return float(values[bottom, left])
        lower = values[bottom, left] * (1 - across) + values[bottom, right] * across
        upper = values[top, left] * (1 - across) + values[top, right] * across
        return float(lower * (1 - up) + upper * up)

    def setXYpos(self, x: int, y: int) -> None:
        self._knobs["xpos"].setValue(x)
        self._knobs["ypos"].setValue(y)

    def xpos(self) -> int:
        return int(self["xpos"].value() or 0)

    def ypos(self) -> int:
        return int(self["ypos"].value() or 0)

    def showControlPanel(self) -> None:
        self.panel_shown = True

    def __enter__(self) -> Node:
        self.host.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.host.leave()

    def pixels(self, frame: int) -> Picture:
        """What the node gives at a frame."""
        memo = self.host.memo(frame)
        key = (id(self), frame)
        if key not in memo:
            memo[key] = _compute(self, frame)
        return memo[key]

    def number(self, name: str, frame: int, index: int = 0) -> float:
        return float(self._knobs[name].valueAt(frame, index))

    def _first_input(self) -> Node:
        is_input = self._kind == "Input"
        above = self.parent().input(int(float(self["number"].value()))) if is_input else self.input(0)
        assert above is not None, f"{self.name()} has no input"
        return above


def _class_of(name: str, default: Any) -> str:
    if isinstance(default, bool):
        return "Boolean_Knob"
    if isinstance(default, (int, float, list)):
        return "Double_Knob"
    return "File_Knob" if name == "file" else "String_Knob"


def _compute(node: Node, frame: int) -> Picture:
    if node.picture is not None:
        return node.picture(frame)
    if node.Class() == "Group":
        return next(each for each in node.inside if each.Class() == "Output").pixels(frame)
    if node.Class() == "Input":
        above = node.parent().input(int(float(node["number"].value())))
        assert above is not None, f"{node.name()} is not connected"
        return above.pixels(frame)
    if node.Class() == "Switch":
        chosen = node.input(int(node.number("which", frame)))
        assert chosen is not None
        return chosen.pixels(frame)
    above = node.input(0)
    assert above is not None, f"{node.name()} has no input"
    source = above.pixels(frame)
    if node.number("disable", frame):
        return source
    work = WORK.get(node.Class())
    return source if work is None else work(node, source, frame)


def _shuffle(node: Node, source: Picture, _frame: int) -> Picture:
    layer = str(node["in"].value())
    names = [name for name in source if name.split(".")[0] == layer]
    made = dict(source)
    black = np.zeros_like(next(iter(source.values())))
    out = [f"{node['out'].value()}.{c}" for c in ("red", "green", "blue", "alpha")]
    if node["out"].value() == "depth":
        out = ["depth.Z"]
    for target, knob in zip(out, ("red", "green", "blue", "alpha"), strict=False):
        place = ("red", "green", "blue", "alpha").index(str(node[knob].value()))
        made[target] = source[names[place]] if place < len(names) else black
    return made


def _grade(node: Node, source: Picture, frame: int) -> Picture:
    made = dict(source)
    for at, name in enumerate(RGB):
        black, white, multiply, add = (
            node.number(n, frame, at) for n in ("blackpoint", "whitepoint", "multiply", "add")
        )
        slope = multiply / (white - black)
        value = slope * source[name] + add - slope * black
        value = np.maximum(value, 0) if node["black_clamp"].value() else value
        made[name] = np.minimum(value, 1) if node["white_clamp"].value() else value
    return made


def _clamp(node: Node, source: Picture, frame: int) -> Picture:
    made = dict(source)
    for at, name in enumerate(RGB):
        low = node.number("minimum", frame, at) if node["minimum_enable"].value() else -np.inf
        high = node.number("maximum", frame, at) if node["maximum_enable"].value() else np.inf
        made[name] = np.clip(source[name], low, high)
    return made


def _merge(node: Node, b: Picture, frame: int) -> Picture:
    upper = node.input(1)
    assert upper is not None
    a = upper.pixels(frame)
    with np.errstate(divide="ignore", invalid="ignore"):
        sums: dict[str, Callable[[Any, Any], Any]] = {
            "divide": lambda x, y: np.where((x < 0) & (y < 0), 0, x / y),
            "minus": lambda x, y: x - y,
            "plus": lambda x, y: x + y,
            "multiply": lambda x, y: x * y,
            "max": np.maximum,
        }
        work = sums[str(node["operation"].value())]
        return {**b, **{name: work(a[name], b[name]) for name in RGB}}


def _saturation(node: Node, source: Picture, frame: int) -> Picture:
    grey = 0.2126 * source[RGB[0]] + 0.7152 * source[RGB[1]] + 0.0722 * source[RGB[2]]
    amount = node.number("saturation", frame)
    return {**source, **{name: grey + (source[name] - grey) * amount for name in RGB}}


def _keymix(node: Node, b: Picture, frame: int) -> Picture:
    upper, matte = node.input(1), node.input(2)
    assert upper is not None
    assert matte is not None
    a, mask = upper.pixels(frame), matte.pixels(frame)["rgba.alpha"]
    return {**b, **{name: a[name] * mask + b[name] * (1 - mask) for name in RGB}}


WORK: dict[str, Callable[[Node, Picture, int], Picture]] = {
    "Shuffle": _shuffle,
    "Grade": _grade,
    "Clamp": _clamp,
    "Merge2": _merge,
    "Saturation": _saturation,
    "Keymix": _keymix,
}
