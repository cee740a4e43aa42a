"""The learned renderer's networks, counted and timed. Needs the ``torch`` extra."""

from training.benchmark.networks.flops import FlopCost, FlopOptions, FlopReport, run_flops

__all__ = ["FlopCost", "FlopOptions", "FlopReport", "run_flops"]
