"""Puts the plugin of a host where the host looks for it, and takes it away again.

Each host's folder holds ``install.json``::

    {"host": "nuke",
     "files": {"nuke/menu.py": "rackfocus_plugin/nuke/menu.py"},
     "lines": {"init.py": "nuke.pluginAddPath('./rackfocus_plugin/nuke')"}}

``files`` says which file below this folder goes where below the host's own; what all hosts share (``client.py``,
``document.py`` ...) goes to ``rackfocus_plugin/`` by itself. ``lines`` are added to files that may be the person's own,
and are known again by the mark behind them. ``rackfocus_plugin/engine.json`` is written last: it tells the client the
engine's command line, and is the record of what was installed. What the record does not name, or what was changed
since, is never replaced and never removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from engine.errors import DependencyError, OutputExistsError, OutputWriteError, require
from engine.files import write_whole

__all__ = ["HOSTS", "Change", "Plan", "carry_out", "host_folders", "plan_install", "plan_removal"]

HOSTS: Final = ("nuke", "resolve", "blender")
PACKAGE: Final = "rackfocus_plugin"
MARKER: Final = f"{PACKAGE}/engine.json"
MARK: Final = "  # added by rackfocus install"
ENGINE_ONLY: Final = frozenset({"installing.py"})
"""What of the shared files stays with the engine."""


@dataclass(frozen=True)
class Change:
    """One file that is to be made, replaced or removed.

    Attributes:
        action: what is done to it.
        path: of the file.
        content: what it will hold; None where it is removed.
    """

    action: Literal["write", "replace", "remove"]
    path: Path
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Plan:
    """What an installation or a removal would do.

    Attributes:
        host: whose plugin.
        folder: of the host.
        installed: version that is there, if one is.
        changes: in the order in which they are made; none where nothing is to do.
        kept: files of ours that somebody has changed, and that a removal leaves.
    """

    host: str
    folder: Path
    installed: str | None
    changes: tuple[Change, ...]
    kept: tuple[Path, ...] = ()


@dataclass
class _Record:
    """What ``engine.json`` says: files with their SHA-256, and which host needs which."""

    version: str | None = None
    hosts: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> _Record:
        content = _content(folder / MARKER)
        if content is None:
            return cls()
        try:
            said = json.loads(content)
            hosts = {str(host): [str(place) for place in places] for host, places in said["hosts"].items()}
            return cls(str(said["version"]), hosts, {str(k): str(v) for k, v in said["files"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise OutputExistsError(
                f"{folder / MARKER} is no record of an installation; remove it, and the plugin beside it, by hand"
            ) from None

    def written(self, command: Sequence[str], version: str) -> bytes:
        held = {place for places in self.hosts.values() for place in places}
        files = {place: digest for place, digest in self.files.items() if place in held}
        said = {"command": list(command), "version": version, "hosts": self.hosts, "files": files}
        return (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()

    def owns(self, place: str, content: bytes) -> bool:
        return self.files.get(place) == _digest(content)


def host_folders(
    host: str,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    home: Path | None = None,
) -> tuple[Path, ...]:
    """Where a host looks for plugins of this user: one folder, or one for each version of Blender.

    * Nuke: the first folder of NUKE_PATH, else ``.nuke`` in the home.
    * Resolve: the ``Fusion`` folder of its user's data, which holds ``Scripts`` and ``Templates``.
    * Blender: ``scripts/addons`` of every version that was started; BLENDER_USER_SCRIPTS and BLENDER_USER_RESOURCES
      come first.

    Raises:
        DependencyError: Blender was never started by this user.
    """
    home = home or Path.home()
    roaming = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    support = home / "Library" / "Application Support"
    if host == "nuke":
        first = environment.get("NUKE_PATH", "").split(";" if platform == "win32" else ":")[0].strip()
        # Nuke on Windows takes HOME before the profile's folder.
        own = Path(environment.get("HOME") or home) if platform == "win32" else home
        return (Path(first).expanduser() if first else own / ".nuke",)
    if host == "resolve":
        data = {
            "darwin": support / "Blackmagic Design" / "DaVinci Resolve",
            "win32": roaming / "Blackmagic Design" / "DaVinci Resolve" / "Support",
        }.get(platform, home / ".local" / "share" / "DaVinciResolve")
        return (data / "Fusion",)
    if environment.get("BLENDER_USER_SCRIPTS"):
        return (Path(environment["BLENDER_USER_SCRIPTS"]) / "addons",)
    if environment.get("BLENDER_USER_RESOURCES"):
        return (Path(environment["BLENDER_USER_RESOURCES"]) / "scripts" / "addons",)
    base = {"darwin": support / "Blender", "win32": roaming / "Blender Foundation" / "Blender"}.get(
        platform, Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "blender"
    )
    versions = sorted(base.glob("[0-9]*.[0-9]*"), key=lambda folder: [int(n) for n in folder.name.split(".")])
    require(
        bool(versions),
        DependencyError,
        f"{base} holds no version of Blender; start Blender once, or name its scripts/addons folder with --to",
    )
    return tuple(version / "scripts" / "addons" for version in versions)


def plan_install(
    host: str, folder: Path, command: Sequence[str], version: str, source: Path = Path(__file__).parent
) -> Plan:
    """What it takes for ``folder`` to hold this version of a host's plugin; nothing where it does already.

    Args:
        host: one of ``HOSTS``.
        folder: of the host, see ``host_folders``.
        command: the engine's command line, for the client.
        version: of this installation.
        source: folder that holds the client and the hosts' folders.

    Raises:
        OutputExistsError: a file is there that is not ours, or that somebody has changed.
        DependencyError: this installation has no plugin for the host.
    """
    manifest = _manifest(host, source)
    record = _Record.read(folder)
    wanted = _wanted(manifest, source)
    changes: list[Change] = []
    foreign: list[Path] = []
    for place, content in wanted.items():
        path = folder / place
        there = _content(path)
        if there is not None and there != content and not record.owns(place, there):
            foreign.append(path)
        if there != content:
            changes.append(Change("write" if there is None else "replace", path, content))
    require(
        not foreign,
        OutputExistsError,
        f"{', '.join(map(str, foreign))}: not written by rackfocus install, or changed since; "
        "move it away, then install again",
    )
    left = [place for place in record.hosts.get(host, ()) if place not in wanted]
    changes += _removals(folder, record, _only_of(host, record, left))[0]
    for place, line in manifest["lines"].items():
        changes += _with_line(folder / place, line)
    after = _Record(version, dict(record.hosts), dict(record.files))
    after.hosts[host] = sorted(wanted)
    after.files |= {place: _digest(content) for place, content in wanted.items()}
    changes += _marker(folder, after, after.written(command, version))
    return Plan(host, folder, record.version if host in record.hosts else None, tuple(changes))


def plan_removal(host: str, folder: Path, source: Path = Path(__file__).parent) -> Plan:
    """What it takes for ``folder`` to hold nothing of ours for a host; files that somebody has changed stay.

    Raises:
        OutputExistsError: the record of the installation cannot be read.
        DependencyError: this installation has no plugin for the host.
    """
    record = _Record.read(folder)
    changes, kept = _removals(folder, record, _only_of(host, record, record.hosts.get(host, ())))
    for place in _manifest(host, source)["lines"]:
        changes += _without_line(folder / place)
    after = _Record(record.version, {name: list(v) for name, v in record.hosts.items() if name != host}, record.files)
    there = _content(folder / MARKER)
    if there is not None and host in record.hosts:
        command = json.loads(there).get("command", [])
        changes += _marker(folder, after, after.written(command, str(record.version)))
    return Plan(host, folder, record.version if host in record.hosts else None, tuple(changes), tuple(kept))


def carry_out(plan: Plan) -> None:
    """Make the changes of a plan, each file whole or not at all; empty folders that are left go too.

    Raises:
        OutputWriteError: the folder may not be written.
    """
    for change in plan.changes:
        try:
            if change.content is None:
                _remove(change.path, plan.folder)
            else:
                _write(change.path, change.content)
        except OSError as error:
            raise OutputWriteError(
                f"{change.path} cannot be changed ({error.strerror}); check who owns the folder, or choose another "
                "with --to"
            ) from error


def _manifest(host: str, source: Path) -> dict[str, Any]:
    file = source / host / "install.json"
    content = _content(file)
    require(content is not None, DependencyError, f"{file} is missing: this installation has no plugin for {host}")
    assert content is not None
    said = json.loads(content)
    places = [*said.get("files", {}).values(), *said.get("lines", {})]
    outside = [place for place in places if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts]
    require(not outside, DependencyError, f"{file}: {outside} lie outside the host's folder; correct them")
    return {"files": said.get("files", {}), "lines": said.get("lines", {})}


def _wanted(manifest: Mapping[str, Any], source: Path) -> dict[str, bytes]:
    """Place below the host's folder and content of every file that belongs there."""
    shared = {f"{PACKAGE}/{file.name}": file for file in source.glob("*.py") if file.name not in ENGINE_ONLY}
    named = {place: source / name for name, place in manifest["files"].items()}
    missing = [str(file) for file in named.values() if not file.is_file()]
    require(not missing, DependencyError, f"{', '.join(missing)}: missing in this installation; install Rackfocus anew")
    return {place: file.read_bytes() for place, file in sorted({**shared, **named}.items())}


