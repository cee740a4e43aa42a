"""The module ``nuke``: scripts read by a real Tcl, expressions by its ``expr``, files by OpenImageIO."""

# ruff: noqa: N802, ANN401, ARG002  Nuke's own names, and what it is given

from __future__ import annotations

import queue
import re
import threading
import time
import tkinter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import OpenImageIO

from tests.plugin.nuke.fakes.knobs import CLASSES, TEXTS, Knob
from tests.plugin.nuke.fakes.nodes import KNOBS, Node
from tests.plugin.nuke.fakes.threads import MAIN, check

EXR_NAMES = {"rgba.red": "R", "rgba.green": "G", "rgba.blue": "B", "rgba.alpha": "A"}
NAME = re.compile(r"[A-Za-z_][\w.]*(?!\w*\()")


class ProgressTask:
    """May be used in any thread; all that were made are kept in ``host.tasks``."""

    def __init__(self, host: FakeNuke, title: str) -> None:
        self._host = host
        self.title = title
        self.messages: list[str] = []
        self.progress: list[int] = []
        host.tasks.append(self)

    def setMessage(self, text: str) -> None:
        self.messages.append(text)

    def setProgress(self, percent: int) -> None:
        assert isinstance(percent, int)
        assert 0 <= percent <= 100
        self.progress.append(percent)

    def isCancelled(self) -> bool:
        return self._host.cancel_pressed


