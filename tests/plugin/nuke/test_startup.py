"""Installed as ``rackfocus install nuke`` does it, and loaded as Nuke does it: alone, under another name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from plugin.installing import carry_out, plan_install

ROOT = Path(__file__).parents[3]
NUKE = """
import runpy, sys, types
added, registered, entries = [], [], []
nuke = types.ModuleType("nuke")
nuke.pluginAddPath = added.append
nuke.addOnCreate = nuke.addKnobChanged = lambda call, nodeClass: registered.append((call.__name__, nodeClass))
class Menu:
    def addMenu(self, name): return self
    def addCommand(self, name, call): entries.append(name)
nuke.menu = lambda name: Menu()
sys.modules["nuke"] = nuke
sys.path.insert(0, FOLDER)
runpy.run_path(FOLDER + "/init.py", {"nuke": nuke})
(startup,) = added
print(registered, entries)
for name in NAMES:
    runpy.run_path(FOLDER + startup[1:] + "/" + name)
print(registered, entries)
print(sorted(n for n in sys.modules if n.split(".")[0] in ("engine", "plugin", "numpy", "torch", "PySide6")))
from rackfocus_plugin.client import find_engine
print(find_engine())
"""


def start(folder: Path, *names: str) -> list[str]:
    program = NUKE.replace("FOLDER", repr(str(folder))).replace("NAMES", repr(names))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RACKFOCUS"))}
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, cwd="/", env=environment
    )
    return done.stdout.splitlines()


def test_nuke_with_and_without_a_window_loads_what_was_installed(tmp_path: Path) -> None:
    carry_out(plan_install("nuke", tmp_path, [sys.executable, "-m", "rackfocus"], "0.1.0"))
    callbacks = "[('created', 'Group'), ('knob_changed', 'Group')]"
    none, terminal, ours, engine = start(tmp_path, "init.py")
    assert none == "[] []"
    assert terminal == f"{callbacks} []", "renders have the callbacks and no menu"
    assert ours == "[]", "nothing of the engine in Nuke's process"
    assert engine == str([sys.executable, "-m", "rackfocus"])
    assert start(tmp_path, "init.py", "menu.py")[1] == f"{callbacks} ['Rackfocus']"
    assert (tmp_path / "rackfocus_plugin" / "nuke" / "rackfocus.nk").is_file()


def test_everything_in_the_folder_is_installed() -> None:
    import json

    folder = ROOT / "plugin" / "nuke"
    listed = json.loads((folder / "install.json").read_text(encoding="utf-8"))["files"]
    there = {f"nuke/{file.name}" for file in folder.iterdir() if file.is_file() and file.name != "install.json"}
    assert set(listed) == there
