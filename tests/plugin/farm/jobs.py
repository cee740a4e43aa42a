"""Small jobs on disk, and their tasks as a scheduler would start them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.shot import load_shot
from plugin.farm import Bundle, plan_job, write_bundle
from tests.engine.render.shots import make_plates, shot_data

ROOT = Path(__file__).resolve().parents[3]
COMMAND = f'"{sys.executable}" -m rackfocus'


@dataclass(frozen=True)
class Job:
    """A bundle, and the folder of its result."""

    bundle: Bundle
    document: Path
    out: Path

    def words(self, step: str, frames: str = "") -> list[str]:
        """The command line of a task, as the template says it."""
        template = read_yaml(self.bundle.folder / "template.yaml")
        script = next(entry for entry in template["steps"] if entry["name"] == step)["script"]["actions"]["onRun"]
        rules = self.bundle.folder.parent / "rules.json"
        rules.write_text("{}", encoding="utf-8")
        known = {f"Param.{entry['name']}": str(entry.get("default", "")) for entry in template["parameterDefinitions"]}
        known |= {f"Param.{name}": value for name, value in self.bundle.values.items()}
        known |= {"Task.Param.Frames": frames, "Session.PathMappingRulesFile": str(rules)}
        known["Param.Shot"] = str(self.bundle.folder / "shot.json")

        def filled(text: str) -> str:
            return re.sub(r"\{\{(.*?)\}\}", lambda found: known[found[1].strip()], text)

        return [filled(word) for word in (script["command"], *script["args"])]

    def arguments(self, step: str, frames: str = "") -> list[str]:
        """The same without the words that start Rackfocus, for ``ui.cli.app.run``."""
        words = self.words(step, frames)
        return words[words.index("farm") :]

    def start(self, step: str, frames: str = "") -> subprocess.Popen[str]:
        """Start a task as a process."""
        return subprocess.Popen(
            self.words(step, frames),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the whole job as the openjd command line does when it is told no more than the template."""
        command = [sys.executable, "-m", "openjd", "run", str(self.bundle.folder / "template.yaml")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    def session(self, step: str, chunks: list[str], *options: str) -> subprocess.CompletedProcess[str]:
        """Run tasks, or a step without any and all before it, as the openjd command line does."""
        values = [f"--job-param={name}={value}" for name, value in self.bundle.values.items()]
        tasks = ["--tasks", json.dumps([{"Frames": chunk} for chunk in chunks])] if chunks else ["--run-dependencies"]
        command = [sys.executable, "-m", "openjd", "run", str(self.bundle.folder / "template.yaml"), "--step", step]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [*command, *values, *tasks, *options], capture_output=True, text=True, env=environment, check=False
        )


def make_job(folder: Path, count: int = 24, chunk: int = 6, *, frames: str | None = None, movie: bool = False) -> Job:
    """A shot of tiny frames, and its bundle; the document gives no depth limits."""
    make_plates(folder, count)
    data = shot_data(folder)
    del data["depth"]["near"]
    document = folder / "shot.json"
    document.write_text(json.dumps(data), encoding="utf-8")
    plan = plan_job(load_shot(document), chunk=chunk, command=COMMAND, frames=frames, movie=movie)
    return Job(write_bundle(plan, folder / "bundle"), document, folder / "out")


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file, where a package that reads it is installed."""
    yaml = pytest.importorskip("yaml")
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read
