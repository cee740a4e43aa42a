"""One engine in the cache: what it was built from and for, and whether it is still what was built."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.files import flush_file, flush_open
from engine.runtime.onnx.compatibility import Machine

__all__ = ["ENTRY", "EngineKey", "Entry", "doubt", "doubt_of", "read_entry", "write_entry"]

FORMAT: Final = 1
"""Of ``entry.json`` and of what the key is made of; an entry of another one is built anew."""

ENTRY: Final = "entry.json"

MACHINE_WORDS: Final = {
    "gpu": "",
    "capability": "compute capability ",
    "driver": "driver ",
    "cuda": "CUDA ",
    "tensorrt": "TensorRT ",
    "onnxruntime": "ONNX Runtime ",
}
"""What is said before the value of each part of a machine."""


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on; two equal keys are one engine.

    Attributes:
        graph: name of the graph, like ``unet``.
        graph_sha256: of its file.
        data_sha256: of the file of its weights; None where they lie in the graph.
        size: width and height of the pictures.
        frames: how many go through together.
        precision: of the graph.
        machine: card, driver and libraries.
        memory: bytes that the builder may use; None where it may use all. It decides which kernels can be chosen.
        level: how hard the builder looks for fast kernels, 0 to 5.
    """

    graph: str
    graph_sha256: str
    data_sha256: str | None
    size: tuple[int, int]
    frames: int
    precision: str
    machine: Machine
    memory: int | None = None
    level: int = 3

    @property
    def digest(self) -> str:
        """Name of the entry's folder: 32 letters that change with any part."""
        return hashlib.sha256(json.dumps([FORMAT, asdict(self)], sort_keys=True).encode()).hexdigest()[:32]

    @property
    def title(self) -> str:
        """For a person: ``unet at 1024x576, 8 frames, fp16``."""
        frames = f"{self.frames} frame{'' if self.frames == 1 else 's'}"
        return f"{self.graph} at {self.size[0]}x{self.size[1]}, {frames}, {self.precision}"

    def same_job(self, other: EngineKey) -> bool:
        """Whether another key is for the same graph, size, frames and precision, from whatever and on whatever."""
        return (self.graph, self.size, self.frames, self.precision) == (
            other.graph,
            other.size,
            other.frames,
            other.precision,
        )

    def is_but_for_memory(self, other: EngineKey) -> bool:
        """Whether another key is this one, but for the cap on the builder's memory."""
        return replace(self, memory=None) == replace(other, memory=None)

    def changes_since(self, older: EngineKey) -> tuple[tuple[str, str], ...]:
        """In what it differs from an older key of the same job: words for then, and for now."""
        changes = [
            (f"{word}{getattr(older.machine, part)}", f"{word}{getattr(self.machine, part)}")
            for part, word in MACHINE_WORDS.items()
            if getattr(older.machine, part) != getattr(self.machine, part)
        ]
        if (older.graph_sha256, older.data_sha256) != (self.graph_sha256, self.data_sha256):
            changes.append(("another export", "this one"))
        if older.memory != self.memory:
            changes.append((_cap(older.memory), _cap(self.memory)))
        if older.level != self.level:
            changes.append((f"optimization level {older.level}", f"optimization level {self.level}"))
        return tuple(changes)


@dataclass(frozen=True)
class Entry:
    """An engine in the cache.

    Attributes:
        key: what it was built from and for.
        folder: where it lies.
        created: seconds since 1970.
        seconds: how long it took to build.
        files: SHA-256 of every file by its name.
        size: bytes of all files.
    """

    key: EngineKey
    folder: Path
    created: float
    seconds: float
    files: dict[str, str]
    size: int


def read_entry(folder: Path) -> Entry:
    """What an entry says of itself; whether it is true, ``doubt`` tells.

    Raises:
        OSError, ValueError, KeyError, TypeError: nothing that can be understood.
    """
    said: dict[str, Any] = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']}")
    parts = dict(said["key"])
    width, height = parts.pop("size")
    machine = Machine(**parts.pop("machine"))
    files = {str(name): str(digest) for name, digest in dict(said["files"]).items()}
    if not files or any(Path(name).name != name for name in files):
        raise ValueError("files outside of the entry")
    key = EngineKey(size=(int(width), int(height)), machine=machine, **parts)
    return Entry(key, folder, float(said["created"]), float(said["seconds"]), files, int(said["size"]))


def write_entry(folder: Path, key: EngineKey, seconds: float) -> None:
    """Close what was built to others, put it on the disk for good, and write down what it is.

    Raises:
        OSError: the disk is full.
    """
    places = sorted(folder.iterdir())
    for place in places:
        place.chmod(0o600)
        flush_file(place)
    said = {
        "format": FORMAT,
        "key": asdict(key),
        "created": time.time(),
        "seconds": round(seconds, 3),
        "size": sum(place.stat().st_size for place in places),
        "files": {place.name: _digest(place) for place in places},
    }
    handle = os.open(folder / ENTRY, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(said, indent=2) + "\n")
        flush_open(file)


def doubt(folder: Path, key: EngineKey) -> str | None:
    """Why an entry must not be handed to the runtime; None where it is whole, ours and of this key.

    Raises:
        OSError: it cannot be read.
    """
    if told := doubt_of(folder):
        return told
    try:
        entry = read_entry(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder / ENTRY} is missing or damaged"
    if entry.key != key:
        return f"{folder} says that it was built for something else"
    present = {place.name for place in folder.iterdir()}
    if strange := sorted(present - {ENTRY, *entry.files}):
        return f"{folder / strange[0]} is not of this engine"
    for name, digest in entry.files.items():
        if name not in present:
            return f"{folder / name} is missing"
        if told := doubt_of(folder / name):
            return told
        if _digest(folder / name) != digest:
            return f"{folder / name} has changed since it was built"
    return doubt_of(folder / ENTRY)


def doubt_of(place: Path) -> str | None:
    """Why a file or folder is not certainly ours.

    Raises:
        OSError: there is none.
    """
    facts = place.lstat()
    if place.is_symlink():
        return f"{place} is a link"
    if sys.platform == "win32":  # the user's own folder is closed to others by its access list
        return None
    if facts.st_uid not in (os.geteuid(), 0):
        return f"{place} belongs to another user"
    if facts.st_mode & 0o022:
        return f"others may write to {place}"
    return None


def _digest(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cap(memory: int | None) -> str:
    return "no memory cap" if memory is None else f"a memory cap of {memory / 2**30:g} GiB"
