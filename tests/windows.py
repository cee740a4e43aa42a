"""Ways of Windows, imitated where the tests run: what it refuses of open files, and names whose case is all one."""

# ruff: noqa: ANN401, PTH112, PTH113, PTH115, PTH118, PTH208 - these stand for functions of os, and take what those take

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["behave_like_windows", "ignore_case", "open_files"]

SHARING_VIOLATION = 32


def open_files() -> set[str]:
    """Real paths of the regular files that this process has open or mapped into its memory."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:  # the listing's own
            continue
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        found.add(line[73:].strip())
    return {path for path in found if os.path.isfile(path)}


def behave_like_windows(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse what Windows refuses: flushing what is open for reading, opening folders, moving and removing open ones.

    Returns:
        What was refused, as it comes.
    """
    import fcntl  # there is none on Windows itself, where this module is imported too

    refused: list[str] = []
    flush, open_, replace, rename = os.fsync, os.open, os.replace, os.rename
    unlink, remove = os.unlink, os.remove

    def fsync(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            refused.append(f"fsync {os.readlink(f'/proc/self/fd/{number}')}")
            raise OSError(errno.EBADF, "Bad file descriptor")
        flush(number)

    def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if not flags & os.O_DIRECTORY and not named and os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_(path, flags, *arguments, **named)

    def guarded(act: Callable[..., None], what: str, several: bool) -> Callable[..., None]:
        def guard(*arguments: Any, **named: Any) -> None:
            for path in arguments[: 2 if several else 1]:
                whole = os.path.realpath(_whole(path, named))
                held = [name for name in open_files() if name == whole or name.startswith(whole + os.sep)]
                if held:
                    refused.append(f"{what} {whole}")
                    raise _sharing_violation(whole)
            act(*arguments, **named)

        return guard

    def renamed(source: Any, target: Any, **named: Any) -> None:
        if os.path.lexists(target):
            refused.append(f"rename onto {target}")
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        guarded(rename, "rename", True)(source, target, **named)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "replace", guarded(replace, "replace", True))
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "unlink", guarded(unlink, "unlink", False))
    monkeypatch.setattr(os, "remove", guarded(remove, "remove", False))
    monkeypatch.setattr("engine.files.PAUSES", (0.0, 0.0))
    return refused


def ignore_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names that differ by case alone name one file, as disks of Windows and macOS do."""
    stat, open_ = os.stat, os.open

    def found(path: Any) -> Any:
        if not isinstance(path, str | os.PathLike) or os.path.lexists(path):
            return path
        place = Path(path)
        if not place.parent.is_dir():
            return path
        same = [entry for entry in os.listdir(place.parent) if entry.casefold() == place.name.casefold()]
        return place.parent / same[0] if same else path

    monkeypatch.setattr(os, "stat", lambda path, **named: stat(found(path), **named))
    monkeypatch.setattr(os, "open", lambda path, *rest, **named: open_(found(path), *rest, **named))


def _sharing_violation(path: str) -> PermissionError:
    words = "The process cannot access the file because it is being used by another process"
    error = PermissionError(errno.EACCES, words, path)
    error.winerror = SHARING_VIOLATION  # type: ignore[attr-defined]
    return error


def _whole(path: Any, named: dict[str, Any]) -> str:
    folder = named.get("dir_fd") or named.get("src_dir_fd")
    name = os.fsdecode(path)
    return name if folder is None else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