class FakeNuke(ModuleType):
    """One Nuke with an empty script; set as ``sys.modules["nuke"]``."""

    NO_ANIMATION = 0x100
    NUKE_VERSION_STRING = "16.0v1"
    GUI = True

    def __init__(self, folder: Path) -> None:
        super().__init__("nuke")
        self.tasks: list[ProgressTask] = []
        self.messages: list[str] = []
        self.executed: list[tuple[str, int, int, list[str]]] = []
        self.callbacks: dict[str, list[Callable[[], None]]] = {"create": [], "knob": []}
        self.menu_entries: list[str] = []
        self.cancel_pressed = False
        self.cancel_writing = False
        self._view_names = ["main"]
        self._calls: queue.SimpleQueue[tuple[Callable[..., None], Any]] = queue.SimpleQueue()
        self._this: tuple[Node | None, Knob | None] = (None, None)
        self._memo: tuple[int, dict[Any, Any]] = (0, {})
        self._tcl = tkinter.Tcl()
        self._root = self._make_root(folder)
        self._within = [self._root]
        self.Root, self.Group = Node, Node

    # What plugins call.

    def ProgressTask(self, title: str) -> ProgressTask:
        return ProgressTask(self, title)

    def executeInMainThread(self, call: Callable[..., None], args: Any = (), kwargs: Any = None) -> None:
        self._calls.put((call, args))

    def executeInMainThreadWithResult(self, *_: Any) -> None:
        assert threading.current_thread() is not MAIN(), "Nuke hangs: this waits for the thread that it runs in"

    def root(self) -> Node:
        check("root")
        return self._root

    def views(self) -> list[str]:
        check("views")
        return list(self._view_names)

    def toNode(self, name: str) -> Node | None:
        check("toNode")
        found: Node | None = self._root
        for step in name.split("."):
            found = None if found is None else found.node(step)
        return found

    def thisNode(self) -> Node | None:
        check("thisNode")
        return self._this[0]

    def thisKnob(self) -> Knob | None:
        check("thisKnob")
        return self._this[1]

    def message(self, text: str) -> None:
        check("message")
        self.messages.append(text)

    def addOnCreate(self, call: Callable[[], None], nodeClass: str = "*") -> None:
        assert nodeClass == "Group"
        self.callbacks["create"].append(call)

    def addKnobChanged(self, call: Callable[[], None], nodeClass: str = "*") -> None:
        assert nodeClass == "Group"
        self.callbacks["knob"].append(call)

    def menu(self, name: str) -> Any:
        def add_menu(menu: str) -> Any:
            return SimpleNamespace(addCommand=lambda item, _call: self.menu_entries.append(f"{name}/{menu}/{item}"))

        return SimpleNamespace(addMenu=add_menu)

    def createNode(self, kind: str, inpanel: bool = True) -> Node:
        check("createNode")
        return self._new(kind, f"{kind}{len(self._within[-1].inside)}")

    def nodePaste(self, path: str) -> Node | None:
        check("nodePaste")
        return self.read_script(Path(path).read_text(encoding="utf-8"))

    def execute(self, node: Node, first: int, last: int, incr: int = 1, views: Sequence[str] = ()) -> None:
        """Write files as a Write does; what is still a proxy is refused."""
        check("execute")
        assert node.Class() == "Write"
        assert not self._root["proxy"].value(), "the proxy would be written"
        assert node["raw"].value(), "colours would be converted"
        self.executed.append((node.name(), first, last, list(views)))
        if self.cancel_writing:
            raise RuntimeError("Cancelled")
        source = node.input(0)
        assert source is not None
        for frame in range(first, last + 1, incr):
            path = re.sub("#+", lambda found, frame=frame: f"{frame:0{len(found.group())}d}", str(node["file"].value()))
            _write(Path(path), node, source.pixels(frame))

    # What tests call.

    def read_script(self, text: str) -> Node | None:
        """Run a script by Tcl; the last node outside all groups."""
        stack: list[list[Node | None]] = [[None]]
        made: list[Node] = []
        tcl = self._tcl

        def command(kind: str) -> Callable[[str], str]:
            def make(body: str) -> str:
                made.append(self._from_script(kind, body, stack))
                return ""

            return make

        def end_group() -> str:
            stack.pop()
            group = self._within.pop()
            for callback in self.callbacks["create"]:
                self._call(callback, group, None)
            return ""

        def push(name: str) -> str:
            stack[-1].append(self._by_id.get(name))
            return ""

        self._by_id: dict[str, Node | None] = {}

        def top(_index: str) -> str:
            self._by_id[f"N{id(stack[-1][-1])}"] = stack[-1][-1]
            return f"N{id(stack[-1][-1])}"

        for kind in KNOBS:
            tcl.createcommand(kind, command(kind))
        for name, call in (("end_group", end_group), ("push", push), ("stack", top), ("version", lambda *_: "")):
            tcl.createcommand(name, call)
        assert tcl.call("info", "complete", text)
        tcl.eval(text)
        return next((node for node in made if node.parent() is self._within[-1]), None)

    def source(self, name: str, picture: Callable[[int], dict[str, np.ndarray]], kind: str = "Blur") -> Node:
        """A node of a comp that gives these pixels."""
        node = self._new(kind, name)
        node.picture = picture
        return node

    def pump(self, until: Callable[[], bool], seconds: float = 60.0) -> None:
        """Run Nuke's main loop until something is true."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "it did not happen"
            try:
                call, args = self._calls.get(timeout=0.05)
            except queue.Empty:
                continue
            call(*args)

    def set_views(self, *names: str) -> None:
        self._view_names = list(names)

    # What knobs and nodes need.

    def current_frame(self) -> int:
        return int(self._root["frame"].valueAt(0))

    def proxy_scale(self) -> float:
        return float(self._root["proxy_scale"].value()) if self._root["proxy"].value() else 1.0

    def memo(self, frame: int) -> dict[Any, Any]:
        if self._memo[0] != frame:
            self._memo = (frame, {})
        return self._memo[1]

    def changed(self, node: Node, knob: Knob) -> None:
        self._memo = (-1, {})
        for callback in self.callbacks["knob"] if node.Class() == "Group" else []:
            self._call(callback, node, knob)

    def enter(self, node: Node) -> None:
        self._within.append(node)

    def leave(self) -> None:
        self._within.pop()

    def evaluate(self, expression: str, node: Node, frame: float) -> float:
        """An expression of Nuke: names become numbers, Tcl does the sum."""
        scope = node if node.Class() == "Group" else node.parent()
        text = re.sub(
            r"\[exists parent\.input(\d)\]", lambda m: str(int(scope.input(int(m.group(1))) is not None)), expression
        )

        def number(found: re.Match[str]) -> str:
            return repr(float(self._lookup(found.group(), node, frame)))

        return float(self._tcl.eval(f"expr {{{NAME.sub(number, text)}}}"))

    def substitute(self, text: str, node: Node) -> str:
        """Tcl inside a path."""

        def value(name: str) -> str:
            holder, _, knob = name.rpartition(".")
            return str((self._root if holder == "root" else node)[knob].value())

        self._tcl.createcommand("value", value)
        try:
            return str(self._tcl.eval(f"subst -nobackslashes -novariables {{{text}}}"))
        except tkinter.TclError as error:
            raise RuntimeError(str(error)) from error

    def _lookup(self, name: str, node: Node, frame: float) -> Any:
        *way, last = name.split(".")
        holder: Node | None = node
        for step in way:
            assert holder is not None
            if step == "parent":
                holder = holder.parent()
            elif step == "root":
                holder = self._root
            elif step == "input":
                holder = holder.input(0)
            else:
                holder = (holder if holder.inside else holder.parent()).node(step)
        assert holder is not None, f"{name} is not there"
        of_picture = {"width": holder.width, "pixel_aspect": holder.pixelAspect}
        return of_picture[last]() if last in of_picture else holder[last].valueAt(frame)

    def _call(self, callback: Callable[[], None], node: Node, knob: Knob | None) -> None:
        before, self._this = self._this, (node, knob)
        try:
            callback()
        finally:
            self._this = before

    def _new(self, kind: str, name: str) -> Node:
        node = Node(self, kind, self._within[-1])
        node["name"].setValue(name)
        self._within[-1].inside.append(node)
        return node

    def _make_root(self, folder: Path) -> Node:
        root = Node(self, "Root", None)
        values = {
            "first_frame": 1,
            "last_frame": 100,
            "fps": 24.0,
            "proxy": False,
            "proxy_scale": 0.5,
            "frame": 1,
        }
        for name, value in values.items():
            root.add(Knob(root, name, "Boolean_Knob" if value is False else "Double_Knob", value))
        root.add(Knob(root, "colorManagement", "String_Knob", "Nuke"))
        root["name"].setValue(str(folder / "comp_v001.nk"))
        return root

    def _from_script(self, kind: str, body: str, stack: list[list[Node | None]]) -> Node:
        node = Node(self, kind, self._within[-1])
        self._within[-1].inside.append(node)
        count = 0 if kind in ("Input", "Read") else 1
        for name, value in _pairs(self._tcl.splitlist(body)):
            if name == "addUserKnob":
                node.add(self._user_knob(node, self._tcl.splitlist(value)))
            elif name == "inputs":
                count = int(value)
            else:
                assert name in node.knobs(), f"{kind} has no knob {name}"
                self._set(node[name], value)
        for index in range(count):
            node.setInput(index, stack[-1].pop() if stack[-1] else None)
        stack[-1].append(node)
        if kind == "Group":
            self._within.append(node)
            stack.append([None])
        return node

    def _user_knob(self, node: Node, words: Sequence[str]) -> Knob:
        kind = CLASSES[words[0]]
        knob = Knob(node, words[1], kind, [0.0, 0.0] if kind == "XY_Knob" else "" if kind in TEXTS else 0.0)
        rest = list(words[2:])
        while rest:
            word = rest.pop(0)
            if word in ("l", "t", "M", "T"):
                value = rest.pop(0)
                knob._tooltip = value if word == "t" else knob._tooltip
                knob.choices = list(self._tcl.splitlist(value)) if word == "M" else knob.choices
                knob._values = [value] if word == "T" else knob._values
            elif word == "R":
                rest = rest[2:]
            else:
                assert word[0] in "+-", f"{words[1]}: {word}"
        return knob

    def _set(self, knob: Knob, value: str) -> None:
        if knob.Class() in TEXTS:
            knob._values = [value]
            return
        if knob.Class() == "Enumeration_Knob":
            knob._values = [knob.choices.index(value)]
            return
        for at, item in enumerate(self._tcl.splitlist(value)):
            if item.startswith('"'):
                knob.setExpression(self._tcl.splitlist(item)[0], at)
            else:
                number = float({"true": "1", "false": "0"}.get(item, item))
                knob._values = [number] * len(knob._values) if at == 0 else [*knob._values[:at], number]
        if len(self._tcl.splitlist(value)) == 1 and knob.hasExpression(0):
            for at in range(1, len(knob._values)):
                knob._expressions[at] = knob._expressions[0]


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    assert len(words) % 2 == 0, "a knob without a value"
    return zip(words[::2], words[1::2], strict=True)


def _write(path: Path, node: Node, picture: dict[str, np.ndarray]) -> None:
    assert node["create_directories"].value() or path.parent.is_dir()
    path.parent.mkdir(parents=True, exist_ok=True)
    layer = str(node["channels"].value())
    wanted = {"rgb": list(EXR_NAMES)[:3], "rgba": list(EXR_NAMES), "depth": ["depth.Z"]}[layer]
    pixels = np.stack([picture[name][::-1] for name in wanted], axis=-1).astype(np.float32)
    spec = OpenImageIO.ImageSpec(pixels.shape[1], pixels.shape[0], len(wanted), OpenImageIO.FLOAT)
    spec.channelnames = [EXR_NAMES.get(name, name) for name in wanted]
    spec.attribute("oiio:ColorSpace", "Linear")
    out = OpenImageIO.ImageOutput.create(str(path))
    assert out is not None
    if str(node["datatype"].value()).startswith("16"):
        spec.set_format(OpenImageIO.HALF)
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(pixels)
    out.close()
