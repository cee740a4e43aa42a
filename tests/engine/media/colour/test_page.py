from __future__ import annotations

from pathlib import Path

import pytest

from engine.media.colour import colour_spaces
from engine.media.colour.tables import colour_tables

PAGE = Path(__file__).resolve().parents[4] / "docs/what_is_read.md"


def test_the_page_tells_what_the_code_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    page = PAGE.read_text(encoding="utf-8")
    for title, table in colour_tables(colour_spaces()).items():
        assert table in page, f"the table of {title} in docs/what_is_read.md is another; paste in:\n{table}"
