"""Shot documents on disk.

Paths in a document are relative to the folder that the document lies in, so that a shot's folder can be moved or
mounted elsewhere. Loading makes them absolute, so nothing later depends on where the program was started. Saving writes
what lies below the document's folder relative to it, and everything else absolute. A path that begins with
``~/`` lies in the home of whoever reads it, and is saved as an absolute one.

Relative paths are saved with slashes on every system. Backslashes, which a person on Windows types and earlier versions
wrote there, part folders too, except where a file of that very name lies on a system that takes them for letters.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from engine.errors import OutputWriteError, ShotError
from engine.files import reason_of, write_whole
from engine.json_text import json_text
from engine.shot.document import Shot
from engine.shot.validation import shot_from_dict

__all__ = ["load_shot", "save_shot", "shot_from_json", "shot_to_dict", "shot_to_json"]

Model = TypeVar("Model", bound=BaseModel)
P = TypeVar("P", bound=PurePath)

LARGEST_FILE: Final = 64 << 20
"""Bytes; more is a picture or a movie given by mistake."""

PATH_FIELDS: Final = (
    ("plate", "path"),
    ("depth", "path"),
    ("matte", "path"),
    ("output", "path"),
    ("aperture", "image"),
    ("renderer", "any_to_bokeh", "weights"),
    ("renderer", "any_to_bokeh", "image_encoder"),
)


def load_shot(path: str | os.PathLike[str]) -> Shot:
    """Read a shot document; its relative paths become absolute.

    Raises:
        ShotError: the file cannot be read, is not JSON, or is not a valid shot (the message names file and field);
            SchemaError, KeysError, OpticsError, DepthRangeError, OutputExistsError for those causes.
    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise ShotError(f"{file}: too large for a shot document; give the JSON file of the shot")
        raw = file.read_bytes()
    except FileNotFoundError:
        raise ShotError(f"{file}: there is no such file; check the name of the shot document") from None
    except (OSError, ValueError) as error:
        raise ShotError(f"{file}: the shot document cannot be read ({reason_of(error)}); check its path") from error
    return shot_from_json(raw, where=str(file), folder=file.absolute().parent)


def shot_from_json(text: str | bytes, where: str = "shot", folder: str | os.PathLike[str] | None = None) -> Shot:
    """A shot from the text of a document; its relative paths are joined to ``folder`` if one is given.

    Raises:
        ShotError: as ``load_shot``.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        data = json.loads(decoded, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ShotError(
            f"{where}: line {error.lineno}, column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}; "
            "correct the JSON"
        ) from None
    except UnicodeDecodeError as error:
        raise ShotError(f"{where}: byte {error.start} is not UTF-8 text; give a JSON document in UTF-8") from None
    except RecursionError:
        raise ShotError(f"{where}: the document is nested too deeply to be a shot; correct it") from None
    except ShotError as error:
        raise ShotError(f"{where}: {error.message}") from None
    except ValueError:  # json.loads refuses whole numbers of thousands of digits with a bare ValueError
        raise ShotError(f"{where}: the document holds a number too large for a shot; correct it") from None
    shot = shot_from_dict(data, where)
    if folder is None:
        return shot
    base = Path(folder).absolute()
    return _with_paths(shot, lambda path: _joined(base, path))


def save_shot(shot: Shot, path: str | os.PathLike[str]) -> None:
    """Write a shot document: whole or not at all, fields in the order of the models, defaults left out.

    Raises:
        OutputWriteError: the folder or the disk does not let it be written.
    """
    file = Path(path).absolute()
    text = shot_to_json(
        _with_paths(shot, lambda inner: _portable(_joined(Path.cwd(), inner, as_it_is=True), file.parent))
    )
    try:
        write_whole(file, text)
    except (OSError, ValueError) as error:
        raise OutputWriteError(
            f"{path}: the shot document cannot be written ({reason_of(error)}); check the folder and its disk's space"
        ) from error


def shot_to_dict(shot: Shot) -> dict[str, Any]:
    """The shot as plain data without its defaults; the schema version comes first and always."""
    return {"schema_version": shot.schema_version, **shot.model_dump(exclude_defaults=True, exclude={"schema_version"})}


def shot_to_json(shot: Shot) -> str:
    """The shot as the text of a document, paths as they stand."""
    return json_text(shot_to_dict(shot), indent=2, ascii_only=False) + "\n"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ShotError(f'"{twice[:40]}" is given twice in one object; keep one of them')
    return members


def _with_paths(shot: Shot, change: Callable[[str], str]) -> Shot:
    """The shot with each of its paths changed."""
    for field in PATH_FIELDS:
        shot = _with_path(shot, field, change)
    return shot


def _with_path(part: Model, field: tuple[str, ...], change: Callable[[str], str]) -> Model:
    """The part of a document with the path at ``field`` changed, if there is one."""
    name, *inner = field
    held = getattr(part, name)
    if held is None:
        return part
    changed = _with_path(held, tuple(inner), change) if inner else change(held)
    # A part that keeps its defaults is left out of the file; it must not be set to an equal copy.
    return part if changed is held or changed == held else part.model_copy(update={name: changed})


def _joined(folder: Path, path: str, *, as_it_is: bool = False) -> str:
    """A path of a document in a folder, or one of this process's own, ``as_it_is``."""
    if path.startswith("~/"):
        return os.path.expanduser(path)  # noqa: PTH111 - pathlib's own raises where there is no home
    # A drive or share of Windows is no folder beside the document, on whatever system it is read.
    absolute = Path(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return path if absolute else str(folder / (path if as_it_is else _with_own_separators(folder, path)))


def _with_own_separators(folder: Path, path: str) -> str:
    """A relative path with slashes for backslashes, unless the folder holds something that has them in its name."""
    if os.sep == "\\" or "\\" not in path or _has_backslashes(folder, path):
        return path
    return path.replace("\\", "/")


def _has_backslashes(folder: Path, path: str) -> bool:
    """Whether a file or folder lies there whose name begins as the path does up to its last backslash.

    What follows may be a pattern of frame numbers, of which no file has the name.
    """
    inside, _, name = path[: path.rindex("\\") + 1].rpartition("/")
    try:
        return any(entry.name.startswith(name) for entry in (folder / inside).iterdir())
    except (OSError, ValueError):
        return False


def _portable(absolute: str, folder: Path) -> str:
    """The path as a document in ``folder`` should say it: one that loading brings back exactly."""
    below = below_folder(PurePath(absolute), PurePath(folder))
    return below if below and _same_path(_joined(folder, below), absolute) else absolute


def below_folder(path: P, folder: P) -> str:
    """What a path is within a folder, with slashes; nothing where it is not in it.

    Args:
        path, folder: absolute, of one system; Windows' do not mind the case.
    """
    try:
        return path.relative_to(folder).as_posix() if path != folder else ""
    except ValueError:
        return ""


def _same_path(one: str, other: str) -> bool:
    return one == other or (os.sep == "\\" and PurePath(one) == PurePath(other))
