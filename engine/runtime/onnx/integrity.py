"""Whether the files of an export are the ones that its manifest was written for.

The graphs' own files are small (the weights lie beside them) and are hashed when the export is opened. The data files
have gigabytes: they are hashed while ONNX Runtime loads them, in a thread beside it (1.4 GB a second on one core), so
that a shot never renders with damaged weights and hardly waits for the certainty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from engine.errors import CorruptWeightsError, MissingWeightsError
from engine.runtime.onnx.manifest import GraphFile

__all__ = ["check_graphs", "checking_data"]

_AT_ONCE: Final = 1 << 22
_SMALL: Final = 64 << 20
"""Bytes of a graph's file up to which it is hashed when the export is opened; 50 ms."""


def check_graphs(folder: Path, files: Iterable[GraphFile]) -> None:
    """Make sure that small graph files are whole.

    Raises:
        CorruptWeightsError: a file is not the one of the manifest.
        MissingWeightsError: a file cannot be read.
    """
    for file in files:
        if _size(folder / file.file) <= _SMALL:
            _check(folder / file.file, file.sha256, lambda: None)


def checking_data(
    threads: ThreadPoolExecutor, folder: Path, files: Iterable[GraphFile], step: Callable[[], None]
) -> list[Future[None]]:
    """Begin to check everything that ``check_graphs`` leaves; the results raise as it does.

    Args:
        threads: what runs the checks.
        folder: of the export.
        files: of its graphs.
        step: called every few megabytes; what it raises ends the check.
    """
    checks = []
    for file in files:
        if _size(folder / file.file) > _SMALL:
            checks.append(threads.submit(_check, folder / file.file, file.sha256, step))
        if file.data is not None and file.data_sha256 is not None:
            checks.append(threads.submit(_check, folder / file.data, file.data_sha256, step))
    return checks


def _check(path: Path, digest: str, step: Callable[[], None]) -> None:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_AT_ONCE):
                step()
                found.update(part)
    except OSError as error:
        raise MissingWeightsError(
            f"{path}: cannot be read ({error.strerror}); make it readable, or copy the export again"
        ) from None
    if found.hexdigest() != digest:
        raise CorruptWeightsError(
            f"{path}: this is not the file that the export's manifest was written for: it was changed, truncated or "
            "replaced; copy the whole export again, or export again"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise MissingWeightsError(
            f"{path}: cannot be read ({error.strerror}); make it readable, or copy the export again"
        ) from None
