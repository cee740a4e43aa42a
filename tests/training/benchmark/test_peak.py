"""The most memory that a process has had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from training.benchmark.peak import peak_memory

ROOT = Path(__file__).resolve().parents[3]


def test_what_was_given_back_still_counts() -> None:
    before = peak_memory()
    held = np.ones(before + 2**27, np.uint8)
    assert peak_memory() >= held.nbytes
    del held
    assert peak_memory() >= before + 2**27


def test_what_the_parent_held_does_not_count() -> None:
    held = np.ones(2**29, np.uint8)
    code = "from training.benchmark.peak import peak_memory\nprint(peak_memory())"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 2**20 < int(told.stdout) < held.nbytes
