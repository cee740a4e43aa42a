"""Three stages that run at once, joined by short queues."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from engine.errors import CancelledError, CorruptError, OutputWriteError
from engine.render.stages import DEPTH, Assembly


def doubled(items: Iterable[int]) -> Iterator[int]:
    return (2 * item for item in items)


def nothing() -> None:
    pass


def test_everything_comes_out_once_and_in_order() -> None:
    assembly = Assembly(lambda: range(50), doubled, lambda item: item + 1, nothing)
    assert list(assembly.run(threading.Event())) == [2 * i + 1 for i in range(50)]


def test_no_more_than_a_few_items_are_ever_under_way() -> None:
    made, finished, most = 0, 0, 0

    def source() -> Iterator[int]:
        nonlocal made, most
        for item in range(60):
            made += 1
            most = max(most, made - finished)
            yield item

    def sink(item: int) -> int:
        nonlocal finished
        time.sleep(0.001)
        finished += 1
        return item

    assert len(list(Assembly(source, doubled, sink, nothing).run(threading.Event()))) == 60
    # Two full queues, and one item in the hands of each stage.
    assert most <= 2 * DEPTH + 3


def test_frames_before_a_damaged_one_are_finished_before_its_error_is_told() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise CorruptError("frame 5: the file is truncated")

    finished: list[int] = []
    results = Assembly(source, doubled, lambda item: item, nothing).run(threading.Event())
    with pytest.raises(CorruptError):
        finished.extend(results)
    assert finished == [0, 2, 4, 6, 8]


def test_a_full_disk_stops_the_reader_and_the_renderer() -> None:
    read = 0
    halted = threading.Event()

    def source() -> Iterator[int]:
        nonlocal read
        for item in range(10_000):
            read += 1
            yield item

    def sink(_item: int) -> int:
        raise OutputWriteError("the disk is full")

    with pytest.raises(OutputWriteError):
        list(Assembly(source, doubled, sink, halted.set).run(threading.Event()))
    assert halted.is_set()
    assert read < 20
    assert not [t for t in threading.enumerate() if t.name.startswith("rackfocus-")]


def test_a_wish_to_stop_is_served_while_a_frame_is_rendered() -> None:
    halted = threading.Event()
    interrupted: list[bool] = []

    def slow(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            interrupted.append(halted.wait(30))
            if halted.is_set():
                raise CancelledError("stopped")
            yield item

    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(CancelledError):
        list(Assembly(lambda: range(5), slow, lambda item: item, halted.set).run(cancel))
    assert interrupted == [True]


def test_a_wish_to_stop_does_not_wait_for_a_disk_that_hangs() -> None:
    cancel, release = threading.Event(), threading.Event()
    threading.Timer(0.1, cancel.set).start()
    written: list[bool] = []
    with pytest.raises(CancelledError):
        list(Assembly(lambda: range(5), doubled, lambda _: written.append(release.wait(30)), nothing).run(cancel))
    assert not written
    release.set()
