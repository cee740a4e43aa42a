"""Files of tensors: safetensors or Torch's own, whole or in shards. Headers are read first, tensors one by one."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.errors import CorruptWeightsError, MissingWeightsError, require

__all__ = ["FLOATING", "TensorFiles", "TensorSpec", "named", "sample_of"]

FLOATING: Final = ("fp32", "fp16", "bf16", "fp64")
"""Types that a network's tensors may have in a file."""

_TYPES: Final = {"F64": "fp64", "F32": "fp32", "F16": "fp16", "BF16": "bf16"}
_TORCH_TYPES: Final = {torch.float64: "fp64", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}

_BLOCKS: Final = 64
_BLOCK: Final = 1 << 16
_SHOWN: Final = 8


@dataclass(frozen=True)
class TensorSpec:
    """What a header says of a tensor.

    Attributes:
        shape: empty for a single number.
        dtype: one of ``FLOATING``, or another type's own name.
        file: where it is.
    """

    shape: tuple[int, ...]
    dtype: str
    file: Path


@dataclass(frozen=True)
class TensorFiles:
    """The tensors of one network.

    Attributes:
        files: one, or the shards in order.
        specs: of every tensor, by name.
    """

    files: tuple[Path, ...]
    specs: Mapping[str, TensorSpec]

    @classmethod
    def find(cls, folder: Path, stems: Iterable[str]) -> TensorFiles:
        """The tensors in a folder: safetensors before Torch's files, whole before shards, full precision before half.

        Args:
            folder: of the network.
            stems: what the files are called before their suffix.

        Raises:
            MissingWeightsError: there are none, a shard is missing, or a file cannot be read.
            CorruptWeightsError: a file is truncated, damaged or something else.
        """
        stems = tuple(stems)
        for suffix in ("safetensors", "bin"):
            for stem in stems:
                for name in (f"{stem}.{suffix}", f"{stem}.fp16.{suffix}"):
                    if (folder / name).is_file():
                        return cls._of([folder / name])
                for name in _index_names(stem, suffix):
                    if (folder / name).is_file():
                        return cls._of_index(folder / name)
        shards = sorted(path.name for path in folder.glob("*-of-*") if path.name.startswith(stems))
        if shards:
            raise MissingWeightsError(
                f"{folder} has shards like {shards[0]} but no index (*.index.json) of them; copy the whole folder again"
            )
        raise MissingWeightsError(f"{folder} has no {stems[0]}.safetensors and no .bin; copy the whole folder again")

    @classmethod
    def _of(cls, files: list[Path]) -> TensorFiles:
        specs: dict[str, TensorSpec] = {}
        for path in files:
            reader = _open(path)
            specs |= {name: TensorSpec(*reader.look(name), path) for name in reader.names}
        return cls(tuple(files), specs)

    @classmethod
    def _of_index(cls, index: Path) -> TensorFiles:
        try:
            places = json.loads(index.read_bytes())["weight_map"]
            names = sorted(set(places.values()))
            plain = all(Path(name).name == name for name in names)
        except OSError as error:
            raise _unreadable(index, error) from error
        except (ValueError, KeyError, TypeError, AttributeError):
            plain = False
        require(plain, CorruptWeightsError, f"{index} is damaged: it maps no tensors to files beside it; copy it again")
        absent = [name for name in names if not (index.parent / name).is_file()]
        require(
            not absent,
            MissingWeightsError,
            f"{index.parent} lacks {named(absent)} that {index.name} names; copy the whole folder again",
        )
        found = cls._of([index.parent / name for name in names])
        lost = [name for name, file in places.items() if name not in found.specs or found.specs[name].file.name != file]
        require(
            not lost,
            MissingWeightsError,
            f"{index} names tensors that its files do not hold: {named(lost)}; copy the whole folder again",
        )
        return found

    @property
    def size(self) -> int:
        """Bytes of the files together."""
        return sum(path.stat().st_size for path in self.files)

    def tensor(self, name: str) -> Tensor:
        """One tensor on the CPU, as it is stored. Raises as ``read`` does, and KeyError."""
        return _open(self.specs[name].file).take(name)

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
        """Tensors on the CPU, as they are stored, file by file; mapped from the disk where that can be.

        Raises:
            CorruptWeightsError: a file cannot be read through.
            MissingWeightsError: a file went away.
        """
        wanted = set(names)
        for path in self.files:
            reader = _open(path)
            for name in reader.names:
                if name in wanted:
                    yield name, reader.take(name)


