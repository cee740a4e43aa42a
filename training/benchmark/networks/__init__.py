"""The learned renderer's networks, counted and timed. Needs the ``torch`` extra."""

from training.benchmark.networks.flops import FlopCost, FlopOptions, FlopReport, run_flops
from training.benchmark.networks.speed import NetworkSpeedOptions, NetworkSpeedReport, run_network_speed
from training.benchmark.networks.timing import RuntimeSpeed

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
