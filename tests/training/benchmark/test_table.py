from __future__ import annotations

import math

from training.benchmark.table import aligned, best, finite, mean, number


def test_unknown_numbers_are_dashes_and_perfect_ones_infinite() -> None:
    assert [number(v, 2) for v in (math.nan, math.inf, 3.14159)] == ["-", "inf", "3.14"]
    assert [finite(v) for v in (math.nan, math.inf, 2.0)] == [None, None, 2.0]


def test_a_mean_is_of_what_is_known() -> None:
    assert mean([1.0, math.nan, 3.0]) == 2.0
    assert math.isnan(mean([math.nan]))


def test_the_best_may_be_the_largest_or_the_least() -> None:
    values = [2.0, math.nan, 5.0]
    assert (best(values, larger=True), best(values, larger=False)) == (5.0, 2.0)
    assert math.isnan(best([], larger=True))


def test_columns_line_up() -> None:
    assert aligned((("name", "dB"), ("a", "1.0"), ("long name", "10.0"))).splitlines() == [
        "name         dB",
        "---------  ----",
        "a           1.0",
        "long name  10.0",
    ]
