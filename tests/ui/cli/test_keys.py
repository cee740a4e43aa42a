"""Keys as people type them."""

from __future__ import annotations

import pytest

from engine.errors import KeysError
from ui.cli.keys import blur_keys, focus_keys


def test_keys_of_all_kinds_come_in_order_of_frames() -> None:
    keys = focus_keys(["1024@812,404.5", "1001=0.62"], ["1012=3.2"])
    assert keys == [
        {"frame": 1001.0, "disparity": 0.62},
        {"frame": 1012.0, "distance": 3.2},
        {"frame": 1024.0, "pixel": [812.0, 404.5]},
    ]


def test_negative_and_fractional_frames_are_frames() -> None:
    assert blur_keys(["-3=8", "1.5=1e1"]) == [{"frame": -3.0, "value": 8.0}, {"frame": 1.5, "value": 10.0}]


@pytest.mark.parametrize(
    "text", ["", "1001", "1001:0.5", "1001=", "=0.5", "1001@3", "1001@3,4,5", "a=b", "1001=0.5 px"]
)
def test_what_is_no_key_is_told_with_an_example(text: str) -> None:
    with pytest.raises(KeysError, match=r"1001=0\.62 or 1024@812,404"):
        focus_keys([text], [])


def test_values_that_are_no_numbers_reach_the_document_which_refuses_them() -> None:
    assert str(blur_keys(["1001=nan"])[0]["value"]) == "nan"
