"""Traps of Nuke's API that only the code itself can show; those that a run shows are tests beside this one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "plugin" / "nuke"
FILES = sorted(FOLDER.glob("*.py"))


def nodes(kind: type) -> Iterator[tuple[str, ast.AST]]:
    assert FILES
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield f"{file.name}:{node.lineno}: {ast.unparse(node)}", node


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("executeInMainThreadWithResult", "it hangs when it is called in the main thread"),
        ("sample", "nuke.sample is deprecated, and Node.sample takes its place"),
        ("frame", "nuke.frame is deprecated"),
    ],
)
def test_these_names_of_nuke_are_used_nowhere(name: str, why: str) -> None:
    assert not [where for where, _ in nodes(ast.Attribute) if where.endswith(f": nuke.{name}")], why


def test_nothing_of_nuke_s_is_subclassed_or_compared_by_identity() -> None:
    """From Nuke 17.1 on its objects are made by pybind11: another wrapper each time."""
    assert not [where for where, node in nodes(ast.ClassDef) if "nuke." in "".join(map(ast.unparse, node.bases))]
    for where, node in nodes(ast.Compare):
        if any(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
            assert ast.unparse(node.comparators[-1]) == "None", where


def test_curves_are_never_read_as_a_list_of_keys() -> None:
    """The keys alone lose tangents, extrapolation and expressions; ``valueAt`` has them all."""
    wrong = [where for where, node in nodes(ast.Attribute) if node.attr in ("animation", "animations", "getKeyList")]
    assert not wrong


def test_no_qt_which_another_nuke_has_in_another_version() -> None:
    names = [where for kind in (ast.Import, ast.ImportFrom) for where, _ in nodes(kind)]
    assert not [where for where in names if "PySide" in where or "Qt" in where]


def test_only_a_progress_bar_and_the_way_back_are_used_outside_the_main_thread() -> None:
    """The functions that threads run, by name; all else is checked by the thread that the fake Nuke is called in."""
    threads = {"running.py": ("_watch", "_answer", "_show", "_print_progress"), "farm.py": ("_bundle",)}
    for name, functions in threads.items():
        tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                used = {ast.unparse(each) for part in node.body for each in ast.walk(part)
                        if isinstance(each, ast.Attribute) and ast.unparse(each).startswith("nuke.")}  # fmt: skip
                assert used <= {"nuke.ProgressTask", "nuke.executeInMainThread"}, node.name
