"""The CI's workflow cannot be run here: it is read, and each of its commands is looked up."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

USED = {
    "accelerate": "accelerate",
    "diffusers": "diffusers",
    "jinja2": "jinja2",
    "numpy": "numpy",
    "numba": "numba",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "onnxscript": "onnxscript",
    "openjd-cli": "openjd",
    "opencv-python-headless": "cv2",
    "openimageio": "OpenImageIO",
    "av": "av",
    "pydantic": "pydantic",
    "rich": "rich",
    "safetensors": "safetensors",
    "tensorboard": "tensorboard",
    "torch": "torch",
    "transformers": "transformers",
    "typer": "typer",
}
"""Packages that are asked for, and the module by which our code knows them."""

NOT_IMPORTED = {
    "torchmetrics": "a file of weights is taken from it",
    "tensorboard": "Torch's own writer imports it",
    "safetensors": "its files are read and written without it; Diffusers wants it",
    "onnxruntime-gpu": "it is onnxruntime by another name",
    "tensorrt-cu13": "a library that is loaded by its file's name",
    "pyside6-essentials": "for the desktop application",
}
"""Packages that are asked for and not imported, and why."""


def workflow() -> dict[Any, Any]:
    yaml = pytest.importorskip("yaml")
    read: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return read


def commands() -> Iterator[list[str]]:
    for job in workflow()["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                yield from (shlex.split(line) for line in step["run"].splitlines())


def test_the_quick_suite_runs_on_three_systems_and_two_versions_of_python() -> None:
    read = workflow()
    assert set(read[True]) == {"push", "pull_request"}, "YAML reads on as true"
    matrix = read["jobs"]["quick"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "windows", "macos"]
    assert matrix["python"] == ["3.11", "3.13"]
    for job in read["jobs"].values():
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])


def test_every_command_of_the_workflow_exists() -> None:
    from ui.cli.app import app

    ours = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    for words in commands():
        assert words[:2] == ["python", "-m"], "no make and no shell on Windows"
        assert find_spec(words[2]) is not None
        if words[2] == "rackfocus":
            assert words[3] in ours


def test_every_file_extra_and_marker_that_the_workflow_names_exists() -> None:
    markers = {marker.partition(":")[0] for marker in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    for words in commands():
        if words[2] == "pytest":
            assert words[words.index("-m", 3) + 1].removeprefix("not ") in markers
            places = [words[at + 1] for at, word in enumerate(words) if word == "--ignore"]
        elif words[2] == "pip":
            extras = re.findall(r"[a-z]+", words[-1])
            assert set(extras) <= set(PROJECT["project"]["optional-dependencies"])
            places = [words[words.index("-c") + 1]]
        else:
            places = [word for word in words[4:] if words[2] == "ruff" and not word.startswith("-")]
        assert all((ROOT / place).exists() for place in places)


def test_every_package_that_is_asked_for_is_used() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [
        *PROJECT["project"]["dependencies"],
        *(p for name, wanted in extras.items() if name != "dev" for p in wanted),
    ]
    names = {re.split(r"[^\w-]", package)[0].lower() for package in asked} - {"rackfocus"}
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for room in ("engine", "export", "training", "plugin", "ui")
        for file in (ROOT / room).rglob("*.py")
    )
    for name in names - set(NOT_IMPORTED):
        module = USED.get(name, name)
        assert re.search(rf"^\s*(import|from) {module}\b", code, re.MULTILINE), f"nothing imports {name}"


def test_versions_that_the_tests_ran_with_are_named_once() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition("==")[0].lower() for line in lines if line and line[0] != "#"]
    assert len(names) == len(set(names))
