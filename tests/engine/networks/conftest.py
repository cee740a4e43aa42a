"""Tiny weights on disk, for the tests beside this."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.networks import folders


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.save(tmp_path_factory.mktemp("kept") / "weights")


@pytest.fixture
def weights(kept: Path, tmp_path: Path) -> Path:
    return folders.copy(kept, tmp_path / "weights")
