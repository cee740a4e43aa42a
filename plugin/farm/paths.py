"""The paths of a shot on another machine: a scheduler's rules, and folders that the job names itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from engine.errors import ShotError
from engine.shot import Shot
from engine.shot.storage import PATH_FIELDS

__all__ = ["FOLDERS", "PathMapping", "folder_of", "with_folders"]

Model = TypeVar("Model", bound=BaseModel)

FOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "plate": ("plate", "path"),
    "depth": ("depth", "path"),
    "matte": ("matte", "path"),
    "output": ("output", "path"),
    "weights": ("renderer", "any_to_bokeh", "weights"),
}
"""What a job may take from, or put into, another folder."""


@dataclass(frozen=True)
class PathMapping:
    """Where folders of the submitting machine lie on this one (Open Job Description, ``pathmapping-1.0``).

    Attributes:
        rules: format (``POSIX`` or ``WINDOWS``), source and destination of each; the longest source comes first.
    """

    rules: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def read(cls, path: Path | None) -> PathMapping:
        """The rules of a file, as a session writes it; a session without rules writes an empty object.

        Raises:
            ShotError: the file cannot be read, or is no file of rules.
        """
        if path is None:
            return cls()
        try:
            said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            rules = [
                (str(rule["source_path_format"]).upper(), str(rule["source_path"]), str(rule["destination_path"]))
                for rule in said.get("path_mapping_rules", [])
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ShotError(
                f"{path}: no rules of path mapping can be read from it ({error}); give the file that "
                "{{Session.PathMappingRulesFile}} names"
            ) from error
        return cls(tuple(sorted(rules, key=lambda rule: -len(_pure(rule[0], rule[1]).parts))))

    def path(self, path: str) -> str:
        """Where the path lies here; itself where no rule knows it."""
        for kind, source, destination in self.rules:
            given, root = _pure(kind, path), _pure(kind, source)
            if given.is_relative_to(root):
                return str(Path(destination, *given.relative_to(root).parts))
        return path

    def apply(self, shot: Shot) -> Shot:
        """The shot with each of its paths mapped."""
        for field in PATH_FIELDS:
            held = _get(shot, field)
            if held is not None:
                shot = _with(shot, field, self.path(held))
        return shot


def with_folders(shot: Shot, folders: Mapping[str, Path | None]) -> Shot:
    """The shot with its files in other folders; their names stay.

    Args:
        shot: whose paths may be those of another system.
        folders: by the names of ``FOLDERS``; None leaves a path as it is.
    """
    for name, folder in folders.items():
        held = _get(shot, FOLDERS[name])
        if folder is not None and held is not None:
            shot = _with(shot, FOLDERS[name], str(folder if name == "weights" else folder / _foreign(held).name))
    return shot


def folder_of(shot: Shot, name: str) -> str | None:
    """The folder of one of ``FOLDERS``; None where the shot has no such path."""
    held = _get(shot, FOLDERS[name])
    return held if held is None or name == "weights" else str(_foreign(held).parent)


def _foreign(path: str) -> PurePath:
    """A path with the separators of the system that it was written on."""
    return PureWindowsPath(path) if PureWindowsPath(path).drive else Path(path)


def _pure(kind: str, path: str) -> PurePath:
    return PureWindowsPath(path) if kind == "WINDOWS" else PurePosixPath(path)


def _get(shot: Shot, field: tuple[str, ...]) -> str | None:
    held: Any = shot
    for name in field:
        held = getattr(held, name, None)
    return None if held is None else str(held)


def _with(part: Model, field: tuple[str, ...], value: str) -> Model:
    name, *inner = field
    changed = _with(getattr(part, name), tuple(inner), value) if inner else value
    return part.model_copy(update={name: changed})
