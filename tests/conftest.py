"""How Hypothesis works here, and in which order tests run."""

from __future__ import annotations

import inspect
import os
import re
import sys

import pytest
from hypothesis import settings

if sys.platform == "win32":
    collect_ignore = ["engine/media/test_fuzz.py", "ui/cli/test_progress.py"]  # limits and terminals of POSIX

POSIX = re.compile(r"SIGKILL|SIGTERM|SIGUSR1|geteuid|symlink_to|chmod\(0o|/proc/|start_new_session|mkfifo|/dev/")
"""What a test that cannot be run on Windows speaks of: signals, links, rights and files of POSIX."""

# No deadlines: kernels compile at their first call, and the machines that run this are shared. A check of a submission
# tries the same examples each time; at a desk every run tries others.
settings.register_profile("rackfocus", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rackfocus")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes begin first; what only POSIX has is skipped on Windows."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)
    for item in items if sys.platform == "win32" else []:
        if isinstance(item, pytest.Function) and POSIX.search(inspect.getsource(item.function)):
            item.add_marker(pytest.mark.skip(reason="needs signals, links, rights or files of POSIX"))
