"""Work that is spread over processes, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import MemoryShortError
from training.processes import in_processes

ROOT = Path(__file__).resolve().parents[2]

INTERRUPTED = """
import random, signal, sys
from contextlib import closing
from tests.training.test_processes import double, interrupt
from training.processes import in_processes

signal.signal(signal.SIGALRM, interrupt)
chance = random.Random(1)
for turn in range(60):
    if turn % 2:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 + chance.random() * 0.03)  # while processes start
    try:
        with closing(in_processes(double, [(n,) for n in range(300)], 1)) as results:
            for count, _ in enumerate(results):
                if count == 1:
                    signal.setitimer(signal.ITIMER_REAL, 1e-6 + chance.random() * 6e-4)
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""

ABANDONED = """
import os
from tests.training.test_processes import sleep_and_leave_word
from training.processes import in_processes

for _ in in_processes(sleep_and_leave_word, [(os.environ["WORD"],)] * 2, 2):
    pass
"""


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def double(number: int) -> int:
    return 2 * number


def fail(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number


def end_hard(_number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_and_leave_word(folder: str) -> None:
    """Say that it began; then wait for an end that comes from outside, and clear away."""
    word = Path(folder) / str(os.getpid())
    word.touch()
    try:
        time.sleep(600)
    finally:
        word.unlink()


def processes_at_work(folder: Path, count: int) -> list[int]:
    """Numbers of the processes that left word, when there are so many."""
    while len(list(folder.iterdir())) < count:
        time.sleep(0.01)
    return [int(word.name) for word in folder.iterdir()]


def test_every_call_gives_its_result_with_its_index() -> None:
    found = dict(in_processes(double, [(number,) for number in range(20)], 2))
    assert found == {number: 2 * number for number in range(20)}


def test_an_error_in_one_call_is_raised_and_ends_the_others() -> None:
    with pytest.raises(ValueError, match="two"):
        list(in_processes(fail, [(number,) for number in range(5)], 2))


def test_a_process_that_the_system_ends_is_one_sentence() -> None:
    with pytest.raises(MemoryShortError, match="use fewer processes"):
        list(in_processes(end_hard, [(1,), (2,)], 2))


def test_one_who_takes_no_more_results_ends_the_work_and_what_it_began(tmp_path: Path) -> None:
    calls = [(str(tmp_path),)] * 2

    def interrupt_when_at_work() -> None:
        processes_at_work(tmp_path, 2)
        os.kill(os.getpid(), signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, interrupt)
    threading.Thread(target=interrupt_when_at_work, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt), closing(in_processes(sleep_and_leave_word, calls, 2)) as results:
            next(results)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not list(tmp_path.iterdir())


def test_an_interrupt_at_any_moment_ends_the_work() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "stopped" in done.stdout


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc for processes")
def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ABANDONED], cwd=ROOT, env={**os.environ, "WORD": str(tmp_path)})
    at_work = processes_at_work(tmp_path, 2)
    parent.kill()
    parent.wait()
    while any(Path(f"/proc/{number}/cmdline").is_file() for number in at_work):
        time.sleep(0.01)
