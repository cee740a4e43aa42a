"""Engines that were built once, kept in the user's cache folder: found again, told stale, refused when damaged.

An engine is machine code that the runtime executes. So only what this program built itself, under this user, and what
has not changed by a byte since, is handed to the runtime; everything else is refused and built again.

    <cache>/engines/<digest of the key>/entry.json     what it was built from and for, with the digest of every file
                                        *.engine ...   what TensorRT made, and the timings that it took
            locks/<digest>.lock                        who builds it now
            building/<digest>.<process>/               half-built; renamed to its place when whole
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OutputWriteError
from engine.files import discard, move
from engine.runtime.onnx.compatibility import Machine
from engine.runtime.onnx.engine_entry import EngineKey, Entry, doubt, doubt_of, read_entry, write_entry
from engine.runtime.onnx.engine_lock import hold, is_held

__all__ = ["EngineCache", "EngineKey", "Entry", "Found", "Machine", "outdated", "user_cache_folder"]


def user_cache_folder() -> Path:
    """Where the user's system keeps what can be made again; ``RACKFOCUS_CACHE`` names another place."""
    chosen = os.environ.get("RACKFOCUS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rackfocus"


@dataclass(frozen=True)
class Found:
    """What the cache says of an engine: where it is, or in one sentence why it must be built."""

    folder: Path | None
    reason: str | None


class EngineCache:
    """The engines of a user.

    Args:
        folder: the cache; ``engines`` in the user's own cache folder if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_cache_folder() / "engines"

    def find(self, key: EngineKey) -> Found:
        """An engine that is whole, ours and built for exactly this; nothing is written, and nothing is raised."""
        folder = self.folder / key.digest
        try:
            if not folder.is_dir():
                return Found(None, self._why_absent(key))
            told = doubt_of(self.folder) or doubt(folder, key)
        except OSError as error:
            return Found(None, f"{self.folder}: the engine cache cannot be read ({error.strerror or error})")
        if told:
            return Found(None, f"the engine of {key.title} is refused: {told}; it must be built again")
        return Found(folder, None)

    def build(
        self,
        key: EngineKey,
        make: Callable[[Path], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda _: None,
    ) -> Entry:
        """The engine of a key: from the cache, from another process that is building it, or made now and kept.

        Args:
            key: what it is built from and for.
            make: builds into the folder that it is given, and raises only errors of ours; ``*.timing`` files of earlier
                builds may lie in it.
            cancelled: looked at while another process is waited for.
            say: gets a sentence for whatever takes long or is put right.

        Raises:
            OutputWriteError: the cache cannot be written, or others may write into it.
            CancelledError: ``cancelled`` became true.
        """
        with self._writable():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in ("locks", "building"):
                (self.folder / name).mkdir(exist_ok=True, mode=0o700)
            if told := doubt_of(self.folder):
                raise OutputWriteError(
                    f"the engine cache cannot be trusted: {told}; choose another folder with RACKFOCUS_CACHE"
                )
            lock = self.folder / "locks" / f"{key.digest}.lock"
            with hold(lock, cancelled, lambda who: say(f"{key.title}: {who} is building it; waiting")):
                found = self.find(key)
                if found.folder:
                    return read_entry(found.folder)
                say(f"{key.title}: {found.reason}")
                return self._make(key, make)

    def entries(self) -> tuple[Entry, ...]:
        """All engines that say of themselves what they are, oldest first; damage inside is not looked for."""
        return tuple(sorted(self._readable(), key=lambda entry: (entry.created, entry.folder)))

    def clear(self, wanted: Callable[[Entry], bool], *, leftovers: bool = True) -> tuple[tuple[Entry, ...], int]:
        """Remove engines, and what is no engine: damaged entries and builds that were broken off.

        Args:
            wanted: whether an engine goes.
            leftovers: whether what is no engine goes too.

        Returns:
            The engines that were removed, and the bytes that are free now.

        Raises:
            OutputWriteError: something cannot be removed.
        """
        removed: list[Entry] = []
        freed = 0
        with self._writable():
            for entry in self.entries():
                if wanted(entry):
                    freed += _remove(entry.folder)
                    removed.append(entry)
            if leftovers:
                kept = {entry.folder for entry in self.entries()}
                for folder in (*self._folders(), *self._abandoned()):
                    if folder not in kept:
                        freed += _remove(folder)
        return tuple(removed), freed

    def _make(self, key: EngineKey, make: Callable[[Path], None]) -> Entry:
        """Build beside the place, write down what was built, and put it into its place whole."""
        scratch = self.folder / "building" / f"{key.digest}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        scratch.mkdir(mode=0o700)
        try:
            self._seed_timings(key, scratch)
            start = time.monotonic()
            make(scratch)
            write_entry(scratch, key, time.monotonic() - start)
            place = self.folder / key.digest
            if place.exists() or place.is_symlink():
                # A rename does not replace a folder that holds something: what was refused goes first.
                _remove(place)
            move(scratch, place)
            return read_entry(place)
        finally:
            discard(scratch)

    def _seed_timings(self, key: EngineKey, scratch: Path) -> None:
        """Give a build what earlier ones on this machine measured of single layers: most of its time is that."""
        for entry in reversed(self.entries()):
            if entry.key.machine != key.machine or doubt(entry.folder, entry.key):
                continue
            for timing in entry.folder.glob("*.timing"):
                shutil.copyfile(timing, scratch / timing.name)
            return

    def _why_absent(self, key: EngineKey) -> str:
        """Which engine there is instead, and what has changed since."""
        alike = [entry.key for entry in reversed(self.entries()) if key.same_job(entry.key)]
        if not alike:
            return f"there is no engine of {key.title} yet"
        changes = min((key.changes_since(older) for older in alike), key=len)
        if not changes:
            return f"the engine of {key.title} was moved from its place in {self.folder}"
        built, now = (" and ".join(words) for words in zip(*changes, strict=True))
        return f"the engine of {key.title} is stale: it was built for {built}, and now there is {now}"

    def _readable(self) -> Iterator[Entry]:
        for folder in self._folders():
            with suppress(OSError, ValueError, KeyError, TypeError):
                yield read_entry(folder)

    def _folders(self) -> tuple[Path, ...]:
        """Everything that lies where entries lie."""
        try:
            inside = sorted(self.folder.iterdir())
        except OSError:
            return ()
        return tuple(place for place in inside if place.name not in ("locks", "building"))

    def _abandoned(self) -> tuple[Path, ...]:
        """What is left of builds that no living process is at."""
        locks, building = self.folder / "locks", self.folder / "building"
        left = [
            *(place for place in building.glob("*") if not is_held(locks / f"{place.name.split('.')[0]}.lock")),
            *(place for place in locks.glob("*") if not is_held(place)),
        ]
        return tuple(left)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputWriteError(
                f"{error.filename or self.folder}: the engine cache cannot be written ({error.strerror or error}); "
                "free some space, or choose another folder with RACKFOCUS_CACHE"
            ) from error


def outdated(key: EngineKey, machine: Machine) -> bool:
    """Whether an engine is for this machine's card and can still not be used on it; other cards' are left alone."""
    return key.machine.gpu == machine.gpu and key.machine != machine


def _remove(place: Path) -> int:
    """Remove a file, link or folder.

    Returns:
        Bytes that it held.
    """
    if place.is_symlink() or not place.is_dir():
        size = place.lstat().st_size
        place.unlink()
        return size
    size = sum(inner.lstat().st_size for inner in place.rglob("*") if not inner.is_dir())
    shutil.rmtree(place)
    return size
