"""The refocus engine: no Qt, no host application, no training code."""

from __future__ import annotations

import os
import sys

__all__: list[str] = []

# Numba takes oneTBB where the system has it (Blender's package brings it), and loses 7 KB with each launch of a short
# kernel there: 90 KB a frame of 64x36 (numba 0.68.1, TBB 2021.8; numba issue 10225). OpenMP is as fast and keeps none.
# Read when the first parallel kernel starts; an operator's own setting goes before it.
if "NUMBA_THREADING_LAYER_PRIORITY" not in os.environ:
    os.environ["NUMBA_THREADING_LAYER_PRIORITY"] = "omp workqueue tbb"
    if "numba" in sys.modules:  # it has read the environment before
        sys.modules["numba"].config.THREADING_LAYER_PRIORITY = ["omp", "workqueue", "tbb"]
