"""Which of Numba's threading layers runs our kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
{first}
import numpy as np
from engine.depth import clean_edges
import numba
clean_edges(np.zeros((8, 8), np.float32))
print(numba.threading_layer())
"""


@pytest.mark.parametrize("first", ["import engine", "import numba"])
@pytest.mark.parametrize(("asked", "runs"), [(None, {"omp", "workqueue"}), ("workqueue", {"workqueue"})])
def test_kernels_never_run_on_the_layer_that_loses_memory(first: str, asked: str | None, runs: set[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_THREADING")}
    if asked is not None:
        environment["NUMBA_THREADING_LAYER"] = asked
    command = [sys.executable, "-c", SCRIPT.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    assert done.stdout.strip() in runs
