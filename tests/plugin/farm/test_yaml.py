"""What is written as YAML is read as the same data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.farm.yaml import to_yaml

yaml = pytest.importorskip("yaml")

NAMES = st.from_regex(r"[a-z][A-Za-z]{0,8}", fullmatch=True).filter(lambda word: word not in {"on", "no", "y", "n"})
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cc", "Cs", "Zl", "Zp")))
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_yaml_reads_what_was_written(value: dict[str, object]) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_lists_of_mappings_stand_as_people_write_them() -> None:
    written = to_yaml({"steps": [{"name": "Check", "args": ["a", "b"]}, {"name": "Render", "args": []}]})
    assert written == (
        'steps:\n  - name: "Check"\n    args:\n      - "a"\n      - "b"\n  - name: "Render"\n    args: []\n'
    )