def sample_of(path: Path) -> str:
    """A digest of a file's size and of 64 blocks of 64 KiB spread evenly over it: at most 4 MiB are read.

    Raises:
        MissingWeightsError: it cannot be read.
    """
    digest = sha256()
    try:
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as file:
            if size <= _BLOCKS * _BLOCK:
                digest.update(file.read())
            else:
                for number in range(_BLOCKS):
                    file.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
                    digest.update(file.read(_BLOCK))
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def named(names: list[str]) -> str:
    """A few of the names, and how many there are beside them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


class _Reader(Protocol):
    """An open file of tensors."""

    names: list[str]

    def look(self, name: str) -> tuple[tuple[int, ...], str]:
        """Shape and type."""
        ...

    def take(self, name: str) -> Tensor:
        """The tensor."""
        ...


class _Safetensors:
    def __init__(self, path: Path) -> None:
        self._path = path
        opened: Any = safe_open
        self._file = opened(path, "pt")
        self.names: list[str] = list(self._file.keys())

    def look(self, name: str) -> tuple[tuple[int, ...], str]:
        found = self._file.get_slice(name)
        kind = str(found.get_dtype())
        return tuple(found.get_shape()), _TYPES.get(kind, kind.lower())

    def take(self, name: str) -> Tensor:
        try:
            tensor: Tensor = self._file.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError) as error:
            raise _damaged(self._path) from error
        return tensor


class _Pickled:
    """Torch's own file, mapped, with nothing unpickled but tensors."""

    def __init__(self, path: Path) -> None:
        held = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        if not isinstance(held, dict) or not all(isinstance(value, Tensor) for value in held.values()):
            raise CorruptWeightsError(
                f"{path} holds no plain table of tensors; use the file that the network itself was saved to"
            )
        self._tensors: dict[str, Tensor] = held
        self.names = list(held)

    def look(self, name: str) -> tuple[tuple[int, ...], str]:
        tensor = self._tensors[name]
        return tuple(tensor.shape), _TORCH_TYPES.get(tensor.dtype, str(tensor.dtype).removeprefix("torch."))

    def take(self, name: str) -> Tensor:
        return self._tensors[name]


def _open(path: Path) -> _Reader:
    try:
        path.open("rb").close()  # safetensors 0.8 calls a file that may not be read one that is not there
        return _Safetensors(path) if path.suffix == ".safetensors" else _Pickled(path)
    except OSError as error:
        if isinstance(error, PermissionError | FileNotFoundError):
            raise _unreadable(path, error) from error
        raise _damaged(path) from error
    except pickle.UnpicklingError as error:
        raise CorruptWeightsError(
            f"{path} holds Python objects beside tensors, which could run any program when they are read, so it is "
            "not read; convert it to safetensors where you trust it"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> CorruptWeightsError:
    return CorruptWeightsError(f"{path} {_nature(path)}")


def _nature(path: Path) -> str:
    """What a file is that is no file of tensors, and what to do."""
    with path.open("rb") as file:
        head = file.read(512)
    start = head.lstrip().lower()
    if not head:
        return "is empty; copy it again"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not weights, as comes when a download needs a login; download it again"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer in place of the file; fetch it with git lfs pull"
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        return "is a zip archive, not a file of tensors; unpack it, or download the file again"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return (
            "is a plain pickle, which could run any program when it is read, so it is not read; "
            "convert it to safetensors where you trust it"
        )
    return "is truncated or damaged; copy or download it again"


def _unreadable(path: Path, error: OSError) -> MissingWeightsError:
    reason = error.strerror or ("it is gone" if isinstance(error, FileNotFoundError) else "no permission")
    return MissingWeightsError(f"{path} cannot be read ({reason}); let it be read, or copy it again")


def _index_names(stem: str, suffix: str) -> tuple[str, ...]:
    """How diffusers and transformers have called the index of shards, over time."""
    return (
        f"{stem}.{suffix}.index.json",
        f"{stem}.fp16.{suffix}.index.json",
        f"{stem}.{suffix}.index.fp16.json",
    )
