"""How the parts may depend on each other, and what the base install must never load."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    "engine": {"engine"},
    "training": {"training", "engine"},
    "export": {"export", "engine"},
    "ui": {"ui", "plugin", "export", "training", "engine", "rackfocus"},
}
"""Imports run one way: what each package may import of ours."""

OURS = {"engine", "export", "training", "plugin", "ui", "rackfocus", "tests"}

TORCH_ROOMS = (
    "engine/networks",
    "engine/runtime/torch",
    "engine/runtime/onnx",
    "training/benchmark/networks",
    "training/data/perturbation",
    "training/metrics/networks",
    "training/stages",
    "export",
)
"""The only places that may import what is no part of the base install; whoever needs them imports them when the work starts."""

HEAVY = ("torch", "onnxruntime", "tensorrt", "PySide6", "PyQt5", "PyQt6", "scipy", "cv2", "diffusers", "transformers")
"""Packages that are no part of the base install."""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide what depends on what"
            yield node.module or ""


def in_torch_room(file: Path) -> bool:
    return file.relative_to(ROOT).as_posix().startswith(TORCH_ROOMS)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, cwd="/"
    )


@pytest.mark.parametrize("package", [name for name in ALLOWED if (ROOT / name).is_dir()])
def test_imports_run_one_way(package: str) -> None:
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in sources(package)
        for name in imported(file)
        if name.split(".")[0] in OURS - ALLOWED[package]
    }
    assert not wrong


def test_the_product_uses_only_the_base_install() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for package in ("engine", "training", "ui")
        for file in sources(package)
        if not in_torch_room(file)
        for name in imported(file)
        if name.split(".")[0] in HEAVY
    }
    assert not wrong


def test_importing_every_engine_module_loads_no_torch_no_qt_and_no_onnx_runtime() -> None:
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in sources("engine")
        if not in_torch_room(file)
    ]
    code = f"""
import sys, json
from importlib import import_module
for name in {names!r}:
    import_module(name)
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""
    loaded = set(json.loads(run_python(code).stdout))
    assert "engine" in loaded
    assert not loaded & set(HEAVY) - {"scipy"}, "Numba loads SciPy by itself where it is installed"
    assert not loaded & (OURS - {"engine"})


def test_the_help_answers_without_the_engine_s_heavy_parts() -> None:
    code = "import sys, ui.cli; print([n for n in ('numba', 'OpenImageIO', 'av', 'llvmlite') if n in sys.modules])"
    assert run_python(code).stdout.strip() == "[]"


def test_every_package_says_what_it_offers_and_only_changes_it_on_purpose() -> None:
    """Run ``python -m tests.api_surface`` after a change that is meant."""
    from tests.api_surface import SURFACE, current_surface

    assert current_surface() == json.loads(SURFACE.read_text(encoding="utf-8"))


def test_what_a_package_offers_exists() -> None:
    from tests.api_surface import current_surface

    for package, names in current_surface().items():
        module = import_module(package)
        assert not [name for name in names if not hasattr(module, name)], package


def test_the_constraints_hold_torch_and_nothing_but_versions() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert "torch==2.13.0" in lines
    assert all(line.count("==") == 1 and "/" not in line and " " not in line for line in lines)
    assert not [line for line in lines if line.startswith(("torchvision", "lpips"))]


def test_every_python_file_is_short_enough_to_read() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for package in ("engine", "ui")
        for file in sources(package)
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
