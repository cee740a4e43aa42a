from __future__ import annotations

import pytest

from plugin.blender.jobs import Job, Status, Work, until_done


def test_a_job_goes_on_step_by_step_and_says_what_it_did() -> None:
    def work() -> Work:
        yield Status("one", 0.5)
        yield Status("two", waiting=True)
        return "done"

    job = Job(work())
    assert not job.step(60), "where it waits there is nothing to do, however much time there is"
    assert job.status.text == "two"
    assert job.step(60)
    assert job.message == "done"


def test_a_cancelled_job_puts_right_what_it_changed() -> None:
    tidied = []

    def work() -> Work:
        try:
            yield from until_done(lambda: False, "for ever")
        finally:
            tidied.append(True)
        return ""

    job = Job(work())
    assert not job.step()
    job.cancel()
    assert tidied


def test_what_goes_wrong_comes_out_of_the_step_that_it_went_wrong_in() -> None:
    def work() -> Work:
        yield Status("")
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        Job(work()).run()
