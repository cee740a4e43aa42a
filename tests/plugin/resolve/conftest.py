from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.resolve import running


@pytest.fixture(autouse=True)
def no_engine_is_left() -> Iterator[None]:
    yield
    for engine in running._ENGINES.values():
        engine.close()
    running._ENGINES.clear()
