"""The same job for OpenCue: a script that PyOutline runs (1.37; its commands are started as they are)."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from plugin.farm.plan import FarmPlan
from plugin.farm.ranges import range_expression

__all__ = ["opencue_script"]


def opencue_script(plan: FarmPlan, document: Path) -> str:
    """A Python script that sends the job to OpenCue.

    Its machines share their disks, so that paths stay as they are; Cuebot puts a task's frames where ``#FRAMESPEC#``
    stands, like ``1001-1024`` or ``1001-1023x2``.

    Args:
        plan: of the job.
        document: where the shot of the plan lies.
    """
    every = f"--frames={range_expression(plan.frames)}"
    steps = {
        "check": ["check", every],
        **({"build": ["build"]} if plan.builds else {}),
        "render": ["render", "--frames=#FRAMESPEC#"],
        "assemble": ["assemble", every, *(["--movie"] if plan.movie else [])],
    }
    layers = [_layer(plan, name, document, words) for name, words in steps.items()]
    # OpenCue takes a colon for something else.
    frames = range_expression(plan.frames).replace(":", "x")
    return f'''"""Made by rackfocus farm bundle. Where PyOutline is installed: python submit_opencue.py"""

import json

import outline
import outline.cuerun
from outline.modules.shell import Shell, ShellCommand

NAME = {re.sub("[^A-Za-z0-9_.-]+", "_", plan.name)!r}
FRAMES = {frames!r}
LAYERS = json.loads({json.dumps(layers)!r})


def make_job():
    job = outline.Outline(NAME, frame_range=FRAMES)
    before = None
    for layer in LAYERS:
        kind = Shell if layer["name"] == "render" else ShellCommand
        made = kind(layer.pop("name"), **layer)
        if before is not None:
            made.depend_all(before)
        job.add_layer(made)
        before = made
    return job


if __name__ == "__main__":
    outline.cuerun.launch(make_job(), use_pycuerun=False)
'''


def _layer(plan: FarmPlan, name: str, document: Path, words: list[str]) -> dict[str, Any]:
    task, *options = words
    command = [*plan.command, "farm", task, str(document), *options]
    rendering = name == "render"
    needs = plan.needs
    on_card = needs.gpus and name != "assemble"
    return {
        "name": name,
        # OpenCue joins the words with blanks and gives them to a shell.
        "command": [shlex.quote(word) for word in command],
        "cores": needs.cpus if rendering else 1,
        "memory": f"{needs.memory / 1024:.1f}g",
        **({"chunk": plan.chunk} if rendering else {}),
        **({"gpus": needs.gpus, "gpu_memory": f"{needs.gpu_memory // 1024}g"} if on_card else {}),
    }
