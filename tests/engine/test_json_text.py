"""What is written as JSON can be read by every reader of JSON."""

from __future__ import annotations

import json
from math import inf, nan

import pytest

from engine.cancelling import NEVER
from engine.json_text import json_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (inf, "infinity"),
        (-inf, "-infinity"),
        (nan, "nan"),
        ({"far": inf, "near": 1.5}, {"far": "infinity", "near": 1.5}),
        ([1, (nan, {"a": [inf]})], [1, ["nan", {"a": ["infinity"]}]]),
        ({"a": None, "b": True, "c": "\udcff"}, {"a": None, "b": True, "c": "\udcff"}),
    ],
)
def test_numbers_that_are_not_finite_are_texts(value: object, expected: object) -> None:
    assert json.loads(json_text(value), parse_constant=pytest.fail) == expected


def test_nobody_can_set_what_all_work_shares() -> None:
    assert not NEVER.is_set()
    assert not hasattr(NEVER, "set")
    with pytest.raises(AttributeError):
        NEVER.wish = True  # type: ignore[attr-defined]
