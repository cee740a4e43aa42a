"""Small comps: a plate and its depth, and a Rackfocus node under them."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from tests.plugin.nuke.fakes import FakeNuke
from tests.plugin.nuke.fakes.nodes import Node

WIDTH, HEIGHT = 48, 32
NEAR, FAR = 1.5, 12.0


def plate_picture(frame: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(frame)
    names = ("rgba.red", "rgba.green", "rgba.blue")
    return {name: random.uniform(0, 2, (HEIGHT, WIDTH)).astype(np.float32) for name in names}


def distances(frame: int) -> np.ndarray:
    """From 1.5 at the left to 12 at the right, a step in the middle; row 0 at the bottom."""
    across = np.linspace(NEAR, FAR, WIDTH)[None, :] + np.zeros((HEIGHT, 1))
    across[:, WIDTH // 2] = 3.0 + frame % 7
    return across.astype(np.float32)


def depth_picture(frame: int) -> dict[str, np.ndarray]:
    return {**plate_picture(frame), "depth.Z": distances(frame)}


def comp(host: FakeNuke, first: int = 1001, last: int = 1006) -> Node:
    """The node, as the menu makes it, under a plate and a depth that are no plain Reads."""
    buttons = import_module("plugin.nuke.buttons")
    plate, depth = host.source("Blur1", plate_picture), host.source("Blur2", depth_picture)
    node = buttons.create()
    node.setInput(0, plate)
    node.setInput(1, depth)
    for name, value in (("first", first), ("last", last)):
        node[name].setValue(value)
    host.root()["frame"].setValue(first)
    return node


def channel(node: Node, name: str, frame: int) -> np.ndarray:
    """A channel with row 0 at the top, as the engine has it."""
    return node.pixels(frame)[name][::-1]
