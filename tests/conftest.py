"""How Hypothesis works here, and in which order tests run."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadlines: kernels compile at their first call, and the machines that run this are shared. A check of a submission
# tries the same examples each time; at a desk every run tries others.
settings.register_profile("rackfocus", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rackfocus")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes begin first; the others keep their order."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)
