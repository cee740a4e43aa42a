"""How Hypothesis works here."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadlines: kernels compile at their first call, and the machines that run this are shared. A check of a submission
# tries the same examples each time; at a desk every run tries others.
settings.register_profile("rackfocus", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rackfocus")
