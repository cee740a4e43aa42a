"""What the tests of training share."""

from __future__ import annotations

import pytest

from tests.training.data.making import tiny_set
from training.data.clips import ClipSet


@pytest.fixture(scope="session")
def tiny_clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    """A small finished set; read it only."""
    return tiny_set(tmp_path_factory.mktemp("sets") / "tiny")
