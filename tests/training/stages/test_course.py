from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.training.stages.toy_windows import ToyWindows
from training.stages.course import Order, course

COUNTS = st.integers(1, 9)


@given(COUNTS, st.integers(1, 5), st.integers(0, 99))
def test_every_epoch_has_every_window_once(windows: int, epochs: int, seed: int) -> None:
    numbers = list(Order(windows, 0, windows * epochs, seed))
    assert sorted(numbers) == list(range(windows * epochs))
    assert [number // windows for number in numbers] == [epoch for epoch in range(epochs) for _ in range(windows)]


@given(COUNTS, st.integers(0, 30), st.integers(0, 30), st.integers(0, 99))
def test_the_order_from_any_place_is_the_rest_of_the_whole(windows: int, first: int, more: int, seed: int) -> None:
    last = first + more
    assert list(Order(windows, first, last, seed)) == list(Order(windows, 0, last, seed))[first:]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, second = list(Order(20, 0, 20, 0)), [number - 20 for number in Order(20, 20, 40, 0)]
    assert first != second
    assert first != list(Order(20, 0, 20, 1))


def test_a_worker_reads_the_same_batches_as_the_process_itself() -> None:
    read = [
        [value for batch in course(ToyWindows(3), 2, 2, 12, 0, workers) for value in batch["picture"][:, 0, 0].tolist()]
        for workers in (0, 1)
    ]
    assert read[0] == read[1]
    assert [int(value) // 100 for value in read[0]] == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
