"""The learned renderer's networks, counted and timed. Needs the ``torch`` extra."""

from training.benchmark.networks.flops import FlopCost, FlopOptions, FlopReport, run_flops
from training.benchmark.networks.speed import (
    NetworkSpeedOptions,
    NetworkSpeedReport,
    RuntimeSpeed,
    run_network_speed,
)

__all__ = [
    "FlopCost",
    "FlopOptions",
    "FlopReport",
    "NetworkSpeedOptions",
    "NetworkSpeedReport",
    "RuntimeSpeed",
    "run_flops",
    "run_network_speed",
]
