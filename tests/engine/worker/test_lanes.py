from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from engine.errors import DepthSizeError
from engine.worker.lanes import Job, Lane
from engine.worker.messages import Fault

PATIENCE = 30.0


class Answers:
    """Jobs, and what each was answered, in order."""

    def __init__(self) -> None:
        self.all: list[tuple[int | str, Any]] = []
        self._condition = threading.Condition()

    def job(self, request: int, parameters: object = "work") -> Job[Any]:
        return Job(request, parameters, lambda answer: self._hear(request, answer), lambda _event: None)

    def wait(self, count: int) -> list[tuple[int | str, Any]]:
        with self._condition:
            assert self._condition.wait_for(lambda: len(self.all) >= count, PATIENCE)
        return self.all

    def _hear(self, request: int | str, answer: Mapping[str, Any] | Fault) -> None:
        with self._condition:
            self.all.append((request, answer.data if isinstance(answer, Fault) else answer))
            self._condition.notify_all()


def stay(job: Job[Any]) -> Mapping[str, Any]:
    """Work that ends when it is told to."""
    while True:
        job.check()
        time.sleep(0.002)


def test_jobs_are_done_in_order_and_a_failure_stops_none_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    def work(job: Job[Any]) -> Mapping[str, Any]:
        if job.parameters == "size":
            raise DepthSizeError("depth is small")
        if job.parameters == "memory":
            raise MemoryError
        return {"half": 10 // job.parameters}

    answers = Answers()
    lane: Lane[Any] = Lane("test", work)
    for request, parameters in enumerate((2, "size", 0, "memory", 5)):
        lane.add(answers.job(request, parameters))
    said = [answer for _, answer in answers.wait(5)]
    assert said == [{"half": 5}, {"code": "depth.size"}, {"code": "internal"}, {"code": "memory"}, {"half": 2}]
    assert [request for request, _ in answers.all] == [0, 1, 2, 3, 4]
    assert "ZeroDivisionError" in capsys.readouterr().err
    lane.close(PATIENCE)


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_by_its_worker() -> None:
    answers = Answers()
    lane: Lane[Any] = Lane("test", stay)
    first, second = answers.job(1), answers.job(2)
    lane.add(first)
    lane.add(second)
    lane.cancel(second)
    assert answers.wait(1) == [(2, {"code": "cancelled"})]
    lane.cancel(first)
    assert answers.wait(2)[1] == (1, {"code": "cancelled"})
    lane.close(PATIENCE)


def test_a_replaced_job_is_answered_before_its_work_has_ended() -> None:
    release = threading.Event()
    halted: list[int] = []

    def work(job: Job[Any]) -> Mapping[str, Any]:
        job.halted_by(lambda: halted.append(1))
        release.wait(PATIENCE)
        return {"made": job.request}

    answers = Answers()
    lane: Lane[Any] = Lane("test", work)
    lane.add(answers.job(1, 1.5))
    while lane._running is None or lane._running._halt is None:
        time.sleep(0.002)
    lane.add(answers.job(2, "kept"))
    lane.replace(float)
    assert answers.wait(1) == [(1, {"code": "cancelled", "replaced": True})]
    assert halted == [1]
    release.set()
    assert answers.wait(2)[1] == (2, {"made": 2})
    lane.close(PATIENCE)


def test_closing_answers_all_that_is_left() -> None:
    answers = Answers()
    lane: Lane[Any] = Lane("test", stay)
    for request in range(3):
        lane.add(answers.job(request))
    lane.close(PATIENCE)
    assert sorted(answers.wait(3)) == [(request, {"code": "cancelled"}) for request in range(3)]
