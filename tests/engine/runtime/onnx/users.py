"""Being a user whom the system holds back: root, as whom tests run in containers, may read and write everywhere."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def held_back() -> Iterator[Path]:
    """Be nobody if this process is root's; gives an empty folder that then is ours."""
    before = os.geteuid()
    user = before or NOBODY
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        os.chown(place, user, -1)
        os.seteuid(user)
        try:
            yield Path(place)
        finally:
            os.seteuid(before)
