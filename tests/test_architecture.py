"""How the parts may depend on each other, and what the base install must never load."""

from __future__ import annotations

import ast
import json
import os
import shutil
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
    "plugin": {"plugin", "engine"},
    "ui": {"ui", "plugin", "export", "training", "engine", "rackfocus"},
}
"""Imports run one way: what each package may import of ours."""

OURS = {"engine", "export", "training", "plugin", "ui", "rackfocus", "tests"}

TORCH_ROOMS = (
    "engine/networks",
    "engine/runtime/torch",
    "engine/runtime/onnx",
    "training/benchmark/networks",
    "training/benchmark/spoiling",
    "training/data/perturbation",
    "training/metrics/networks",
    "training/stages",
    "export",
)
"""The only places that may import what is no part of the base install; who needs them imports them when work starts."""

LATER_NAMES = {
    "Self",
    "StrEnum",
    "TypeAlias",
    "assert_never",
    "pairwise",
    "override",
    "Never",
    "NotRequired",
    "batched",
}
"""Names of the standard library that Python 3.9 lacks, so far as a host's code may be tempted by them."""

HEAVY = ("torch", "onnxruntime", "tensorrt", "PySide6", "PyQt5", "PyQt6", "scipy", "cv2", "diffusers", "transformers")
"""Packages that are no part of the base install."""


INSTALLED_HERE = ("plugin/farm", "plugin/installing.py")
"""The only parts of ``plugin`` that Rackfocus's own interpreter loads, and not a host's."""

HOST_MODULES = {"nuke", "nukescripts", "bpy", "mathutils", "DaVinciResolveScript", "fusionscript"}
"""What hosts bring into their own interpreters."""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                assert in_a_host(file), f"{file}: relative imports hide what depends on what"
                yield "." * node.level + (node.module or "")
            else:
                yield node.module or ""


def in_a_host(file: Path) -> bool:
    place = file.relative_to(ROOT).as_posix()
    return place.startswith("plugin/") and not place.startswith(INSTALLED_HERE)


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


HOST_CODE = [file for file in sources("plugin") if in_a_host(file)]


def test_what_a_host_loads_uses_the_standard_library_and_the_host_alone() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in HOST_CODE
        for name in imported(file)
        if name[0] != "." and name.split(".")[0] not in sys.stdlib_module_names | HOST_MODULES
    }
    assert HOST_CODE
    assert not wrong


def test_what_a_host_loads_imports_nothing_above_its_own_package() -> None:
    """It is installed under another name, beside nothing else of ours."""
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in HOST_CODE
        for name in imported(file)
        if name[0] == "." and len(name) - len(name.lstrip(".")) > len(file.relative_to(ROOT / "plugin").parts)
    }
    assert not wrong


@pytest.mark.parametrize("file", HOST_CODE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_what_a_host_loads_is_python_of_3_9(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 9))
    # Annotations of a later Python are text there; everything else would be evaluated.
    later = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) for node in ast.walk(tree))
    assert not later or "from __future__ import annotations" in text
    taken = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not taken & LATER_NAMES
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


def python_3_9() -> str | None:
    """An interpreter of that version, if this machine has one."""
    places = [shutil.which("python3.9"), *map(str, Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))]
    for place in filter(None, places):
        if subprocess.run([place, "-c", "pass"], capture_output=True, check=False).returncode == 0:
            return place
    return None


@pytest.mark.skipif(python_3_9() is None, reason="needs Python 3.9")
def test_what_all_hosts_share_loads_in_a_real_python_3_9() -> None:
    code = (
        "import sys, plugin.client, plugin.document;"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'engine', 'numpy', 'torch', 'ui'}))"
    )
    command = [str(python_3_9()), "-c", code]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", env=environment)
    assert done.stdout.strip() == "[]"


def test_the_product_uses_only_the_base_install() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for package in ("engine", "training", "plugin", "ui")
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
        for package in ("engine", "plugin", "ui")
        for file in sources(package)
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