def _only_of(host: str, record: _Record, places: Iterable[str]) -> list[str]:
    others = {place for name, held in record.hosts.items() if name != host for place in held}
    return [place for place in places if place not in others]


def _removals(folder: Path, record: _Record, places: Iterable[str]) -> tuple[list[Change], list[Path]]:
    removed, kept = [], []
    for place in places:
        there = _content(folder / place)
        if there is None:
            continue
        if record.owns(place, there):
            removed.append(Change("remove", folder / place))
        else:
            kept.append(folder / place)
    return removed, kept


def _marker(folder: Path, after: _Record, content: bytes) -> list[Change]:
    path = folder / MARKER
    there = _content(path)
    if not after.hosts:
        return [Change("remove", path)]
    return [] if there == content else [Change("write" if there is None else "replace", path, content)]


def _with_line(path: Path, line: str) -> list[Change]:
    there = _content(path)
    lines = (there or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
    wanted = f"{line}{MARK}\n"
    kept = [old for old in lines if MARK not in old]
    if wanted in lines and len(kept) == len(lines) - 1:
        return []
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    content = "".join([*kept, wanted]).encode("utf-8", "surrogateescape")
    return [Change("write" if there is None else "replace", path, content)]


def _without_line(path: Path) -> list[Change]:
    there = _content(path)
    lines = (there or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
    kept = [line for line in lines if MARK not in line]
    if len(kept) == len(lines):
        return []
    content = "".join(kept).encode("utf-8", "surrogateescape")
    return [Change("replace", path, content) if content.strip() else Change("remove", path)]


def _write(path: Path, content: bytes) -> None:
    path = path.resolve()  # a person's own init.py is often a link
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


def _remove(path: Path, folder: Path) -> None:
    """Remove a file with what Python compiled from it, and the folders that it leaves empty."""
    path.unlink(missing_ok=True)
    compiled = path.parent / "__pycache__"
    for file in compiled.glob(f"{path.stem}.*.pyc") if path.suffix == ".py" else ():
        file.unlink(missing_ok=True)
    with suppress(OSError):  # it holds something else
        if compiled.is_dir():
            compiled.rmdir()
        for parent in path.parents:
            if parent == folder:
                break
            parent.rmdir()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputExistsError(f"{path} cannot be read ({error.strerror}); move it away") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
